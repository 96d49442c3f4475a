"""Compare a vintage's tidy rows with the vintages published just before and after it.

Each function is one check and returns its problems. The bounds, and the data they were measured on, are in the source's
YAML under `envelope.against_neighbours`.
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
ROWS = "rows"  # measure of a source whose rows each count as one


@dataclass(frozen=True)
class Neighbour:
    """Tidy rows of the same series, published before or after the checked file.

    vintage  newest vintage among them
    absent   columns that one of those snapshots does not have: missing values are unknown
    """

    vintage: date
    rows: pd.DataFrame
    absent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """How a source's rows are compared.

    key          columns that identify a row
    period       column of the period, if newer vintages replace complete periods
    measures     columns that are summed; the first one identifies the source
    groups       columns by which totals are published
    bounds       declared bounds
    unspecified  for a column, the value that means that the report does not print it
    """

    key: Sequence[str]
    period: str | None
    measures: Sequence[str]
    groups: Sequence[str]
    bounds: Mapping[str, Any]
    unspecified: Mapping[str, str] = field(default_factory=dict)

    @property
    def measure(self) -> str:
        """The main measure."""
        return self.measures[0]


def common(one: pd.DataFrame, other: pd.DataFrame, period: str | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of the periods that both cover; all rows if there are no periods."""
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
    """No row is missing that both neighbours have. A row that only the earlier one has can have been withdrawn."""
    if before is None:
        return []
    missing = _missing(rows, before.rows, how)
    if not len(missing):
        return []
    if after is not None:
        both = missing.merge(after.rows[list(how.key)].drop_duplicates(), on=list(how.key))
        if len(both):
            text = (
                f"{len(both):,} rows are not in it that the vintages of {before.vintage} and {after.vintage} both have "
                f"({_examples(both)}). Part of it is missing; get it again."
            )
            return [Problem("missing_keys", True, text)]
    text = f"{len(missing):,} rows of the vintage of {before.vintage} are not in it ({_examples(missing)})"
    return [Problem("missing_keys", False, text)]


def unknown_to_both(
    rows: pd.DataFrame, before: Neighbour | None, after: Neighbour | None, how: Comparison
) -> list[Problem]:
    """No row is in neither neighbour: nothing is withdrawn from such a source, so a later vintage has every row."""
    if before is None or after is None:
        return []
    mine = _missing(after.rows, rows, how)
    new = _missing(before.rows, mine, how) if len(mine) else mine
    if not len(new):
        return []
    text = (
        f"{len(new):,} rows are in it that neither the vintage of {before.vintage} nor that of {after.vintage} has "
        f"({_examples(new)})"
    )
    share = len(new) / len(rows)
    return problems_if(beyond(share, how.bounds.get("unknown_to_both", {"warn": 0})), "unknown_to_both", text)


def late_rows(rows: pd.DataFrame, before: Neighbour | None, how: Comparison) -> list[Problem]:
    """Few new rows are of days before the earlier vintage: some are reported late, many are implausible.

    Only for sources that declare `late_rows`: their rows have a day and are never withdrawn.
    """
    bounds = how.bounds.get("late_rows")
    if bounds is None or before is None:
        return []
    new = rows.merge(_missing(before.rows, rows, how), on=list(how.key))
    late = new[new[bounds["column"]] <= pd.Timestamp(before.vintage)]
    text = (
        f"{len(late):,} of its {len(new):,} new rows are of days that the vintage of {before.vintage} could have known "
        f"({_examples(late[list(how.key)])}); at most {bounds['warn']:,} were expected"
    )
    return problems_if(beyond(len(late), bounds), "late_rows", text)


