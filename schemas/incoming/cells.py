"""Columns of incoming frames.

Cells arrive as text. `transforms.parsing` converts them by `kind`, then pandera checks the typed frame. A row that
fails a check is rejected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import pandera.pandas as pa

from schemas.columns import whole_text

# Bounds by column, as a source declares them: `min` and `max`, each optional.
Bounds = Mapping[str, Mapping[str, Any]]

# Type of a cell by kind. A day has no time of day; the time of a moment is dropped; money has two decimals.
_DTYPES = {
    "text": "str",
    "day": "datetime64[us]",
    "moment": "datetime64[us]",
    "whole": "Int64",
    "money": "float64",
    "number": "float64",
}


@dataclass(frozen=True)
class Cell:
    """Declaration of one incoming column. The bounds of the source replace `minimum` and `maximum`.

    kind     key of _DTYPES
    expects  what a valid cell is, for the reason of a rejected row
    """

    kind: str
    expects: str
    nullable: bool = False
    minimum: Any = None
    maximum: Any = None
    checks: tuple[pa.Check, ...] = ()

    def column(self) -> pa.Column:
        """The pandera column, with `kind` and `expects` as metadata."""
        convert: Any = pd.Timestamp if self.kind == "day" else lambda value: value
        checks, expects = list(self.checks), self.expects
        if self.minimum is not None:
            checks.append(pa.Check.ge(convert(self.minimum), error="not_below_minimum"))
            expects += f" from {_shown(self.minimum)}"
        if self.maximum is not None:
            checks.append(pa.Check.le(convert(self.maximum), error="not_above_maximum"))
            expects += f" up to {_shown(self.maximum)}"
        metadata = {"kind": self.kind, "expects": expects}
        return pa.Column(_DTYPES[self.kind], checks, nullable=self.nullable, required=False, metadata=metadata)


def _shown(bound: Any) -> str:
    """A bound in a message: thousands separators for large numbers, none for years and dates."""
    return f"{bound:,}" if isinstance(bound, int) and abs(bound) >= 10_000 else str(bound)


def text(expects: str = "a text", *, nullable: bool = False, pattern: str | None = None) -> Cell:
    """A text that matches the pattern from start to end."""
    return Cell("text", expects, nullable, checks=(whole_text(pattern),) if pattern else ())


def one_of(values: tuple[str, ...], *, nullable: bool = False) -> Cell:
    """One of a closed list of texts."""
    return Cell("text", "one of " + ", ".join(values), nullable, checks=(pa.Check.isin(values, error="known_value"),))


def day(*, nullable: bool = False, latest: str | None = None) -> Cell:
    """A day; `latest` (YYYY-MM-DD) applies where the source declares no maximum."""
    return Cell("day", "a date", nullable, maximum=latest)


def year(latest: int) -> Cell:
    """A calendar year; `latest` applies where the source declares no maximum."""
    return Cell("whole", "a year", maximum=latest)


def usd(*, nullable: bool = False) -> Cell:
    """An amount in US dollars."""
    return Cell("money", "an amount in USD", nullable)


def number(expects: str, *, nullable: bool = False) -> Cell:
    """A number with any decimals."""
    return Cell("number", expects, nullable)


STATE = text("a state's name")
ACRONYM = text("a mission's acronym", pattern=r"^[A-Za-z][A-Za-z0-9 /().&-]{1,39}$")
ENTITY = text("a mission or supporting entity", pattern=r"^[A-Za-z][A-Za-z0-9 /().&-]{1,59}$")
PEACEKEEPING_YEAR = text("a peacekeeping year such as 2018-19")
ISO3 = text("an ISO3 code", pattern=r"^[A-Z]{3}$")
M49 = Cell("whole", "an M49 code", nullable=True, checks=(pa.Check.in_range(0, 999, error="m49_range"),))
PERCENT = number("a percentage")
CITATION = text("a source")
LAST_UPDATE = Cell("moment", "a date", nullable=True)


def optional(cell: Cell) -> Cell:
    """The same column, where a missing value is allowed."""
    return replace(cell, nullable=True)


def frame_schema(source: str, cells: Mapping[str, Cell], bounds: Bounds) -> pa.DataFrameSchema:
    """The schema of a source's rows, within the bounds that the source declares."""
    columns = {}
    for name, cell in cells.items():
        declared = bounds.get(name, {})
        bounded = replace(cell, minimum=declared.get("min", cell.minimum), maximum=declared.get("max", cell.maximum))
        columns[name] = bounded.column()
    return pa.DataFrameSchema(columns, name=f"incoming.{source}")
