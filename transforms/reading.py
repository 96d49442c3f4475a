"""Reading a file's rows as text cells, CSV or JSON: the first row of data has the number 1.

A JSON array is read a piece at a time, because the objects of Python that it decodes to take ten times its size.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as arrow
import pyarrow.csv as arrow_csv

from schemas.validate import ContractError

TEXT = pd.StringDtype(storage="pyarrow", na_value=np.nan)
BROKEN_COLUMNS = ["row_number", "text", "reason"]
BLOCK_BYTES = 1 << 18
ROWS_AT_ONCE = 20_000
JSON_SPACE = " \t\n\r"

_DECODER = json.JSONDecoder()

Rows = tuple[pd.DataFrame, pd.DataFrame, int]


def read_csv(file: BinaryIO) -> Rows:
    """The rows of a CSV file, those of the wrong width apart (row_number, text, reason), and how many there are.

    Raises ContractError when it can't be parsed, is cut off, or has a column twice.
    """
    bad: list[tuple[int, str, str]] = []

    def aside(row: arrow_csv.InvalidRow) -> str:
        bad.append((row.number - 1, row.text, f"expected {row.expected_columns} fields, got {row.actual_columns}"))
        return "skip"

    payload = file.read().lstrip(b"\r\n")
    names = next(csv.reader(io.TextIOWrapper(io.BytesIO(payload), encoding="utf-8", newline="")), [])
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(payload),
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=max(1 << 20, len(payload) + 1)),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=aside),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, arrow.string()), strings_can_be_null=False
            ),
        )
    except (arrow.ArrowInvalid, arrow.ArrowKeyError) as error:
        raise ContractError(f"The file can't be read as CSV: {str(error).splitlines()[0]}") from error
    _require_whole(payload, bad, table.num_rows + len(bad))
    doubled = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if doubled:
        raise ContractError(f"The CSV's header has the column {doubled[0]!r} twice.")
    frame = table.to_pandas(types_mapper={arrow.string(): TEXT}.get)
    broken = pd.DataFrame(bad, columns=BROKEN_COLUMNS)
    rows_read = len(frame) + len(broken)
    numbers = np.setdiff1d(np.arange(1, rows_read + 1), broken["row_number"].to_numpy(dtype="int64"))
    return frame.set_axis(pd.Index(numbers, name="row_number")), broken, rows_read


def _require_whole(payload: bytes, bad: Sequence[tuple[int, str, str]], rows: int) -> None:
    """Refuse a file that is cut off in its last row, or in which a quote that is never closed swallows rows."""
    if bad and bad[-1][0] == rows and not payload.endswith((b"\n", b"\r")):
        raise ContractError(f"The file is cut off in its last row ({bad[-1][1][:40]!r}). Get it again.")
    swallowed = next((number for number, text, _ in bad if "\n" in text.strip()), None)
    if swallowed is not None:
        raise ContractError(f"Row {swallowed:,} runs over several lines: a quote opens there and is not closed.")


def _as_text(column: pd.Series) -> pd.Series:
    """JSON values as text: null is blank, whole numbers have no decimal point."""
    known = column.dropna()
    if pd.api.types.is_float_dtype(column.dtype) and ((known % 1 == 0) & (known.abs() < 2**53)).all():
        column = column.astype("Int64")
    return column.astype(TEXT).fillna("")


class _Scanner:
    """JSON text read a block at a time."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        self.text, self.place = "", 0

    def more(self) -> bool:
        """Read on; False at the end. By at least what is left unread, so that a long element costs linear time."""
        block = self.file.read(max(BLOCK_BYTES, len(self.text) - self.place))
        self.text, self.place = self.text[self.place :] + self.decoder.decode(block), 0
        return bool(block)

    def peek(self) -> str:
        """The next character that is no white space; nothing at the end."""
        while True:
            while self.place < len(self.text):
                if self.text[self.place] not in JSON_SPACE:
                    return self.text[self.place]
                self.place += 1
            if not self.more():
                return ""

    def element(self) -> Any:
        """The value that begins here. Raises ValueError or RecursionError where none does."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self.text, self.place)
            except ValueError:
                if not self.more():
                    raise
                continue
            # A number may go on in the next block.
            if end < len(self.text) or not self.more():
                self.place = end
                return value


def _elements(file: BinaryIO) -> Iterator[Any]:
    """The elements of a JSON array. Raises ValueError or RecursionError where it is no JSON, ContractError for none."""
    scanner = _Scanner(file)
    if scanner.peek() != "[":
        raise ContractError(f"Expected a JSON array of rows, got {_kind(scanner.element())}.")
    scanner.place += 1
    mark = scanner.peek()
    while mark != "]":
        scanner.peek()
        yield scanner.element()
        mark = scanner.peek()
        if mark not in ("]", ","):
            raise ValueError("a comma or the end of the array was expected")
        scanner.place += mark == ","
    scanner.place += 1
    if scanner.peek():
        raise ValueError("something follows the end of the array")


def read_json(file: BinaryIO) -> Rows:
    """The rows of a bare array of objects, as the API answers; an empty frame (none is broken); how many there are.

    Raises ContractError when it can't be parsed or is anything else.
    """
    frames: list[pd.DataFrame] = []
    read = 0
    elements = _elements(file)
    try:
        while some := list(islice(elements, ROWS_AT_ONCE)):
            odd = next((place for place, row in enumerate(some) if not isinstance(row, dict)), None)
            if odd is not None:
                place = read + odd + 1
                raise ContractError(f"Expected a JSON array of objects; element {place:,} is {_kind(some[odd])}.")
            frames.append(pd.DataFrame(some).apply(_as_text))
            read += len(some)
    except UnicodeEncodeError:
        raise ContractError("The JSON holds a text that is no Unicode (a lone surrogate).") from None
    except (ValueError, RecursionError) as error:
        where = f"after {read:,} rows: " if read else ""
        raise ContractError(f"The file can't be read as JSON ({where}{error}); it may be cut off.") from error
    frame = pd.concat(frames, ignore_index=True).fillna("") if frames else pd.DataFrame()
    frame.index = pd.RangeIndex(1, read + 1, name="row_number")
    return frame, pd.DataFrame(columns=BROKEN_COLUMNS), read


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "an object with " + (", ".join(list(value)[:5]) or "nothing in it")
    return {list: "an array", str: "a text", bool: "true or false", type(None): "null"}.get(type(value), "a number")
