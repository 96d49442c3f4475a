"""The published warehouse for many readers: its tables as Parquet, with the SQL that makes the same views of them.

    DESTINATION/
      peacekeeping.sql           opens the newest build in any DuckDB, from anywhere
      latest.json                which build that is; written last
      latest/                    leads to it (folders of this machine only)
      builds/<build id>/
        main/fatalities.parquet, main/uniformed_personnel/year=2015/data.parquet, meta/…
        open.sql, views.sql      the same SQL with relative paths; the marts alone
        datapackage.json         fields, types, licences, sources
        manifest.json            each file's SHA-256, bytes and rows

A build's folder is put there whole and never changed; what points to it follows. A reader sees the build before or
this one, never half of it, and an export that fails leaves all as it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from schemas.source import Source
from schemas.tables import TABLES
from warehouse import ddl, load
from warehouse.export import sql
from warehouse.export.datapackage import File, describe
from warehouse.export.store import BUILDS, ExportError, Store, Track, open_store

FORMAT = 1  # of the folder's layout; another one is written anew
LATEST, OPENED = "latest.json", "peacekeeping.sql"
SCHEMAS = ("main", "meta")
OTHER_CODE = "The warehouse was built by other code than this:"
REBUILD = "Run `peacekeeping refresh` (with --as-of, if it is of a day) to build it anew."
POINTED = ("format", "build_id", "manifest_sha256", "rows", "files", "bytes", "address", "builds")


class WrongTable(ExportError):
    """A table was asked for that the warehouse has not."""


@dataclass
class Exported:
    """What an export did."""

    build_id: str
    destination: str
    new: bool
    tables: int
    rows: int
    files: int
    bytes: int
    builds: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    views_left_out: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "path": f"{BUILDS}/{self.build_id}"}


def export(
    warehouse: Path,
    destination: str,
    declared: Mapping[str, Source],
    *,
    tables: Sequence[str] = (),
    as_of: str | None = None,
    keep: int | None = None,
    tracked: Track = iter,
) -> Exported:
    """Publish a warehouse file's tables as Parquet at a path or URL; where that build is there whole, nothing is done.

    declared  what each source's declaration says, by its name
    tables    only these, `fatalities` or `meta.snapshots`; all of main and meta without
    as_of     the day, where the warehouse is one of what had been published by a day
    keep      how many builds stay there, this one included; all without

    Raises ExportError when it can't be done; what was published there stays as it was.
    """
    store = open_store(destination)
    try:
        with _opened(warehouse) as connection, store.scratch() as scratch:
            every = {name: table for name, table in sql.held(connection).items() if table.schema_name in SCHEMAS}
            chosen = _chosen(every, tables)
            build_id = _build_id(connection, warehouse)
            scope = {"as_of": as_of, "tables": None if not tables else [table.full_name for table in chosen]}
            pointer = _pointer(store, scope)
            marts = sql.marts_over([table.full_name for table in chosen])
            left_out = sorted({f.stem for f in load.mart_files()} - {mart.name for mart in marts})
            new = not (pointer and _is_whole(store, pointer, build_id))
            if pointer and not new:
                _follow(store, pointer)
            else:
                staged = _stage(connection, chosen, marts, declared, scratch, build_id, scope)
                store.place(scratch, staged.folder, tracked)
                pointer = _point(store, staged, scope, pointer)
            builds, removed = _prune(store, pointer, keep)
    except (duckdb.Error, OSError) as error:
        told = load.first_line(error).rstrip(".") if isinstance(error, duckdb.Error) else str(error)
        raise ExportError(f"The export failed: {told}. What was published at {store.address} is as it was.") from error
    counts = {name: pointer[name] for name in ("rows", "files", "bytes")}
    return Exported(
        build_id, store.address, new, len(chosen), **counts, builds=builds, removed=removed, views_left_out=left_out
    )


def _opened(warehouse: Path) -> duckdb.DuckDBPyConnection:
    """The warehouse file, read-only; it may write files, which a query may not."""
    from warehouse.query import QueryError, connect

    try:
        connect(warehouse).close()  # says what is wrong with a file that can't be opened
        return duckdb.connect(str(warehouse), read_only=True)
    except QueryError as error:
        raise ExportError(str(error)) from error


def _build_id(connection: duckdb.DuckDBPyConnection, warehouse: Path) -> str:
    found = connection.execute("SELECT build_id FROM meta.builds").fetchall()
    if len(found) != 1:
        raise ExportError(f"{warehouse} has {len(found)} rows in meta.builds instead of one: it is no finished build.")
    return str(found[0][0])


def _chosen(every: Mapping[str, sql.Held], tables: Sequence[str]) -> list[sql.Held]:
    names = set()
    for table in tables:
        found = [name for name in (table, *(f"{schema}.{table}" for schema in SCHEMAS)) if name in every]
        if not found:
            raise WrongTable(f"There is no table {table!r} in main or meta. Tables: {', '.join(sorted(every))}.")
        names.add(found[0])
    return [table for name, table in every.items() if not names or name in names]


def _pointer(store: Store, scope: Mapping[str, Any]) -> dict[str, Any] | None:
    """What latest.json says; None where nothing is published there, or in another layout.

    Raises ExportError where it is an export of something else: its readers would lose what they have.
    """
    content = store.read(LATEST)
    if content is None:
        return None
    try:
        pointer = dict(json.loads(content))
        held, _ = {name: pointer[name] for name in scope}, [pointer[name] for name in POINTED]
    except (ValueError, TypeError, KeyError):
        raise ExportError(f"{store.address}/{LATEST} is not one of ours. Name another destination.") from None
    if held != scope:
        raise ExportError(
            f"{store.address} holds an export of {_told(held)}, and this is one of {_told(scope)}: its readers would "
            "lose what they have. Name another destination."
        )
    return pointer if pointer["format"] == FORMAT else None


def _told(scope: Mapping[str, Any]) -> str:
    what = "all tables" if scope["tables"] is None else ", ".join(scope["tables"])
    return f"{what} as of {scope['as_of']}" if scope["as_of"] else what


def _is_whole(store: Store, pointer: Mapping[str, Any], build_id: str) -> bool:
    """Whether this build is what is pointed to, and all its files are there in their sizes."""
    if pointer["build_id"] != build_id or store.read(OPENED) is None:
        return False
    manifest = store.read(f"{BUILDS}/{build_id}/manifest.json")
    if manifest is None or hashlib.sha256(manifest).hexdigest() != pointer["manifest_sha256"]:
        return False
    sizes = store.sizes(f"{BUILDS}/{build_id}")
    return all(sizes.get(file["path"]) == file["bytes"] for file in json.loads(manifest)["files"])


def _follow(store: Store, pointer: dict[str, Any]) -> None:
    """Where the folder was moved since, the SQL has to name its new address."""
    if pointer["address"] != store.address:
        text = (store.read(OPENED) or b"").decode()
        before, now = (sql.within_quotes(f"{place}/{BUILDS}/") for place in (pointer["address"], store.address))
        store.point(OPENED, text.replace(f"'{before}", f"'{now}").encode())
        pointer["address"] = store.address
        store.point(LATEST, _json(pointer))


@dataclass(frozen=True)
class _Staged:
    """A build's folder in the scratch space, and the SQL over it before its address is known."""

    build_id: str
    files: list[File]
    manifest: bytes
    text: str

    @property
    def folder(self) -> str:
        return f"{BUILDS}/{self.build_id}"


