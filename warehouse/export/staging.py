"""The files of one build, written into a scratch folder and read back before anything is published."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from schemas.problems import first_line
from schemas.source import Source
from schemas.tables import TABLES
from warehouse import ddl
from warehouse.export import sql
from warehouse.export.datapackage import File, describe
from warehouse.export.store import BUILDS, ExportError

FORMAT = 1  # version of the folder's layout; an export in another one is written again
OTHER_CODE = "The warehouse was built by other code than this:"
REBUILD = "Run `peacekeeping refresh` (with --as-of, if it is of a day) to build it again."


@dataclass(frozen=True)
class Content:
    """What an export contains: tables, the marts over them, and the day of an as-of warehouse."""

    tables: list[sql.Relation]
    marts: list[sql.Mart]
    selected: bool  # whether the tables were chosen by name; else they are all of main and meta
    as_of: str | None

    @property
    def names(self) -> list[str]:
        """The full names of the tables."""
        return [table.full_name for table in self.tables]

    @property
    def scope(self) -> dict[str, Any]:
        """What two exports to one destination must have in common."""
        return {"as_of": self.as_of, "tables": self.names if self.selected else None}


@dataclass(frozen=True)
class Staged:
    """A build's folder in the scratch space. `text` is the SQL over it, as a template without its address."""

    build_id: str
    files: list[File]
    manifest: bytes
    text: str

    @property
    def folder(self) -> str:
        """The folder's path at the destination."""
        return f"{BUILDS}/{self.build_id}"


def stage(
    connection: duckdb.DuckDBPyConnection,
    build_id: str,
    content: Content,
    declared: Mapping[str, Source],
    scratch: Path,
) -> Staged:
    """Write all files of a build into the scratch folder. Raises ExportError unless they read back as the warehouse."""
    files = [file for table in content.tables for file in _write_table(connection, table, scratch)]
    paths = {
        table.full_name: [file.path for file in files if file.table == table.full_name] for table in content.tables
    }
    text = sql.template(content.tables, paths, content.marts)
    _verify(connection, content, files, sql.rooted(text, build_id, scratch.as_posix()))
    package = describe(connection, content.tables, files, declared, content.as_of)
    views = "\n".join(mart.sql() for mart in content.marts)
    for name, written in {
        "open.sql": sql.relative(text, build_id).encode(),
        "views.sql": f"-- The views of marts, over tables of main and meta; open.sql makes both.\n\n{views}".encode(),
        "datapackage.json": as_json(package),
    }.items():
        (scratch / name).write_bytes(written)
        files.append(_file(scratch, name))
    head = {"format": FORMAT, "build_id": build_id, "version": package["version"], **content.scope}
    manifest = as_json({**head, "files": [asdict(file) for file in files]})
    (scratch / "manifest.json").write_bytes(manifest)
    return Staged(build_id, files, manifest, text)


def as_json(content: Any) -> bytes:
    """Indented JSON with a newline at its end."""
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def _write_table(connection: duckdb.DuckDBPyConnection, table: sql.Relation, scratch: Path) -> list[File]:
    """Write a table's file, or a file for each year; rows keep their order, so that equal builds give equal bytes."""
    declared = TABLES.get(table.full_name)
    day = declared.split_by_year_of if declared else None
    parts = {f"{table.schema_name}/{table.name}.parquet": ""}  # also where a table that is split has no row
    if day:
        years = connection.execute(f"SELECT DISTINCT year({day}) FROM {table.full_name} ORDER BY ALL").fetchall()
        folder = f"{table.schema_name}/{table.name}"
        parts = {f"{folder}/year={year}/data.parquet": f"WHERE year({day}) = {year}" for (year,) in years} or parts
    files = []
    for path, where in parts.items():
        target = scratch / path
        target.parent.mkdir(parents=True, exist_ok=True)
        count = connection.execute(
            f"COPY (SELECT * FROM {table.full_name} {where}) TO {ddl.quote(str(target))} "
            "(FORMAT parquet, COMPRESSION zstd)"
        ).fetchall()
        files.append(_file(scratch, path, table.full_name, int(count[0][0])))
    return files


def _file(scratch: Path, path: str, table: str | None = None, rows: int | None = None) -> File:
    content = (scratch / path).read_bytes()
    return File(path, len(content), hashlib.sha256(content).hexdigest(), table, rows)


def _verify(connection: duckdb.DuckDBPyConnection, content: Content, files: Sequence[File], text: str) -> None:
    """Open the files as a reader does, and compare rows, columns, types and views with the warehouse.

    Raises ExportError where they differ, also where other code has built the views of the warehouse.
    """
    with duckdb.connect() as reader:
        try:
            reader.execute(text)
        except duckdb.BinderException as error:  # a mart reads a column that the build lacks
            raise ExportError(f"{OTHER_CODE} {first_line(error)}. {REBUILD}") from error
        views = sql.relations(reader, "view")
        for table in content.tables:
            rows = sum(file.rows or 0 for file in files if file.table == table.full_name)
            count = f"SELECT count(*) FROM {table.full_name}"
            counts = [database.execute(count).fetchall() for database in (reader, connection)]
            if views[table.full_name] != table or counts != [[(rows,)]] * 2:
                raise ExportError(
                    f"{table.full_name} does not read back as it is in the warehouse. Nothing was published."
                )
        built, written = sql.mart_definitions(connection), sql.mart_definitions(reader)
        different = sorted(mart.name for mart in content.marts if built.get(mart.name) != written.get(mart.name))
    if different:
        raise ExportError(f"{OTHER_CODE} {', '.join(different)} in marts differ. {REBUILD}")
