"""A published form of a source: the names of its columns and the formats of its cells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

Format = Literal["csv", "json", "xlsx", "pdf"]
Renames = Annotated[Mapping[str, str], Field(min_length=1)]


def plain_name(name: str) -> str:
    """A column name for comparison: casefolded; runs of spaces, underscores and hyphens become one underscore."""
    return re.sub(r"[\s_-]+", "_", name.strip()).casefold()


@dataclass(frozen=True)
class Dialect:
    """One published form of a source, as declared under `dialects` in its YAML.

    required              {published column: column here}; a file without one of them is not of this form
    optional              the same for columns that can be missing
    synonyms              {other published name: name under `required` or `optional`}
    ignored               known columns that are not read
    constants             {column here: value of every row}
    series                publication that files of this form belong to, where a source has several
    dates                 formats of dates: iso, epoch_ms, or a strptime pattern
    thousands, decimal    the separators in numbers
    zeros, blanks         texts that mean 0, and texts that mean no value
    exponents             whether numbers can have an exponent (1.5E+06)
    two_digit_years_from  first of the hundred years that two-digit years belong to
    units                 {column here: factor from the published unit} (1000 for thousands of dollars)
    unpivot               {column here: {value: {published column: column here}}}, for a file with one column per year
    sparse                whether a value of `unpivot` whose cells are blank makes no row, unless all of the row's are
    sums                  {value of `unpivot`: the values that it is the sum of}; it is a figure of its own only where
                          none of them is printed
    fewest_per_period     fewest rows of a period, where that is not the envelope's
    stray                 characters that stand at the ends of texts by mistake
    citation              the citation of files of this form, with {vintage}, where it is not the source's
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    format: Format
    required: Renames
    note: Annotated[str, Field(min_length=5)] = ""
    series: str | None = None
    dates: Sequence[str] = ("iso",)
    decimal: Literal[".", ","] = "."
    thousands: Sequence[str] = ()
    zeros: Sequence[str] = ()
    blanks: Sequence[str] = ()
    optional: Renames = field(default_factory=dict)
    synonyms: Renames = field(default_factory=dict)
    ignored: Sequence[str] = ()
    constants: Renames = field(default_factory=dict)
    exponents: bool = False
    two_digit_years_from: Annotated[int, Field(ge=1900, le=2000)] | None = None
    units: Mapping[str, Annotated[int | float, Field(gt=0)]] = field(default_factory=dict)
    unpivot: Mapping[str, Annotated[Mapping[str, Renames], Field(min_length=2)]] = field(default_factory=dict)
    sparse: bool = False
    sums: Mapping[str, Annotated[Sequence[str], Field(min_length=1)]] = field(default_factory=dict)
    fewest_per_period: Annotated[int, Field(ge=1)] | None = None
    stray: str = ""
    citation: Annotated[str, Field(pattern=r"\{vintage\}")] | None = None

    @property
    def spread(self) -> list[str]:
        """The published columns that `unpivot` names."""
        named = [theirs for values in self.unpivot.values() for columns in values.values() for theirs in columns]
        return list(dict.fromkeys(named))

    @property
    def gathered(self) -> list[str]:
        """The columns that `unpivot` adds, under their names here."""
        named = [mine for values in self.unpivot.values() for columns in values.values() for mine in columns.values()]
        return list(dict.fromkeys([*self.unpivot, *named]))

    @property
    def rows_apiece(self) -> int:
        """Number of rows that a published row is converted to."""
        return max([1, *(len(values) for values in self.unpivot.values())])

    def matched(self, columns: Sequence[str]) -> dict[str, str]:
        """Published columns that are known, and our name for each."""
        ours = {plain_name(theirs): mine for theirs, mine in {**self.required, **self.optional}.items()}
        other = {plain_name(theirs): plain_name(mine) for theirs, mine in self.synonyms.items()}
        names = {column: ours.get(other.get(plain_name(column), plain_name(column))) for column in columns}
        return {column: mine for column, mine in names.items() if mine is not None}

    def missing(self, columns: Sequence[str]) -> list[str]:
        """Required columns (published names) that are not among these."""
        matched = set(self.matched(columns).values())
        plain = {plain_name(column) for column in columns}
        required = [theirs for theirs, mine in self.required.items() if mine not in matched]
        return required + [theirs for theirs in self.spread if plain_name(theirs) not in plain]

    def new(self, columns: Sequence[str]) -> list[str]:
        """Columns that are not in this dialect."""
        known = set(self.matched(columns))
        ignored = {plain_name(column) for column in [*self.ignored, *self.spread]}
        return [column for column in columns if column not in known and plain_name(column) not in ignored]
