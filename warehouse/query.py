"""Read a warehouse file read-only, without access to files or the network.

This module imports neither pandas nor pandera, so that `peacekeeping query` starts fast.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import IO, Any, TypeVar

import duckdb

from schemas.errors import ProjectError
from schemas.files import csv_writer
from schemas.problems import first_line

BATCH = 10_000

Result = TypeVar("Result")


class QueryError(ProjectError):
    """A query or a warehouse file can't be read; the message says why."""


def connect(published: Path) -> duckdb.DuckDBPyConnection:
    """Open a warehouse file read-only, with external access off and the configuration locked.

    Raises QueryError when the file does not exist or can't be opened.
    """
    if not published.exists():
        raise QueryError(f"There is no warehouse at {published} yet. Run `peacekeeping refresh` first.")
    try:
        return duckdb.connect(
            str(published), read_only=True, config={"enable_external_access": "false", "lock_configuration": "true"}
        )
    except duckdb.Error as error:
        reason = first_line(error)
        if "Could not set lock" in reason:
            advice = "Another program has it open for writing; close that first."
        else:
            advice = "If it is damaged, run `peacekeeping refresh` to rebuild it."
        raise QueryError(f"The warehouse {published} can't be opened: {reason}. {advice}") from error


def records(result: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The rows of an executed query as dicts of column name to value."""
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


class Answer:
    """The result of one query: column names, and rows that stream."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, sql: str) -> None:
        """Run the query. Raises QueryError for SQL that is invalid, writes, or reads files or the network."""
        with _query_errors():
            statements = connection.extract_statements(sql)
        if len(statements) > 1:
            raise QueryError("One statement at a time: only the result of the last one would be returned.")
        if not statements:
            raise QueryError("The query is empty.")
        with _query_errors():
            self._result = _interruptible(connection, lambda: connection.execute(sql))
        self._connection = connection
        self.columns: list[str] = [column[0] for column in self._result.description or []]

    def batches(self) -> Iterator[list[tuple[Any, ...]]]:
        """The rows, in lists of up to BATCH. Raises QueryError: an error can occur at any row, since results stream."""
        while self.columns:
            with _query_errors():
                rows = _interruptible(self._connection, lambda: self._result.fetchmany(BATCH))
            if not rows:
                return
            yield rows

    def rows(self) -> list[tuple[Any, ...]]:
        """All rows."""
        return [row for batch in self.batches() for row in batch]

    def records(self) -> list[dict[str, Any]]:
        """All rows as dicts of column name to value."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows()]

    def write_csv(self, file: IO[str]) -> int:
        """Write RFC 4180 CSV with a header; NULL is empty. Returns the number of rows."""
        write_row = csv_writer(file)
        write_row(self.columns)
        written = 0
        for batch in self.batches():
            for row in batch:
                write_row(row)
            written += len(batch)
        return written

    def write_json(self, file: IO[str]) -> int:
        """Write a JSON array with one object per line. Repeated column names get a number. Returns the row count."""
        names: list[str] = []
        for name in self.columns:
            numbered = (f"{name}_{number}" for number in count(2))
            free = (other for other in numbered if other not in names and other not in self.columns)
            names.append(next(free) if name in names else name)
        written = 0
        file.write("[")
        for batch in self.batches():
            for row in batch:
                file.write(",\n " if written else "\n ")
                record = {name: plain(cell) for name, cell in zip(names, row, strict=True)}
                file.write(json.dumps(record, ensure_ascii=False, allow_nan=False))
                written += 1
        file.write("\n]\n" if written else "]\n")
        return written

    def write_parquet(self, file: Path) -> int:
        """Write a Parquet file (zstd). Returns the number of rows. Raises QueryError for a type Parquet lacks."""
        import pyarrow
        from pyarrow import parquet

        written = 0
        try:
            with _query_errors(), warnings.catch_warnings():
                # DuckDB advises another call that saves a copy, but that call accepts SELECT only.
                warnings.simplefilter("ignore", UserWarning)
                reader: Any = _interruptible(self._connection, lambda: self._result.to_arrow_reader(BATCH))
            with _query_errors(), parquet.ParquetWriter(file, reader.schema, compression="zstd") as writer:
                while (batch := _interruptible(self._connection, lambda: next(reader, None))) is not None:
                    writer.write_batch(batch)
                    written += batch.num_rows
        except (pyarrow.ArrowException, NotImplementedError) as error:
            raise QueryError(
                f"The result can't be written as Parquet: {first_line(error)}. Cast that column to text."
            ) from error
        return written


def plain(value: Any) -> Any:  # noqa: PLR0911  (one return per type)
    """A cell in JSON types: dates as ISO texts, decimals as numbers where no digit is lost, the rest as text."""
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


def _interruptible(connection: duckdb.DuckDBPyConnection, work: Callable[[], Result]) -> Result:
    """The result of `work`, run in another thread: DuckDB can block where it does not notice Ctrl-C."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        try:
            return future.result()
        except KeyboardInterrupt:
            connection.interrupt()
            raise


@contextmanager
def _query_errors() -> Iterator[None]:
    """Raise DuckDB's errors as QueryError, with advice where the warehouse refuses an operation."""
    try:
        yield
    except duckdb.Error as error:
        message, first = str(error).strip(), first_line(error)
        first += "" if first.endswith("!") else "."
        if "read-only mode" in message:
            message = f"{first} The warehouse is read-only: `refresh` rebuilds it from its sources."
        elif isinstance(error, duckdb.PermissionException):
            message = f"{first} Queries can't reach files or the network; use --output to write the answer."
        raise QueryError(message) from error
