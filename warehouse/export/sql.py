"""The SQL of the published Parquet files: views of the tables' names and types over them, their comments, the marts.

It is written for any DuckDB from 1.5 on and needs nothing of this project.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse import ddl, load

ROOT = "{root}"  # stands for the address of the build's folder until that is known

HEAD = """\
-- UN peacekeeping, build {build}: the tables of main and meta as views over Parquet files, and the views of marts.
-- Read it into DuckDB 1.5 or newer; it may be read again over an older build's views. {paths}
-- Texts that are one of a closed list (ENUM) are plain texts in the files and an ENUM again in these views.
CREATE SCHEMA IF NOT EXISTS meta;
CREATE SCHEMA IF NOT EXISTS marts;
"""
RELATIVE = "Paths are relative: run it in its own folder."
ABSOLUTE = "For a copy elsewhere, replace the address."

MARTS_HELD = """
    SELECT view_name, sql FROM duckdb_views()
    WHERE schema_name = 'marts' AND database_name = current_database()
    UNION ALL
    SELECT function_name, macro_definition FROM duckdb_functions()
    WHERE schema_name = 'marts' AND database_name = current_database()
"""


@dataclass(frozen=True)
class Column:
    """A column as the warehouse file has it."""

    name: str
    sql_type: str
    comment: str


@dataclass(frozen=True)
class Held:
    """A table or view as the warehouse file has it."""

    schema_name: str
    name: str
    comment: str
    columns: tuple[Column, ...]

    @property
    def full_name(self) -> str:
        return f"{self.schema_name}.{self.name}"


@dataclass(frozen=True)
class Mart:
    """A mart's file, what it reads of the warehouse, and the comment it gets."""

    name: str
    text: str

    @property
    def reads(self) -> set[str]:
        """The tables and marts that its query names."""
        code = re.sub(r"--.*", "", self.text.partition("\nCOMMENT ON")[0])
        return set(re.findall(r"\b(?:main|meta|marts)\.\w+", code)) - {f"marts.{self.name}"}

    def sql(self) -> str:
        """Its statements, to be run as often as one likes, and its comment."""
        kind = "MACRO TABLE" if re.search(r"^CREATE MACRO", self.text, re.MULTILINE) else "VIEW"
        text = re.sub(r"^CREATE (VIEW|MACRO)", r"CREATE OR REPLACE \1", self.text.rstrip(), flags=re.MULTILINE)
        return f"{text}\nCOMMENT ON {kind} marts.{self.name} IS {ddl.quote(load.mart_comment(self.text))};\n"


def held(connection: duckdb.DuckDBPyConnection, kind: str = "tables") -> dict[str, Held]:
    """What `tables` or `views` of main, meta and marts a database has, by full name, in the order of their making."""
    one = kind.removesuffix("s")
    rows = connection.execute(
        f"""
        SELECT schema_name, {one}_name, any_value(held.comment),
               list([column_name, data_type, coalesce(columns.comment, '')] ORDER BY column_index)
        FROM duckdb_{kind}() AS held
        JOIN (SELECT schema_name, table_name AS {one}_name, column_name, data_type, comment, column_index
              FROM duckdb_columns() WHERE database_name = current_database()) AS columns
            USING (schema_name, {one}_name)
        WHERE NOT internal AND database_name = current_database() AND schema_name IN ('main', 'meta', 'marts')
        GROUP BY schema_name, {one}_name ORDER BY any_value({one}_oid)
        """
    ).fetchall()
    found = [
        Held(schema, name, comment or "", tuple(Column(*cell) for cell in cells))
        for schema, name, comment, cells in rows
    ]
    return {table.full_name: table for table in found}


def marts_held(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The definition of each mart as DuckDB understands it."""
    return dict(connection.execute(MARTS_HELD).fetchall())


def marts_over(tables: Collection[str], folder: Path = load.MARTS) -> list[Mart]:
    """The marts that read nothing but these tables, in the order in which they are made."""
    known, chosen = set(tables), []
    for file in load.mart_files(folder):
        mart = Mart(file.stem, file.read_text(encoding="utf-8"))
        if mart.reads <= known:
            known.add(f"marts.{mart.name}")
            chosen.append(mart)
    return chosen


def table_view(table: Held, paths: Sequence[str]) -> str:
    """A view of the table's name, columns, types and comments over its files."""
    # Every column is named with its table: where a macro has a parameter of a column's name, DuckDB finds a bare one
    # in the view under it ambiguous.
    columns = [
        f"CAST({table.name}.{column.name} AS {column.sql_type}) AS {column.name}"
        if column.sql_type.startswith("ENUM")
        else f"{table.name}.{column.name}"
        for column in table.columns
    ]
    files = ",\n    ".join(ddl.quote(f"{ROOT}/{path}") for path in paths)
    listed = files if len(paths) == 1 else f"[\n    {files}\n]"
    lines = [
        f"CREATE OR REPLACE VIEW {table.full_name} AS",
        "SELECT\n    " + ",\n    ".join(columns),
        f"FROM read_parquet({listed}, hive_partitioning = false) AS {table.name};",
        f"COMMENT ON VIEW {table.full_name} IS {ddl.quote(table.comment)};",
    ]
    lines += [
        f"COMMENT ON COLUMN {table.full_name}.{column.name} IS {ddl.quote(column.comment)};" for column in table.columns
    ]
    return "\n".join(lines) + "\n"


def template(tables: Sequence[Held], paths: Mapping[str, Sequence[str]], marts: Sequence[Mart]) -> str:
    """Everything that a reader's DuckDB has to run, with `{root}` where the address of the build's folder belongs."""
    return "\n".join([*(table_view(table, paths[table.full_name]) for table in tables), *(m.sql() for m in marts)])


def relative(text: str, build: str) -> str:
    """The template with paths relative to the build's folder."""
    return f"{HEAD.format(build=build, paths=RELATIVE)}\n{text.replace(f'{ROOT}/', '')}"


def rooted(text: str, build: str, address: str) -> str:
    """The template with the address of the build's folder in every path."""
    return f"{HEAD.format(build=build, paths=ABSOLUTE)}\n{text.replace(ROOT, within_quotes(address))}"


def within_quotes(text: str) -> str:
    """A text as it stands between the quotes of an SQL literal."""
    return ddl.quote(text)[1:-1]
