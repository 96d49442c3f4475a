"""The archived rows of a source that a file is compared with."""

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
class StoredRows:
    """The archived rows of a source, without the file that is checked.

    before, after  the rows of its series published just before and just after it; where newer vintages replace whole
                   periods, the rows of each period from the nearest vintage that covers it
    rows           the current rows of its series; None without a vintage
    others         the current rows of the source's other series; None without one
    """

    before: Neighbour | None
    after: Neighbour | None
    rows: pd.DataFrame | None
    others: pd.DataFrame | None = None

    @cached_property
    def all_series(self) -> pd.DataFrame | None:
        """The current rows of all series; None without a vintage."""
        frames = [frame for frame in (self.rows, self.others) if frame is not None]
        return pd.concat(frames, ignore_index=True) if frames else None


def stored_rows(archive: Archive, cache: StagingCache, source: Source, record: Snapshot, staged: Staged) -> StoredRows:
    """The archived rows that a staged file is compared with.

    Leaves out vintages in the future, and, with a warning, snapshots that can't be used: the build reports them too.
    """
    series = {dialect.name: dialect.series for dialect in source.dialects}
    usable = _other_snapshots(archive, source, record)
    same = [snapshot for snapshot in usable if series.get(snapshot.dialect) == series[record.dialect]]
    earlier = [snapshot for snapshot in same if snapshot.order() < record.order()]
    later = [snapshot for snapshot in same if snapshot.order() > record.order()]
    period = comparison_of(source).period
    if period is None:
        earlier, later = earlier[-1:], later[:1]
    before = _vintages(archive, cache, source, earlier, staged)
    after = _vintages(archive, cache, source, later, staged)
    others = [snapshot for snapshot in usable if snapshot not in same] if period else []
    return StoredRows(
        _neighbour(before, period),
        _neighbour(after[::-1], period),
        _current_rows([*before, *after], period),
        _current_rows(_vintages(archive, cache, source, others, staged), period),
    )


def _other_snapshots(archive: Archive, source: Source, record: Snapshot) -> list[Snapshot]:
    return [one for one in archive.snapshots(source.name) if one.sha256 != record.sha256 and not one.in_future()]


def _vintages(
    archive: Archive, cache: StagingCache, source: Source, snapshots: Sequence[Snapshot], staged: Staged
) -> list[Vintage]:
    """The staged snapshots; of a source with several publications, those of the same publication as `staged`."""
    publication = source.coverage.publications
    vintages = []
    for snapshot in snapshots:
        try:
            other = cache.staged(archive, source, snapshot)
        except (ArchiveError, ContractError, Refused) as error:
            log.warning("%s: not compared with the vintage %s: %s", source.name, snapshot.vintage, error)
            continue
        if publication is None or other.rows[publication].iloc[0] == staged.rows[publication].iloc[0]:
            vintages.append(Vintage(snapshot.sha256, date.fromisoformat(snapshot.vintage), other))
    return vintages


def _neighbour(vintages: Sequence[Vintage], period: str | None) -> Neighbour | None:
    rows = _current_rows(vintages, period)
    if rows is None:
        return None
    absent = tuple(sorted({name for vintage in vintages for name in vintage.staged.absent}))
    return Neighbour(vintages[-1].vintage, rows, absent)


def _current_rows(vintages: Sequence[Vintage], period: str | None) -> pd.DataFrame | None:
    """The rows of the last vintage; with periods, for each period those of the last vintage that covers it."""
    if not vintages:
        return None
    return vintages[-1].rows() if period is None else replace_periods(vintages, period)


def table_without_and_with(
    archive: Archive, cache: StagingCache, source: Source, record: Snapshot, staged: Staged
) -> tuple[pd.DataFrame | None, pd.DataFrame]:
    """A source's table as a build would have it without a file (None without a vintage) and with it.

    Of a source with several publications, the rows of the file's own.
    """
    file = Vintage(record.sha256, date.fromisoformat(record.vintage), staged)
    others = _other_snapshots(archive, source, record)
    earlier = [snapshot for snapshot in others if snapshot.order() < record.order()]
    before = _vintages(archive, cache, source, earlier, staged)
    after = _vintages(archive, cache, source, others[len(earlier) :], staged)
    without = merged(source, [*before, *after]) if before or after else None
    return without, merged(source, [*before, file, *after])
