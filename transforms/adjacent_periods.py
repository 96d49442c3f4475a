"""Adjacent periods: how the figures of a month or year that is new differ from those of the nearest one that is held.

The bounds and what they were measured on stand in the source's YAML, under `envelope.against_neighbours.next_period`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from schemas.problems import Problem, beyond, outside, problems_if
from transforms.neighbours import Comparison, total
from transforms.periods import period_label

NAMED, TOLD = 3, 5


def against_nearest_period(
    rows: pd.DataFrame, held: pd.DataFrame | None, how: Comparison, others: pd.DataFrame | None = None
) -> list[Problem]:
    """Compare each period of the rows that `held` lacks: with the same period of another series where that is held,
    else with the nearest earlier period, else with the nearest later one.

    held    the rows of the same series that speak for the other periods now; None where nothing is held
    others  the rows of other series; None where there are none
    """
    bounds = how.bounds.get("next_period")
    if bounds is None or how.period is None:
        return []
    mine = rows if held is None else pd.concat([held[~held[how.period].isin(rows[how.period])], rows])
    fresh = rows if held is None else rows[~rows[how.period].isin(held[how.period])]
    theirs = {} if others is None else _by_period(others, how)
    every = {**theirs, **_by_period(mine, how)}
    ordered = sorted(every)
    told: list[Problem] = []
    for name in sorted(fresh[how.period].unique()):
        place = ordered.index(name)
        other = ordered[place - 1] if place else ordered[1] if len(ordered) > 1 else None
        if name in theirs:
            names = (period_label(name), f"{period_label(name)} of the other series")
            found = _compared(every[name], theirs[name], how, names, near=True)
        elif other is None:
            continue
        else:
            apart, names = abs(_days(name) - _days(other)), (period_label(name), period_label(other))
            found = _gap(apart, bounds, names)
            found += _compared(every[name], every[other], how, names, apart <= bounds["near_days"])
        told += [problem for problem in found if problem.check not in _excepted(period_label(name), bounds)]
    return _the_first_of_each(told)


def _by_period(rows: pd.DataFrame, how: Comparison) -> dict[Any, pd.DataFrame]:
    return dict(iter(rows.groupby(how.period, observed=True)))


def _excepted(label: str, bounds: Mapping[str, Any]) -> set[str]:
    """The checks that a known change of a period would fail."""
    known = [entry for entry in bounds.get("exceptions", ()) if entry["period"] == label]
    return {check for entry in known for check in entry["checks"]}


def _the_first_of_each(problems: list[Problem]) -> list[Problem]:
    """Of each check the first problems, refusals before warnings, and how many more there are."""
    kept = []
    for check in dict.fromkeys(problem.check for problem in problems):
        some = sorted((one for one in problems if one.check == check), key=lambda one: not one.refuses)
        kept += some[:TOLD]
        if len(some) > TOLD:
            more = f"and {len(some) - TOLD} more of the kind in other periods or measures"
            kept.append(Problem(check, some[TOLD].refuses, more))
    return kept


def _gap(days: float, bounds: Mapping[str, Any], names: tuple[str, str]) -> list[Problem]:
    """No period lies between a new one and the nearest that is held."""
    return problems_if(
        beyond(days, bounds.get("gap_days", {})),
        "next_period.gap",
        f"{names[0]} is new, and the nearest period that is held is {names[1]}: what lies between is missing, or the "
        "dates are wrong",
    )


def _compared(
    rows: pd.DataFrame, other: pd.DataFrame, how: Comparison, names: tuple[str, str], near: bool
) -> list[Problem]:
    """The problems of one period against another; of a distant one only its size is compared."""
    bounds = how.bounds["next_period"]
    key = [name for name in how.key if name != how.period]
    groups = list(how.groups)
    for column, value in how.unspecified.items():
        if (rows[column] == value).all() or (other[column] == value).all():
            key, groups = [name for name in key if name != column], [name for name in groups if name != column]
    told = []
    for measure, declared in bounds["measures"].items():
        if rows[measure].isna().all() or other[measure].isna().all():
            continue
        by = key if set(declared) - {"sum"} else []
        new, old = total(rows, measure, by), total(other, measure, by)
        told += _size(new, old, measure, declared if near else {"sum": {"refuse": bounds["far"]}}, names)
        if near:
            told += _distribution(new, old, measure, declared, names)
            told += [problem for by in groups for problem in _moved_groups(rows, other, (measure, by), declared, names)]
    return told


def _size(
    new: pd.Series, old: pd.Series, measure: str, declared: Mapping[str, Any], names: tuple[str, str]
) -> list[Problem]:
    """The sum of the measure, and the typical ratio of the keys that both have, are within bounds."""
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
    """No key's figure changed many times more or less than is typical; `names` are the measure and the two periods."""
    odd = ratios[(ratios > most) | (ratios < 1 / most)].index
    if np.isinf(most) or not len(odd):
        return []
    shown = "; ".join(f"{_name(key)} {old[key]:,.0f} → {new[key]:,.0f}" for key in odd[:NAMED])
    more = f"; and {len(odd) - NAMED} more" if len(odd) > NAMED else ""
    told = (
        f"{len(odd)} figures of {names[0]} changed by over {most:g} times from {names[2]} to {names[1]}, compared with "
        f"the others: {shown}{more}"
    )
    return [Problem("next_period.values", False, told)]


