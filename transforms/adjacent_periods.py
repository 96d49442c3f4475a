"""Compare the figures of a new month or year with those of the nearest known period.

The bounds, and the data they were measured on, are in the source's YAML under
`envelope.against_neighbours.next_period`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from schemas.problems import Problem, beyond, outside, problems_if
from transforms.neighbours import Comparison, total
from transforms.periods import period_label

MAX_EXAMPLES, MAX_PROBLEMS = 3, 5


def against_nearest_period(
    rows: pd.DataFrame, current: pd.DataFrame | None, how: Comparison, others: pd.DataFrame | None = None
) -> list[Problem]:
    """Compare each period that `current` does not have: with the same period of another series if there is one,
    otherwise with the nearest earlier period, otherwise with the nearest later one.

    current    current rows of the same series; None if there are none
    others  rows of other series; None if there are none
    """
    bounds = how.bounds.get("next_period")
    if bounds is None or how.period is None:
        return []
    mine = rows if current is None else pd.concat([current[~current[how.period].isin(rows[how.period])], rows])
    fresh = rows if current is None else rows[~rows[how.period].isin(current[how.period])]
    theirs = {} if others is None else _by_period(others, how)
    every = {**theirs, **_by_period(mine, how)}
    ordered = sorted(every)
    problems: list[Problem] = []
    for name in sorted(fresh[how.period].unique()):
        place = ordered.index(name)
        other = ordered[place - 1] if place else ordered[1] if len(ordered) > 1 else None
        if name in theirs:
            names = (period_label(name), f"{period_label(name)} of the other series")
            compared = _compared(every[name], theirs[name], how, names, near=True)
        elif other is None:
            continue
        else:
            apart, names = abs(_days(name) - _days(other)), (period_label(name), period_label(other))
            compared = _gap(apart, bounds, names)
            compared += _compared(every[name], every[other], how, names, apart <= bounds["near_days"])
        problems += [problem for problem in compared if problem.check not in _excepted(period_label(name), bounds)]
    return _first_of_each_check(problems)


def _by_period(rows: pd.DataFrame, how: Comparison) -> dict[Any, pd.DataFrame]:
    return dict(iter(rows.groupby(how.period, observed=True)))


def _excepted(label: str, bounds: Mapping[str, Any]) -> set[str]:
    """The checks that do not apply to a period, because of a known change."""
    known = [entry for entry in bounds.get("exceptions", ()) if entry["period"] == label]
    return {check for entry in known for check in entry["checks"]}


def _first_of_each_check(problems: list[Problem]) -> list[Problem]:
    """The first problems of each check, refusals before warnings, and the number of the others."""
    kept = []
    for check in dict.fromkeys(problem.check for problem in problems):
        ordered = sorted((one for one in problems if one.check == check), key=lambda one: not one.refuses)
        kept += ordered[:MAX_PROBLEMS]
        if len(ordered) > MAX_PROBLEMS:
            more = f"and {len(ordered) - MAX_PROBLEMS} more of the kind in other periods or measures"
            kept.append(Problem(check, ordered[MAX_PROBLEMS].refuses, more))
    return kept


def _gap(days: float, bounds: Mapping[str, Any], names: tuple[str, str]) -> list[Problem]:
    """The nearest known period is adjacent."""
    return problems_if(
        beyond(days, bounds.get("gap_days", {})),
        "next_period.gap",
        f"{names[0]} is new, and the nearest known period is {names[1]}: the periods between are missing, or the dates "
        "are wrong",
    )


def _compared(
    rows: pd.DataFrame, other: pd.DataFrame, how: Comparison, names: tuple[str, str], near: bool
) -> list[Problem]:
    """The problems of one period compared with another; if the other is distant, only the sums are compared."""
    bounds = how.bounds["next_period"]
    key = [name for name in how.key if name != how.period]
    groups = list(how.groups)
    for column, value in how.unspecified.items():
        if (rows[column] == value).all() or (other[column] == value).all():
            key, groups = [name for name in key if name != column], [name for name in groups if name != column]
    problems = []
    for measure, declared in bounds["measures"].items():
        if rows[measure].isna().all() or other[measure].isna().all():
            continue
        by = key if set(declared) - {"sum"} else []
        new, old = total(rows, measure, by), total(other, measure, by)
        problems += _size(new, old, measure, declared if near else {"sum": {"refuse": bounds["far"]}}, names)
        if near:
            problems += _distribution(new, old, measure, declared, names)
            problems += [
                problem for by in groups for problem in _moved_groups(rows, other, (measure, by), declared, names)
            ]
    return problems


def _size(
    new: pd.Series, old: pd.Series, measure: str, declared: Mapping[str, Any], names: tuple[str, str]
) -> list[Problem]:
    """The sum of the measure, and the median ratio of the keys that both have, are within bounds."""
    ratio = new.sum() / old.sum() if old.sum() else np.inf if new.sum() else 1.0
    both = new.index.intersection(old.index[old != 0])
    ratios = new[both] / old[both]
    typical = ratios.median() if len(both) else 1.0
    return [
        *problems_if(
            outside(ratio, declared.get("sum", {})),
            f"next_period.{measure}",
            f"The sum of {measure} is {new.sum():,.0f} in {names[0]} and {old.sum():,.0f} in {names[1]}: "
            f"{_times(ratio)}. The unit may be another, or part of it missing or doubled",
        ),
        *problems_if(
            outside(typical, declared.get("typical", {})),
            f"next_period.{measure}",
            f"The figures of {measure} in {names[0]} are typically {_times(typical)} those of {names[1]}. The unit "
            "may be another",
        ),
        *_odd_values(old, new, ratios / typical, declared.get("most_times", np.inf), (measure, *names)),
    ]


def _odd_values(
    old: pd.Series, new: pd.Series, ratios: pd.Series, most: float, names: tuple[str, str, str]
) -> list[Problem]:
    """No figure changed much more or less than the median. `names` are the measure and the two periods."""
    odd = ratios[(ratios > most) | (ratios < 1 / most)].index
    if np.isinf(most) or not len(odd):
        return []
    shown = "; ".join(f"{_name(key)} {old[key]:,.0f} → {new[key]:,.0f}" for key in odd[:MAX_EXAMPLES])
    more = f"; and {len(odd) - MAX_EXAMPLES} more" if len(odd) > MAX_EXAMPLES else ""
    text = (
        f"{len(odd)} figures of {names[0]} changed by over {most:g} times from {names[2]} to {names[1]}, compared with "
        f"the others: {shown}{more}"
    )
    return [Problem("next_period.values", False, text)]


def _times(ratio: float) -> str:
    """A ratio in words, such as `3 times less`."""
    if 0 < ratio < 1:
        return f"{1 / ratio:,.3g} times less" if ratio < 0.5 else f"{ratio:.3f} times"
    return f"{ratio:,.3g} times"


def _distribution(
    new: pd.Series, old: pd.Series, measure: str, declared: Mapping[str, Any], names: tuple[str, str]
) -> list[Problem]:
    """The shares that moved between keys, belong to keys of one period only, or are unchanged are small."""
    every, both = new.index.union(old.index), new.index.intersection(old.index)
    larger = max(new.sum(), old.sum()) or 1.0
    moved = (new.reindex(every).fillna(0) - old.reindex(every).fillna(0)).abs().sum() / 2 / larger
    removed, added = old[old.index.difference(both)].sum(), new[new.index.difference(both)].sum()
    same = (new[both] == old[both]).mean() if len(both) else 0.0
    return [
        *problems_if(
            beyond(moved, declared.get("moved", {})),
            f"next_period.{measure}",
            f"{moved:.1%} of {measure} in {names[0]} has other keys than in {names[1]}. A column may be shifted or "
            "sorted by itself, or rows have another name",
        ),
        *problems_if(
            beyond(max(removed, added) / larger, declared.get("keys", {})),
            "next_period.keys",
            f"{removed:,.0f} {measure} of {names[1]} have keys that {names[0]} does not have, and {added:,.0f} of "
            f"{names[0]} have keys that {names[1]} does not have. A column may be wrong in some rows",
        ),
        *problems_if(
            beyond(0.0 if names[1].startswith(names[0]) else same, declared.get("unchanged", {})),
            f"next_period.{measure}",
            f"{same:.1%} of the values of {measure} in {names[0]} are those of {names[1]}. It may be the same period "
            "under another date",
        ),
    ]


def _moved_groups(
    rows: pd.DataFrame,
    other: pd.DataFrame,
    which: tuple[str, str],
    declared: Mapping[str, Any],
    names: tuple[str, str],
) -> list[Problem]:
    """No state, mission or type gained or lost more than a share of the sum, or appeared or disappeared with many."""
    measure, by = which
    new, old = (total(frame, measure, [by]) for frame in (rows, other))
    both = pd.DataFrame({"new": new, "old": old}).fillna(0.0)
    larger = max(new.sum(), old.sum())
    bounds = declared.get(by, {})
    if not bounds or not larger:
        return []
    change = (both["new"] - both["old"]).abs() / larger
    only_one = (both["new"] == 0) | (both["old"] == 0)
    many = both.max(axis=1) > bounds.get("gone_or_new", np.inf)
    odd = both[(change > bounds.get("moved", np.inf)) | (only_one & many)]
    if not len(odd):
        return []
    odd = odd.loc[(odd["new"] - odd["old"]).abs().sort_values(ascending=False).index]
    shown = "; ".join(
        f"{name} {row['old']:,.0f} → {row['new']:,.0f}" for name, row in odd.head(MAX_EXAMPLES).iterrows()
    )
    more = f"; and {len(odd) - MAX_EXAMPLES} more" if len(odd) > MAX_EXAMPLES else ""
    text = f"{measure} by {by}, from {names[1]} to {names[0]}: {shown}{more}"
    return [Problem(f"next_period.{by}", False, text)]


def _name(key: Any) -> str:
    return ", ".join(map(str, key)) if isinstance(key, tuple) else str(key)


def _days(period: Any) -> float:
    """The position of a day, a year or a peacekeeping year (2018-19) in time, in days."""
    if isinstance(period, pd.Timestamp):
        return period.toordinal()
    return float(str(period)[:4]) * 365.25
