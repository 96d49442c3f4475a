"""Build one new warehouse file: schemas, tables, rows, comments, marts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from graphlib import TopologicalSorter
from itertools import takewhile
from pathlib import Path

import duckdb

from schemas.errors import ProjectError
from schemas.problems import first_line
from schemas.tables import TABLES, WRITTEN_IN_BUILD
from schemas.tables.builds import POISSON_LIMITS
from warehouse import ddl

MARTS = Path(__file__).parent / "marts"
LIMITS = Path(__file__).parent / "poisson_limits.csv"
STORAGE_VERSION = "v1.5.0"  # older DuckDB command lines and tools open it too


class BuildError(ProjectError):
    """The warehouse could not be built; the published one is unchanged."""


def reads(text: str) -> set[str]:
    """The tables and marts that the query of a mart's file names, with the mart itself."""
    code = re.sub(r"--.*", "", text.partition("\nCOMMENT ON")[0])
    return set(re.findall(r"\b(?:main|meta|marts)\.\w+", code))


def mart_files(folder: Path = MARTS) -> list[Path]:
    """The SQL files of the marts, in the order in which they run: by name, but each after those that it reads."""
    files = {f"marts.{file.stem}": file for file in sorted(folder.glob("*.sql"))}
    before = {
        name: sorted((reads(file.read_text(encoding="utf-8")) & files.keys()) - {name}) for name, file in files.items()
    }
    return [files[name] for name in TopologicalSorter(before).static_order()]


def mart_comment(text: str) -> str:
    """The leading comment of a mart's file, for the view's COMMENT: its definition, then hazards as a list."""
    lines = [line[2:].strip() for line in takewhile(lambda line: line.startswith("--"), text.splitlines())]
    return re.sub(r"\n(?!- )", " ", "\n".join(lines))


def mart_kind(text: str) -> str:
    """What a mart's file creates, in the words of COMMENT ON: VIEW, MACRO TABLE or MACRO, which gives one value."""
    match = re.search(r"^CREATE (VIEW|MACRO) .*?\bAS (TABLE\b)?", text, re.MULTILINE | re.DOTALL)
    return f"{match[1]} {match[2] or ''}".strip() if match else "VIEW"


def build(target: Path, parquet: Mapping[str, Path | None], marts: Path = MARTS) -> dict[str, int]:
    """Write a new warehouse file at `target`, which must not exist. Returns the number of rows of each table.

    parquet  file of each table by its full name (`main.fatalities`), except those in WRITTEN_IN_BUILD; None for a
             table without rows

    Raises BuildError when a row breaks a constraint, a file is missing, or the disk is full.
    """
    missing = sorted(set(TABLES) - set(parquet) - {table.full_name for table in WRITTEN_IN_BUILD})
    if missing:
        raise BuildError(f"No rows were given for {', '.join(missing)}.")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with duckdb.connect() as connection:
            create_empty(connection, str(target), marts)
            connection.begin()
            rows = {name: _insert(connection, name, parquet[name]) for name in TABLES if name in parquet}
            connection.commit()
            connection.execute("USE memory")
            connection.execute("DETACH built")
    except duckdb.Error as error:
        raise BuildError(f"The build failed: {first_line(error)}") from error
    return rows


def create_empty(connection: duckdb.DuckDBPyConnection, file: str = ":memory:", marts: Path = MARTS) -> None:
    """Create every table and mart, without rows, in a new database that the connection then uses."""
    connection.execute(f"ATTACH {ddl.quote(file)} AS built (STORAGE_VERSION '{STORAGE_VERSION}')")
    connection.execute("USE built")
    connection.begin()  # one transaction: each of the hundreds of statements would wait for the disk
    connection.execute("CREATE SCHEMA meta; CREATE SCHEMA marts;")
    for table in TABLES.values():
        connection.execute("\n".join([ddl.create_table(table), *ddl.comments(table)]))
    connection.execute(f"INSERT INTO {POISSON_LIMITS.full_name} FROM read_csv({ddl.quote(str(LIMITS))}, comment = '#')")
    for file_of_mart in mart_files(marts):
        text = file_of_mart.read_text(encoding="utf-8")
        connection.execute(text)
        connection.execute(f"COMMENT ON {mart_kind(text)} marts.{file_of_mart.stem} IS {ddl.quote(mart_comment(text))}")
    _write_dictionary(connection)
    connection.commit()


def _insert(connection: duckdb.DuckDBPyConnection, name: str, file: Path | None) -> int:
    """Insert a table's rows; returns how many."""
    if file is None:
        return 0
    columns = ", ".join(TABLES[name].stored_columns)
    rows = f"SELECT {columns} FROM read_parquet({ddl.quote(str(file))})"
    ((count,),) = connection.execute(f"INSERT INTO {name} ({columns}) {rows}").fetchall()
    return int(count)


def _write_dictionary(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill meta.columns: tables from their declarations, marts from DuckDB's catalogue."""
    rows = []
    for table in TABLES.values():
        targets = {name: f"{other}.{key}" for name, other, key in ddl.references(table)}
        for position, (name, column) in enumerate(table.columns.items(), start=1):
            meta = column.metadata or {}
            kind = "ENUM" if str(meta["sql"]).startswith("ENUM") else str(meta["sql"])
            cells = [table.schema_name, table.name, name, position, kind, meta.get("unit"), column.nullable]
            cells += [name in table.key, targets.get(name), column.description]
            rows.append(f"({', '.join(ddl.literal(cell) for cell in cells)})")
    connection.execute(f"INSERT INTO meta.columns VALUES {', '.join(rows)}")
    connection.execute(
        """
        INSERT INTO meta.columns
        SELECT schema_name, table_name, column_name, column_index,
               CASE WHEN data_type LIKE 'ENUM%' THEN 'ENUM' ELSE data_type END,
               NULL, true, false, NULL, coalesce(comment, '')
        FROM duckdb_columns() WHERE schema_name = 'marts' AND database_name = 'built'
        """
    )