def revised_values(
    rows: pd.DataFrame, neighbour: Neighbour, how: Comparison, absent: Sequence[str], *, later: bool
) -> list[Problem]:
    """Few values differ between the two vintages, and fewer of the settled ones.

    A value is settled if it is known and not one of the column's `pending` values, which are expected to change.
    later   whether the neighbour was published after the file
    absent  columns that the file does not have; they are not compared
    """
    problems = []
    both = rows.merge(neighbour.rows, on=list(how.key), suffixes=("", "_theirs"))
    for column, bounds in how.bounds.get("revised", {}).items():
        if column in absent or not len(both):
            continue
        mine, theirs = both[column], both[f"{column}_theirs"]
        old, new = (mine, theirs) if later else (theirs, mine)
        differ = ~(same_values(old, new) | ((column in neighbour.absent) & theirs.isna()))
        settled = differ & old.notna() & ~old.astype("str").isin(bounds.get("pending", []))
        refused = [
            beyond(differ.mean(), bounds.get("any", {})),
            beyond(settled.mean(), bounds.get("settled", {})),
        ]
        if refused == [None, None]:
            continue
        which = differ if refused[0] is not None else settled
        first = both[which].head(EXAMPLES).index
        shown = "; ".join(f"{_key(both, place, how)}: {_text(old[place])} → {_text(new[place])}" for place in first)
        problems.append(
            Problem(
                f"revised.{column}",
                True in refused,
                f"{column}: {differ.sum():,} of {len(both):,} values ({differ.mean():.2%}) differ from the vintage of "
                f"{neighbour.vintage}, {settled.sum():,} of them settled ones ({shown})",
            )
        )
    return problems


def revised_totals(rows: pd.DataFrame, neighbour: Neighbour, how: Comparison) -> list[Problem]:
    """Totals over the periods that both vintages cover have hardly changed.

    Without periods, only keys that both have are summed: a new row is not a revision.
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
    refused = changed[changed["overall"] & (changed["share"] > bounds["refuse"])]
    named = refused if len(refused) else changed[changed["share"] > bounds["warn"]]
    if not len(named):
        return []
    named = named.sort_values("change", key=lambda change: change.abs(), ascending=False)
    shown = "; ".join(
        f"{row.total} {_figure(row.old)} → {_figure(row.new)}" for row in named.head(EXAMPLES).itertuples()
    )
    more = f"; and {len(named) - EXAMPLES:,} more" if len(named) > EXAMPLES else ""
    text = f"{len(named):,} totals differ from the vintage of {neighbour.vintage} by more than "
    text += f"{bounds['refuse' if len(refused) else 'warn']:.0%}: {shown}{more}"
    return [Problem("totals", bool(len(refused)), text)]


def _changed(mine: pd.DataFrame, theirs: pd.DataFrame, how: Comparison, by: Sequence[str]) -> pd.DataFrame:
    """Totals by period and group in both frames: name, old and new value, change, and change as a share."""
    keys = [*([how.period] if how.period else []), *by]
    totals = []
    for measure in how.measures:
        old, new = (total(frame, measure, keys) for frame in (theirs, mine))
        both = pd.DataFrame({"old": old, "new": new}).fillna(0.0)
        labels = [
            " ".join(_text(part) for part in ([name] if not isinstance(name, tuple) else name)) for name in both.index
        ]
        share = (both["new"] - both["old"]).abs() / both["old"].abs().where(both["old"] != 0, both["new"].abs())
        names = [f"{label} {measure}".strip() for label in labels]
        totals.append(both.assign(total=names, change=both["new"] - both["old"], share=share.fillna(0), overall=not by))
    return pd.concat(totals, ignore_index=True)


def total(rows: pd.DataFrame, measure: str, keys: Sequence[str]) -> pd.Series:
    """The sum of a measure (or the number of rows) by some columns, or overall."""
    values = pd.Series(1.0, index=rows.index) if measure == ROWS else rows[measure].astype("float64")
    if not keys:
        return pd.Series({"all": values.sum()})
    return values.groupby([rows[name] for name in keys], observed=True).sum()


def same_values(one: pd.Series, other: pd.Series) -> pd.Series:
    """Where two columns have equal values; missing equals missing, and numbers are equal within 1e-9."""
    if pd.api.types.is_float_dtype(one.dtype) and pd.api.types.is_float_dtype(other.dtype):
        close = np.isclose(one.to_numpy(), other.to_numpy(), rtol=1e-9, atol=0, equal_nan=True)
        return pd.Series(close, index=one.index)
    return (one == other).astype("boolean").fillna(False).astype(bool) | (one.isna() & other.isna())


def _missing(rows: pd.DataFrame, others: pd.DataFrame, how: Comparison) -> pd.DataFrame:
    """The keys of `others` that are not in `rows`, in the periods that both cover."""
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
