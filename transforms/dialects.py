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
from datetime import date
from typing import Any, BinaryIO, Literal

import pandas as pd

from schemas.validate import ContractError, faults, no_faults
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

    def absent(self) -> list[str]:
        """Our names of the optional columns that this file lacks: unknown here, which is not the same as blank."""
        there = set(self.dialect.matched(list(self.printed.columns)).values())
        return [mine for mine in self.dialect.optional.values() if mine not in there]

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


def parse_text(column: pd.Series, dialect: Dialect) -> pd.Series:
    """Trim; what is empty or stands for nothing in this dialect becomes missing."""
    trimmed = column.str.strip()
    return trimmed.mask(trimmed.isin(["", *dialect.blanks]))


def parse_days(column: pd.Series, dialect: Dialect) -> pd.Series:
    """Days in any of the dialect's date forms (`epoch_ms`, `iso`, or a strptime pattern); others become missing."""
    days = pd.Series(pd.NaT, index=column.index, dtype="datetime64[us]")
    for form in dialect.dates:
        left = column[days.isna()]
        if form == "epoch_ms":
            # Bounded so that any day of years 1 to 9999 fits; the checks on the column judge the rest.
            numbers = pd.to_numeric(left, errors="coerce")
            numbers = numbers.where(numbers.between(-62_135_596_800_000, 253_402_300_799_000))
            found = pd.to_datetime(numbers, unit="ms", errors="coerce")
        elif form == "iso":
            found = pd.to_datetime(
                left.where(
                    left.str.match(r"\d{4}-\d{2}-\d{2}(T00:00:00(\.0+)?Z?)?$").astype("boolean").fillna(False)
                ).str.slice(0, 10),
                format="%Y-%m-%d",
                errors="coerce",
            )
        else:
            found = pd.to_datetime(left, format=form, errors="coerce")
        days = days.fillna(found.dt.normalize().astype("datetime64[us]"))
    return days


def parse_numbers(column: pd.Series, dialect: Dialect) -> pd.Series:
    """Numbers with the dialect's thousands separators, decimal mark and signs for zero; others become missing."""
    plain = column
    for separator in dialect.thousands:
        # Groups of three, one kind of separator: '1 234,56' and '12,34' are no numbers here, rather than wrong ones.
        mark = re.escape(separator)
        grouped = plain.str.fullmatch(rf"[+-]?\d{{1,3}}(?:{mark}\d{{3}})+(?:\.\d*)?").astype("boolean").fillna(False)
        plain = plain.mask(grouped, plain.str.replace(separator, "", regex=False))
    if dialect.decimal != ".":
        plain = plain.str.replace(dialect.decimal, ".", regex=False)
    if dialect.zeros:
        plain = plain.mask(plain.isin(list(dialect.zeros)), "0")
    # to_numeric alone would take 'inf', '1e9' (unless the dialect writes so) and '0x10' for numbers.
    number = r"[+-]?\d+(\.\d*)?" + (r"(e[+-]?\d{1,2})?" if dialect.exponents else "")
    plain = plain.where(plain.str.fullmatch(number).astype("boolean").fillna(False))
    return pd.to_numeric(plain, errors="coerce").astype("float64")


def parse_whole(column: pd.Series, dialect: Dialect) -> pd.Series:
    """Whole numbers (`250.0` is one); others become missing."""
    numbers = parse_numbers(column, dialect)
    return numbers.where((numbers % 1 == 0) & (numbers.abs() < 2**53)).astype("Int64")


_PARSERS = {"day": parse_days, "whole": parse_whole, "number": parse_numbers}


def typed(
    cells: pd.DataFrame, kinds: Mapping[str, tuple[str, str]], dialect: Dialect
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Turn text cells into typed columns; gives the frame of the rows that parsed, and the faults of the others.

    `kinds` has (kind, what is expected) for each of our columns. Columns that the file lacks are added, all missing.
    Each distinct text is parsed once.
    """
    columns: dict[str, pd.Series] = {}
    bad = [no_faults()]
    for name, (kind, expects) in kinds.items():
        if name not in cells:
            continue
        codes, distinct = pd.factorize(cells[name])
        words = parse_text(pd.Series(distinct, dtype=TEXT), dialect)
        values = words if kind == "text" else _PARSERS[kind](words, dialect)
        if name in dialect.units:
            # To the cent: 1.005 as the next binary fraction is a little less, and so would be its thousandfold.
            values = (values * dialect.units[name]).round(2)
        wrong = words.notna() & values.isna()
        columns[name] = values.take(codes).set_axis(cells.index)
        if wrong.any():
            rows = cells.index[wrong.to_numpy()[codes]]
            came = cells.loc[rows, name].str.slice(0, 60)
            bad.append(faults(rows, name, f"not_a_{kind}", name + ": expected " + expects + ", got '" + came + "'"))
    frame = pd.DataFrame(columns, index=cells.index)
    found = pd.concat(bad, ignore_index=True)
    return frame[~frame.index.isin(found["row_number"])], found


def kinds_of(schema: Any) -> dict[str, tuple[str, str]]:
    """The (kind, expects) of each column of an incoming schema."""
    return {name: (column.metadata["kind"], column.metadata["expects"]) for name, column in schema.columns.items()}


def last_update(raw: Raw) -> date | None:
    """The newest `last_update` of the rows: the vintage they carry themselves, or None."""
    cells = raw.cells()
    if "last_update" not in cells:
        return None
    newest = parse_days(parse_text(cells["last_update"].drop_duplicates(), raw.dialect), raw.dialect).max()
    return None if pd.isna(newest) else newest.date()
