"""Neighbours: how a vintage's tidy rows differ from those of the vintages published just before and after it.

Each function is one check. It takes the rows, a neighbour and how the source is compared, and returns the problems that
it found. The bounds and what they were measured on stand in the source's YAML, under `envelope.against_neighbours`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from schemas.problems import Problem, beyond, problems_if

EXAMPLES = 3
ROWS = "rows"  # the measure of a source whose every row is one


@dataclass(frozen=True)
class Neighbour:
    """Tidy rows of the same series that were published before or after the file that is checked.

    vintage  the newest vintage among them
    absent   columns that one of those snapshots does not have: missing there means unknown
    """

    vintage: date
    rows: pd.DataFrame
    absent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """How a source's rows are compared: their key, the column of the period if newer vintages replace whole periods,
    the columns that are added up, the columns by which totals are published, and the declared bounds."""

    key: Sequence[str]
    period: str | None
    measures: Sequence[str]
    groups: Sequence[str]
    bounds: Mapping[str, Any]
    unspecified: Mapping[str, str] = field(default_factory=dict)

    @property
    def measure(self) -> str:
        """The measure by which rows and periods are told: the first."""
        return self.measures[0]


def common(one: pd.DataFrame, other: pd.DataFrame, period: str | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of the periods that both cover; all rows where there are no periods."""
    if period is None:
        return one, other
    return one[one[period].isin(other[period])], other[other[period].isin(one[period])]


def number_of_rows(rows: pd.DataFrame, neighbour: Neighbour, how: Comparison, *, later: bool) -> list[Problem]:
    """The later vintage has about as many rows as the earlier one, in the periods that both cover.

    later  whether the neighbour was published after the file
    """
    mine, theirs = common(rows, neighbour.rows, how.period)
    old, new = (mine, theirs) if later else (theirs, mine)
    bounds = how.bounds["rows"]
    if not len(old) or bounds["min"] <= len(new) / len(old) <= bounds["max"]:
        return []
    where = f" in the {how.period.replace('_', ' ')}s that both cover" if how.period else ""
    return [
        Problem(
            "number_of_rows",
            True,
            f"It has {len(mine):,} rows{where}, the vintage of {neighbour.vintage} has {len(theirs):,}: the later was "
            f"expected to have {bounds['min']:g} to {bounds['max']:g} times the rows of the earlier. Part of it may be "
            "missing or doubled.",
        )
    ]


def missing_keys(
    rows: pd.DataFrame, before: Neighbour | None, after: Neighbour | None, how: Comparison
) -> list[Problem]:
    """Nothing is missing that both neighbours have; what only the vintage before has may have been withdrawn."""
    if before is None:
        return []
    gone = _missing(rows, before.rows, how)
    if not len(gone):
        return []
    if after is not None:
        both = gone.merge(after.rows[list(how.key)].drop_duplicates(), on=list(how.key))
        if len(both):
            told = (
                f"{len(both):,} rows are not in it that the vintages of {before.vintage} and {after.vintage} both have "
                f"({_examples(both)}). Part of it is missing; get it again."
            )
            return [Problem("missing_keys", True, told)]
    told = f"{len(gone):,} rows of the vintage of {before.vintage} are not in it ({_examples(gone)})"
    return [Problem("missing_keys", False, told)]


def unknown_to_both(
    rows: pd.DataFrame, before: Neighbour | None, after: Neighbour | None, how: Comparison
) -> list[Problem]:
    """Rows that neither neighbour has: a list from which nothing is withdrawn has none between two vintages."""
    if before is None or after is None:
        return []
    mine = _missing(after.rows, rows, how)
    new = _missing(before.rows, mine, how) if len(mine) else mine
    if not len(new):
        return []
    told = (
        f"{len(new):,} rows are in it that neither the vintage of {before.vintage} nor that of {after.vintage} has "
        f"({_examples(new)})"
    )
    share = len(new) / len(rows)
    return problems_if(beyond(share, how.bounds.get("unknown_to_both", {"warn": 0})), "unknown_to_both", told)


def late_rows(rows: pd.DataFrame, before: Neighbour | None, how: Comparison) -> list[Problem]:
    """Rows that are new, and of days that the vintage before could have known: a few are late, many are made up.

    Only for sources that declare `late_rows`: their rows have a day, and each stays once it is published.
    """
    bounds = how.bounds.get("late_rows")
    if bounds is None or before is None:
        return []
    new = rows.merge(_missing(before.rows, rows, how), on=list(how.key))
    late = new[new[bounds["column"]] <= pd.Timestamp(before.vintage)]
    told = (
        f"{len(late):,} of its {len(new):,} new rows are of days that the vintage of {before.vintage} could have known "
        f"({_examples(late[list(how.key)])}); at most {bounds['warn']:,} were expected"
    )
    return problems_if(beyond(len(late), bounds), "late_rows", told)


