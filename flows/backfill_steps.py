"""The steps of the flow `backfill`: which days want building, then one mapped task a day.

A task gets its day and the data folder and does the rest where it runs. It reads the archive and what is staged, works
in a scratch folder of its own, and holds the lock of its day alone: builds of different days don't wait for each other,
nor for a refresh; two of the same day do.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.artifacts import artifact
from flows.steps import build, fetch
from flows.steps.as_of import choose_snapshots, published_build_id
from flows.steps.errors import FORESEEABLE, explained, told_plainly
from flows.steps.identity import build_id
from flows.steps.locking import only_builder_of, only_writer
from flows.steps.settings import Paths, paths
from flows.steps.staging_cache import StagingCache
from flows.task_runners import RunnerError, mapped
from schemas.source import Source
from sources.archive import Archive, Snapshot
from sources.bundle import manifest
from sources.catalogue import load_catalogue
from transforms.staging import Staged
from warehouse.publish import publish as publish_file

log = logging.getLogger("peacekeeping.backfill")

Every = Literal["month", "year"]
Outcome = Literal["built", "stands", "before the first vintage", "failed"]


@dataclass(frozen=True)
class AsOf:
    """What came of a day."""

    day: date
    outcome: Outcome
    told: str
    build_id: str | None = None
    seconds: float | None = None

    def row(self) -> dict[str, object]:
        """As a row of the run's table."""
        return {"as of": str(self.day), "outcome": self.outcome, "build": self.build_id, "seconds": self.seconds,
                "told": self.told}  # fmt: skip


class ReadOnlyCache(StagingCache):
    """A cache that is only read: many builds may use it at once. What it lacks is staged anew, and not kept."""

    def keep(self, snapshot: Snapshot, staged: Staged) -> None:
        """Keep nothing."""


def period_ends(first: date, last: date, every: Every) -> list[date]:
    """The last days of the months or years that lie from `first` to `last`, both included."""
    ends = [
        (date(year, 12, 31) if month == 12 else date(year, month + 1, 1) - timedelta(days=1))
        for year in range(first.year, last.year + 1)
        for month in (range(1, 13) if every == "month" else (12,))
    ]
    return [end for end in ends if first <= end <= last]


@task(task_run_name="prepare the archive", cache_policy=NO_CACHE, persist_result=False)
@told_plainly
def prepare(last: date, where: Paths, wait_seconds: float) -> Any:
    """See that the bundled snapshots are in the archive and all that is needed is staged, once for every build.

    The writer's lock is only taken where something is missing: a long refresh holds up nobody who just reads.
    """
    archive, catalogue = Archive(where.raw), load_catalogue()
    bundled = [entry for entry in manifest() if entry["role"] == "snapshot"]
    wanting = not all(archive.holds(entry["source"], entry["sha256"]) for entry in bundled)
    if wanting or _unstaged(archive, catalogue, last, where):
        with only_writer(where, wait_seconds):
            added = fetch.ensure_bundled(archive, catalogue)
            missing = _unstaged(archive, catalogue, last, where)
            for source, snapshot in missing:
                StagingCache(where.staged).staged(archive, source, snapshot)
        log.info("%s snapshots added to the archive, %s staged.", added, len(missing))


def _unstaged(
    archive: Archive, catalogue: Mapping[str, Source], last: date, where: Paths
) -> list[tuple[Source, Snapshot]]:
    cache = StagingCache(where.staged)
    return [
        (source, snapshot)
        for name, source in catalogue.items()
        for snapshot in archive.snapshots(name)
        if snapshot.vintage <= last.isoformat() and not cache.has(snapshot)
    ]


@task(task_run_name="build as of {day}", cache_policy=NO_CACHE, persist_result=False)
def build_as_of(day: date, where: Paths, wait_seconds: float) -> AsOf:
    """Build, check and publish the warehouse as of a day, unless it stands."""
    began = time.perf_counter()
    try:
        with only_builder_of(where, day, wait_seconds):
            scratch = where.scratch_of(day)
            shutil.rmtree(scratch, ignore_errors=True)  # a killed run's
            try:
                found = _built(day, where)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    except FORESEEABLE as error:
        log.error("As of %s: %s", day, explained(error))
        return AsOf(day, "failed", explained(error))
    log.info("As of %s: %s.", day, found.outcome)
    return AsOf(day, found.outcome, found.told, found.build_id, round(time.perf_counter() - began, 1))