def _stage(
    connection: duckdb.DuckDBPyConnection,
    tables: Sequence[sql.Held],
    marts: Sequence[sql.Mart],
    declared: Mapping[str, Source],
    scratch: Path,
    build_id: str,
    scope: Mapping[str, Any],
) -> _Staged:
    """Write all the files of a build into the scratch folder, and see that they read back as the warehouse."""
    files = [file for table in tables for file in _write_table(connection, table, scratch)]
    paths = {table.full_name: [file.path for file in files if file.table == table.full_name] for table in tables}
    text = sql.template(tables, paths, marts)
    _verify(connection, tables, marts, files, sql.rooted(text, build_id, scratch.as_posix()))
    package = describe(connection, tables, files, declared, scope["as_of"])
    views = "\n".join(mart.sql() for mart in marts)
    for name, content in {
        "open.sql": sql.relative(text, build_id).encode(),
        "views.sql": f"-- The views of marts, over tables of main and meta; open.sql makes both.\n\n{views}".encode(),
        "datapackage.json": _json(package),
    }.items():
        (scratch / name).write_bytes(content)
        files.append(_file(scratch, name))
    head = {"format": FORMAT, "build_id": build_id, "version": package["version"], **scope}
    manifest = _json({**head, "files": [asdict(file) for file in files]})
    (scratch / "manifest.json").write_bytes(manifest)
    return _Staged(build_id, files, manifest, text)


