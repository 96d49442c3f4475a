"""Reading a sheet of an Excel workbook (.xlsx) that has a header and one row a row, as if it were that CSV file.

Formulas are read as the values that were stored with them; none is computed.
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
    """A row of a sheet that may be its header: its cells, its number, and its share (transforms.reading.Fit)."""

    sheet: str
    names: list[str]
    row: int
    share: float


class NoSheetError(ContractError):
    """No sheet of a workbook has a header that fits; `names` are the cells of the row that comes nearest."""

    def __init__(self, message: str, names: list[str]) -> None:
        super().__init__(message)
        self.names = names


def read_sheet(file: BinaryIO, fit: Fit) -> tuple[Rows, str]:
    """The rows of the one sheet with a header that fits among its first rows, and the sheet's name.

    The first row below the header has the number 1. Rows that are blank throughout are left out, and the others keep
    their numbers; none is broken. Raises NoSheetError when no sheet fits, ContractError when several do, the workbook
    can't be read, a sheet is too large, or a column is there twice or has values and no name.
    """
    with opened(file) as sheets:
        found = [header for sheet in sheets for header in _first_rows(sheet, fit)]
        fitting = [header for header in found if header.share == 1]
        if len(fitting) > 1:
            told = ", ".join(repr(header.sheet) for header in fitting)
            raise ContractError(f"The sheets {told} all fit; expected one. Keep the one that is meant.")
        if not found:
            raise ContractError("The workbook has no sheet with any value.")
        if not fitting:
            nearest = max(found, key=lambda header: header.share)
            told = ", ".join(repr(sheet.title) for sheet in sheets[:12])
            raise NoSheetError(f"The workbook has the sheets {told}; {nearest.sheet!r} comes nearest.", nearest.names)
        sheet = next(sheet for sheet in sheets if sheet.title == fitting[0].sheet)
        return _rows_below(sheet, fitting[0]), sheet.title


def _first_rows(sheet: Any, fit: Fit) -> list[_Header]:
    """The row of a sheet that fits or, if none of the first does, those that may be the header."""
    found: list[_Header] = []
    for number, cells in filled_rows(sheet):
        found.append(_Header(sheet.title, cells, number, fit(cells)))
        if found[-1].share == 1:
            return found[-1:]
        if len(found) > MAX_TITLE_LINES:
            break
    return found


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
