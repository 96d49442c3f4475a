"""The flow `backfill`: the warehouses as of many days, each of what had been published by its day; a mapped task each.

A task gets its day and the data folder, reads the archive and the staging cache, works in a scratch folder of its own
and holds the lock of its day: builds of other days, and a refresh, go on beside it.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, get_args

from prefect import runtime
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from flows.artifacts import artifact
from flows.decorators import RUN_ERRORS, pipeline_flow, pipeline_task
from flows.steps.as_of import choose_snapshots, period_ends, published_build_id
from flows.steps.identity import build_id
from flows.steps.locking import WAIT_SECONDS, only_builder_of, only_writer
from flows.steps.settings import Paths, paths
from flows.task_runners import map_task
from schemas.errors import message_of
from schemas.source import Source
from sources.archive import Archive, Snapshot
from sources.catalogue import load_catalogue

log = logging.getLogger("peacekeeping.backfill")

Outcome = Literal["built", "up to date", "before the first vintage", "failed"]


@dataclass(frozen=True)
class DayResult:
    """The outcome of a day, and a sentence about it."""

    day: date
    outcome: Outcome
    message: str
    build_id: str | None = None
    seconds: float | None = None

    def row(self) -> dict[str, object]:
        """A row of the run's table."""
        return {
            "as of": str(self.day), "outcome": self.outcome, "build": self.build_id, "seconds": self.seconds,
            "message": self.message,
        }  # fmt: skip


def _run_name() -> str:
    parameters = runtime.flow_run.parameters
    days = f"{parameters['first']} to {parameters['last']}"
    return f"backfill every {parameters.get('every', 'month')} {days} · {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"


@pipeline_flow("backfill", _run_name)
def backfill(
    first: date,
    last: date,
    every: Literal["month", "year"] = "month",
    wait_seconds: Annotated[float, Field(ge=0)] = WAIT_SECONDS,
) -> State[Any]:
    """Build the warehouse as of the last day of each month or year from `first` to `last`, into `as_of/` of the data.

    An existing one of the same snapshots and the same code is left alone. A day before the first vintage is reported.
    Nothing is fetched, and the published warehouse is not touched.

    Args:
        first: The earliest day that can be the last of a period.
        last: The latest such day.
        every: The period: the last day of each month, or of each year.
        wait_seconds: How long to wait for another run that is building the same day, or adding to the archive.
    """
    days = period_ends(first, last, every)
    if first > last or last > datetime.now(UTC).date():
        return Failed(message=f"first and last are days up to today, in this order; got {first} and {last}.")
    if not days:
        return Failed(message=f"No {every} ends from {first} to {last}. Nothing was built.")
    where = paths()
    try:
        prepare_archive(last, where, wait_seconds, return_state=True).result()
        results = days_without_build(days, where)
        missing = [day for day in days if day not in results]
        states = map_task(build_as_of, {"day": missing}, where=where, wait_seconds=wait_seconds) if missing else []
    except RUN_ERRORS as error:
        return Failed(message=message_of(error))
    results |= {day: _day_result(day, state) for day, state in zip(missing, states, strict=True)}
    return report([results[day] for day in days])


@pipeline_task("prepare the archive")
def prepare_archive(last: date, where: Paths, wait_seconds: float) -> None:
    """Put the bundled snapshots into the archive, and stage what is not in the cache, once for every build.

    The writer's lock is only taken where something is missing, so that a long refresh delays nothing.
    """
    from flows.steps import fetch
    from flows.steps.staging_cache import StagingCache

    archive, catalogue = Archive(where.raw), load_catalogue()
    if fetch.bundled_complete(archive) and not _not_staged(archive, catalogue, last, where):
        return
    with only_writer(where, wait_seconds):
        added = fetch.ensure_bundled(archive, catalogue)
        missing = _not_staged(archive, catalogue, last, where)
        for source, snapshot in missing:
            StagingCache(where.staged).staged(archive, source, snapshot)
    log.info("%s snapshots added to the archive, %s staged.", added, len(missing))


