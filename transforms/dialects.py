"""Dialects: the forms in which a source has been published. They are recognised by their columns, not the file name.

A dialect (declared in the source's YAML) maps published column names to this project's: `required` and `optional`.
`ignored` columns are known and dropped; any other column is new, reported and dropped. Published names are compared
without case, and spaces, underscores and hyphens are equal.

Readable files: CSV with any usual separator and with title lines above the header; JSON as an array, an array in an
object, or one object per line; a workbook with a sheet that has the columns of a CSV dialect; a monthly report as PDF
(transforms.reports).

`units` has the factor from a published unit (1000 for thousands of dollars).
`unpivot` is for a file with one column per year. It has, for a column (the period), its values, and for each value the
published columns that hold it and their names here. Each published row is converted to one row per value; with
`sparse`, values without a figure make none, but all of a row's do if none of them has one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO

import pandas as pd

from schemas.dialect import Dialect, Format, plain_name
from schemas.validate import ContractError
from transforms.decoding import require_decoded
from transforms.reading import SEPARATORS, TEXT, Fit, Rows, find_header, read_below, shown
from transforms.reading_json import read_json
from transforms.reports.reading import read_report
from transforms.sheets import NoSheetError, read_sheet
from transforms.workbooks import NoScaleError, read_xlsx


@dataclass(frozen=True)
class Raw:
    """A file's rows as published: text cells, indexed by row number (the first row of data is 1).

    With `unpivot`, rows are numbered in reading order; `published_row` returns the number in the file. `sheet` is the
    name of the sheet that was read, for a workbook read with a CSV dialect; `made_on` is the day on which the file says
    that it was made.
    """

    dialect: Dialect
    printed: pd.DataFrame
    broken: pd.DataFrame
    new_columns: tuple[str, ...]
    rows_read: int
    sheet: str | None = None
    made_on: date | None = None

    def cells(self) -> pd.DataFrame:
        """The text cells under this project's column names."""
        matched = self.dialect.matched(list(self.printed.columns))
        cells = self.printed[[*matched, *self.dialect.gathered]].rename(columns=matched)
        return cells.assign(**self.dialect.constants)

    def published_row(self, row_numbers: pd.Index) -> pd.Index:
        """The numbers of the rows in the file; the first row of data is 1."""
        return (row_numbers - 1) // self.dialect.rows_apiece + 1

    def raw_rows(self, row_numbers: pd.Index) -> pd.Series:
        """The published rows with these numbers as JSON texts, indexed by row number."""
        wanted = self.printed.loc[self.printed.index.intersection(row_numbers.unique())]
        texts = [json.dumps(row, ensure_ascii=False) for row in wanted.to_dict("records")]
        return pd.Series(texts, index=wanted.index, dtype=TEXT)


def recognise(columns: Sequence[str], form: str, dialects: Sequence[Dialect], source: str) -> Dialect:
    """The dialect that fits the columns best: fewest missing required and unknown columns, then fewest missing optional
    columns, then the first declared.

    Raises ContractError when a required column is missing, naming it and the new columns.
    """
    best = min(
        _of_form(form, dialects, source),
        key=lambda dialect: (
            len(dialect.missing(columns)) + len(dialect.new(columns)),
            len(set(dialect.optional.values()) - set(dialect.matched(columns).values())),
        ),
    )
    matched = best.matched(columns)
    twice = [theirs for theirs, mine in matched.items() if list(matched.values()).count(mine) > 1]
    if twice:
        raise ContractError(
            f"The columns {' and '.join(map(shown, twice))} both stand for {matched[twice[0]]}; expected one of them."
        )
    missing = best.missing(columns)
    if missing:
        new = [shown(column) for column in best.new(columns)[:12]]
        instead = f" New columns: {', '.join(new)}." if new else ""
        raise ContractError(
            f"This is no known form of {source}: the nearest is {best.name}, which needs the column"
            f"{'s' if len(missing) > 1 else ''} {', '.join(missing)}.{instead}"
        )
    return best


def _of_form(form: str, dialects: Sequence[Dialect], source: str) -> list[Dialect]:
    """The dialects of a format. Raises ContractError if the source has none."""
    matching = [dialect for dialect in dialects if dialect.format == form]
    if not matching:
        forms = " or ".join(sorted({dialect.format.upper() for dialect in dialects}))
        raise ContractError(f"{source} is published as {forms}; this is {form.upper()}.")
    return matching


def _fit_of(dialects: Sequence[Dialect]) -> Fit:
    """A function that returns the share of the nearest dialect's required columns among the cells of a line."""

    def fit(cells: Sequence[str]) -> float:
        return max(
            (
                1 - len(dialect.missing(cells)) / max(len([*dialect.required, *dialect.spread]), 1)
                for dialect in dialects
            ),
            default=0,
        )

    return fit


