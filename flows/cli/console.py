"""Tables, records and progress on a terminal; piped, tab-separated text without boxes and colours."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any, TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from warehouse.query import Answer

PROGRESS_AFTER_SECONDS = 1.0
LONGEST_TABLE = 10_000  # rows; a table in a terminal is laid out as a whole, in memory

Item = TypeVar("Item")


def _shown(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    return str(cell)


def _write_tab_separated(columns: Sequence[str], batches: Iterable[Sequence[Sequence[Any]]], out: IO[str]) -> int:
    """Write rows that come in batches; returns their number."""
    writer = csv.writer(out, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerow(columns)
    written = 0
    for batch in batches:
        writer.writerows([_shown(cell) for cell in row] for row in batch)
        written += len(batch)
    return written


def show_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], file: IO[str] | None = None) -> None:
    """Print rows as a table; tab-separated where the output is not a terminal, so that nothing is truncated."""
    out = file or sys.stdout
    if not out.isatty():
        _write_tab_separated(columns, [rows], out)
        return
    table = Table(header_style="bold")
    for place, column in enumerate(columns):
        cells = [row[place] for row in rows if row[place] is not None]
        numeric = bool(cells) and all(isinstance(cell, int | float | Decimal) for cell in cells)
        table.add_column(Text(column), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*[Text(_shown(cell)) for cell in row])
    Console(file=out).print(table)


def show_record(record: dict[str, Any]) -> None:
    """Print one record, a field a paragraph."""
    console = Console(file=sys.stdout, highlight=False, soft_wrap=not sys.stdout.isatty())
    for name, value in record.items():
        if isinstance(value, list):
            console.print(Text(f"{name}:", style="bold"))
            for item in value:
                console.print(Text(f"  - {item}"))
        else:
            console.print(Text(f"{name}: ", style="bold").append(str(value), style="not bold"))


def show_answer(answer: Answer, limit: int) -> None:
    """Print a query's answer as a table of at most `limit` rows (0: all); a note says where there are more.

    A terminal shows no more than LONGEST_TABLE rows.
    """
    if not answer.columns:
        return
    terminal = sys.stdout.isatty()
    if limit == 0 and not terminal:
        write_answer(answer, sys.stdout)
        return
    most = min(limit or LONGEST_TABLE, LONGEST_TABLE) if terminal else limit
    rows: list[tuple[Any, ...]] = []
    for batch in answer.batches():
        rows += batch
        if len(rows) > most:
            break
    show_table(answer.columns, rows[:most])
    if len(rows) > most:
        others = "--limit 0 shows all, --format csv writes all" if most == limit else "a file or a pipe gets all"
        print(f"The first {most:,} rows; {others}.", file=sys.stderr)


def write_answer(answer: Answer, file: IO[str]) -> int:
    """Write an answer to a file as tab-separated text; returns the number of rows."""
    return _write_tab_separated(answer.columns, answer.batches(), file)


def tracked(items: Sequence[Item], what: str) -> Iterator[Item]:
    """Iterate over the items; after a second, a terminal shows the progress."""
    began = time.monotonic()
    status = Console(stderr=True).status("")
    try:
        for number, item in enumerate(items, start=1):
            if sys.stderr.isatty() and time.monotonic() - began > PROGRESS_AFTER_SECONDS:
                status.update(f"{what} {number:,} of {len(items):,} …")
                status.start()
            yield item
    finally:
        status.stop()