def revised_values(
    rows: pd.DataFrame, neighbour: Neighbour, how: Comparison, absent: Sequence[str], *, later: bool
) -> list[Problem]:
    """Few values differ between the two vintages, and fewer of those that were settled.

    A value is settled when it is known and not among the column's `pending` ones, which are published to be changed.
    later   whether the neighbour was published after the file
    absent  columns that the file does not have: nothing of them is compared
    """
    told = []
    both = rows.merge(neighbour.rows, on=list(how.key), suffixes=("", "_theirs"))
    for column, bounds in how.bounds.get("revised", {}).items():
        if column in absent or not len(both):
            continue
        mine, theirs = both[column], both[f"{column}_theirs"]
        old, new = (mine, theirs) if later else (theirs, mine)
        differ = ~(same_values(old, new) | ((column in neighbour.absent) & theirs.isna()))
        settled = differ & old.notna() & ~old.astype("str").isin(bounds.get("pending", []))
        found = [
            beyond(differ.mean(), bounds.get("any", {})),
            beyond(settled.mean(), bounds.get("settled", {})),
        ]
        if found == [None, None]:
            continue
        which = differ if found[0] is not None else settled
        first = both[which].head(EXAMPLES).index
        shown = "; ".join(f"{_key(both, place, how)}: {_text(old[place])} → {_text(new[place])}" for place in first)
        told.append(
            Problem(
                f"revised.{column}",
                True in found,
                f"{column}: {differ.sum():,} of {len(both):,} values ({differ.mean():.2%}) differ from the vintage of "
                f"{neighbour.vintage}, {settled.sum():,} of them settled ones ({shown})",
            )
        )
    return told


def revised_totals(rows: pd.DataFrame, neighbour: Neighbour, how: Comparison) -> list[Problem]:
    """Totals over the rows that both vintages speak for have hardly changed; those that have are named.

    Without periods only the keys that both have are added up: a new row is no revision.
    """
    bounds = how.bounds.get("totals")
    mine, theirs = common(rows, neighbour.rows, how.period)
    if how.period is None:
        mine, theirs = (
            mine.merge(theirs[list(how.key)], on=list(how.key)),
            theirs.merge(mine[list(how.key)], on=list(how.key)),
        )
    if bounds is None or not len(mine) or not len(theirs):
        return []
    changed = pd.concat([_changed(mine, theirs, how, by) for by in ([], *([group] for group in how.groups))])
    whole = changed[changed["whole"] & (changed["share"] > bounds["refuse"])]
    named = whole if len(whole) else changed[changed["share"] > bounds["warn"]]
    if not len(named):
        return []
    named = named.sort_values("change", key=lambda change: change.abs(), ascending=False)
    shown = "; ".join(
        f"{row.total} {_figure(row.old)} → {_figure(row.new)}" for row in named.head(EXAMPLES).itertuples()
    )
    more = f"; and {len(named) - EXAMPLES:,} more" if len(named) > EXAMPLES else ""
    told = f"{len(named):,} totals differ from the vintage of {neighbour.vintage} by more than "
    told += f"{bounds['refuse' if len(whole) else 'warn']:.0%}: {shown}{more}"
    return [Problem("totals", bool(len(whole)), told)]


def _changed(mine: pd.DataFrame, theirs: pd.DataFrame, how: Comparison, by: Sequence[str]) -> pd.DataFrame:
    """Each total by period and group in both frames: its name, old and new value, the change, and its share."""
    keys = [*([how.period] if how.period else []), *by]
    found = []
    for measure in how.measures:
        old, new = (total(frame, measure, keys) for frame in (theirs, mine))
        both = pd.DataFrame({"old": old, "new": new}).fillna(0.0)
        labels = [
            " ".join(_text(part) for part in ([name] if not isinstance(name, tuple) else name)) for name in both.index
        ]
        share = (both["new"] - both["old"]).abs() / both["old"].abs().where(both["old"] != 0, both["new"].abs())
        names = [f"{label} {measure}".strip() for label in labels]
        found.append(both.assign(total=names, change=both["new"] - both["old"], share=share.fillna(0), whole=not by))
    return pd.concat(found, ignore_index=True)


def total(rows: pd.DataFrame, measure: str, keys: Sequence[str]) -> pd.Series:
    """The sum of a measure (or the number of rows) by some columns; of everything where there are none."""
    values = pd.Series(1.0, index=rows.index) if measure == ROWS else rows[measure].astype("float64")
    if not keys:
        return pd.Series({"all": values.sum()})
    return values.groupby([rows[name] for name in keys], observed=True).sum()


def same_values(one: pd.Series, other: pd.Series) -> pd.Series:
    """Where two columns have the same value; missing equals missing, and numbers may differ as binary fractions do."""
    if pd.api.types.is_float_dtype(one.dtype) and pd.api.types.is_float_dtype(other.dtype):
        close = np.isclose(one.to_numpy(), other.to_numpy(), rtol=1e-9, atol=0, equal_nan=True)
        return pd.Series(close, index=one.index)
    return (one == other).astype("boolean").fillna(False).astype(bool) | (one.isna() & other.isna())


def _missing(rows: pd.DataFrame, others: pd.DataFrame, how: Comparison) -> pd.DataFrame:
    """The keys of `others` that are not in `rows`, of the periods that both cover."""
    mine, theirs = (frame[list(how.key)].drop_duplicates() for frame in common(rows, others, how.period))
    marked = theirs.merge(mine, on=list(how.key), how="left", indicator=True)
    return marked.loc[marked["_merge"] == "left_only", list(how.key)]


def _key(rows: pd.DataFrame, place: Any, how: Comparison) -> str:
    return ", ".join(_text(rows.at[place, name]) for name in how.key)


def _examples(keys: pd.DataFrame) -> str:
    shown = [", ".join(_text(value) for value in row) for row in keys.head(EXAMPLES).itertuples(index=False)]
    return "; ".join(shown) + ("; …" if len(keys) > EXAMPLES else "")


def _text(value: Any) -> str:
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    return "nothing" if pd.isna(value) else str(value)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 1000 else f"{value:,.4g}"
