"""Read a worksheet (.xlsx) that has a header row and data rows, as if it were a CSV file.

Formulas are read as their stored values; none is computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, BinaryIO

import pandas as pd

from schemas.validate import ContractError
from transforms.reading import BROKEN_COLUMNS, MAX_TITLE_LINES, TEXT, Fit, Rows, without_blanks
from transforms.workbooks import filled_rows, opened


@dataclass(frozen=True)
class _Header:
    """A candidate header row: its cells, its number, and its share (transforms.reading.Fit)."""

    sheet: str
    names: list[str]
    row: int
    share: float


class NoSheetError(ContractError):
    """No sheet has a header that fits. `names` are the cells of the nearest row."""

    def __init__(self, message: str, names: list[str]) -> None:
        super().__init__(message)
        self.names = names


def read_sheet(file: BinaryIO, fit: Fit) -> tuple[Rows, str]:
    """Read the only sheet with a header that fits. Returns the rows and the name of the sheet.

    The first row below the header has the number 1. Blank rows are dropped; the others keep their numbers. Raises
    NoSheetError when no sheet fits, ContractError when several do, the workbook can't be read, a sheet is too large,
    two columns have the same name, or a column has values and no name.
    """
    with opened(file) as sheets:
        candidates = [header for sheet in sheets for header in _first_rows(sheet, fit)]
        fitting = [header for header in candidates if header.share == 1]
        if len(fitting) > 1:
            names = ", ".join(repr(header.sheet) for header in fitting)
            raise ContractError(f"The sheets {names} all fit; expected one. Keep the one that is meant.")
        if not candidates:
            raise ContractError("The workbook has no sheet with any value.")
        if not fitting:
            nearest = max(candidates, key=lambda header: header.share)
            names = ", ".join(repr(sheet.title) for sheet in sheets[:12])
            raise NoSheetError(f"The workbook has the sheets {names}; {nearest.sheet!r} comes nearest.", nearest.names)
        sheet = next(sheet for sheet in sheets if sheet.title == fitting[0].sheet)
        return _rows_below(sheet, fitting[0]), sheet.title


def _first_rows(sheet: Any, fit: Fit) -> list[_Header]:
    """The first row that fits, or the first MAX_TITLE_LINES + 1 filled rows if none does."""
    headers: list[_Header] = []
    for number, cells in filled_rows(sheet):
        headers.append(_Header(sheet.title, cells, number, fit(cells)))
        if headers[-1].share == 1:
            return headers[-1:]
        if len(headers) > MAX_TITLE_LINES:
            break
    return headers


def _rows_below(sheet: Any, header: _Header) -> Rows:
    numbers, rows = [], []
    width = len(header.names)
    for number, cells in filled_rows(sheet):
        if number > header.row:
            numbers.append(number - header.row)
            rows.append(cells)
            width = max(width, len(cells))
    columns = [*header.names, *[""] * (width - len(header.names))]
    texts = [[*cells, *[""] * (width - len(cells))] for cells in rows]
    frame = pd.DataFrame(texts, columns=range(width), index=pd.Index(numbers, name="row_number"), dtype=TEXT)
    frame = without_blanks(frame.set_axis(columns, axis=1))
    return frame, pd.DataFrame(columns=BROKEN_COLUMNS), len(frame)
