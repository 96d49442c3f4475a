"""Finding text that was decoded wrongly: UTF-8 that was read as Windows-1252 or Latin-1 (Ã´ for ô)."""

from __future__ import annotations

import pandas as pd
import pyarrow as arrow
from pyarrow import compute

from schemas.validate import ContractError
from transforms.reading import shown


def require_decoded(frame: pd.DataFrame) -> None:
    """Hold the text cells of a frame (index: row number) to having been decoded as what they are.

    Raises ContractError for a text that was decoded wrongly, naming the row, the column, and what it probably was.
    """
    for column in frame.columns:
        cells = arrow.array(frame[column].array)
        others = cells.filter(compute.invert(compute.string_is_ascii(cells)))
        for text in others.unique().to_pylist():
            meant = repaired(text)
            if meant is not None:
                row = frame.index[(frame[column] == text).to_numpy()][0]
                raise ContractError(
                    f"Row {row:,}: {shown(column)}: {text[:60]!r} was decoded wrongly; it was probably {meant[:60]!r}. "
                    "The file was read as Windows-1252 or Latin-1 and saved again: get it again, or save it as UTF-8."
                )


def repaired(text: str) -> str | None:
    """What a text was before its UTF-8 was read as Windows-1252 or Latin-1; None where that did not happen."""
    try:
        meant = b"".join(map(_byte, text)).decode("utf-8")
    except UnicodeError:
        return None
    return meant if meant != text else None


def _byte(character: str) -> bytes:
    """The byte that is read as this character. Raises UnicodeEncodeError where there is none."""
    try:
        return character.encode("cp1252")
    except UnicodeEncodeError:  # Windows-1252 leaves five bytes open, which programs read as Latin-1
        return character.encode("latin-1")
