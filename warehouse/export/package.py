"""Export the published warehouse: its tables as Parquet, with the SQL that makes the same views of them.

    DESTINATION/
      peacekeeping.sql           opens the newest build in any DuckDB, from anywhere
      latest.json                which build that is; written last
      latest/                    a link to it (local folders only)
      builds/<build id>/
        main/fatalities.parquet, main/uniformed_personnel/year=2015/data.parquet, meta/…
        open.sql, views.sql      the same SQL with relative paths; the marts alone
        datapackage.json         fields, types, licences, sources
        manifest.json            each file's SHA-256, bytes and rows

A build's folder is never changed. The files that point to it are written after it, so that a reader sees the build
before or this one, and a failed export leaves the build before.
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

from schemas.errors import UsageError
from schemas.problems import first_line
from schemas.source import Source
from warehouse import load
from warehouse.export import sql
from warehouse.export.staging import FORMAT, Content, Staged, as_json, stage
from warehouse.export.store import BUILDS, ExportError, Store, Track
from warehouse.query import QueryError, connect

LATEST, OPENED = "latest.json", "peacekeeping.sql"
SCHEMAS = ("main", "meta")
POINTED = {"format", "build_id", "manifest_sha256", "rows", "files", "bytes", "address", "builds"}  # of latest.json


class WrongTable(ExportError, UsageError):
    """A table was requested that the warehouse does not have."""


@dataclass(frozen=True)
class Options:
    """Options of an export.

    tables   only these, as `fatalities` or `meta.snapshots`; all of main and meta where none is named
    as_of    the day, where the warehouse has what had been published by a day
    keep     how many builds to keep, this one included; all where it is None
    tracked  wraps the names of the files to show progress
    """

    tables: Sequence[str] = ()
    as_of: str | None = None
    keep: int | None = None
    tracked: Track = iter


@dataclass
class Exported:
    """The result of an export. `new` is False where the build was there already."""

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
    warehouse: Path, destination: str, declared: Mapping[str, Source], options: Options | None = None
) -> Exported:
    """Publish a warehouse file's tables as Parquet at a path or URL. Nothing is written where the build is there.

    `declared` has the declaration of each source by its name. Raises ExportError; what was published is unchanged.
    """
    options, store = options or Options(), Store(destination)
    try:
        with _opened(warehouse) as connection, store.scratch() as scratch:
            content = _content(connection, options)
            build_id = _build_id(connection, warehouse)
            pointer = _pointer(store, content.scope)
            new = not (pointer and _is_complete(store, pointer, build_id))
            if pointer and not new:
                _follow(store, pointer)
            else:
                staged = stage(connection, build_id, content, declared, scratch)
                store.place(scratch, staged.folder, options.tracked)
                pointer = _point(store, staged, content.scope, pointer)
            builds, removed = _prune(store, pointer, options.keep)
    except (duckdb.Error, OSError) as error:
        reason = first_line(error) if isinstance(error, duckdb.Error) else str(error)
        raise ExportError(
            f"The export failed: {reason}. What was published at {store.address} is unchanged."
        ) from error
    return Exported(
        build_id=build_id,
        destination=store.address,
        new=new,
        tables=len(content.tables),
        **{name: pointer[name] for name in ("rows", "files", "bytes")},
        builds=builds,
        removed=removed,
        views_left_out=sorted({file.stem for file in load.mart_files()} - {mart.name for mart in content.marts}),
    )


def _opened(warehouse: Path) -> duckdb.DuckDBPyConnection:
    """The warehouse file, read-only. Unlike a connection for queries it may write other files."""
    try:
        connect(warehouse).close()  # explains a file that can't be opened
        return duckdb.connect(str(warehouse), read_only=True)
    except QueryError as error:
        raise ExportError(str(error)) from error


def _build_id(connection: duckdb.DuckDBPyConnection, warehouse: Path) -> str:
    rows = connection.execute("SELECT build_id FROM meta.builds").fetchall()
    if len(rows) != 1:
        raise ExportError(f"{warehouse} has {len(rows)} rows in meta.builds instead of one: it is no finished build.")
    return str(rows[0][0])


def _content(connection: duckdb.DuckDBPyConnection, options: Options) -> Content:
    tables = {name: table for name, table in sql.relations(connection).items() if table.schema_name in SCHEMAS}
    names = set()
    for name in options.tables:
        matches = [full for full in (name, *(f"{schema}.{name}" for schema in SCHEMAS)) if full in tables]
        if not matches:
            raise WrongTable(f"There is no table {name!r} in main or meta. Tables: {', '.join(sorted(tables))}.")
        names.add(matches[0])
    selected = [table for name, table in tables.items() if not names or name in names]
    marts = sql.marts_over([table.full_name for table in selected])
    return Content(selected, marts, bool(names), options.as_of)


def _pointer(store: Store, scope: Mapping[str, Any]) -> dict[str, Any] | None:
    """The content of latest.json; None where nothing is published, or in another layout.

    Raises ExportError where the export there has another scope: its readers would lose what they have.
    """
    content = store.read(LATEST)
    if content is None:
        return None
    try:
        pointer = dict(json.loads(content))
        published = {name: pointer[name] for name in scope}
        if POINTED - pointer.keys():
            raise KeyError
    except (ValueError, TypeError, KeyError):
        raise ExportError(
            f"{store.address}/{LATEST} was not written by this command. Name another destination."
        ) from None
    if published != scope:
        raise ExportError(
            f"{store.address} has an export of {_in_words(published)}, and this is one of {_in_words(scope)}: its "
            "readers would lose what they have. Name another destination."
        )
    return pointer if pointer["format"] == FORMAT else None


def _in_words(scope: Mapping[str, Any]) -> str:
    what = "all tables" if scope["tables"] is None else ", ".join(scope["tables"])
    return f"{what} as of {scope['as_of']}" if scope["as_of"] else what


def _is_complete(store: Store, pointer: Mapping[str, Any], build_id: str) -> bool:
    """Whether latest.json points to this build, and all its files are there in their sizes."""
    if pointer["build_id"] != build_id or store.read(OPENED) is None:
        return False
    manifest = store.read(f"{BUILDS}/{build_id}/manifest.json")
    if manifest is None or hashlib.sha256(manifest).hexdigest() != pointer["manifest_sha256"]:
        return False
    sizes = store.sizes(f"{BUILDS}/{build_id}")
    return all(sizes.get(file["path"]) == file["bytes"] for file in json.loads(manifest)["files"])


def _follow(store: Store, pointer: dict[str, Any]) -> None:
    """Write the new address into the SQL where the folder was moved."""
    if pointer["address"] != store.address:
        text = (store.read(OPENED) or b"").decode()
        before, now = (sql.within_quotes(f"{place}/{BUILDS}/") for place in (pointer["address"], store.address))
        store.point(OPENED, text.replace(f"'{before}", f"'{now}").encode())
        pointer["address"] = store.address
        store.point(LATEST, as_json(pointer))


def _point(store: Store, staged: Staged, scope: Mapping[str, Any], before: Mapping[str, Any] | None) -> dict[str, Any]:
    """Point readers to the build. latest.json comes last: an export killed before it is done again."""
    earlier = [] if before is None else [build for build in before["builds"] if build != staged.build_id]
    pointer = {
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
    store.point(LATEST, as_json(pointer))
    return pointer


def _prune(store: Store, pointer: dict[str, Any], keep: int | None) -> tuple[list[str], list[str]]:
    """The builds that stay, newest first, and those that were removed. The build pointed to always stays.

    Builds that nothing points to, from exports that were killed, count as the oldest.
    """
    present = store.builds()
    known = [build for build in pointer["builds"] if build in present]
    ordered = [*known, *(build for build in present if build not in known)]
    stay, removed = ordered[:keep], ordered[len(ordered[:keep]) :]
    for build in removed:
        try:
            store.remove(f"{BUILDS}/{build}")
        except ExportError as error:
            raise ExportError(
                f"Build {pointer['build_id']} is published, but an old one can't be removed: {error}"
            ) from error
    if removed:
        store.point(LATEST, as_json({**pointer, "builds": stay}))
    return stay, removed
