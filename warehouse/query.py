"""Read a warehouse file read-only, without access to files or the network.

This module imports neither pandas nor pandera, so that `peacekeeping query` starts fast.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import IO, Any, TypeVar

import duckdb

from schemas.errors import ProjectError
from schemas.files import csv_writer, link_target
from schemas.problems import first_line
from warehouse.wal import set_aside, wal_of

BATCH = 10_000
ROW_GROUP_BYTES = 32_000_000  # of Arrow; a row group of a Parquet file is written when it has this many
HEADROOM_BYTES = 1 << 30
UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
INTERRUPTION_SECONDS = 2  # within which DuckDB stops, except in a function that works long on one value

Result = TypeVar("Result")

log = logging.getLogger("peacekeeping.query")


class QueryError(ProjectError):
    """A query or a warehouse file can't be read; the message says why."""


def connect(published: Path, memory: str = "80%") -> duckdb.DuckDBPyConnection:
    """Open a warehouse file read-only, with external access off and the configuration locked. Nothing spills to disk.

    memory  how much memory DuckDB may use, such as `2GB` or a percentage of the machine's; it refuses an operation
            that needs more

    Raises QueryError when the file does not exist or can't be opened.
    """
    if not published.exists():
        raise QueryError(f"There is no warehouse at {published} yet. Run `peacekeeping refresh` first.")
    config: dict[str, Any] = {"enable_external_access": "false", "lock_configuration": "true"}
    config |= {"temp_directory": "", "memory_limit": memory}
    try:
        return opened(published, lambda: duckdb.connect(str(published), read_only=True, config=config))
    except duckdb.Error as error:
        reason = first_line(error)
        if "Could not set lock" in reason:
            advice = "Another program has it open for writing; close that first."
        elif isinstance(error, duckdb.OutOfMemoryException):
            advice = f"Allow more memory than {memory}."
        else:
            advice = "If it is damaged, run `peacekeeping refresh` to rebuild it."
        raise QueryError(f"The warehouse {published} can't be opened: {reason}. {advice}") from error


def opened(file: Path, open_file: Callable[[], Result]) -> Result:
    """What `open_file` returns, which opens a warehouse file in DuckDB. Another file's write-ahead log is set aside.

    Such a log comes from a program that has an earlier build open for writing: it writes the log under the name that
    the published file has now, and DuckDB opens no file beside the log of another. Where the file itself is open for
    writing, DuckDB can't lock it, and its log is left alone.

    Raises QueryError when the log can't be renamed, and what `open_file` raises.
    """
    try:
        return open_file()
    except duckdb.Error as error:
        wal = wal_of(link_target(file))
        if "WAL" not in str(error) or "Could not set lock" in str(error) or not wal.exists():
            raise
    try:
        kept = set_aside(wal)
    except OSError as error:
        raise QueryError(
            f"The warehouse {file} can't be opened: the write-ahead log {wal} beside it is not its own. It can't be "
            f"renamed ({error.strerror}); move it to another folder."
        ) from error
    log.warning(
        "The write-ahead log beside %s was not its own: a program had an earlier build open for writing. It is now %s.",
        file,
        kept,
    )
    return open_file()


