"""Preview the changes that a file would make: each period before and after."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from transforms.neighbours import ROWS, Comparison, same_values, total
from transforms.periods import period_labels

COLUMNS = ["period", "rows", "rows_then", "measure", "sum", "sum_then", "revised", "gained", "lost"]


def preview(
    now: pd.DataFrame | None, then: pd.DataFrame, how: Comparison, column: str, absent: Sequence[str] = ()
) -> pd.DataFrame:
    """One row (COLUMNS) for each period in which a row or value changes, in chronological order.

    now     rows of the table without the file; None if there are none
    then    rows of the table with the file
    column  column of the period; days are grouped by year if newer vintages do not replace complete periods
    absent  columns that the file does not have: their known values are kept

    `revised` counts the changed values of rows that exist before and after. `gained` and `lost` are names in the first
    column by which totals are published, of added and removed rows.
    """
    before = then.head(0) if now is None else now
    both = before.merge(then, on=list(how.key), how="outer", suffixes=("", "_then"), indicator=True)
    compared = [name for name in _compared(how) if f"{name}_then" in both and name not in absent]
    kept = both["_merge"] == "both"
    both["revised"] = sum((kept & ~same_values(both[name], both[f"{name}_then"])).astype("int64") for name in compared)
    changed = both[(both["_merge"] != "both") | (both["revised"] > 0)]
    label = column if column in how.key else f"{column}_then"
    days = changed[label] if column in how.key else changed[label].fillna(changed[column])
    revised = changed.groupby(_labels(days, how))["revised"].sum()
    parts = [dict(iter(frame.groupby(_labels(frame[column], how)))) for frame in (before, then)]
    periods = [
        _row(str(period), [part.get(period, then.head(0)) for part in parts], int(count), how)
        for period, count in revised.sort_index().items()
    ]
    return pd.DataFrame(periods, columns=COLUMNS)


def _row(period: str, parts: Sequence[pd.DataFrame], revised: int, how: Comparison) -> list[object]:
    """The row of one period; `parts` are its rows without and with the file."""
    old, new = parts
    sums = [float(total(frame, how.measure, []).iloc[0]) for frame in parts]
    names = how.groups[0] if how.groups else how.key[-1]
    return [period, len(old), len(new), how.measure, *sums, revised, _names(new, old, names), _names(old, new, names)]


def _compared(how: Comparison) -> list[str]:
    declared = list(how.bounds.get("revised", {}))
    return list(dict.fromkeys([*(name for name in how.measures if name != ROWS), *declared]))


def _labels(values: pd.Series, how: Comparison) -> pd.Series:
    """The periods as texts; days of a source without periods become years."""
    labels = period_labels(values)
    return labels if how.period else labels.str[:4]


def _names(frame: pd.DataFrame, other: pd.DataFrame, column: str) -> Sequence[str]:
    return sorted(set(frame[column].dropna().astype("str")) - set(other[column].dropna().astype("str")))
