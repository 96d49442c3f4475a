"""The published Parquet files as a Data Package (datapackage.org, version 2): fields, licences, sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from schemas.source import Source
from warehouse.export.sql import Relation

HEAD = {
    "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
    "name": "un-peacekeeping",
    "title": "UN peacekeeping: who dies, who sends the people, who pays",
    "description": (
        "Tables of main (for analysts) and meta (how they were made) of one build. Each table's description names its "
        "hazards: read it before adding up. Views over them are in views.sql; open.sql opens all of it in DuckDB."
    ),
}
# The first word of an SQL type, and its type in a Data Package; a type that is not here is `any`.
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
    """A file of a build: its path in the build's folder; for a table's file the table and the number of rows."""

    path: str
    bytes: int
    sha256: str
    table: str | None = None
    rows: int | None = None


def describe(
    connection: duckdb.DuckDBPyConnection,
    tables: Sequence[Relation],
    files: Sequence[File],
    declared: Mapping[str, Source],
    as_of: str | None,
) -> dict[str, Any]:
    """The content of datapackage.json; `connection` is to the warehouse that the files were written from.

    A table's sources are the snapshots that its rows name; a table without such a column has no list of its own.
    """
    (build,) = _rows(connection, "FROM meta.builds")
    snapshots = _rows(
        connection, "SELECT source, vintage, sha256, citation FROM meta.snapshots ORDER BY source, vintage, sha256"
    )
    resources = []
    for table in tables:
        resource = _resource(table, [file for file in files if file.table == table.full_name])
        resource["schema"] = _schema(connection, table, {other.full_name for other in tables})
        if table.schema_name == "main" and any(column.name == "snapshot_sha256" for column in table.columns):
            used = connection.sql(f"SELECT DISTINCT snapshot_sha256 FROM {table.full_name}").fetchall()
            resource |= _origin([row for row in snapshots if (row["sha256"],) in used], declared)
        resources.append(resource)
    package = {
        **HEAD,
        "version": f"{build['code_version']}+{build['build_id']}",
        "asOf": as_of,
        **_origin(snapshots, declared),
        "resources": resources,
    }
    return {name: value for name, value in package.items() if value is not None}


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> Rows:
    rows: Rows = connection.sql(sql).to_arrow_table().to_pylist()
    return rows


def _resource(table: Relation, parts: Sequence[File]) -> dict[str, Any]:
    """A table's entry without its fields and sources; a table of several files has no hash."""
    one = len(parts) == 1
    return {
        "name": table.full_name,
        "type": "table",
        "title": table.comment.partition(". ")[0],
        "description": table.comment,
        "path": parts[0].path if one else [file.path for file in parts],
        "format": "parquet",
        "mediatype": "application/vnd.apache.parquet",
        "bytes": sum(file.bytes for file in parts),
        "rows": sum(file.rows or 0 for file in parts),
        **({"hash": f"sha256:{parts[0].sha256}"} if one else {}),
    }


def _schema(connection: duckdb.DuckDBPyConnection, table: Relation, published: Iterable[str]) -> dict[str, Any]:
    """A table's fields and keys. Parquet has nulls of its own, so no text is a missing value, the empty one neither."""
    types = {column.name: column.sql_type for column in table.columns}
    rows = _rows(
        connection,
        "FROM meta.columns "
        f"WHERE schema_name = '{table.schema_name}' AND table_name = '{table.name}' ORDER BY position",
    )
    schema: dict[str, Any] = {
        "fields": [_field(connection, row, types[row["column_name"]]) for row in rows],
        "missingValues": [],
    }
    if key := [row["column_name"] for row in rows if row["is_key"]]:
        schema["primaryKey"] = key
    links = [(row["column_name"], *(row["references_column"] or "").rpartition(".")) for row in rows]
    if foreign := [
        {"fields": [name], "reference": {"resource": other, "fields": [column]}}
        for name, other, _, column in links
        if other in published
    ]:
        schema["foreignKeys"] = foreign
    return schema


def _field(connection: duckdb.DuckDBPyConnection, column: Mapping[str, Any], sql_type: str) -> dict[str, Any]:
    """A field's entry from a row of meta.columns."""
    constraints: dict[str, Any] = {} if column["nullable"] else {"required": True}
    if sql_type.startswith("ENUM"):
        constraints["enum"] = connection.execute(f"SELECT enum_range(NULL::{sql_type})").fetchall()[0][0]
    return {
        "name": column["column_name"],
        "description": column["description"],
        "type": FIELD_TYPES.get(sql_type.partition("(")[0].strip(), "any"),
        **({"unit": column["unit"]} if column["unit"] else {}),
        "sqlType": sql_type,
        **({"constraints": constraints} if constraints else {}),
    }


def _origin(snapshots: Rows, declared: Mapping[str, Source]) -> dict[str, Any]:
    """The sources and licences of these snapshots; empty where there is none."""
    sources, licences = [], {}
    for row in snapshots:
        source = {
            "title": row["source"],
            "version": str(row["vintage"]),
            "name": row["source"],
            "vintage": str(row["vintage"]),
            "citation": row["citation"],
            "sha256": row["sha256"],
        }
        if about := declared.get(row["source"]):
            name, url = about.licence.name, about.licence.url
            source |= {"title": about.title, "path": about.landing_page, "publisher": about.publisher.title}
            source["licence"] = name
            licences[name, url] = {"title": name, "path": url}
        sources.append(source)
    return {
        **({"licenses": list(licences.values())} if licences else {}),
        **({"sources": sources} if sources else {}),
    }
