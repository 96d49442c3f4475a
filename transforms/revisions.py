"""History: what a publication showed at each vintage, and which of its values changed between which vintages.

states           one row a key and published state, with the vintages between which it stood
newest           the state that stands now, one row a key
revisions        the values that differ between one state of a key and the next
period_revisions the same for sources whose newer snapshots replace whole months or years

Absence from a newer snapshot is no deletion and ends no state. A column that an older vintage lacks was unknown then:
its later values are no revisions. One that a newer vintage lacks keeps what was known of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import pandas as pd

from transforms.vintages import Vintage, replace_periods

ORIGIN = ["snapshot_sha256", "snapshot_row"]
_NEWEST = {"snapshot_sha256": "_newest_sha256", "snapshot_row": "_newest_row"}
REVISION_COLUMNS = ["field", "old_value", "new_value", "from_vintage", "to_vintage"]


def _equal(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Cell by cell, where missing equals missing; both frames have the same shape and order."""
    both = {}
    for name in one:
        left, right = one[name], other[name].set_axis(one.index)
        both[name] = (left == right).astype("boolean").fillna(False).astype(bool) | (left.isna() & right.isna())
    return pd.DataFrame(both, index=one.index)


def states(vintages: Sequence[Vintage], key: str) -> pd.DataFrame:
    """Every published state of every key: the tidy columns, and

    seen_from      vintage that first showed it; `snapshot_sha256` and `snapshot_row` are of that snapshot
    seen_to        newest vintage that showed it (that one's row is in `_newest_sha256`, `_newest_row`)
    superseded_on  vintage that showed another state; missing for the state that stands
    first_seen     vintage that first showed the key
    unpublished    names of the columns that no snapshot had published by then, separated by spaces

    Of several vintages of one day the last counts. Ordered by key and seen_from.
    """
    optional = sorted({name for vintage in vintages for name in vintage.staged.absent} & set(vintages[0].rows()))
    shown = [name for name in vintages[0].staged.rows if name not in (key, *ORIGIN)]
    compared = [*shown, *(f"_no_{name}" for name in optional)]
    state, ended = pd.DataFrame(), []
    for day, several in groupby(vintages, key=lambda vintage: vintage.vintage):
        seen = pd.Timestamp(day)
        rows = pd.concat([_marked(vintage, optional) for vintage in several]).drop_duplicates(key, keep="last")
        rows = rows.assign(seen_from=seen, seen_to=seen, first_seen=seen, superseded_on=None).set_index(key)
        if not len(state):
            state = rows
            continue
        place = state.index.get_indexer(rows.index)
        before, now, new = state.iloc[place[place >= 0]], rows[place >= 0].copy(), rows[place < 0]
        for name in optional:
            keeps = now[f"_no_{name}"]
            now[[name, f"_no_{name}"]] = now[[name, f"_no_{name}"]].mask(keeps, before[[name, f"_no_{name}"]])
        same = _equal(now[compared], before[compared]).all(axis=1)
        stays = [*ORIGIN, "seen_from"]
        now[stays] = now[stays].where(~same, before[stays])
        now["first_seen"] = before["first_seen"]
        ended.append(before[~same].assign(superseded_on=seen))
        state = pd.concat([state[~state.index.isin(now.index)], now, new])
    found = pd.concat([*ended, state]).rename_axis(key).reset_index()
    times = dict.fromkeys(("seen_from", "seen_to", "first_seen", "superseded_on"), "datetime64[us]")
    found = found.astype(times).assign(unpublished=_names(found, optional))
    return found.drop(columns=[f"_no_{name}" for name in optional]).sort_values([key, "seen_from"], ignore_index=True)


def _marked(vintage: Vintage, optional: Sequence[str]) -> pd.DataFrame:
    """A vintage's rows, with its own row kept apart and a mark on each column that it doesn't publish."""
    rows = vintage.rows()
    return rows.assign(
        **{new: rows[old] for old, new in _NEWEST.items()},
        **{f"_no_{name}": name in vintage.staged.absent for name in optional},
    )


