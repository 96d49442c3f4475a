"""Merge the staged snapshots of a source into one table.

replace_periods  a newer snapshot replaces the months or years that it covers, and no others
newest           the newest snapshot only

`transforms.revisions` merges sources whose keys are never removed (fatalities).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from transforms.staging import Staged


@dataclass(frozen=True)
class Vintage:
    """A staged snapshot with its publication date. Sequences of vintages are in publication order."""

    sha256: str
    vintage: date
    staged: Staged

    def rows(self) -> pd.DataFrame:
        """The tidy rows with `snapshot_sha256`, indexed from 0."""
        return self.staged.rows.reset_index(drop=True).assign(snapshot_sha256=self.sha256)


def replace_periods(
    vintages: Sequence[Vintage], period: str, series: str | None = None, precedence: Sequence[str] = ()
) -> pd.DataFrame:
    """For each period the rows of the newest snapshot that covers it.

    With `precedence`, an earlier series takes precedence over later ones regardless of vintage (the monthly report over
    the data hub).
    """
    frames = [vintage.rows().assign(_order=place) for place, vintage in enumerate(vintages)]
    rows = pd.concat(frames, ignore_index=True)
    rank = rows[series].map({name: place for place, name in enumerate(precedence)}) if series else 0
    rows = rows.assign(_priority=rank * -len(vintages) + rows["_order"])
    chosen = rows[rows["_priority"] == rows.groupby(period)["_priority"].transform("max")]
    return chosen.drop(columns=["_order", "_priority"]).reset_index(drop=True)


def before_newest(vintages: Sequence[Vintage], period: str) -> pd.DataFrame:
    """For each period that several snapshots cover, the rows of the newest but one."""
    frames = [vintage.rows().assign(_order=place) for place, vintage in enumerate(vintages)]
    rows = pd.concat(frames, ignore_index=True)
    older = rows[rows["_order"] < rows.groupby(period)["_order"].transform("max")]
    chosen = older[older["_order"] == older.groupby(period)["_order"].transform("max")]
    return chosen.drop(columns="_order").reset_index(drop=True)


def newest(vintages: Sequence[Vintage]) -> pd.DataFrame:
    """The rows of the newest snapshot."""
    return vintages[-1].rows()
