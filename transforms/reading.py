"""Reading a file's rows as text cells, CSV or JSON: the first row of data has the number 1.

JSON is read a piece at a time, because the objects of Python that it decodes to take ten times its size.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO

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
BLOCK_BYTES = 1 << 18
ROWS_AT_ONCE = 20_000
JSON_SPACE = " \t\n\r"

Rows = tuple[pd.DataFrame, pd.DataFrame, int]
# For the cells of a line, the share of the columns that a form needs which is among them: 1 for its header.
Fit = Callable[[Sequence[str]], float]


@dataclass(frozen=True)
class Header:
    """A line of a CSV file that may be the header: its cells, their separator, its share (Fit), and where it ends."""

    names: list[str]
    separator: str
    share: float
    start: int
    end: int


def read_csv(file: BinaryIO, fit: Fit = lambda _: 1) -> Rows:
    """The rows of a CSV file, those of the wrong width apart (row_number, text, reason), and how many there are.

    The header is the first line that fits; without `fit` the first line, with commas. Rows that are blank throughout
    are left out, and the others keep their numbers. Raises ContractError when it can't be parsed, has a column twice
    or values without a column's name, CutOffError when it is cut off.
    """
    payload = file.read()
    return read_below(payload, find_header(payload, fit))


def shown(name: str) -> str:
    """A name of a column as it stands in a message: on one line, and not at any length."""
    return " ".join(name.split())[:40]


def find_header(payload: bytes, fit: Fit) -> Header:
    """The header of a CSV file: the first line that fits with any separator, or else the one that comes nearest.

    Raises ContractError when no line can be parsed.
    """
    found: list[Header] = []
    for separator in SEPARATORS:
        some = _first_lines(payload, separator, fit)
        if some and some[0].share == 1:
            return some[0]
        found += some
    if not found:
        raise ContractError(
            f"The file can't be read as CSV: its first line has a cell of more than {csv.field_size_limit():,} "
            "characters; expected the names of columns."
        )
    return min(found, key=lambda header: (-header.share, header.start, -len(header.names)))


def _first_lines(payload: bytes, separator: str, fit: Fit) -> list[Header]:
    """The lines that may be the header, up to the first that fits: those that are not blank, and only a few."""
    text = io.TextIOWrapper(io.BytesIO(payload), encoding="utf-8", newline="")
    found: list[Header] = []
    start = end = 0

    def lines() -> Iterator[str]:
        nonlocal end
        for line in text:
            end += len(line.encode())
            yield line

    try:
        for names in csv.reader(lines(), delimiter=separator):
            if any(name.strip() for name in names):
                found.append(Header(names, separator, fit(names), start, end))
                if found[-1].share == 1 or len(found) > MAX_TITLE_LINES:
                    break
            start = end
    except csv.Error:  # a cell that is longer than any name of a column
        pass
    return found


def read_below(payload: bytes, header: Header) -> Rows:
    """The rows of a CSV file below its header, like `read_csv`."""
    bad: list[tuple[int, str, str]] = []

    def aside(row: arrow_csv.InvalidRow) -> str:
        bad.append((row.number, row.text, f"expected {row.expected_columns} fields, got {row.actual_columns}"))
        return "skip"

    places = [str(place) for place in range(len(header.names))]
    body = arrow.py_buffer(payload).slice(header.end)
    try:
        table = arrow_csv.read_csv(
            arrow.BufferReader(body if body.size else b"\n"),  # pyarrow refuses to read nothing
            read_options=arrow_csv.ReadOptions(
                use_threads=False, block_size=max(1 << 20, body.size + 1), column_names=places
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=header.separator, newlines_in_values=True, invalid_row_handler=aside
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(places, arrow.string()), strings_can_be_null=False
            ),
        )
    except (arrow.ArrowInvalid, arrow.ArrowKeyError) as error:
        raise ContractError(f"The file can't be read as CSV: {first_line(error)}.") from error
    numbered = table.num_rows + len(bad)
    filled = [found for found in bad if found[1].strip(f"{header.separator}\"' \t\r\n")]
    _require_whole(payload, filled, numbered)
    _require_closed(payload, table, header.separator, numbered)
    broken = pd.DataFrame(filled, columns=BROKEN_COLUMNS)
    numbers = np.setdiff1d(np.arange(1, numbered + 1), np.array([number for number, _, _ in bad], dtype="int64"))
    frame = table.to_pandas(types_mapper={arrow.string(): TEXT}.get).set_axis(pd.Index(numbers, name="row_number"))
    frame = tidied(frame.set_axis(header.names, axis=1))
    return frame, broken, len(frame) + len(broken)


def _require_whole(payload: bytes, bad: Sequence[tuple[int, str, str]], rows: int) -> None:
    """Refuse a file that is cut off in its last row, or in which a quote that is never closed swallows rows."""
    if bad and bad[-1][0] == rows and not payload.endswith((b"\n", b"\r")):
        raise CutOffError(f"The file is cut off in its last row ({bad[-1][1][:40]!r}). Get it again.")
    swallowed = next((number for number, text, _ in bad if "\n" in text.strip()), None)
    if swallowed is not None:
        raise ContractError(f"Row {swallowed:,} runs over several lines: a quote opens there and is not closed.")


def _require_closed(payload: bytes, table: arrow.Table, separator: str, rows: int) -> None:
    """Refuse a file that ends within quotes in its last column, where the last row has the right width all the same."""
    if not table.num_rows:
        return
    last = table.column(table.num_columns - 1)[-1].as_py().replace('"', '""')
    if payload.endswith((f'{separator}"{last}'.encode(), f'\n"{last}'.encode())):
        raise CutOffError(
            f"The file ends within quotes that open in row {rows:,}: it is cut off, or a quote is not closed. "
            "Get it again."
        )


def tidied(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame without the rows that are blank throughout, and without the columns that have no name and no values.

    Raises ContractError when a column without a name has values, or a name stands over two columns.
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
    doubled = frame.columns[frame.columns.duplicated()]
    if len(doubled):
        raise ContractError(f"The header has the column {shown(doubled[0])!r} twice.")
    return frame


def _as_text(column: pd.Series) -> pd.Series:
    """JSON values as text: null is blank, whole numbers have no decimal point."""
    known = column.dropna()
    if pd.api.types.is_float_dtype(column.dtype) and ((known % 1 == 0) & (known.abs() < 2**53)).all():
        column = column.astype("Int64")
    return column.astype(TEXT).fillna("")


class _DoubledKey(Exception):
    """An object of JSON has a key twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON from its keys and values. Raises _DoubledKey."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _DoubledKey(next(key for key in keys if keys.count(key) > 1))
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_object)
# What is left where the text ends in the middle of a number, true, false or null.
_BEGUN = re.compile(r"-?|[.eE]|[eE][-+]|-?I[nfity]*|N[aN]?|t[ru]*|f[als]*|n[ul]*")