def _times(ratio: float) -> str:
    """A ratio in words: half as much as needed to see which way and how far."""
    if 0 < ratio < 1:
        return f"{1 / ratio:,.3g} times less" if ratio < 0.5 else f"{ratio:.3f} times"
    return f"{ratio:,.3g} times"


def _distribution(
    new: pd.Series, old: pd.Series, measure: str, declared: Mapping[str, Any], names: tuple[str, str]
) -> list[Problem]:
    """Who has how much: what moved between keys, what stands with keys of one period alone, what did not change."""
    every, both = new.index.union(old.index), new.index.intersection(old.index)
    whole = max(new.sum(), old.sum()) or 1.0
    moved = (new.reindex(every).fillna(0) - old.reindex(every).fillna(0)).abs().sum() / 2 / whole
    gone, come = old[old.index.difference(both)].sum(), new[new.index.difference(both)].sum()
    same = (new[both] == old[both]).mean() if len(both) else 0.0
    return [
        *problems_if(
            beyond(moved, declared.get("moved", {})),
            f"next_period.{measure}",
            f"{moved:.1%} of {measure} in {names[0]} stands with other keys than in {names[1]}. A column may be "
            "shifted or sorted by itself, or rows stand under another name",
        ),
        *problems_if(
            beyond(max(gone, come) / whole, declared.get("keys", {})),
            "next_period.keys",
            f"{gone:,.0f} {measure} of {names[1]} stand with keys that {names[0]} does not have, and {come:,.0f} of "
            f"{names[0]} with keys that {names[1]} does not have. A column may be wrong in some rows",
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
    """No state, mission or type gained or lost more than a share of the sum, appeared with many or left with many."""
    measure, by = which
    new, old = (total(frame, measure, [by]) for frame in (rows, other))
    both = pd.DataFrame({"new": new, "old": old}).fillna(0.0)
    whole = max(new.sum(), old.sum())
    bounds = declared.get(by, {})
    if not bounds or not whole:
        return []
    change = (both["new"] - both["old"]).abs() / whole
    only_one = (both["new"] == 0) | (both["old"] == 0)
    many = both.max(axis=1) > bounds.get("gone_or_new", np.inf)
    odd = both[(change > bounds.get("moved", np.inf)) | (only_one & many)]
    if not len(odd):
        return []
    odd = odd.loc[(odd["new"] - odd["old"]).abs().sort_values(ascending=False).index]
    shown = "; ".join(f"{name} {row['old']:,.0f} → {row['new']:,.0f}" for name, row in odd.head(NAMED).iterrows())
    more = f"; and {len(odd) - NAMED} more" if len(odd) > NAMED else ""
    told = f"{measure} by {by}, from {names[1]} to {names[0]}: {shown}{more}"
    return [Problem(f"next_period.{by}", False, told)]


def _name(key: Any) -> str:
    return ", ".join(map(str, key)) if isinstance(key, tuple) else str(key)


def _days(period: Any) -> float:
    """A place in time, in days: of a day, of a year, or of a peacekeeping year such as 2018-19."""
    if isinstance(period, pd.Timestamp):
        return period.toordinal()
    return float(str(period)[:4]) * 365.25
