"""Read the rows of a JSON file as text cells. The first row has the number 1.

The text is decoded one row at a time with the decoder of the standard library, because the Python objects of a file
take about ten times its size.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from itertools import islice
from typing import Any, BinaryIO

import pandas as pd

from schemas.validate import ContractError, CutOffError
from transforms.reading import BROKEN_COLUMNS, TEXT, Rows, shown, without_blanks

ROWS_PER_BATCH = 20_000
_NEXT_TOKEN = re.compile(r"[^ \t\n\r]")
_ARRAY_OF_OBJECTS = re.compile(r"\[[ \t\n\r]*\{")
# What remains where a text ends in the middle of a number, true, false or null.
_PARTIAL_VALUE = re.compile(r"-?|[.eE]|[eE][-+]|-?I[nfity]*|N[aN]?|t[ru]*|f[als]*|n[ul]*")


class _DuplicateKey(Exception):
    """A JSON object has a key twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object from its keys and values. Raises _DuplicateKey."""
    values = dict(pairs)
    if len(values) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _DuplicateKey(next(key for key in keys if keys.count(key) > 1))
    return values


_DECODER = json.JSONDecoder(object_pairs_hook=_object)


class _Scanner:
    """A position in a JSON text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def peek(self) -> str:
        """The next character after white space; empty at the end."""
        token = _NEXT_TOKEN.search(self.text, self.place)
        self.place = token.start() if token else len(self.text)
        return token[0] if token else ""

    def take(self, marks: str, expected: str) -> str:
        """Consume one of `marks`. Raises ValueError for any other character, CutOffError at the end."""
        mark = self.peek()
        if not mark:
            raise CutOffError(f"it ends where {expected} was expected")
        if mark not in marks:
            if _PARTIAL_VALUE.fullmatch(self.text, self.place):
                raise CutOffError("it ends in the middle of a number")
            raise ValueError(f"{expected} was expected")
        self.place += 1
        return mark

    def value(self) -> Any:
        """Consume a value. Raises ValueError or RecursionError where none starts, CutOffError at the end."""
        self.peek()
        try:
            value, self.place = _DECODER.raw_decode(self.text, self.place)
        except json.JSONDecodeError as error:
            rest = self.text[error.pos :].strip()
            in_text = error.msg.startswith("Unterminated string") or ("uXXXX" in error.msg and len(rest) < 6)
            if in_text or _PARTIAL_VALUE.fullmatch(rest):
                raise CutOffError("it ends in the middle of a value") from error
            raise ValueError(error.msg) from error
        return value


def _array(scanner: _Scanner) -> Iterator[Any]:
    """The elements of the array that starts here."""
    scanner.take("[", "an array")
    if scanner.peek() == "]":
        scanner.take("]", "the end of the array")
        return
    mark = ","
    while mark == ",":
        yield scanner.value()
        mark = scanner.take(",]", "a comma or the end of the array")


def _rows_in_object(scanner: _Scanner) -> Generator[Any, None, dict[str, Any] | None]:
    """The elements of the one array of objects in the object that starts here. Returns the object if it has none.

    Raises ContractError when it has two.
    """
    fields: dict[str, Any] = {}
    rows_key: str | None = None
    mark = scanner.take("{", "an object")
    if scanner.peek() == "}":
        mark = scanner.take("}", "the end of the object")
    while mark != "}":
        if scanner.peek() not in ('"', ""):
            raise ValueError("a key in double quotes was expected")
        key = scanner.value()
        scanner.take(":", "a colon")
        scanner.peek()
        if _ARRAY_OF_OBJECTS.match(scanner.text, scanner.place):
            if rows_key is not None:
                raise ContractError(f"Expected one array of rows, got two: {shown(rows_key)!r} and {shown(key)!r}.")
            rows_key = key
            yield from _array(scanner)
        elif key in fields:
            raise _DuplicateKey(key)
        else:
            fields[key] = scanner.value()
        mark = scanner.take(",}", "a comma or the end of the object")
    return fields if rows_key is None else None


def _elements(scanner: _Scanner) -> Iterator[Any]:
    """The elements of a JSON array (top-level, or in an object), or the objects of a file with one per line.

    Raises ValueError or RecursionError for invalid JSON, ContractError for any other JSON.
    """
    if scanner.peek() == "[":
        yield from _array(scanner)
    elif scanner.peek() == "{":
        row = yield from _rows_in_object(scanner)
        if row is not None:
            if not scanner.peek():
                raise ContractError(f"Expected a JSON array of rows, or one object a line; got {_kind(row)}.")
            yield row
            while scanner.peek() == "{":
                yield scanner.value()
    else:
        raise ContractError(f"Expected a JSON array of rows, got {_kind(scanner.value())}.")
    if scanner.peek():
        raise ValueError("something follows the end of the rows")


def _rows(file: BinaryIO) -> Iterator[dict[str, Any]]:
    """The rows of a JSON file. Raises ContractError naming the row, CutOffError when the file is cut off."""
    number = 0
    try:
        for number, row in enumerate(_elements(_Scanner(file.read().decode())), start=1):
            if not isinstance(row, dict):
                raise ContractError(f"Expected a JSON array of objects; element {number:,} is {_kind(row)}.")
            yield row
    except _DuplicateKey as error:
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
    """Read an array of objects (top-level, or the only one in an object), or one object per line.

    Returns the rows, an empty frame (no row is broken) and the number of rows. Blank rows are dropped; the others keep
    their numbers. Raises ContractError for anything else, CutOffError when the file is cut off.
    """
    frames: list[pd.DataFrame] = []
    rows = _rows(file)
    try:
        while batch := list(islice(rows, ROWS_PER_BATCH)):
            frames.append(pd.DataFrame(batch).apply(_as_text))
    except UnicodeEncodeError:
        raise ContractError("The JSON has a text that is not Unicode (a lone surrogate).") from None
    frame = pd.concat(frames, ignore_index=True).fillna("") if frames else pd.DataFrame()
    frame = without_blanks(frame.set_axis(pd.RangeIndex(1, len(frame) + 1, name="row_number")))
    return frame, pd.DataFrame(columns=BROKEN_COLUMNS), len(frame)


def _as_text(column: pd.Series) -> pd.Series:
    """JSON values as text: null is blank, whole numbers have no decimal point."""
    known = column.dropna()
    if pd.api.types.is_float_dtype(column.dtype) and ((known % 1 == 0) & (known.abs() < 2**53)).all():
        column = column.astype("Int64")
    return column.astype(TEXT).fillna("")


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "an object with " + (", ".join(map(shown, list(value)[:5])) or "nothing in it")
    return {list: "an array", str: "a text", bool: "true or false", type(None): "null"}.get(type(value), "a number")