def _is_cut_off(text: str, error: json.JSONDecodeError) -> bool:
    """Whether the parser stopped because the text ends in the middle of a value."""
    rest = text[error.pos :].strip(JSON_SPACE)
    in_text = error.msg.startswith("Unterminated string") or ("uXXXX" in error.msg and len(rest) < 6)
    return in_text or _BEGUN.fullmatch(rest) is not None


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

    def take(self, marks: str, expected: str) -> str:
        """The next character, which is one of `marks`. Raises ValueError for another, CutOffError at the end."""
        mark = self.peek()
        if not mark:
            raise CutOffError(f"it ends where {expected} was expected")
        if mark not in marks:
            in_number = len(self.text) - self.place <= 2 and not self.more() and _BEGUN.fullmatch(self.text)
            if in_number:
                raise CutOffError("it ends in the middle of a number")
            raise ValueError(f"{expected} was expected")
        self.place += 1
        return mark

    def holds_objects(self) -> bool:
        """Whether the array that begins here has an object as its first element."""
        while True:
            inside = self.text[self.place + 1 :].lstrip(JSON_SPACE)
            if inside or not self.more():
                return inside.startswith("{")

    def element(self) -> Any:
        """The value that begins here. Raises ValueError or RecursionError where none does, CutOffError at the end."""
        self.peek()
        while True:
            text, start = self.text, self.place
            try:
                value, end = _DECODER.raw_decode(text, start)
            except json.JSONDecodeError as error:
                if self.more():
                    continue
                if _is_cut_off(text, error):
                    raise CutOffError("it ends in the middle of a value") from error
                raise ValueError(error.msg) from error
            if end + 2 < len(text):
                self.place = end
                return value
            # A number may go on in the next block, at the least after the 1 of 1e+5.
            if not self.more():
                self.place = end - start
                return value


