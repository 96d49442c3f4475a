"""Read the rows of a CSV file as text cells. The first row of data has the number 1."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as arrow
import pyarrow.csv as arrow_csv

from schemas.problems import first_line
from schemas.validate import ContractError, CutOffError

TEXT = pd.StringDtype(storage="pyarrow", na_value=np.nan)
BROKEN_COLUMNS = ["row_number", "text", "reason"]
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes"}
MAX_TITLE_LINES = 10

# Rows as text cells (index: row number), rows of the wrong width (BROKEN_COLUMNS), and the number of both.
Rows = tuple[pd.DataFrame, pd.DataFrame, int]
# Takes the cells of a line; returns the share of a form's required columns among them, 1 for its header.
Fit = Callable[[Sequence[str]], float]


@dataclass(frozen=True)
class Header:
    """A candidate header line of a CSV file: its cells, its separator, its share (Fit) and its byte offsets."""

    names: list[str]
    separator: str
    share: float
    start: int
    end: int


def read_csv(file: BinaryIO, fit: Fit = lambda _: 1) -> Rows:
    """Read a CSV file. The header is the first line that fits; without `fit` the first line, separated by commas.

    Blank rows are dropped; the others keep their numbers. Raises ContractError when the file can't be parsed, has a
    column twice or values without a column name, CutOffError when it is cut off.
    """
    payload = file.read()
    return read_below(payload, find_header(payload, fit))


def shown(name: str) -> str:
    """A column name in a message: on one line, at most 40 characters."""
    return " ".join(name.split())[:40]


def find_header(payload: bytes, fit: Fit) -> Header:
    """The first line that fits with any separator; otherwise the line with the largest share.

    Raises ContractError when no line can be parsed.
    """
    candidates: list[Header] = []
    for separator in SEPARATORS:
        headers = _header_candidates(payload, separator, fit)
        if headers and headers[0].share == 1:
            return headers[0]
        candidates += headers
    if not candidates:
        raise ContractError(
            f"The file can't be read as CSV: its first line has a cell of more than {csv.field_size_limit():,} "
            "characters; expected the names of columns."
        )
    return min(candidates, key=lambda header: (-header.share, header.start, -len(header.names)))


def _header_candidates(payload: bytes, separator: str, fit: Fit) -> list[Header]:
    """The first non-blank lines, up to the first that fits and at most MAX_TITLE_LINES + 1."""
    text = io.TextIOWrapper(io.BytesIO(payload), encoding="utf-8", newline="")
    headers: list[Header] = []
    start = end = 0

    def lines() -> Iterator[str]:
        nonlocal end
        for line in text:
            end += len(line.encode())
            yield line

    try:
        for names in csv.reader(lines(), delimiter=separator):
            if any(name.strip() for name in names):
                headers.append(Header(names, separator, fit(names), start, end))
                if headers[-1].share == 1 or len(headers) > MAX_TITLE_LINES:
                    break
            start = end
    except csv.Error:  # a cell longer than any column name
        pass
    return headers


def read_below(payload: bytes, header: Header) -> Rows:
    """Read the rows below a header, as `read_csv` does."""
    invalid: list[tuple[int, str, str]] = []

    def set_aside(row: arrow_csv.InvalidRow) -> str:
        invalid.append((row.number, row.text, f"expected {row.expected_columns} fields, got {row.actual_columns}"))
        return "skip"

    places = [str(place) for place in range(len(header.names))]
    body = arrow.py_buffer(payload).slice(header.end)
    try:
        table = arrow_csv.read_csv(
            arrow.BufferReader(body if body.size else b"\n"),  # pyarrow refuses an empty input
            read_options=arrow_csv.ReadOptions(
                use_threads=False, block_size=max(1 << 20, body.size + 1), column_names=places
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=header.separator, newlines_in_values=True, invalid_row_handler=set_aside
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(places, arrow.string()), strings_can_be_null=False
            ),
        )
    except (arrow.ArrowInvalid, arrow.ArrowKeyError) as error:
        raise ContractError(f"The file can't be read as CSV: {first_line(error)}.") from error
    row_count = table.num_rows + len(invalid)
    broken = [row for row in invalid if row[1].strip(f"{header.separator}\"' \t\r\n")]
    _require_complete(payload, broken, row_count)
    _require_closed_quotes(payload, table, header.separator, row_count)
    numbers = np.setdiff1d(np.arange(1, row_count + 1), np.array([row[0] for row in invalid], dtype="int64"))
    frame = table.to_pandas(types_mapper={arrow.string(): TEXT}.get).set_axis(pd.Index(numbers, name="row_number"))
    frame = without_blanks(frame.set_axis(header.names, axis=1))
    return frame, pd.DataFrame(broken, columns=BROKEN_COLUMNS), len(frame) + len(broken)


def _require_complete(payload: bytes, broken: Sequence[tuple[int, str, str]], rows: int) -> None:
    """Refuse a file that is cut off in its last row, or in which an unclosed quote takes in several rows."""
    if broken and broken[-1][0] == rows and not payload.endswith((b"\n", b"\r")):
        raise CutOffError(f"The file is cut off in its last row ({broken[-1][1][:40]!r}). Get it again.")
    unclosed = next((number for number, text, _ in broken if "\n" in text.strip()), None)
    if unclosed is not None:
        raise ContractError(f"Row {unclosed:,} runs over several lines: a quote opens there and is not closed.")


def _require_closed_quotes(payload: bytes, table: arrow.Table, separator: str, rows: int) -> None:
    """Refuse a file that ends within quotes in its last column: the last row has the right width all the same."""
    if not table.num_rows:
        return
    last = table.column(table.num_columns - 1)[-1].as_py().replace('"', '""')
    if payload.endswith((f'{separator}"{last}'.encode(), f'\n"{last}'.encode())):
        raise CutOffError(
            f"The file ends within quotes that open in row {rows:,}: it is cut off, or a quote is not closed. "
            "Get it again."
        )


def without_blanks(frame: pd.DataFrame) -> pd.DataFrame:
    """Drop blank rows, and columns without a name and values.

    Raises ContractError when a column without a name has values, or two columns have the same name.
    """
    blank = np.ones(len(frame), dtype=bool)
    for place in range(frame.shape[1]):
        if blank.any():
            blank[blank] = (frame.iloc[blank, place].str.strip() == "").to_numpy(dtype=bool)
    frame = frame[~blank] if blank.any() else frame
    nameless = np.array([not str(name).strip() for name in frame.columns], dtype=bool)
    for place in np.flatnonzero(nameless).tolist():
        values = frame.iloc[:, place]
        filled = values[values.str.strip() != ""]
        if len(filled):
            raise ContractError(
                f"Column {place + 1:,} has no name in the header, and values: {filled.iloc[0][:40]!r} in row "
                f"{filled.index[0]:,}. Name the column, or take it out."
            )
    frame = frame.loc[:, ~nameless] if nameless.any() else frame
    duplicates = frame.columns[frame.columns.duplicated()]
    if len(duplicates):
        raise ContractError(f"The header has the column {shown(duplicates[0])!r} twice.")
    return frame
