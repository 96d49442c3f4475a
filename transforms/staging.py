"""Shared steps of staging a snapshot: scope, corrections, parsing, checks, merging, and the row accounts.

For each snapshot, rows read = out of scope + staged + rejected + merged. `Staged` verifies it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from typing import Any

import pandas as pd
import pandera.pandas as pa

from schemas.source import Scope, Source
from schemas.validate import ContractError, faults, split
from transforms.corrections import apply_corrections
from transforms.dialects import Raw
from transforms.parsing import kinds_of, typed
from transforms.reading import TEXT

MISPRINT_SIMILARITY = 0.9  # difflib ratio from which a word counts as a misprint of another
MERGED_COLUMNS = ["row_number", "rule", "into_row"]
SIGNAL_COLUMNS = ["kind", "value", "rows"]


@dataclass
class Prepared:
    """Typed rows that passed the incoming checks, and the accounts of the others.

    absent  columns of the incoming schema that the file does not have: their values are unknown, not blank
    """

    rows: pd.DataFrame
    faults: list[pd.DataFrame]
    merged: list[pd.DataFrame]
    signals: list[tuple[str, str, int]]
    corrections: pd.DataFrame
    rows_in: int
    absent: tuple[str, ...]
    source: str

    def require_rows(self) -> None:
        """Raise ContractError when every row was rejected."""
        if not len(self.rows):
            rejected = pd.concat(self.faults, ignore_index=True)
            raise ContractError(
                f"{rejected['row_number'].nunique():,} of {self.rows_in:,} rows are not what {self.source} promises, "
                f"and no other is left. {most_frequent(rejected)}"
            )

    def reject(
        self, wrong: pd.Series, column: str | None, check: str, why: Callable[[pd.DataFrame], pd.Series]
    ) -> None:
        """Reject the rows where `wrong` is true; `why` returns their reasons. Raises like `require_rows`."""
        if wrong.any():
            bad = self.rows[wrong]
            self.faults.append(faults(bad.index, column, check, why(bad)))
            self.rows = self.rows[~wrong]
            self.require_rows()

    def merge(self, merged: pd.Series, rule: str, into: pd.Series) -> None:
        """Merge the rows where `merged` is true into the rows numbered `into`, by a named rule."""
        if merged.any():
            numbers = self.rows.index[merged]
            kept = into.reindex(numbers).to_numpy()  # `into` can include rows of an earlier merge
            self.merged.append(pd.DataFrame({"row_number": numbers, "rule": rule, "into_row": kept}))
            self.rows = self.rows[~merged]

    def signal(self, kind: str, values: pd.Series) -> None:
        """Record values to review, with the number of rows of each."""
        self.signals += [(kind, str(value), int(rows)) for value, rows in values.value_counts().sort_index().items()]


@dataclass(frozen=True)
class Staged:
    """The tidy rows of a snapshot (index: row number) and the accounts of the other rows.

    rows      tidy columns of the table, with `snapshot_row`
    rejected  row_number, column_name, check_name, reason, raw_row; a row can have several faults
    merged    row_number, rule, into_row
    signals   kind, value, rows
    unread    readable keys and measures of the rejected rows (transforms.completeness)
    """

    rows: pd.DataFrame
    rejected: pd.DataFrame
    merged: pd.DataFrame
    signals: pd.DataFrame
    corrections: pd.DataFrame
    dialect: str
    absent: tuple[str, ...]
    rows_read: int
    rows_out_of_scope: int
    covers_from: date | None
    covers_to: date | None
    unread: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def rows_rejected(self) -> int:
        return int(self.rejected["row_number"].nunique())

    @property
    def rows_in(self) -> int:
        return self.rows_read - self.rows_out_of_scope

    def __post_init__(self) -> None:
        accounted = len(self.rows) + self.rows_rejected + len(self.merged)
        if accounted != self.rows_in:
            raise AssertionError(f"rows are lost: {self.rows_in:,} in, {accounted:,} staged, rejected or merged")


def _in_scope(cells: pd.DataFrame, scope: Scope | None) -> pd.Series:
    inside = pd.Series(True, index=cells.index)
    if scope is None:
        return inside
    for column, values in scope.only.items():
        inside &= _among(cells[column], values)
    for column, values in scope.without.items():
        inside &= ~_among(cells[column], values)
    return inside


def _among(cells: pd.Series, values: Sequence[str]) -> pd.Series:
    """Which cells equal one of the values, ignoring case, spaces and hyphens.

    Raises ContractError for a cell that nearly equals one: a misprint would exclude its row.
    """
    wanted = {_words(value) for value in values}
    printed = {cell: _words(cell) for cell in cells.unique()}
    for cell, words in printed.items():
        near = [] if words in wanted else get_close_matches(words, wanted, 1, MISPRINT_SIMILARITY)
        if near:
            row = int(cells.index[cells == cell][0])
            raise ContractError(
                f"Row {row:,}: {cells.name}: expected {' or '.join(values)}, or another word, got {cell.strip()!r}, "
                "which is nearly that. Correct it in the file."
            )
    return cells.map({cell: words in wanted for cell, words in printed.items()})


def _words(text: str) -> str:
    return re.sub(r"[\s_-]+", " ", text.strip()).casefold()


def prepare(
    raw: Raw,
    schema: pa.DataFrameSchema,
    declared: Source,
    *,
    clean: Callable[[pd.DataFrame], pd.DataFrame] = lambda cells: cells,
    derive: Callable[[pd.DataFrame], pd.DataFrame] = lambda frame: frame,
) -> Prepared:
    """Filter by scope, correct, clean (text cells), parse, derive (typed columns) and check the rows of a file.

    Raises ContractError when no row is in scope, or none passes.
    """
    cells = raw.cells()
    inside = _in_scope(cells, declared.scope)
    if declared.scope and not inside.any() and len(cells):
        raise ContractError(f"The file has {raw.rows_read:,} rows, and none in scope ({declared.scope.rule}).")
    cells, corrections = apply_corrections(cells[inside], declared.corrections)
    kinds = kinds_of(schema)
    frame, unparsed = typed(clean(cells), kinds, raw.dialect)
    missing = [name for name in kinds if name not in cells]
    for name in missing:
        frame[name] = pd.Series(index=frame.index, dtype=str(schema.columns[name].dtype))
    derived = derive(frame)
    good, failed = split(derived, schema)
    prepared = Prepared(
        rows=good,
        faults=[unparsed, failed, faults(pd.Index(raw.broken["row_number"]), None, "row_width", raw.broken["reason"])],
        merged=[],
        signals=[("new_column", column, raw.rows_read) for column in raw.new_columns],
        corrections=corrections,
        rows_in=int(inside.sum()) + len(raw.broken),
        absent=tuple(name for name in missing if derived[name].isna().all()),
        source=declared.name,
    )
    prepared.require_rows()
    return prepared


def finish(raw: Raw, prepared: Prepared, tidy: pd.DataFrame, covers: tuple[pd.Series, pd.Series]) -> Staged:
    """Build the Staged result. `tidy` is indexed by row number; `covers` has the first and last days of its rows."""
    rejected = pd.concat(prepared.faults, ignore_index=True)
    numbers = rejected["row_number"]
    texts = pd.concat([raw.raw_rows(pd.Index(numbers)), raw.broken.set_index("row_number")["text"].astype(TEXT)])
    rejected = rejected.assign(raw_row=numbers.map(texts))
    first, last = covers[0].min(), covers[1].max()
    return Staged(
        rows=tidy.assign(snapshot_row=raw.published_row(tidy.index).astype("int64")).astype({"snapshot_row": "Int64"}),
        rejected=rejected.sort_values(["row_number", "column_name"], ignore_index=True),
        merged=pd.concat([pd.DataFrame(columns=MERGED_COLUMNS), *prepared.merged], ignore_index=True),
        signals=pd.DataFrame(prepared.signals, columns=SIGNAL_COLUMNS),
        corrections=prepared.corrections,
        dialect=raw.dialect.name,
        absent=prepared.absent,
        rows_read=raw.rows_read,
        rows_out_of_scope=raw.rows_read - prepared.rows_in,
        covers_from=None if pd.isna(first) else first.date(),
        covers_to=None if pd.isna(last) else last.date(),
    )


def most_frequent(rejected: pd.DataFrame) -> str:
    """The most frequent reason of rejected rows, in a sentence."""
    reasons = rejected["reason"].value_counts()
    return f"Most frequent: {reasons.index[0]} ({reasons.iloc[0]:,} times)." if len(reasons) else ""


def doubled(rows: pd.DataFrame, key: list[str], order: list[str]) -> tuple[pd.Series, pd.Series]:
    """Which rows repeat the key of another row, and the number of the row that is kept for each key.

    The first row in `order` is kept; ties go to the row printed first.
    """
    number = pd.Series(rows.index.to_numpy(), index=rows.index)
    shared = rows.duplicated(key, keep=False)
    if not shared.any():
        return shared, number
    candidates = rows.loc[shared, [*key, *order]].assign(_number=number[shared]).sort_values([*order, "_number"])
    first = candidates.groupby(key, dropna=False, sort=False)["_number"].transform("first")
    kept = number.copy()
    kept.loc[first.index] = first
    return number != kept, kept


def require_states(ready: Prepared, printed: pd.Series, iso3: pd.Series) -> None:
    """Reject rows with an unknown state; each such name is a signal. `iso3` has the codes of `printed`."""
    unknown = iso3.isna() & printed.notna()
    ready.signal("unresolved_contributor", printed[unknown])
    ready.reject(
        unknown,
        "contributor_iso3",
        "unknown_state",
        lambda bad: "contributor_iso3: expected a state's name, got '" + printed[bad.index] + "'",
    )


def merge_doubled(
    ready: Prepared, key: Sequence[str], compared: Sequence[str], expected: Callable[[pd.DataFrame], Any]
) -> None:
    """Merge rows that repeat another's key if they are equal in the columns `compared`; otherwise reject them.

    `expected` returns, for rejected rows, the expected and the actual key.
    """
    again, kept = doubled(ready.rows, list(key), [])
    if not again.any():
        return
    copies = ready.rows.loc[again, list(compared)]
    originals = ready.rows.loc[kept[again], list(compared)].set_axis(copies.index)
    same = ((copies == originals) | (copies.isna() & originals.isna())).all(axis=1)
    ready.merge(same.reindex(ready.rows.index, fill_value=False), "identical_row", kept)
    ready.reject(
        again.reindex(ready.rows.index),
        key[-1],
        "doubled_key",
        lambda bad: expected(bad) + ", contradicting row " + kept.reindex(bad.index).astype("str"),
    )
