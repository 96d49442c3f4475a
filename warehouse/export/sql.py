"""SQL that opens the published Parquet files in any DuckDB from 1.5 on: the tables as views, comments, the marts."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse import ddl, load

ROOT = "{root}"  # the address of the build's folder, replaced once it is known

HEAD = """\
-- UN peacekeeping, build {build}: the tables of main and meta as views over Parquet files, and the views of marts.
-- Run it in DuckDB 1.5 or newer; it may be run again over an older build's views. {paths}
-- A column of a closed list of texts (ENUM) is plain text in the files and an ENUM again in these views.
CREATE SCHEMA IF NOT EXISTS meta;
CREATE SCHEMA IF NOT EXISTS marts;
"""
RELATIVE = "Paths are relative: run it in its own folder."
ABSOLUTE = "For a copy elsewhere, replace the address."

MART_DEFINITIONS = """
    SELECT view_name, sql FROM duckdb_views()
    WHERE schema_name = 'marts' AND database_name = current_database()
    UNION ALL
    SELECT function_name, macro_definition FROM duckdb_functions()
    WHERE schema_name = 'marts' AND database_name = current_database()
"""


@dataclass(frozen=True)
class Column:
    """A column of a warehouse file."""

    name: str
    sql_type: str
    comment: str


@dataclass(frozen=True)
class Relation:
    """A table or view of a warehouse file."""

    schema_name: str
    name: str
    comment: str
    columns: tuple[Column, ...]

    @property
    def full_name(self) -> str:
        return f"{self.schema_name}.{self.name}"

    def view(self, paths: Sequence[str]) -> str:
        """SQL for a view of the table's name, columns, types and comments over its Parquet files."""
        # Each column is qualified: where a macro has a parameter of the same name, DuckDB finds a bare one ambiguous.
        columns = [
            f"CAST({self.name}.{column.name} AS {column.sql_type}) AS {column.name}"
            if column.sql_type.startswith("ENUM")
            else f"{self.name}.{column.name}"
            for column in self.columns
        ]
        files = ",\n    ".join(ddl.quote(f"{ROOT}/{path}") for path in paths)
        lines = [
            f"CREATE OR REPLACE VIEW {self.full_name} AS",
            "SELECT\n    " + ",\n    ".join(columns),
            f"FROM read_parquet([\n    {files}\n], hive_partitioning = false) AS {self.name};",
            f"COMMENT ON VIEW {self.full_name} IS {ddl.quote(self.comment)};",
        ]
        lines += [
            f"COMMENT ON COLUMN {self.full_name}.{column.name} IS {ddl.quote(column.comment)};"
            for column in self.columns
        ]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Mart:
    """A mart: its name and the text of its file."""

    name: str
    text: str

    @property
    def reads(self) -> set[str]:
        """The tables and marts that its query names."""
        return load.reads(self.text) - {f"marts.{self.name}"}

    def sql(self) -> str:
        """Its statements with CREATE OR REPLACE, and its comment."""
        text = re.sub(r"^CREATE (VIEW|MACRO)", r"CREATE OR REPLACE \1", self.text.rstrip(), flags=re.MULTILINE)
        comment = (
            f"COMMENT ON {load.mart_kind(self.text)} marts.{self.name} IS {ddl.quote(load.mart_comment(self.text))};"
        )
        return f"{text}\n{comment}\n"


def relations(connection: duckdb.DuckDBPyConnection, kind: str = "table") -> dict[str, Relation]:
    """Each `table` or `view` of main, meta and marts by its full name, in the order of creation."""
    rows = connection.execute(
        f"""
        SELECT schema_name, {kind}_name, any_value(relations.comment),
               list([column_name, data_type, coalesce(columns.comment, '')] ORDER BY column_index)
        FROM duckdb_{kind}s() AS relations
        JOIN (SELECT schema_name, table_name AS {kind}_name, column_name, data_type, comment, column_index
              FROM duckdb_columns() WHERE database_name = current_database()) AS columns
            USING (schema_name, {kind}_name)
        WHERE NOT internal AND database_name = current_database() AND schema_name IN ('main', 'meta', 'marts')
        GROUP BY schema_name, {kind}_name ORDER BY any_value({kind}_oid)
        """
    ).fetchall()
    return {
        f"{schema}.{name}": Relation(schema, name, comment or "", tuple(Column(*column) for column in columns))
        for schema, name, comment, columns in rows
    }


def mart_definitions(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The definition of each mart as DuckDB has parsed it."""
    return dict(connection.execute(MART_DEFINITIONS).fetchall())


def marts_over(tables: Collection[str], folder: Path = load.MARTS) -> list[Mart]:
    """The marts that read only these tables, in the order of creation."""
    known, marts = set(tables), []
    for file in load.mart_files(folder):
        mart = Mart(file.stem, file.read_text(encoding="utf-8"))
        if mart.reads <= known:
            known.add(f"marts.{mart.name}")
            marts.append(mart)
    return marts


def template(tables: Sequence[Relation], paths: Mapping[str, Sequence[str]], marts: Sequence[Mart]) -> str:
    """All statements for a reader's DuckDB, with `{root}` for the address of the build's folder."""
    return "\n".join([*(table.view(paths[table.full_name]) for table in tables), *(mart.sql() for mart in marts)])


def relative(text: str, build: str) -> str:
    """The template with paths relative to the build's folder."""
    return f"{HEAD.format(build=build, paths=RELATIVE)}\n{text.replace(f'{ROOT}/', '')}"


def rooted(text: str, build: str, address: str) -> str:
    """The template with the address of the build's folder in every path."""
    return f"{HEAD.format(build=build, paths=ABSOLUTE)}\n{text.replace(ROOT, within_quotes(address))}"


def within_quotes(text: str) -> str:
    """A text as it is written between the quotes of an SQL literal."""
    return ddl.quote(text)[1:-1]
