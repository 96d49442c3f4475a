"""What published Parquet files are, as a Data Package (datapackage.org, version 2): fields, licences, sources."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from schemas.source import Source
from warehouse.export.sql import Held

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
NAME = "un-peacekeeping"
TITLE = "UN peacekeeping: who dies, who sends the people, who pays"
# The first word of an SQL type, and what a Data Package calls it; a type that is not here is `any`.
FIELD_TYPES = {
    "VARCHAR": "string",
    "ENUM": "string",
    "BIGINT": "integer",
    "INTEGER": "integer",
    "DOUBLE": "number",
    "DECIMAL": "number",
    "DATE": "date",
    "BOOLEAN": "boolean",
    "VARCHAR[]": "array",
    "BIGINT[]": "array",
}

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class File:
    """A file of a build: its path in the build's folder, and of which table it holds how many rows."""

    path: str
    bytes: int
    sha256: str
    table: str | None = None
    rows: int | None = None


def _asked(connection: duckdb.DuckDBPyConnection, sql: str) -> Rows:
    result = connection.execute(sql)
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _field(connection: duckdb.DuckDBPyConnection, told: Mapping[str, Any], sql_type: str) -> dict[str, Any]:
    field: dict[str, Any] = {"name": told["column_name"], "description": told["description"]}
    field["type"] = FIELD_TYPES.get(sql_type.partition("(")[0].strip(), "any")
    constraints: dict[str, Any] = {} if told["nullable"] else {"required": True}
    if sql_type.startswith("ENUM"):
        listed = connection.execute(f"SELECT enum_range(NULL::{sql_type})").fetchone()
        constraints["enum"] = list(listed[0]) if listed else []
    if told["unit"]:
        field["unit"] = told["unit"]
    field["sqlType"] = sql_type
    return field | ({"constraints": constraints} if constraints else {})


def _schema(
    connection: duckdb.DuckDBPyConnection, table: Held, told: Rows, published: Collection[str]
) -> dict[str, Any]:
    types = {column.name: column.sql_type for column in table.columns}
    schema: dict[str, Any] = {"fields": [_field(connection, row, types[row["column_name"]]) for row in told]}
    key = [row["column_name"] for row in told if row["is_key"]]
    if key:
        schema["primaryKey"] = key
    links = []
    for row in told:
        other, _, column = (row["references_column"] or "").rpartition(".")
        if other in published:
            links.append({"fields": [row["column_name"]], "reference": {"resource": other, "fields": [column]}})
    return schema | ({"foreignKeys": links} if links else {})


def _source(snapshot: Mapping[str, Any], declared: Mapping[str, Source]) -> dict[str, Any]:
    about = declared.get(snapshot["source"])
    told = {
        "title": about.title if about else snapshot["source"],
        "version": str(snapshot["vintage"]),
        "name": snapshot["source"],
        "vintage": str(snapshot["vintage"]),
        "citation": snapshot["citation"],
        "sha256": snapshot["sha256"],
    }
    if about:
        told |= {"path": about.landing_page, "publisher": about.publisher.title, "licence": about.licence.name}
    return told


def _licences(names: Iterable[str], declared: Mapping[str, Source]) -> Rows:
    licences = [declared[name].licence for name in names if name in declared]
    return [{"title": name, "path": url} for name, url in dict.fromkeys((one.name, one.url) for one in licences)]


def describe(
    connection: duckdb.DuckDBPyConnection,
    tables: Sequence[Held],
    files: Sequence[File],
    declared: Mapping[str, Source],
    as_of: str | None,
) -> dict[str, Any]:
    """The content of datapackage.json. `connection` is to the warehouse that the files were written from.

    A table's sources are the snapshots that its rows name; a table whose rows name none has no list of its own.
    """
    (build,) = _asked(connection, "FROM meta.builds")
    snapshots = _asked(
        connection, "SELECT source, vintage, sha256, citation FROM meta.snapshots ORDER BY source, vintage, sha256"
    )
    columns = _asked(connection, "FROM meta.columns ORDER BY schema_name, table_name, position")
    published = {table.full_name for table in tables}
    resources = []
    for table in tables:
        told = [row for row in columns if (row["schema_name"], row["table_name"]) == (table.schema_name, table.name)]
        parts = [file for file in files if file.table == table.full_name]
        resource: dict[str, Any] = {
            "name": table.full_name,
            "type": "table",
            "title": table.comment.partition(". ")[0],
            "description": table.comment,
            "path": parts[0].path if len(parts) == 1 else [file.path for file in parts],
            "format": "parquet",
            "mediatype": "application/vnd.apache.parquet",
            "bytes": sum(file.bytes for file in parts),
            "rows": sum(file.rows or 0 for file in parts),
            "schema": _schema(connection, table, told, published),
        }
        if len(parts) == 1:
            resource["hash"] = f"sha256:{parts[0].sha256}"
        if table.schema_name == "main" and any(column.name == "snapshot_sha256" for column in table.columns):
            used = {
                row["snapshot_sha256"]
                for row in _asked(connection, f"SELECT DISTINCT snapshot_sha256 FROM {table.full_name}")
            }
            rested = [snapshot for snapshot in snapshots if snapshot["sha256"] in used]
            if rested:
                resource["sources"] = [_source(snapshot, declared) for snapshot in rested]
                resource["licenses"] = _licences((snapshot["source"] for snapshot in rested), declared)
        resources.append({name: value for name, value in resource.items() if value != []})
    package = {
        "$schema": PROFILE,
        "name": NAME,
        "title": TITLE,
        "description": (
            "Tables of main (for analysts) and meta (how they came to be) of one build. Each table's description names "
            "its hazards: read it before summing. Views over them are in views.sql; open.sql opens all of it in DuckDB."
        ),
        "version": f"{build['code_version']}+{build['build_id']}",
        "asOf": as_of,
        "licenses": _licences((snapshot["source"] for snapshot in snapshots), declared),
        "sources": [_source(snapshot, declared) for snapshot in snapshots],
        "resources": resources,
    }
    return {name: value for name, value in package.items() if value not in (None, [])}