def _built(day: date, where: Paths) -> AsOf:
    """The same steps as in `flows.refresh_tasks`, within one task; raises what they raise."""
    archive, catalogue, cache = Archive(where.raw), load_catalogue(), ReadOnlyCache(where.staged)
    scratch = where.scratch_of(day)
    chosen = choose_snapshots(archive, catalogue, day)
    every = [snapshot for some in chosen.values() for snapshot in some]
    identity = build_id(every)
    if published_build_id(where.target(day)) == identity:
        return AsOf(day, "stands", "built by another run meanwhile", identity)
    built, outcomes = build.build_from_snapshots(archive, cache, catalogue, chosen, scratch)
    warned = [outcome.check.name for outcome in outcomes if not outcome.passed]
    publish_file(built.file, where.target(day))
    empty = [name for name, some in chosen.items() if not some and not catalogue[name].optional]
    parts = [f"of {len(every)} snapshots, {sum(built.rows.values()):,} rows"]
    parts += [f"nothing published yet of {', '.join(empty)}"] if empty else []
    parts += [f"warned: {', '.join(warned)}"] if warned else []
    return AsOf(day, "built", "; ".join(parts), identity)


def run(first: date, last: date, every: Every, wait_seconds: float) -> State[Any]:
    """Run the steps within a flow run, by the flow's parameters; the final state carries what came of each day."""
    ends = period_ends(first, last, every)
    if first > last or last > datetime.now(UTC).date():
        return Failed(message=f"first and last are days that have been, in this order; got {first} and {last}.")
    if not ends:
        return Failed(message=f"No {every} ends from {first} to {last}. Nothing was built.")
    where = paths()
    ready = prepare(last, where, wait_seconds, return_state=True)
    if not ready.is_completed():
        return Failed(message=ready.message or "The archive could not be read.")
    try:
        found = _looked_at(ends, where)
        wanting = [day for day in ends if day not in found]
        states = mapped(build_as_of, {"day": wanting}, where=where, wait_seconds=wait_seconds) if wanting else []
    except (RunnerError, *FORESEEABLE) as error:
        return Failed(message=explained(error))
    found |= {day: _outcome(day, state) for day, state in zip(wanting, states, strict=True)}
    return _final_state([found[day] for day in ends])


def _final_state(days: list[AsOf]) -> State[Any]:
    """Failed where a day failed, or where none could be built; a day too early alone is told and no failure."""
    artifact(create_table_artifact, [day.row() for day in days], key="backfill", description="What came of each day")
    failures = [day for day in days if day.outcome == "failed"]
    if failures:
        return Failed(message=f"{headline(days)}; as of {failures[0].day}: {failures[0].told}")
    if all(day.outcome == "before the first vintage" for day in days):
        return Failed(message=days[-1].told)
    return Completed(message=headline(days), data=days)


def _looked_at(ends: list[date], where: Paths) -> dict[date, AsOf]:
    """The days that want no building: those that stand, and those by which nothing had been published."""
    archive, catalogue = Archive(where.raw), load_catalogue()
    vintages = [snapshot.vintage for name in catalogue for snapshot in archive.snapshots(name)]
    found = {}
    for day in ends:
        if min(vintages) > day.isoformat():
            told = f"No snapshot in the archive had been published by {day}; the first is of {min(vintages)}."
            log.warning("%s", told)
            found[day] = AsOf(day, "before the first vintage", told)
            continue
        chosen = choose_snapshots(archive, catalogue, day)
        identity = build_id(snapshot for some in chosen.values() for snapshot in some)
        if published_build_id(where.target(day)) == identity:
            found[day] = AsOf(day, "stands", "of the same snapshots and code", identity)
    return found


def _outcome(day: date, state: State[Any]) -> AsOf:
    result = state.result(raise_on_failure=False)
    return result if isinstance(result, AsOf) else AsOf(day, "failed", state.message or "the task failed")


def headline(days: list[AsOf]) -> str:
    """One sentence: how many days came to what."""
    counts = Counter(day.outcome for day in days)
    words: dict[Outcome, str] = {
        "built": "built",
        "stands": "stood already",
        "before the first vintage": "before the first vintage",
        "failed": "failed",
    }
    parts = [f"{counts[outcome]:,} {word}" for outcome, word in words.items() if counts[outcome]]
    return f"as of {len(days):,} day{'' if len(days) == 1 else 's'}: {', '.join(parts)}"
