"""What tests of the marts share: rows put into an empty warehouse by hand, and one filled from bundled snapshots."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import duckdb
import pandas as pd
from tests_shared import CATALOGUE

from flows.steps.registry import LISTED_MISSIONS, tables_of
from schemas.columns import Table
from schemas.tables import TABLES
from schemas.tables.builds import SNAPSHOTS
from schemas.tables.countries import COUNTRIES
from schemas.validate import conform
from sources import bundle
from transforms import countries, missions
from transforms.staging import Staged
from transforms.vintages import Vintage
from warehouse import load

Connection = duckdb.DuckDBPyConnection


def insert(connection: Connection, table: Table, frame: pd.DataFrame) -> None:
    columns = ", ".join(table.stored_columns)
    connection.register("given", frame)
    connection.execute(f"INSERT INTO {table.full_name} ({columns}) SELECT {columns} FROM given")
    connection.unregister("given")


def put(connection: Connection, name: str, columns: str, *rows: tuple[Any, ...], **same: Any) -> None:
    """Insert rows made by hand; columns that may not be NULL and don't matter get something."""
    table = TABLES[name]
    frame = pd.DataFrame(list(rows), columns=columns.split()).assign(**same)
    for column, declared in table.stored_columns.items():
        if column == "snapshot_row":
            frame[column] = range(1, len(frame) + 1)
        elif column not in frame and not declared.nullable:
            pattern = (declared.metadata or {}).get("pattern")
            frame[column] = ("a" * 64 if pattern else "x") if str(declared.dtype).startswith("str") else 0
    for column, declared in table.stored_columns.items():
        if "datetime" in str(declared.dtype) and column in frame:
            frame[column] = pd.to_datetime(frame[column])
    insert(connection, table, conform(frame, table))


def fill(connection: Connection, bundled: Callable[[str], Staged], files: Mapping[str, Sequence[str]]) -> None:
    """Make every table and mart and fill what the bundled files of some sources give; no number here is a test's."""
    entries = {entry["file"]: entry for entry in bundle.manifest()}
    frames: dict[str, pd.DataFrame] = {}
    for source, names in files.items():
        found = [
            Vintage(
                hashlib.sha256((bundle.BUNDLED / name).read_bytes()).hexdigest(),
                date.fromisoformat(entries[name]["vintage"]),
                bundled(name),
            )
            for name in names
        ]
        frames |= tables_of(CATALOGUE[source], found)
    named = {name for frame in frames.values() if "mission" in frame for name in frame["mission"].dropna()}
    frames["main.countries"] = conform(countries.countries_table(), COUNTRIES)
    frames["main.missions"] = missions.missions_table(frames.pop(LISTED_MISSIONS, None), named)
    load.create_empty(connection)
    for name, table in TABLES.items():
        if name in frames:
            insert(connection, table, frames[name])
    held = [
        (source, entries[name]["vintage"], entries[name]["sha256"]) for source, names in files.items() for name in names
    ]
    put(connection, SNAPSHOTS.full_name, "source vintage sha256", *held)


def asked(connection: Connection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql).fetchall()


def one(connection: Connection, sql: str) -> tuple[Any, ...]:
    (row,) = asked(connection, sql)
    return row
