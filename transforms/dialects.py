"""Dialects: the forms in which a source has been published, recognised from the columns, never from the file name.

A dialect (declared in the source's YAML) maps published column names to ours, `required` and `optional`; columns
under `ignored` are known and left aside; any other column is new: noticed, reported and kept out. Published names
are compared without regard to case, and with spaces and underscores as one.

`units` says how many of our units a published one is (1000 where a file has thousands of dollars and we have dollars).
`unpivot` is for a file that has a column a year: for a column of ours (the period) its values, each with the published
columns that hold it and what they are called here. Such a file's rows are made one a value before they are counted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal

import pandas as pd

from schemas.validate import ContractError
from transforms.reading import TEXT, read_csv, read_json
from transforms.workbooks import read_xlsx


def _plain(name: str) -> str:
    """A column name as it is compared: trimmed, lower case, runs of spaces and underscores as one underscore."""
    return re.sub(r"[\s_]+", "_", name.strip()).casefold()


@dataclass(frozen=True)
class Dialect:
    """One form of a source. The fields are those of `source.schema.json`."""

    name: str
    format: Literal["csv", "json", "xlsx"]
    required: Mapping[str, str]
    note: str = ""
    series: str | None = None
    dates: Sequence[str] = ("iso",)
    decimal: str = "."
    thousands: Sequence[str] = ()
    zeros: Sequence[str] = ()
    blanks: Sequence[str] = ()
    optional: Mapping[str, str] = field(default_factory=dict)
    synonyms: Mapping[str, str] = field(default_factory=dict)
    ignored: Sequence[str] = ()
    constants: Mapping[str, str] = field(default_factory=dict)
    exponents: bool = False
    two_digit_years_from: int | None = None
    units: Mapping[str, float] = field(default_factory=dict)
    unpivot: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)

    @property
    def spread(self) -> list[str]:
        """The published columns that `unpivot` names."""
        named = [theirs for values in self.unpivot.values() for columns in values.values() for theirs in columns]
        return list(dict.fromkeys(named))

    @property
    def gathered(self) -> list[str]:
        """Our columns that `unpivot` makes."""
        named = [mine for values in self.unpivot.values() for columns in values.values() for mine in columns.values()]
        return list(dict.fromkeys([*self.unpivot, *named]))

    @property
    def rows_apiece(self) -> int:
        """How many rows one published row becomes."""
        return max([1, *(len(values) for values in self.unpivot.values())])

    def matched(self, columns: Sequence[str]) -> dict[str, str]:
        """Which published column stands for which of ours."""
        ours = {_plain(theirs): mine for theirs, mine in {**self.required, **self.optional}.items()}
        other = {_plain(theirs): _plain(mine) for theirs, mine in self.synonyms.items()}
        found = {column: ours.get(other.get(_plain(column), _plain(column))) for column in columns}
        return {column: mine for column, mine in found.items() if mine is not None}

    def missing(self, columns: Sequence[str]) -> list[str]:
        """Required columns (published names) that are not there."""
        there = set(self.matched(columns).values())
        plain = {_plain(column) for column in columns}
        required = [theirs for theirs, mine in self.required.items() if mine not in there]
        return required + [theirs for theirs in self.spread if _plain(theirs) not in plain]

    def new(self, columns: Sequence[str]) -> list[str]:
        """Columns that this dialect does not know."""
        known = set(self.matched(columns))
        ignored = {_plain(column) for column in [*self.ignored, *self.spread]}
        return [column for column in columns if column not in known and _plain(column) not in ignored]


@dataclass(frozen=True)
class Raw:
    """A file's rows as published: text cells, indexed by row number (the first row of data being 1).

    Where a published row becomes several (`unpivot`) they are numbered in reading order; `published_row` leads back.
    """

    dialect: Dialect
    printed: pd.DataFrame
    broken: pd.DataFrame
    new_columns: tuple[str, ...]
    rows_read: int

    def cells(self) -> pd.DataFrame:
        """The cells under our names, still text."""
        matched = self.dialect.matched(list(self.printed.columns))
        cells = self.printed[[*matched, *self.dialect.gathered]].rename(columns=matched)
        return cells.assign(**self.dialect.constants)

    def published_row(self, row_numbers: pd.Index) -> pd.Index:
        """The numbers of the rows in the file, the first row of data being 1."""
        return (row_numbers - 1) // self.dialect.rows_apiece + 1

    def raw_rows(self, row_numbers: pd.Index) -> pd.Series:
        """The published rows of those numbers as JSON texts, indexed by row number."""
        wanted = self.printed.loc[self.printed.index.intersection(row_numbers.unique())]
        texts = [json.dumps(row, ensure_ascii=False) for row in wanted.to_dict("records")]
        return pd.Series(texts, index=wanted.index, dtype=TEXT)


def recognise(columns: Sequence[str], form: str, dialects: Sequence[Dialect], source: str) -> Dialect:
    """The dialect that fits the columns best: the fewest required ones missing and unknown ones present, then the
    fewest optional ones missing, then the first declared.

    Raises ContractError when a required column is missing, naming it, and the columns that came instead.
    """
    candidates = [dialect for dialect in dialects if dialect.format == form]
    if not candidates:
        forms = " or ".join(sorted({dialect.format.upper() for dialect in dialects}))
        raise ContractError(f"{source} is published as {forms}; this is {form.upper()}.")
    best = min(
        candidates,
        key=lambda dialect: (
            len(dialect.missing(columns)) + len(dialect.new(columns)),
            len(set(dialect.optional.values()) - set(dialect.matched(columns).values())),
        ),
    )
    matched = best.matched(columns)
    twice = [theirs for theirs, mine in matched.items() if list(matched.values()).count(mine) > 1]
    if twice:
        raise ContractError(
            f"The columns {' and '.join(twice)} both stand for {matched[twice[0]]}; expected one of them."
        )
    missing = best.missing(columns)
    if missing:
        new = best.new(columns)
        instead = f" New columns: {', '.join(new[:12])}." if new else ""
        raise ContractError(
            f"This is no known form of {source}: the nearest is {best.name}, which needs the column"
            f"{'s' if len(missing) > 1 else ''} {', '.join(missing)}.{instead}"
        )
    return best


def read(
    file: BinaryIO, form: Literal["csv", "json", "xlsx"], dialects: Sequence[Mapping[str, Any]], source: str
) -> Raw:
    """Read an accepted file (UTF-8 without byte order mark, or a workbook) and recognise its dialect.

    Raises ContractError when they can't be parsed, have no rows, or fit no dialect.
    """
    frame, broken, rows_read = {"csv": read_csv, "json": read_json, "xlsx": read_xlsx}[form](file)
    if not rows_read:
        raise ContractError("The JSON array has no rows." if form == "json" else "The file has a header and no rows.")
    columns = list(frame.columns)
    dialect = recognise(columns, form, [Dialect(**declared) for declared in dialects], source)
    new = tuple(dialect.new(columns))
    if dialect.unpivot:
        frame, broken = _unpivoted(frame, broken, dialect)
        rows_read = len(frame) + len(broken)
    return Raw(dialect, frame, broken, new, rows_read)


def _unpivoted(frame: pd.DataFrame, broken: pd.DataFrame, dialect: Dialect) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A row a value for each published row, in reading order; a broken row stays one, with the first's number."""
    ((label, values),) = dialect.unpivot.items()
    places = {_plain(column): column for column in frame.columns}
    shared = frame.drop(columns=[places[_plain(theirs)] for theirs in dialect.spread])
    parts = [
        shared.assign(**{label: value}, **{mine: frame[places[_plain(theirs)]] for theirs, mine in columns.items()})
        for value, columns in values.items()
    ]
    first = (frame.index - 1) * dialect.rows_apiece + 1
    long = pd.concat([part.set_axis(first + place) for place, part in enumerate(parts)]).sort_index()
    moved = (broken["row_number"] - 1) * dialect.rows_apiece + 1
    return long.astype(TEXT).rename_axis("row_number"), broken.assign(row_number=moved)