def _array(scanner: _Scanner) -> Iterator[Any]:
    """The elements of the array that begins here."""
    scanner.take("[", "an array")
    if scanner.peek() == "]":
        scanner.take("]", "the end of the array")
        return
    mark = ","
    while mark == ",":
        yield scanner.element()
        mark = scanner.take(",]", "a comma or the end of the array")


def _wrapped_rows(scanner: _Scanner) -> Generator[Any, None, dict[str, Any] | None]:
    """The elements of the one array of objects inside the object that begins here; returns the object if none is there.

    Raises ContractError when there are two.
    """
    found: dict[str, Any] = {}
    wrapped: str | None = None
    mark = scanner.take("{", "an object")
    if scanner.peek() == "}":
        mark = scanner.take("}", "the end of the object")
    while mark != "}":
        if scanner.peek() not in ('"', ""):
            raise ValueError("a key in double quotes was expected")
        key = scanner.element()
        scanner.take(":", "a colon")
        if scanner.peek() == "[" and scanner.holds_objects():
            if wrapped is not None:
                raise ContractError(f"Expected one array of rows, got two: {shown(wrapped)!r} and {shown(key)!r}.")
            wrapped = key
            yield from _array(scanner)
        elif key in found:
            raise _DoubledKey(key)
        else:
            found[key] = scanner.element()
        mark = scanner.take(",}", "a comma or the end of the object")
    return found if wrapped is None else None


def _elements(file: BinaryIO) -> Iterator[Any]:
    """The elements of a JSON array, alone or in an object, or the objects of a file with one a line.

    Raises ValueError or RecursionError where it is no JSON, ContractError for anything else.
    """
    scanner = _Scanner(file)
    if scanner.peek() == "[":
        yield from _array(scanner)
    elif scanner.peek() == "{":
        row = yield from _wrapped_rows(scanner)
        if row is not None:
            if not scanner.peek():
                raise ContractError(f"Expected a JSON array of rows, or one object a line; got {_kind(row)}.")
            yield row
            while scanner.peek() == "{":
                yield scanner.element()
    else:
        raise ContractError(f"Expected a JSON array of rows, got {_kind(scanner.element())}.")
    if scanner.peek():
        raise ValueError("something follows the end of the rows")


def _rows(file: BinaryIO) -> Iterator[dict[str, Any]]:
    """The rows of a JSON file. Raises ContractError naming the row, CutOffError when the file is cut off."""
    number = 0
    try:
        for number, row in enumerate(_elements(file), start=1):
            if not isinstance(row, dict):
                raise ContractError(f"Expected a JSON array of objects; element {number:,} is {_kind(row)}.")
            yield row
    except _DoubledKey as error:
        raise ContractError(
            f"Row {number + 1:,} has the key {shown(str(error))!r} twice; expected each key once."
        ) from None
    except CutOffError as error:
        raise CutOffError(f"The JSON is cut off after {number:,} rows: {error}. Get it again.") from error
    except ContractError:
        raise
    except (ValueError, RecursionError) as error:
        raise ContractError(f"The file can't be read as JSON: after {number:,} rows, {error}.") from error


def read_json(file: BinaryIO) -> Rows:
    """The rows of an array of objects, alone or as the one in an object, or of one object a line; an empty frame (none
    is broken); how many there are. Rows that are blank throughout are left out, and the others keep their numbers.

    Raises ContractError when it can't be parsed or is anything else, CutOffError when it is cut off.
    """
    frames: list[pd.DataFrame] = []
    rows = _rows(file)
    try:
        while some := list(islice(rows, ROWS_AT_ONCE)):
            frames.append(pd.DataFrame(some).apply(_as_text))
    except UnicodeEncodeError:
        raise ContractError("The JSON holds a text that is no Unicode (a lone surrogate).") from None
    frame = pd.concat(frames, ignore_index=True).fillna("") if frames else pd.DataFrame()
    frame = tidied(frame.set_axis(pd.RangeIndex(1, len(frame) + 1, name="row_number")))
    return frame, pd.DataFrame(columns=BROKEN_COLUMNS), len(frame)


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "an object with " + (", ".join(map(shown, list(value)[:5])) or "nothing in it")
    return {list: "an array", str: "a text", bool: "true or false", type(None): "null"}.get(type(value), "a number")
