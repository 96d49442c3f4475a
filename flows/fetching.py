"""Asking the publishers: a task a source, what came of each, and an artifact that says how far it is."""

from __future__ import annotations

import logging
from typing import Any

from prefect import runtime, task
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture, as_completed
from prefect.states import Completed, Failed

from flows import time_limits
from flows.artifacts import artifact
from flows.steps import fetch
from flows.steps.errors import FORESEEABLE, explained
from flows.steps.fetch import FetchResult
from flows.steps.settings import Paths
from flows.steps.staging_cache import StagingCache
from flows.time_limits import bounded
from schemas.source import Source
from sources.archive import Archive
from sources.errors import Refused, Unavailable, Unreachable

log = logging.getLogger("peacekeeping.refresh")

FETCH_RETRIES = 1
FETCHES_AT_ONCE = 4  # the threads of the flow's task runner
TOLD_AT = {
    "unreachable": logging.WARNING,
    "unavailable": logging.WARNING,
    "refused": logging.ERROR,
}


@task(
    task_run_name="fetch {name}",
    cache_policy=NO_CACHE,
    persist_result=False,
    timeout_seconds=time_limits.FETCH,
    retries=FETCH_RETRIES,
    retry_delay_seconds=[5],
    retry_jitter_factor=0.5,
    retry_condition_fn=lambda _task, _run, state: isinstance(state.data, Unavailable) or _raised(state, Unavailable),
)
def fetch_source(name: str, source: Source, where: Paths) -> Any:
    """Ask the publisher. A retry can help when it is overloaded or stalls, never when it is out of reach or refuses."""
    try:
        obtained = fetch.fetch(Archive(where.raw), StagingCache(where.staged), source, where.work)
    except Unavailable as error:
        if runtime.task_run.run_count <= FETCH_RETRIES:
            log.warning("%s: %s Trying once more.", name, error)
            raise
        return Failed(message=str(error), name="Unavailable")
    except Unreachable as error:
        return Completed(message=str(error), name="Unreachable", data=error)
    except FORESEEABLE as error:
        return Failed(message=explained(error), name="Refused" if isinstance(error, Refused) else None)
    log.info("%s: %s", name, obtained.message)
    return obtained


def _raised(state: State[Any], kind: type[Exception]) -> bool:
    try:
        state.result()
    except kind:
        return True
    except Exception:  # any other fault is not ours to retry
        return False
    return False


def obtain(
    catalogue: dict[str, Source], wanted: list[str], offline: bool, where: Paths
) -> tuple[list[FetchResult], dict[str, PrefectFuture[Any]]]:
    """Ask for each wanted source, or not (offline); what can't be had keeps its last good snapshot."""
    archive = Archive(where.raw)
    if offline:
        found = [fetch.fall_back(archive, catalogue[name], "offline", "Not asked (offline).") for name in wanted]
        log.info("Nobody was asked (offline). Kept: %s.", _vintages(found))
        return found, {}
    asked = {name: fetch_source.submit(name, catalogue[name], where) for name in wanted}
    names = {future.task_run_id: name for name, future in asked.items()}
    progress = Progress(len(asked))
    came: dict[str, FetchResult] = {}
    # Each source may be asked for twice, and four at a time.
    rounds = -(-len(asked) // FETCHES_AT_ONCE)
    with bounded("fetching", (1 + FETCH_RETRIES) * rounds * time_limits.FETCH):
        for future in as_completed(list(asked.values())):
            name = names[future.task_run_id]
            future.wait()  # until its state is there, too
            came[name] = _outcome(archive, catalogue[name], future.state)
            _tell(came[name])
            progress.answered(name)
    return [came[name] for name in wanted], asked


def _vintages(found: list[FetchResult]) -> str:
    """The vintage of each source, in a line."""
    return ", ".join(f"{one.source} of {one.vintage}" if one.vintage else f"{one.source} not held" for one in found)


def _tell(obtained: FetchResult) -> None:
    """How a source came, in the run's log; what was fetched was told by its task."""
    if obtained.outcome not in ("fetched", "unchanged"):
        log.log(TOLD_AT[obtained.outcome], "%s: %s", obtained.source, obtained.message)
    for warning in obtained.warnings:
        log.warning("%s: %s", obtained.source, warning)


class Progress:
    """How many of the sources have answered, in an artifact of the run that is updated as they do."""

    def __init__(self, asked: int) -> None:
        self.asked, self.count = asked, 0
        told = f"0 of {asked} sources have answered"
        self.artifact = artifact(create_progress_artifact, 0.0, key="fetch-progress", description=told)

    def answered(self, name: str) -> None:
        """One more has."""
        self.count += 1
        if self.artifact:
            told = f"{self.count} of {self.asked} sources have answered, the last one was {name}"
            artifact(update_progress_artifact, self.artifact, 100 * self.count / self.asked, description=told)


def _outcome(archive: Archive, source: Source, state: State[Any]) -> FetchResult:
    """What a fetch came to: its result, or the last good snapshot and why."""
    result = state.result(raise_on_failure=False)
    if isinstance(result, FetchResult):
        return result
    fell: fetch.Outcome = "refused"
    told = state.message or str(result)
    if isinstance(result, Unreachable):
        fell = "unreachable"
    elif state.name == time_limits.TIMED_OUT:
        fell, told = "unavailable", f"The publisher had not sent everything after {time_limits.FETCH:g} s."
    elif state.name == "Unavailable":
        fell = "unavailable"
    return fetch.fall_back(archive, source, fell, told)