def _names(found: pd.DataFrame, optional: Sequence[str]) -> pd.Series[Any]:
    names = pd.Series("", index=found.index, dtype="str")
    for name in optional:
        names = names.mask(found[f"_no_{name}"].astype(bool), names + " " + name)
    return names.str.strip()


def newest(history: pd.DataFrame) -> pd.DataFrame:
    """The state that stands now, one row a key, with first_seen and last_seen, leading back to its newest snapshot."""
    now = history[history["superseded_on"].isna()].drop(columns=ORIGIN)
    back = {new: old for old, new in _NEWEST.items()}
    return now.rename(columns={**back, "seen_to": "last_seen"}).reset_index(drop=True)


def revisions(history: pd.DataFrame, key: str, fields: Sequence[str]) -> pd.DataFrame:
    """The values that changed: key, field, old_value, new_value (texts; days as ISO dates), from_vintage (the newest
    that showed the old value), to_vintage (the first that showed the new one)."""
    before = history.groupby(key, sort=False)[[*fields, "unpublished", "seen_to"]].shift()
    again = history[key] == history[key].shift()
    equal = _equal(history[list(fields)], before[list(fields)])
    found = []
    for name in fields:
        unknown = (" " + before["unpublished"].fillna("") + " ").str.contains(f" {name} ", regex=False)
        changed = again & ~equal[name] & ~unknown
        found.append(
            pd.DataFrame(
                {
                    key: history.loc[changed, key],
                    "field": name,
                    "old_value": _text(before.loc[changed, name]),
                    "new_value": _text(history.loc[changed, name]),
                    "from_vintage": before.loc[changed, "seen_to"],
                    "to_vintage": history.loc[changed, "seen_from"],
                }
            )
        )
    return pd.concat(found).sort_values(["to_vintage", key, "field"], ignore_index=True)


def _text(values: pd.Series[Any]) -> pd.Series[Any]:
    days = pd.api.types.is_datetime64_any_dtype(values.dtype)
    texts: pd.Series[Any] = (values.dt.strftime("%Y-%m-%d") if days else values).astype("str")
    return texts


def period_revisions(vintages: Sequence[Vintage], key: list[str], period: str, fields: Sequence[str]) -> pd.DataFrame:
    """The values that changed in the periods (months, years) that a vintage and an earlier one both cover.

    Gives key, field, old_value, new_value (numbers), from_vintage, to_vintage. A row that only one of them has stands
    with a missing value on the other side. Of several vintages of one day the last that covers a period counts. Give
    the vintages of one series: two publications don't revise each other.
    """
    columns = [*key, *REVISION_COLUMNS]
    found = [pd.DataFrame(columns=columns)]
    known = pd.DataFrame()
    for day, several in groupby(vintages, key=lambda vintage: vintage.vintage):
        rows = replace_periods(list(several), period)[[*key, *fields]].assign(vintage=pd.Timestamp(day))
        if len(known):
            old, new = known[known[period].isin(rows[period])], rows[rows[period].isin(known[period])]
            spoke = old.groupby(period)["vintage"].max()
            both = old.merge(new, on=key, how="outer", suffixes=("_old", "_new"))
            for name in fields:
                one, other = both[f"{name}_old"], both[f"{name}_new"]
                changed = ~((one == other).fillna(False).astype(bool) | (one.isna() & other.isna()))
                told = both.loc[changed, key].assign(field=name, old_value=one[changed], new_value=other[changed])
                before = spoke.reindex(told[period]).set_axis(told.index)  # of a row that was not there
                told["from_vintage"] = both.loc[changed, "vintage_old"].fillna(before)
                found.append(told.assign(to_vintage=pd.Timestamp(day))[columns])
            known = known[~known[period].isin(rows[period])]
        known = pd.concat([known, rows])
    revised = [frame for frame in found if len(frame)] or found[:1]
    return pd.concat(revised).sort_values(["to_vintage", *key, "field"], ignore_index=True)
