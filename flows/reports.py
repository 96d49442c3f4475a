"""Reading the monthly reports (PDF) of a source, a task each, before the source is staged.

A report takes up to three seconds of one core. Each is read once and cached: a refresh reads the new ones, or all
of them when the code that reads them has changed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from flows.decorators import pipeline_task
from flows.steps.settings import Paths
from flows.task_runners import map_task
from schemas.source import Source
from sources.archive import Archive, Snapshot

log = logging.getLogger("peacekeeping.reports")


@pipeline_task("read report of {snapshot.vintage}")
def read_report(source: Source, snapshot: Snapshot, where: Paths) -> int:
    """Read an archived report into the staging cache; returns its number of rows."""
    from flows.steps.staging_cache import StagingCache

    return len(StagingCache(where.staged).staged(Archive(where.raw), source, snapshot).rows)


def read_reports(catalogue: Mapping[str, Source], snapshots: Mapping[str, Sequence[Snapshot]], where: Paths) -> None:
    """Read the reports that are not in the cache, where there are several; one alone is read while it is staged.

    A report that can't be read is a problem of staging, which says so. Raises RunnerError.
    """
    from flows.steps.staging_cache import StagingCache

    cache = StagingCache(where.staged)
    missing = [
        (catalogue[name], snapshot)
        for name, chosen in snapshots.items()
        for snapshot in chosen
        if snapshot.dialect in catalogue[name].pdf_forms and not cache.has(snapshot)
    ]
    if len(missing) > 1:
        of_sources, reports = zip(*missing, strict=True)
        states = map_task(read_report, {"source": of_sources, "snapshot": reports}, where=where)
        log.info("Read %s of %s reports.", sum(state.is_completed() for state in states), len(states))