@contextmanager
def bounded_memory(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Bound the memory of this process by DuckDB's limit and HEADROOM_BYTES more; on Linux, elsewhere it does nothing.

    DuckDB's own limit leaves out the texts and lists that its functions make, and the rows in Python.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        yield
        return
    import resource  # not on every system

    used = int(next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmData"))) * 1024
    ((limit,),) = connection.execute("SELECT current_setting('memory_limit')").fetchall()
    number, unit = limit.split()
    allowed = used + int(float(number) * 1024 ** UNITS.index(unit)) + HEADROOM_BYTES
    before = resource.getrlimit(resource.RLIMIT_DATA)
    bounds = [bound for bound in (allowed, *before) if bound != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(bounds), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def records(result: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The rows of an executed query as dicts of column name to value."""
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


class Answer:
    """The result of one query: column names, and rows that stream. The query runs when they are first read."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, sql: str, seconds: float | None = None) -> None:
        """Read the statement. Raises QueryError when it is none, or more than one.

        seconds  how long the query may take, the reading of its rows included; None sets no limit
        """
        self._connection, self._sql, self._worker = connection, sql, _Worker(connection, seconds)
        with _query_errors():
            statements = connection.extract_statements(sql)
        if len(statements) > 1:
            raise QueryError("One statement at a time: only the result of the last one would be returned.")
        if not statements:
            raise QueryError("The query is empty.")

    @cached_property
    def _result(self) -> duckdb.DuckDBPyConnection:
        """Runs the query. Raises QueryError for SQL that is invalid, writes, or reads files or the network."""
        with _query_errors():
            return self._worker.run(lambda: self._connection.execute(self._sql))

    @cached_property
    def columns(self) -> list[str]:
        """The names of the columns; empty for a statement without a result."""
        return [column[0] for column in self._result.description or []]

    @property
    def busy(self) -> bool:
        """Whether DuckDB still works on an interrupted query. Closing the connection waits until it has ended."""
        return self._worker.busy

    def batches(self) -> Iterator[list[tuple[Any, ...]]]:
        """The rows, in lists of up to BATCH. Raises QueryError: an error can occur at any row, since results stream."""
        while self.columns:
            with _query_errors():
                rows = self._worker.run(lambda: self._result.fetchmany(BATCH))
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

        written, pending = 0, []
        try:
            with _query_errors():
                # A relation streams into Arrow; the result of `execute` is first copied as a whole.
                reader = self._worker.run(lambda: self._connection.sql(self._sql).to_arrow_reader(BATCH))
            with parquet.ParquetWriter(file, reader.schema, compression="zstd") as writer:
                for batch in self._arrow_batches(reader):
                    pending.append(batch)
                    written += batch.num_rows
                    if sum(held.nbytes for held in pending) >= ROW_GROUP_BYTES:
                        writer.write_table(pyarrow.Table.from_batches(pending))
                        pending.clear()
                if pending:
                    writer.write_table(pyarrow.Table.from_batches(pending))
        except MemoryError as error:  # Arrow's is an ArrowException too
            raise _explained(error) from error
        except (pyarrow.ArrowException, NotImplementedError) as error:
            raise QueryError(
                f"The result can't be written as Parquet: {first_line(error)}. Cast that column to text."
            ) from error
        return written

    def _arrow_batches(self, reader: Any) -> Iterator[Any]:
        """The rows of an Arrow reader. Raises QueryError: DuckDB's errors come as OSError through Arrow."""
        try:
            while (batch := self._worker.run(lambda: next(reader, None))) is not None:
                yield batch
        except OSError as error:
            raise _explained(error) from error
        finally:
            if not self.busy:
                reader.close()  # the connection runs no other query before


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


class _Worker:
    """Runs a query's work in another thread: DuckDB can block where it does not notice Ctrl-C.

    A limit of time counts that work and the computing of this thread; not the time that a pager waits for its reader.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, seconds: float | None) -> None:
        self._connection, self._seconds = connection, seconds
        self._began, self._worked = time.thread_time(), 0.0
        self._future: Future[Any] | None = None

    @property
    def busy(self) -> bool:
        """Whether work goes on."""
        return self._future is not None and not self._future.done()

    def run(self, work: Callable[[], Result]) -> Result:
        """The result of `work`. Raises QueryError when the query takes too long."""
        left, began = None, time.monotonic()
        if self._seconds is not None:
            left = self._seconds - self._worked - (time.thread_time() - self._began)
            if left <= 0:
                raise self._too_long()
        pool = ThreadPoolExecutor(1)
        future = pool.submit(work)
        self._future = future
        try:
            return future.result(left)
        except TimeoutError:
            self._stop(future)
            raise self._too_long() from None
        except BaseException:
            if not future.done():  # Ctrl-C, or what another signal raised in this thread
                self._stop(future)
            raise
        finally:
            pool.shutdown(wait=False)
            self._worked += time.monotonic() - began

    def _stop(self, future: Future[Any]) -> None:
        self._connection.interrupt()
        wait([future], INTERRUPTION_SECONDS)

    def _too_long(self) -> QueryError:
        return QueryError(
            f"The query took more than {self._seconds:g} s and was stopped. Select fewer rows, or allow it more with "
            "--timeout SECONDS (0: no limit)."
        )


@contextmanager
def _query_errors() -> Iterator[None]:
    """Raise DuckDB's errors as QueryError."""
    try:
        yield
    except (duckdb.Error, MemoryError) as error:
        raise _explained(error) from error


def _explained(error: BaseException) -> QueryError:
    """DuckDB's error with advice where the warehouse refuses an operation."""
    message, first = str(error).strip(), first_line(error)
    first += "" if first.endswith("!") else "."
    if "read-only mode" in message:
        return QueryError(f"{first} The warehouse is read-only: `refresh` rebuilds it from its sources.")
    if message.startswith("Permission Error"):
        return QueryError(f"{first} Queries can't reach files or the network; use --output to write the answer.")
    if message.startswith("Out of Memory Error") or isinstance(error, MemoryError):
        return QueryError(
            f"{first} The query needs more memory than it may use: join, group and sort less, or allow it more with "
            "--memory SIZE, such as 8GB."
        )
    return QueryError(message)
