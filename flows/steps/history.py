"""The vintages of a source that are held: those beside a file in publication order, and those that a build may use."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import pandas as pd

from flows.steps.registry import comparison_of, merged
from flows.steps.staging_cache import StagingCache
from schemas.source import Source
from schemas.validate import ContractError
from sources.archive import Archive, Snapshot
from sources.errors import ArchiveError, Refused
from transforms.neighbours import Neighbour
from transforms.staging import Staged
from transforms.vintages import Vintage, replace_periods

log = logging.getLogger("peacekeeping.sources")


@dataclass(frozen=True)
class Held:
    """What is held beside a file.

    before, after  the rows of its series published just before and just after it: of a source whose newer vintages
                   replace whole periods, those of the vintage that is next to it for each period
    rows           the rows of its series that speak for each period now, without the file; None where nothing is held
    others         the rows of the source's other series that speak for each period now; None where there are none
    """

    before: Neighbour | None
    after: Neighbour | None
    rows: pd.DataFrame | None
    others: pd.DataFrame | None = None

    @cached_property
    def every(self) -> pd.DataFrame | None:
        """The rows of all series."""
        frames = [frame for frame in (self.rows, self.others) if frame is not None]
        return pd.concat(frames, ignore_index=True) if frames else None


def held_beside(archive: Archive, cache: StagingCache, source: Source, record: Snapshot, staged: Staged) -> Held:
    """The vintages beside a file. One that can't be used is left out, with a warning: the build tells it as well.
    Vintages in the future are left out."""
    series = {dialect.name: dialect.series for dialect in source.dialects}
    usable = [one for one in archive.snapshots(source.name) if one.sha256 != record.sha256 and not one.in_future()]
    same = [one for one in usable if series.get(one.dialect) == series[record.dialect]]
    earlier = [one for one in same if one.order() < record.order()]
    later = [one for one in same if one.order() > record.order()]
    period = comparison_of(source).period
    if period is None:
        earlier, later = earlier[-1:], later[:1]
    before = _staged(archive, cache, source, earlier, staged)
    after = _staged(archive, cache, source, later, staged)
    others = _staged(archive, cache, source, [one for one in usable if one not in same], staged) if period else []
    together = [*before, *after]
    return Held(
        _neighbour(before, period),
        _neighbour(after[::-1], period),
        _rows(together, period) if together else None,
        _rows(others, period) if others else None,
    )


def _staged(
    archive: Archive, cache: StagingCache, source: Source, snapshots: Sequence[Snapshot], staged: Staged
) -> list[Vintage]:
    """The snapshots' rows; of a source with several publications those of the file's own."""
    apart = source.coverage.publications
    found = []
    for snapshot in snapshots:
        try:
            other = cache.staged(archive, source, snapshot)
        except (ArchiveError, ContractError, Refused) as error:
            log.warning("%s: not compared with the vintage %s: %s", source.name, snapshot.vintage, error)
            continue
        if apart is None or other.rows[apart].iloc[0] == staged.rows[apart].iloc[0]:
            found.append(Vintage(snapshot.sha256, date.fromisoformat(snapshot.vintage), other))
    return found


def _neighbour(vintages: Sequence[Vintage], period: str | None) -> Neighbour | None:
    """The rows of the last of the vintages; with periods, for each period those of the last that covers it."""
    if not vintages:
        return None
    absent = tuple(sorted({name for vintage in vintages for name in vintage.staged.absent}))
    return Neighbour(vintages[-1].vintage, _rows(vintages, period), absent)


def _rows(vintages: Sequence[Vintage], period: str | None) -> pd.DataFrame:
    return vintages[-1].rows() if period is None else replace_periods(vintages, period)


def table_now_and_then(
    archive: Archive, cache: StagingCache, source: Source, record: Snapshot, staged: Staged
) -> tuple[pd.DataFrame | None, pd.DataFrame]:
    """The rows that a build would have for a source without a file and with it; of a source with several publications
    those of the file's own. None where nothing is held."""
    held = [one for one in archive.snapshots(source.name) if one.sha256 != record.sha256 and not one.in_future()]
    found = _staged(archive, cache, source, held, staged)
    earlier = sum(one.order() < record.order() for one in held if one.sha256 in {vintage.sha256 for vintage in found})
    file = Vintage(record.sha256, date.fromisoformat(record.vintage), staged)
    return merged(source, found) if found else None, merged(source, [*found[:earlier], file, *found[earlier:]])
