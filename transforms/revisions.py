"""Published states of each key over the vintages, and the values that changed between them.

states            one row per key and published state, with its first and last vintage
newest            the current state of each key
revisions         values that differ between consecutive states of a key
period_revisions  the same for sources whose newer snapshots replace complete months or years

A key that a newer snapshot does not have is not deleted, and its state continues. If an older vintage does not have a
column, its values were unknown: their first publication is not a revision. If a newer vintage does not have a column,
the known values are kept.
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
    """Compare two frames of the same shape cell by cell; missing equals missing."""
    both = {}
    for name in one:
        left, right = one[name], other[name].set_axis(one.index)
        both[name] = (left == right).astype("boolean").fillna(False).astype(bool) | (left.isna() & right.isna())
    return pd.DataFrame(both, index=one.index)


def states(vintages: Sequence[Vintage], key: str) -> pd.DataFrame:
    """Every published state of every key, ordered by key and seen_from: the tidy columns, and

    seen_from      first vintage of the state; `snapshot_sha256` and `snapshot_row` refer to its snapshot
    seen_to        newest vintage of the state; `_newest_sha256` and `_newest_row` refer to its snapshot
    superseded_on  first vintage of the next state; missing for the current state
    first_seen     first vintage of the key
    unpublished    columns that no snapshot had published by then, separated by spaces

    Of several vintages of one day, the last applies, with what an earlier one has in a column that it lacks.
    """
    optional = sorted({name for vintage in vintages for name in vintage.staged.absent} & set(vintages[0].rows()))
    shown = [name for name in vintages[0].staged.rows if name not in (key, *ORIGIN)]
    compared = [*shown, *(f"_no_{name}" for name in optional)]
    state, ended = pd.DataFrame(), []
    for day, several in groupby(vintages, key=lambda vintage: vintage.vintage):
        seen = pd.Timestamp(day)
        rows = _of_one_day([_marked(vintage, optional).set_index(key) for vintage in several], optional)
        rows = rows.assign(seen_from=seen, seen_to=seen, first_seen=seen, superseded_on=None)
        if not len(state):
            state = rows
            continue
        place = state.index.get_indexer(rows.index)
        before, now, new = state.iloc[place[place >= 0]], rows[place >= 0].copy(), rows[place < 0]
        _keep_known(now, before, optional)
        same = _equal(now[compared], before[compared]).all(axis=1)
        stays = [*ORIGIN, "seen_from"]
        now[stays] = now[stays].where(~same, before[stays])
        now["first_seen"] = before["first_seen"]
        ended.append(before[~same].assign(superseded_on=seen))
        state = pd.concat([state[~state.index.isin(now.index)], now, new])
    history = pd.concat([*ended, state]).rename_axis(key).reset_index()
    times = dict.fromkeys(("seen_from", "seen_to", "first_seen", "superseded_on"), "datetime64[us]")
    history = history.astype(times).assign(unpublished=_names(history, optional))
    return history.drop(columns=[f"_no_{name}" for name in optional]).sort_values([key, "seen_from"], ignore_index=True)


def _keep_known(now: pd.DataFrame, before: pd.DataFrame, optional: Sequence[str]) -> None:
    """Give the rows `now` the values `before` of the optional columns that their vintage does not have."""
    for name in optional:
        both = [name, f"_no_{name}"]
        now[both] = now[both].mask(now[f"_no_{name}"], before[both])


def _of_one_day(vintages: Sequence[pd.DataFrame], optional: Sequence[str]) -> pd.DataFrame:
    """The rows of one day's vintages, indexed by key: of several rows of a key the last."""
    rows, *others = vintages
    for later in others:
        place = rows.index.get_indexer(later.index)
        again = later[place >= 0].copy()
        _keep_known(again, rows.iloc[place[place >= 0]], optional)
        rows = pd.concat([rows[~rows.index.isin(later.index)], again, later[place < 0]])
    return rows


