"""Reading the published warehouse: read-only, without access to files or the network, with the settings locked.

Neither pandas nor pandera is imported here: a query answers at once.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import duckdb

BATCH = 10_000


class QueryError(Exception):
    """The query can't be answered; the text says why."""


def connect(published: Path) -> duckdb.DuckDBPyConnection:
    """Open the published warehouse read-only, external access off, configuration locked.

    Raises QueryError when there is none yet, or it can't be opened.
    """
    if not published.exists():
        raise QueryError(f"There is no warehouse at {published} yet. Run `peacekeeping refresh` first.")
    try:
        return duckdb.connect(
            str(published), read_only=True, config={"enable_external_access": "false", "lock_configuration": "true"}
        )
    except duckdb.Error as error:
        told = str(error).strip().splitlines()[0]
        if "lock" in told:
            told += " Another program has it open for writing; close that first."
        raise QueryError(f"The warehouse {published} can't be opened: {told}") from error


class Answer:
    """The answer to a query: column names, and rows that stream."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, sql: str) -> None:
        """Run the query. Raises QueryError for SQL that is wrong, writes, or reaches outside."""
        if not sql.strip():
            raise QueryError("The query is empty.")
        try:
            self._result = connection.execute(sql)
            self.columns: list[str] = [column[0] for column in self._result.description or []]
        except duckdb.Error as error:
            raise QueryError(_explained(error)) from error

    def batches(self) -> Iterator[list[tuple[Any, ...]]]:
        """The rows, in lists of up to BATCH. Raises QueryError: results stream, so a fault can come late."""
        try:
            while self.columns and (rows := self._result.fetchmany(BATCH)):
                yield rows
        except duckdb.Error as error:
            raise QueryError(_explained(error)) from error

    def rows(self) -> list[tuple[Any, ...]]:
        """All rows."""
        return [row for batch in self.batches() for row in batch]

    def write_csv(self, file: IO[str]) -> int:
        """Write RFC 4180 CSV with a header; NULL is empty. Gives the number of rows."""
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(self.columns)
        count = 0
        for batch in self.batches():
            writer.writerows([["" if cell is None else cell for cell in row] for row in batch])
            count += len(batch)
        return count

    def write_json(self, file: IO[str]) -> int:
        """Write a JSON array of objects, one a line. Gives the number of rows."""
        count = 0
        file.write("[")
        for batch in self.batches():
            for row in batch:
                file.write(",\n " if count else "\n ")
                record = dict(zip(self.columns, row, strict=True))
                file.write(json.dumps(record, default=plain, ensure_ascii=False))
                count += 1
        file.write("\n]\n" if count else "]\n")
        return count

    def write_parquet(self, file: Path) -> int:
        """Write a Parquet file (zstd). Gives the number of rows."""
        from pyarrow import parquet

        count = 0
        try:
            reader: Any = self._result.to_arrow_reader(BATCH)
            with parquet.ParquetWriter(file, reader.schema, compression="zstd") as writer:
                for batch in reader:
                    writer.write_batch(batch)
                    count += batch.num_rows
        except duckdb.Error as error:
            raise QueryError(_explained(error)) from error
        return count


def plain(value: Any) -> Any:
    """A cell as JSON has it: dates as ISO texts, decimals as numbers, the rest as text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def _explained(error: duckdb.Error) -> str:
    """DuckDB's message, and what to do where it refuses what is off here."""
    told = str(error).strip()
    if "read-only mode" in told:
        return told.splitlines()[0] + " The warehouse is read-only: it is rebuilt from its sources by `refresh`."
    if isinstance(error, duckdb.PermissionException):
        return told.splitlines()[0] + " Queries can't reach files or the network; use --output to write the answer."
    return told
