"""Which snapshot speaks for what: several staged snapshots of one source make one table.

union            every key ever published, in its newest state; absence from a newer snapshot is no deletion
replace_periods  a newer snapshot replaces the months or years it covers, and no others
newest           the newest snapshot alone
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from transforms.staging import Staged


@dataclass(frozen=True)
class Vintage:
    """A staged snapshot with its place in time. Snapshots are given in publication order."""

    sha256: str
    vintage: date
    staged: Staged

    def rows(self) -> pd.DataFrame:
        """The tidy rows with `snapshot_sha256`, indexed from 0."""
        return self.staged.rows.reset_index(drop=True).assign(snapshot_sha256=self.sha256)


def union(vintages: Sequence[Vintage], key: str) -> pd.DataFrame:
    """Every key in its newest state, with first_seen and last_seen (vintages, not the clock).

    A column that a newer snapshot lacks altogether keeps what was known of it before.
    """
    state = pd.DataFrame()
    for vintage in vintages:
        seen = pd.Timestamp(vintage.vintage)
        rows = vintage.rows().assign(first_seen=seen, last_seen=seen).set_index(key)
        if len(state):
            known = state.reindex(rows.index)
            rows["first_seen"] = known["first_seen"].fillna(seen)
            for column in vintage.staged.absent:
                if column in rows:
                    rows[column] = known[column]
            state = pd.concat([state[~state.index.isin(rows.index)], rows])
        else:
            state = rows
    times = dict.fromkeys(("first_seen", "last_seen"), "datetime64[us]")
    return state.astype(times).rename_axis(key).reset_index().sort_values(key, ignore_index=True)


def replace_periods(
    vintages: Sequence[Vintage], period: str, series: str | None = None, precedence: Sequence[str] = ()
) -> pd.DataFrame:
    """For each period the rows of the snapshot that speaks for it.

    With `precedence`, a series named earlier wins whatever its vintage (the monthly report before the data hub);
    within a series, the newest snapshot that covers the period.
    """
    frames = [vintage.rows().assign(_order=place) for place, vintage in enumerate(vintages)]
    rows = pd.concat(frames, ignore_index=True)
    rank = rows[series].map({name: place for place, name in enumerate(precedence)}) if series else 0
    rows = rows.assign(_claim=rank * -len(vintages) + rows["_order"])
    chosen = rows[rows["_claim"] == rows.groupby(period)["_claim"].transform("max")]
    return chosen.drop(columns=["_order", "_claim"]).reset_index(drop=True)


def newest(vintages: Sequence[Vintage]) -> pd.DataFrame:
    """The rows of the newest snapshot."""
    return vintages[-1].rows()