def _not_staged(
    archive: Archive, catalogue: Mapping[str, Source], last: date, where: Paths
) -> list[tuple[Source, Snapshot]]:
    from flows.steps.staging_cache import StagingCache

    cache = StagingCache(where.staged)
    return [
        (source, snapshot)
        for name, source in catalogue.items()
        for snapshot in archive.snapshots(name)
        if snapshot.vintage <= last.isoformat() and not cache.has(snapshot)
    ]


def days_without_build(days: list[date], where: Paths) -> dict[date, DayResult]:
    """The results of the days that need no build: their warehouse is up to date, or nothing had been published."""
    archive, catalogue = Archive(where.raw), load_catalogue()
    first = min(snapshot.vintage for name in catalogue for snapshot in archive.snapshots(name))
    results = {}
    for day in days:
        if first > day.isoformat():
            message = f"No snapshot in the archive had been published by {day}; the first is of {first}."
            log.warning("%s", message)
            results[day] = DayResult(day, "before the first vintage", message)
            continue
        snapshots = choose_snapshots(archive, catalogue, day)
        identity = build_id(snapshots)
        if published_build_id(where.target(day)) == identity:
            results[day] = DayResult(day, "up to date", "of the same snapshots and code", identity)
    return results


@pipeline_task("build as of {day}")
def build_as_of(day: date, where: Paths, wait_seconds: float) -> DayResult:
    """Build, check and publish the warehouse as of a day, unless another run did so meanwhile."""
    from flows.steps.build import build_from_snapshots
    from flows.steps.staging_cache import ReadOnlyCache
    from warehouse.publish import publish

    began = time.perf_counter()
    scratch = where.scratch_of(day)
    archive, catalogue = Archive(where.raw), load_catalogue()
    with only_builder_of(where, day, wait_seconds):
        shutil.rmtree(scratch, ignore_errors=True)  # a killed run's
        try:
            snapshots = choose_snapshots(archive, catalogue, day)
            identity = build_id(snapshots)
            if published_build_id(where.target(day)) == identity:
                return DayResult(day, "up to date", "built by another run meanwhile", identity)
            cache = ReadOnlyCache(where.staged)
            built, outcomes = build_from_snapshots(archive, cache, catalogue, snapshots, scratch)
            publish(built.file, where.target(day))
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    log.info("As of %s: built.", day)
    parts = [f"of {sum(map(len, snapshots.values()))} snapshots, {sum(built.rows.values()):,} rows"]
    empty = [name for name, chosen in snapshots.items() if not chosen and not catalogue[name].optional]
    parts += [f"nothing published yet of {', '.join(empty)}"] if empty else []
    warnings = [outcome.check.name for outcome in outcomes if not outcome.passed]
    parts += [f"warned: {', '.join(warnings)}"] if warnings else []
    return DayResult(day, "built", "; ".join(parts), identity, round(time.perf_counter() - began, 1))


def _day_result(day: date, state: State[Any]) -> DayResult:
    result = state.result(raise_on_failure=False)
    return result if isinstance(result, DayResult) else DayResult(day, "failed", state.message or "the task failed")


def report(results: list[DayResult]) -> State[Any]:
    """Write the artifact; the final state is Failed where a day failed, or where all are before the first vintage."""
    artifact(
        create_table_artifact, [result.row() for result in results], key="backfill", description="Each day's outcome"
    )
    failures = [result for result in results if result.outcome == "failed"]
    if failures:
        return Failed(message=f"{headline(results)}; as of {failures[0].day}: {failures[0].message}")
    if all(result.outcome == "before the first vintage" for result in results):
        return Failed(message=results[-1].message)
    return Completed(message=headline(results), data=results)


def headline(results: list[DayResult]) -> str:
    """One sentence: how many days have each outcome."""
    counts = Counter(result.outcome for result in results)
    parts = [f"{counts[outcome]:,} {outcome}" for outcome in get_args(Outcome) if counts[outcome]]
    return f"as of {len(results):,} day{'' if len(results) == 1 else 's'}: {', '.join(parts)}"