def _marked(vintage: Vintage, optional: Sequence[str]) -> pd.DataFrame:
    """A vintage's rows, with a copy of their origin and a flag for each optional column that it does not have."""
    rows = vintage.rows()
    return rows.assign(
        **{new: rows[old] for old, new in _NEWEST.items()},
        **{f"_no_{name}": name in vintage.staged.absent for name in optional},
    )


def _names(history: pd.DataFrame, optional: Sequence[str]) -> pd.Series[Any]:
    names = pd.Series("", index=history.index, dtype="str")
    for name in optional:
        names = names.mask(history[f"_no_{name}"].astype(bool), names + " " + name)
    return names.str.strip()


def newest(history: pd.DataFrame) -> pd.DataFrame:
    """The current state of each key with first_seen and last_seen. Its origin is the newest snapshot that has it."""
    now = history[history["superseded_on"].isna()].drop(columns=ORIGIN)
    back = {new: old for old, new in _NEWEST.items()}
    return now.rename(columns={**back, "seen_to": "last_seen"}).reset_index(drop=True)


def revisions(history: pd.DataFrame, key: str, fields: Sequence[str]) -> pd.DataFrame:
    """The values that changed: key, field, old_value, new_value (texts; days in ISO format), from_vintage (newest
    vintage with the old value), to_vintage (first vintage with the new value)."""
    before = history.groupby(key, sort=False)[[*fields, "unpublished", "seen_to"]].shift()
    again = history[key] == history[key].shift()
    equal = _equal(history[list(fields)], before[list(fields)])
    revised = []
    for name in fields:
        unknown = (" " + before["unpublished"].fillna("") + " ").str.contains(f" {name} ", regex=False)
        changed = again & ~equal[name] & ~unknown
        revised.append(
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
    return pd.concat(revised).sort_values(["to_vintage", key, "field"], ignore_index=True)


def _text(values: pd.Series[Any]) -> pd.Series[Any]:
    days = pd.api.types.is_datetime64_any_dtype(values.dtype)
    texts: pd.Series[Any] = (values.dt.strftime("%Y-%m-%d") if days else values).astype("str")
    return texts


def period_revisions(vintages: Sequence[Vintage], key: list[str], period: str, fields: Sequence[str]) -> pd.DataFrame:
    """The values that changed in periods (months, years) that a vintage and an earlier one both cover.

    Returns key, field, old_value, new_value (numbers), from_vintage, to_vintage. A row that only one vintage has gets a
    missing value on the other side. Of several vintages of one day, the last that covers a period applies. Pass the
    vintages of one series: two publications do not revise each other.
    """
    columns = [*key, *REVISION_COLUMNS]
    revised = [pd.DataFrame(columns=columns)]
    known = pd.DataFrame()
    for day, several in groupby(vintages, key=lambda vintage: vintage.vintage):
        rows = replace_periods(list(several), period)[[*key, *fields]].assign(vintage=pd.Timestamp(day))
        if len(known):
            old, new = known[known[period].isin(rows[period])], rows[rows[period].isin(known[period])]
            covered = old.groupby(period)["vintage"].max()
            both = old.merge(new, on=key, how="outer", suffixes=("_old", "_new"))
            for name in fields:
                one, other = both[f"{name}_old"], both[f"{name}_new"]
                changed = ~((one == other).fillna(False).astype(bool) | (one.isna() & other.isna()))
                rows_changed = both.loc[changed, key].assign(
                    field=name, old_value=one[changed], new_value=other[changed]
                )
                before = covered.reindex(rows_changed[period]).set_axis(rows_changed.index)  # for a row that is new
                rows_changed["from_vintage"] = both.loc[changed, "vintage_old"].fillna(before)
                revised.append(rows_changed.assign(to_vintage=pd.Timestamp(day))[columns])
            known = known[~known[period].isin(rows[period])]
        known = pd.concat([known, rows])
    filled = [frame for frame in revised if len(frame)] or revised[:1]
    return pd.concat(filled).sort_values(["to_vintage", *key, "field"], ignore_index=True)
