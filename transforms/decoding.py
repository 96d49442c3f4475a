"""Detect wrongly decoded text: UTF-8 that was read as Windows-1252 or Latin-1 (Ã´ for ô)."""

from __future__ import annotations

import pandas as pd
import pyarrow as arrow
from pyarrow import compute

from schemas.validate import ContractError
from transforms.reading import shown


def require_decoded(frame: pd.DataFrame) -> None:
    """Raise ContractError for a wrongly decoded text cell, naming row (the index), column and the probable text."""
    for column in frame.columns:
        cells = arrow.array(frame[column].array)
        non_ascii = cells.filter(compute.invert(compute.string_is_ascii(cells)))
        for text in non_ascii.unique().to_pylist():
            original = repaired(text)
            if original is not None:
                row = frame.index[(frame[column] == text).to_numpy()][0]
                raise ContractError(
                    f"Row {row:,}: {shown(column)}: {text[:60]!r} was decoded wrongly; it was probably "
                    f"{original[:60]!r}. The file was read as Windows-1252 or Latin-1 and saved again: "
                    "get it again, or save it as UTF-8."
                )


def repaired(text: str) -> str | None:
    """The text before its UTF-8 was read as Windows-1252 or Latin-1; None if it was decoded correctly."""
    try:
        original = b"".join(map(_byte, text)).decode("utf-8")
    except UnicodeError:
        return None
    return original if original != text else None


def _byte(character: str) -> bytes:
    """The byte that decodes to this character. Raises UnicodeEncodeError if there is none."""
    try:
        return character.encode("cp1252")
    except UnicodeEncodeError:  # five bytes are undefined in Windows-1252; programs read them as Latin-1
        return character.encode("latin-1")