def _point(store: Store, staged: _Staged, scope: Mapping[str, Any], before: Mapping[str, Any] | None) -> dict[str, Any]:
    """Let readers find the build: latest.json last, so that an export killed before it is done again."""
    earlier = [] if before is None else [build for build in before["builds"] if build != staged.build_id]
    now = {
        "format": FORMAT,
        "build_id": staged.build_id,
        "path": staged.folder,
        "manifest_sha256": hashlib.sha256(staged.manifest).hexdigest(),
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **scope,
        "rows": sum(file.rows or 0 for file in staged.files),
        "files": len(staged.files) + 1,
        "bytes": sum(file.bytes for file in staged.files) + len(staged.manifest),
        "address": store.address,
        "builds": [staged.build_id, *earlier],
    }
    store.link("latest", staged.folder)
    store.point(OPENED, sql.rooted(staged.text, staged.build_id, f"{store.address}/{staged.folder}").encode())
    store.point(LATEST, _json(now))
    return now


def _write_table(connection: duckdb.DuckDBPyConnection, table: sql.Held, scratch: Path) -> list[File]:
    """Write a table's file, or its files by year; the rows keep their order, so that equal builds give equal bytes."""
    declared = TABLES.get(table.full_name)
    day = declared.split_by_year_of if declared else None
    years = (
        connection.execute(f"SELECT DISTINCT year({day}) AS year FROM {table.full_name} ORDER BY year").fetchall()
        if day
        else []
    )
    if years:
        parts = {f"{table.schema_name}/{table.name}/year={year}/data.parquet": year for (year,) in years}
    else:  # also where a large table has no row: the file says which columns it would have
        parts = {f"{table.schema_name}/{table.name}.parquet": None}
    written = []
    for path, year in parts.items():
        target = scratch / path
        target.parent.mkdir(parents=True, exist_ok=True)
        where = "" if year is None else f"WHERE year({day}) = {year}"
        count = connection.execute(
            f"COPY (SELECT * FROM {table.full_name} {where}) TO {ddl.quote(str(target))} "
            "(FORMAT parquet, COMPRESSION zstd)"
        ).fetchone()
        written.append(_file(scratch, path, table.full_name, int(count[0]) if count else 0))
    return written


def _file(scratch: Path, path: str, table: str | None = None, rows: int | None = None) -> File:
    content = (scratch / path).read_bytes()
    return File(path, len(content), hashlib.sha256(content).hexdigest(), table, rows)


def _verify(
    connection: duckdb.DuckDBPyConnection,
    tables: Sequence[sql.Held],
    marts: Sequence[sql.Mart],
    files: Sequence[File],
    text: str,
) -> None:
    """Open what was written as a reader will: the same rows, columns, types and views, or nothing is published.

    Raises ExportError where a view of the warehouse is not what the marts' files say: other code has built it.
    """
    with duckdb.connect() as reader:
        try:
            reader.execute(text)
        except duckdb.BinderException as error:  # a mart reads a column that the build has not
            raise ExportError(f"{OTHER_CODE} {load.first_line(error).rstrip('.')}. {REBUILD}") from error
        seen = sql.held(reader, "views")
        for table in tables:
            rows = sum(file.rows or 0 for file in files if file.table == table.full_name)
            found = reader.execute(f"SELECT count(*) FROM {table.full_name}").fetchone()
            here = connection.execute(f"SELECT count(*) FROM {table.full_name}").fetchone()
            if not (seen[table.full_name] == table and found == here == (rows,)):
                raise ExportError(
                    f"{table.full_name} does not read back as it is in the warehouse. Nothing was published."
                )
        held, written = sql.marts_held(connection), sql.marts_held(reader)
        other = sorted(mart.name for mart in marts if held.get(mart.name) != written.get(mart.name))
    if other:
        raise ExportError(f"{OTHER_CODE} {', '.join(other)} in marts differ. {REBUILD}")


def _prune(store: Store, pointer: dict[str, Any], keep: int | None) -> tuple[list[str], list[str]]:
    """The builds that lie there, newest first, and those that were removed. The one pointed to always stays.

    Builds that nothing ever pointed to (of an export that was killed) are the oldest.
    """
    there = store.builds()
    known = [build for build in pointer["builds"] if build in there]
    ordered = [*known, *(build for build in there if build not in known)]
    removed = [] if keep is None else ordered[keep:]
    try:
        for build in removed:
            store.remove(f"{BUILDS}/{build}")
    except (OSError, ExportError) as error:
        raise ExportError(
            f"Build {pointer['build_id']} is published, but an old one can't be removed: {error}"
        ) from error
    stay = ordered[: len(ordered) - len(removed)]
    if removed:
        store.point(LATEST, _json({**pointer, "builds": stay}))
    return stay, removed


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
