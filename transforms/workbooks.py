"""Read a workbook (.xlsx) with one row per state and one column per year or period, as long rows of text.

Such a sheet has a header of several lines (a period is printed as one year below the other), footnote marks in separate
columns, rules of equals signs, a total, and footnotes at the end. The header is located by its content, so its position
can change. Formulas are read as their stored values; none is computed.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from typing import Any, BinaryIO

import pandas as pd

from schemas.validate import ContractError
from transforms.reading import BROKEN_COLUMNS, TEXT, Rows

COLUMNS = ["member_state", "period_from", "period_to", "rate", "cell"]
NAME, TOTAL = "Member State", "Total"
MAX_ROWS = 10_000  # the published sheet has 239
MAX_SHEET_ROWS = 1_048_576  # Excel's own limit
MAX_COLUMNS = 1_000
MAX_CELLS = 50_000_000
YEARS = (1900, 2100)

# Cells without a figure: blanks, dashes, rules, footnote marks.
_NOTHING = re.compile(r"[-\u2013\u2014=_\s]*|\s*[a-z]/\s*")
_PERIOD = re.compile(r"(\d{4})(?:\s*[-/\u2013]\s*(\d{4}|\d{2}))?")

Line = Mapping[int, str]


class NoScaleError(ContractError):
    """No sheet has one row per state and one column per period."""


@dataclass(frozen=True)
class _Header:
    """The column of the names, the years of each other column, and the number of the header's last line."""

    name: int
    years: Mapping[int, Sequence[int]]
    last: int


def read_xlsx(file: BinaryIO) -> Rows:
    """The figures of a workbook as long rows (COLUMNS), an empty frame (no row is broken), and the number of rows.

    There is one row per state and period with a figure, numbered in reading order, row by row. `cell` is the address in
    the sheet (N62). A row with a name and no figures gives one row without period and rate; a figure without a name
    gives a row without member_state: both are reported later. Blank rows, rules, the total, and everything below the
    last state are skipped.

    Raises ContractError when it can't be read, a column header is not a year or period, or a figure has no period or
    is below the last state; NoScaleError when no sheet has a header with "Member State" and years.
    """
    for lines in _sheets(file):
        header = _header(lines)
        if header is not None:
            return _long(lines, header)
    raise NoScaleError(
        f"No sheet of the workbook has a header with {NAME!r} and years; expected one row a state, one column a period."
    )


@contextmanager
def opened(file: BinaryIO) -> Iterator[list[Any]]:
    """The sheets of a workbook, with the stored values of formulas. Raises ContractError when it can't be read."""
    import openpyxl

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about formats and extensions, which do not affect the values
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            yield book.worksheets
    except ContractError:
        raise
    except Exception as error:  # openpyxl raises many types of exceptions for a damaged workbook
        raise ContractError(f"The workbook can't be read ({type(error).__name__}: {_short(error)}).") from error


def _sheets(file: BinaryIO) -> Iterator[dict[int, Line]]:
    """The non-blank cells of each sheet as text, by row and column number."""
    with opened(file) as worksheets:
        sheets = [(sheet.title, _lines(sheet)) for sheet in worksheets]
    for title, lines in sheets:
        if len(lines) > MAX_ROWS:
            raise ContractError(f"The sheet {title!r} has more than {MAX_ROWS:,} rows; expected one row a state.")
        yield lines


def _lines(sheet: Any) -> dict[int, Line]:
    lines: dict[int, Line] = {}
    for number, row in filled_rows(sheet):
        lines[number] = {place: text for place, text in enumerate(row, start=1) if text.strip()}
        if len(lines) > MAX_ROWS:
            break
    return lines