def read(file: BinaryIO, form: Format, dialects: Sequence[Dialect], source: str) -> Raw:
    """Read an accepted file (UTF-8 without byte order mark, a workbook, or a PDF) and recognise its dialect.

    Raises ContractError when it can't be parsed, has no rows, fits no dialect, or has wrongly decoded text;
    CutOffError when it is cut off.
    """
    sheet = made_on = None
    if form == "xlsx":
        (frame, broken, rows_read), dialect, sheet = _read_workbook(file, dialects, source)
    elif form == "pdf":
        known = _of_form(form, dialects, source)
        (frame, broken, rows_read), made_on = read_report(file)
        dialect = recognise(list(frame.columns), form, known, source)
    elif form == "json":
        frame, broken, rows_read = read_json(file)
        _require_rows(rows_read, "The JSON array has no rows. Get it again, or see what was exported.")
        dialect = recognise(list(frame.columns), form, dialects, source)
    else:
        (frame, broken, rows_read), dialect = _read_text(file.read(), dialects, source)
    require_decoded(frame)
    new = tuple(dialect.new(list(frame.columns)))
    if dialect.unpivot:
        frame, broken = _unpivoted(frame, broken, dialect)
        rows_read = len(frame) + len(broken)
    return Raw(dialect, frame, broken, new, rows_read, sheet, made_on)


def _read_text(payload: bytes, known: Sequence[Dialect], source: str) -> tuple[Rows, Dialect]:
    """The rows of a CSV file with any separator, and its dialect."""
    header = find_header(payload, _fit_of(_of_form("csv", known, source)))
    if header.share < 1 and payload[header.end :].strip():
        separated = f"its columns are separated by {SEPARATORS[header.separator]}"
        if len(header.names) == 1:
            separated = f"there is one column; expected columns separated by {', '.join(SEPARATORS.values())}"
        beside = f"In the line that comes nearest to a header, {separated}."
        raise _unknown(header.names, known, source, "" if header.separator == "," and header.names[1:] else beside)
    rows = read_below(payload, header)
    _require_rows(rows[2], "The file has a header and no rows. Get it again, or see what was exported.")
    return rows, recognise(list(rows[0].columns), "csv", known, source)


def _read_workbook(file: BinaryIO, known: Sequence[Dialect], source: str) -> tuple[Rows, Dialect, str | None]:
    """The rows of a workbook, their dialect, and the sheet's name if it was read with a CSV dialect."""
    beside = ""
    if any(dialect.format == "xlsx" for dialect in known):
        try:
            rows = read_xlsx(file)
            return rows, recognise(list(rows[0].columns), "xlsx", known, source), None
        except NoScaleError as error:
            beside = str(error)
            file.seek(0)
    tables = [dialect for dialect in known if dialect.format == "csv"] or _of_form("xlsx", known, source)
    try:
        rows, sheet = read_sheet(file, _fit_of(tables))
    except NoSheetError as error:
        raise _unknown(error.names, tables, source, f"{error} {beside}".strip()) from error
    _require_rows(rows[2], f"The sheet {sheet!r} has a header and no rows.")
    return rows, recognise(list(rows[0].columns), "csv", tables, source), sheet


def _unknown(cells: Sequence[str], known: Sequence[Dialect], source: str, beside: str) -> ContractError:
    """The error for a file without a header line. `cells` is the line that comes nearest to one."""
    try:
        recognise([cell for cell in cells if cell.strip()], "csv", known, source)
    except ContractError as error:
        return ContractError(f"{error} {beside}".strip())
    raise AssertionError("the cells have all columns of a dialect")


def _require_rows(rows_read: int, otherwise: str) -> None:
    if not rows_read:
        raise ContractError(otherwise)


def _unpivoted(frame: pd.DataFrame, broken: pd.DataFrame, dialect: Dialect) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Convert each published row to one row per value, in reading order. A broken row stays one row."""
    ((label, values),) = dialect.unpivot.items()
    places = {plain_name(column): column for column in frame.columns}
    shared = frame.drop(columns=[places[plain_name(theirs)] for theirs in dialect.spread])
    parts = [
        shared.assign(**{label: value}, **{mine: frame[places[plain_name(theirs)]] for theirs, mine in columns.items()})
        for value, columns in values.items()
    ]
    first = (frame.index - 1) * dialect.rows_apiece + 1
    long = pd.concat([part.set_axis(first + place) for place, part in enumerate(parts)]).sort_index()
    if dialect.sparse:
        blank = long[dialect.gathered[1:]].isin(["", *dialect.blanks]).all(axis=1)
        none = blank.groupby((long.index - 1) // dialect.rows_apiece).transform("all")
        long = long[~blank | none]
    moved = (broken["row_number"] - 1) * dialect.rows_apiece + 1
    return long.astype(TEXT).rename_axis("row_number"), broken.assign(row_number=moved)
