"""Reading the published warehouse: read-only, without access to files or the network, with the settings locked.

Neither pandas nor pandera is imported here: a query answers at once.
"""

from __future__ import annotations

import csv
import json
import math
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, TypeVar

import duckdb

BATCH = 10_000

Result = TypeVar("Result")


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
        told = str(error).strip().splitlines()[0].rstrip(".")
        if "Could not set lock" in told:
            advice = "Another program has it open for writing; close that first."
        else:
            advice = "If it is damaged, `peacekeeping refresh` builds it anew."
        raise QueryError(f"The warehouse {published} can't be opened: {told}. {advice}") from error


class Answer:
    """The answer to a query: column names, and rows that stream."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, sql: str) -> None:
        """Run the query. Raises QueryError for SQL that is wrong, writes, or reaches outside."""
        with _told():
            several = len(connection.extract_statements(sql)) > 1
            result = None if several or not sql.strip() else _stoppable(connection, lambda: connection.execute(sql))
        if several:
            raise QueryError("One statement at a time: the answer of each but the last would be lost.")
        if result is None:
            raise QueryError("The query is empty.")
        self._connection, self._result = connection, result
        self.columns: list[str] = [column[0] for column in result.description or []]

    def batches(self) -> Iterator[list[tuple[Any, ...]]]:
        """The rows, in lists of up to BATCH. Raises QueryError: results stream, so a fault can come late."""
        while self.columns:
            with _told():
                rows = _stoppable(self._connection, lambda: self._result.fetchmany(BATCH))
            if not rows:
                return
            yield rows

    def rows(self) -> list[tuple[Any, ...]]:
        """All rows."""
        return [row for batch in self.batches() for row in batch]

    def write_csv(self, file: IO[str]) -> int:
        """Write RFC 4180 CSV with a header; NULL is empty. Gives the number of rows."""
        writer = csv.writer(file, lineterminator="\n")
        # Python 3.11's writer leaves a lone carriage return unquoted, and readers would end the row there.
        careful = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow(self.columns)
        count = 0
        for batch in self.batches():
            for row in batch:
                cells = ["" if cell is None else cell for cell in row]
                (careful if any("\r" in cell for cell in cells if isinstance(cell, str)) else writer).writerow(cells)
            count += len(batch)
        return count

    def write_json(self, file: IO[str]) -> int:
        """Write a JSON array of objects, one a line. A repeated column name gets a number. Gives the number of rows."""
        names: list[str] = []
        for name in self.columns:
            number, unused = 1, name
            while unused in names or (unused != name and unused in self.columns):
                number += 1
                unused = f"{name}_{number}"
            names.append(unused)
        count = 0
        file.write("[")
        for batch in self.batches():
            for row in batch:
                file.write(",\n " if count else "\n ")
                record = {name: plain(cell) for name, cell in zip(names, row, strict=True)}
                file.write(json.dumps(record, ensure_ascii=False, allow_nan=False))
                count += 1
        file.write("\n]\n" if count else "]\n")
        return count

    def write_parquet(self, file: Path) -> int:
        """Write a Parquet file (zstd). Gives the number of rows. Raises QueryError for a type that Parquet has not."""
        import pyarrow
        from pyarrow import parquet

        count = 0
        try:
            with _told(), warnings.catch_warnings():
                # The library advises another call to save a copy; that one takes no statements but SELECT.
                warnings.simplefilter("ignore", UserWarning)
                reader: Any = _stoppable(self._connection, lambda: self._result.to_arrow_reader(BATCH))
            with _told(), parquet.ParquetWriter(file, reader.schema, compression="zstd") as writer:
                while (batch := _stoppable(self._connection, lambda: next(reader, None))) is not None:
                    writer.write_batch(batch)
                    count += batch.num_rows
        except (pyarrow.ArrowException, NotImplementedError) as error:
            told = str(error).strip().splitlines()[0]
            raise QueryError(f"The answer can't be written as Parquet: {told}. Cast that column to text.") from error
        return count


def plain(value: Any) -> Any:  # noqa: PLR0911  (a table of kinds)
    """A cell as JSON has it: dates as ISO texts, decimals as numbers where no digit is lost, the rest as text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        if value == value.to_integral_value():
            return int(value)
        return float(value) if Decimal(repr(float(value))) == value else str(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else str(value)


def _stoppable(connection: duckdb.DuckDBPyConnection, work: Callable[[], Result]) -> Result:
    """What `work` gives, done in a thread beside: DuckDB can wait for its workers where it hears no Ctrl-C."""
    with ThreadPoolExecutor(1) as beside:
        waiting = beside.submit(work)
        try:
            return waiting.result()
        except KeyboardInterrupt:
            connection.interrupt()
            raise


@contextmanager
def _told() -> Iterator[None]:
    """DuckDB's errors as ours."""
    try:
        yield
    except duckdb.Error as error:
        raise QueryError(_explained(error)) from error


def _explained(error: duckdb.Error) -> str:
    """DuckDB's message, and what to do where it refuses what is off here."""
    told = str(error).strip()
    first = told.splitlines()[0].rstrip()
    if not first.endswith((".", "!")):
        first += "."
    if "read-only mode" in told:
        return f"{first} The warehouse is read-only: it is rebuilt from its sources by `refresh`."
    if isinstance(error, duckdb.PermissionException):
        return f"{first} Queries can't reach files or the network; use --output to write the answer."
    return told