def filled_rows(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    """The non-blank rows of a sheet with their numbers, as text without trailing blank cells.

    Raises ContractError when the sheet is too large.
    """
    # The dimensions recorded in the file can be wrong: rows would be skipped, or millions of blank rows read.
    sheet.reset_dimensions()
    size = 0
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        size += len(row)
        if number > MAX_SHEET_ROWS or size > MAX_CELLS:
            raise ContractError(
                f"The sheet {sheet.title!r} has more than {MAX_SHEET_ROWS:,} rows or {MAX_CELLS:,} cells; no "
                "table of this source has. Save the table as CSV."
            )
        cells = [as_text(value) for value in row]
        while cells and not cells[-1].strip():
            cells.pop()
        if len(cells) > MAX_COLUMNS:
            raise ContractError(f"Row {number:,} of the sheet {sheet.title!r} has more than {MAX_COLUMNS:,} columns.")
        if cells:
            yield number, cells


def as_text(value: Any) -> str:
    """A cell as text: numbers in full (2, 0.026), never 2.0 or 1e-05; days as 2019-01-20."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return format(Decimal(repr(value)).normalize(), "f")
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return str(value)


def _short(error: Exception) -> str:
    return (" ".join(str(error).split()) or "no reason given")[:80]


def _years(text: str) -> list[int] | None:
    """The years of a header cell: 1946, 1956/1957, 1956/57, 2025-2027; None for any other text."""
    match = _PERIOD.fullmatch(text.strip())
    if not match:
        return None
    first, last = match[1], match[2] or match[1]
    begin, end = int(first), int(first[: 4 - len(last)] + last)
    return list(range(begin, end + 1)) if YEARS[0] <= begin <= end <= YEARS[1] else None


def _is_name(text: str) -> bool:
    return " ".join(text.split()).casefold() in (NAME.casefold(), f"{NAME}s".casefold())


def _header(lines: Mapping[int, Line]) -> _Header | None:
    """The header: the line with the label, and the lines of years directly above and below it."""
    for number, cells in lines.items():
        name = next((place for place, text in cells.items() if _is_name(text)), None)
        if name is None:
            continue

        def of_years(at: int, name: int = name) -> bool:
            line = lines.get(at, {})
            return bool(line) and name not in line and all(_years(text) for text in line.values())

        first = last = number
        while of_years(first - 1):
            first -= 1
        while of_years(last + 1):
            last += 1
        years: dict[int, list[int]] = {}
        odd = []
        for at in range(first, last + 1):
            for place, text in sorted(lines[at].items()):
                if place != name:
                    named = _years(text)
                    odd += [] if named else [(place, text)]
                    years.setdefault(place, []).extend(named or [])
        if not any(years.values()):
            continue
        if odd:
            raise ContractError(
                f"The header's column {_letters(odd[0][0])}: expected a year or a period such as 1956/1957, "
                f"got {odd[0][1].strip()[:40]!r}."
            )
        _require_periods(years)
        return _Header(name, years, last)
    return None


def _require_periods(years: Mapping[int, Sequence[int]]) -> None:
    """Raise ContractError unless each column has consecutive years and no year has two columns."""
    seen: dict[int, int] = {}
    for place, some in years.items():
        if list(some) != list(range(some[0], some[0] + len(some))):
            printed = ", ".join(map(str, some))
            raise ContractError(
                f"The header's column {_letters(place)}: expected a year or years in a row, got {printed}."
            )
        for year in some:
            if year in seen:
                raise ContractError(
                    f"The year {year} stands over two columns, {_letters(seen[year])} and {_letters(place)}."
                )
            seen[year] = place


def _letters(place: int) -> str:
    """The letters of a column number: 1 is A, 27 is AA."""
    text = ""
    while place:
        place, rest = divmod(place - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def _end(body: Mapping[int, Line], header: _Header) -> int:
    """The number of the first row after the states: the total, or the row after the last name with a value."""
    last = 0
    for number, cells in body.items():
        name = cells.get(header.name, "").strip()
        if name.casefold() == TOTAL.casefold():
            return number
        if name and any(place in header.years for place in cells):
            last = number
    return last + 1


def _figures(cells: Line, header: _Header) -> dict[int, str]:
    return {
        place: text for place, text in sorted(cells.items()) if place != header.name and not _NOTHING.fullmatch(text)
    }


def _long(lines: Mapping[int, Line], header: _Header) -> Rows:
    body = {number: cells for number, cells in lines.items() if number > header.last}
    end = _end(body, header)
    rows: list[tuple[str, str, str, str, str]] = []
    for number, cells in body.items():
        figures = _figures(cells, header)
        if number >= end:
            if number > end and any(place in header.years for place in figures):
                place = next(place for place in figures if place in header.years)
                raise ContractError(
                    f"The cell {_letters(place)}{number} stands below the last state or the total; "
                    f"expected no figure there, got {figures[place].strip()[:40]!r}."
                )
            continue
        name = cells.get(header.name, "")
        stray = next((place for place in figures if place not in header.years), None)
        if stray is not None:
            raise ContractError(
                f"The cell {_letters(stray)}{number} has {figures[stray].strip()[:40]!r}, and its column has no year "
                "or period in the header."
            )
        if name.strip() and not figures:
            rows.append((name, "", "", "", f"{_letters(header.name)}{number}"))
        for place, text in figures.items():
            years = header.years[place]
            rows.append((name, str(years[0]), str(years[-1]), text, f"{_letters(place)}{number}"))
    if not rows:
        raise ContractError(f"The workbook has a header with {NAME!r} and years, and no figures below it.")
    index = pd.RangeIndex(1, len(rows) + 1, name="row_number")
    return pd.DataFrame(rows, columns=COLUMNS, index=index, dtype=TEXT), pd.DataFrame(columns=BROKEN_COLUMNS), len(rows)
