"""The flow `refresh`: fetch each source, stage, build, check and publish the warehouse; a task each.

Tasks pass file paths, never tables. A foreseeable error ends its task and the run as Failed, without a traceback. What
needs pandas is imported in the tasks: `peacekeeping serve` imports this module and would take 120 MB more.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from prefect import allow_failure, runtime
from prefect.client.schemas.objects import State
from prefect.context import TagsContext
from prefect.events import emit_event
from prefect.exceptions import FailedRun
from prefect.futures import PrefectFuture, as_completed
from prefect.states import Failed
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.utilities.annotations import quote
from pydantic import Field

from flows import hooks
from flows.artifacts import FetchProgress, final_state, name_run, write_artifacts
from flows.automations import mark_killed_runs
from flows.decorators import RUN_ERRORS, pipeline_flow, pipeline_task
from flows.reports import read_reports
from flows.retention import remove_old_runs
from flows.server import ON_STEPS_DONE
from flows.steps.as_of import choose_snapshots, future_vintages, published_build_id, require_clock
from flows.steps.identity import build_id
from flows.steps.locking import WAIT_SECONDS, only_builder_of, only_writer
from flows.steps.settings import Paths, paths, retention_days
from flows.steps.summary import Summary
from flows.time_limit import RUN_SECONDS, time_limit
from schemas.errors import message_of
from schemas.source import Source
from sources.archive import Archive, Snapshot
from sources.catalogue import find_live, live_names, load_catalogue
from sources.errors import ArchiveError, Refused, SourceError, Unavailable, Unreachable

if TYPE_CHECKING:
    from flows.steps.build import Build
    from flows.steps.fetch import FetchResult, Outcome
    from flows.steps.staging import StageReport

log = logging.getLogger("peacekeeping.refresh")

# The event that starts the deployment `brief` of the same data folder (prefect.yaml).
PUBLISHED = "peacekeeping.published"
FETCHES_AT_ONCE = 4

if TYPE_CHECKING:
    SourceName = str
else:  # the run form offers these
    SourceName = Literal[tuple(live_names(load_catalogue()))]


def _run_name() -> str:
    """The name of a run that has begun; `name_run` adds what it did."""
    parameters = runtime.flow_run.parameters
    if parameters.get("as_of"):
        return f"refresh as of {parameters['as_of']}"
    mode = next((f" ({mode})" for mode in ("offline", "live") if parameters.get(mode)), "")
    return f"refresh {', '.join(parameters.get('sources') or []) or 'all sources'}{mode}"


@pipeline_flow("refresh", _run_name, task_runner=ThreadPoolTaskRunner(max_workers=FETCHES_AT_ONCE))
def refresh(  # noqa: PLR0913 - the parameters of the run form
    sources: list[SourceName] | None = None,
    offline: bool = False,
    live: bool = False,
    force: bool = False,
    as_of: date | None = None,
    wait_seconds: Annotated[float, Field(ge=0)] = WAIT_SECONDS,
) -> State[Any]:
    """Refresh the warehouse: fetch or load each source, stage, build, check, publish.

    With no new snapshot and the same code nothing is built. prefect.yaml has the schedules and their reasons.

    Args:
        sources: Which sources to fetch; all of them when empty. The others come from the archive.
        offline: Never open a socket to a publisher; build from the archive and the bundled snapshots.
        live: Fail instead of falling back to an archived snapshot when a publisher can't be reached.
        force: Build also when nothing is new.
        as_of: Fetch nothing, and build the warehouse of what had been published by this day, into a file of its own.
        wait_seconds: How long to wait for another run that is writing to the same data folder.
    """
    summary = Summary(as_of=as_of)
    with TagsContext(current_tags=set()), recorded_errors(summary):  # a tagged task costs a request to the server each
        options = settle_options(list(sources or []), offline, live, force, as_of)
        with only_writer(options.where, wait_seconds), time_limit(RUN_SECONDS), scratch_folder(options):
            bundled = load_bundled(options.catalogue, options.where, return_state=True)
            bundled.result()
            fetches = fetch_sources(options, summary)
            snapshots = select_snapshots(options, summary)
            if not is_up_to_date(options, summary):
                read_reports(options.catalogue, snapshots, options.where)
                reports = stage_sources(options, snapshots, bundled, fetches, summary)
                built = build_warehouse(str(summary.build_id), reports, options.scratch, return_state=True).result()
                checked = check(built, options, summary)
                every = [snapshot for chosen in snapshots.values() for snapshot in chosen]
                # Quoted inputs are no edges of the run's graph, which shows that publishing follows the check.
                published = publish_build(
                    quote(built), quote(every), options.where, as_of, wait_for=[checked], return_state=True
                )
                summary.record_published(published.result(), built.rows)
            remove_old_runs(options.retention_days)
    return report(summary)


@dataclass(frozen=True)
class RefreshOptions:
    """The checked parameters of a refresh, the declared sources, and the folders.

    sources  the names of the sources to fetch; none when offline or as of a day
    scratch  the run's own folder, named for its id
    """

    catalogue: dict[str, Source]
    sources: list[str]
    offline: bool
    live: bool
    force: bool
    as_of: date | None
    where: Paths
    scratch: Path
    retention_days: int


def settle_options(sources: list[str], offline: bool, live: bool, force: bool, as_of: date | None) -> RefreshOptions:
    """Check the parameters against each other and the declared sources. Raises SourceError, SettingError."""
    if offline and live:
        raise SourceError("offline and live exclude each other; choose one.")
    if as_of and (live or sources):
        raise SourceError("as_of fetches nothing: it goes with neither live nor sources.")
    catalogue, where = load_catalogue(), paths()
    names = [find_live(catalogue, name).name for name in sources or live_names(catalogue)]
    scratch = where.work / str(runtime.flow_run.id)
    return RefreshOptions(catalogue, names, offline, live, force, as_of, where, scratch, retention_days())


@contextmanager
def recorded_errors(summary: Summary) -> Iterator[None]:
    """End the block at an error that has its sentence, and record it as a failure; record the time taken as well."""
    began = time.perf_counter()
    if runtime.flow_run.run_count > 1:
        summary.warn("This run began once more: it had crashed, or was started again.")
    try:
        yield
    except RUN_ERRORS as error:
        summary.failures.append(message_of(error))
        if not isinstance(error, FailedRun):  # which Prefect has logged as the task's state
            log.error("%s", message_of(error))
    summary.seconds = time.perf_counter() - began


@contextmanager
def scratch_folder(options: RefreshOptions) -> Iterator[None]:
    """The run's scratch folder, removed at the end; first, runs that left theirs behind are marked as killed."""
    from flows.steps import publish

    leftovers = publish.clear_work(options.where)
    mark_killed_runs([name for name in leftovers if name != options.scratch.name])
    options.scratch.mkdir(exist_ok=True)
    try:
        yield
    finally:
        publish.clear_work(options.where)


@pipeline_task("load bundled snapshots")
def load_bundled(catalogue: dict[str, Source], where: Paths) -> None:
    """Put the bundled snapshots into the archive where they are missing."""
    from flows.steps import fetch

    added = fetch.ensure_bundled(Archive(where.raw), catalogue)
    log.info("Bundled snapshots: %s", f"{added} added to the archive." if added else "all in the archive.")


@pipeline_task(
    "fetch {name}",
    retries=1,
    retry_delay_seconds=[5],
    retry_jitter_factor=0.5,
    retry_condition_fn=lambda _task, _run, state: state.name == "Unavailable",
)
def fetch_source(name: str, source: Source, where: Paths) -> Any:
    """Fetch a source; returns its FetchResult, or a state named Unreachable, Unavailable or Refused.

    A retry can help when the publisher is overloaded or stalls, not when it can't be reached or its reply is refused.
    """
    from flows.steps import fetch
    from flows.steps.staging_cache import StagingCache

    try:
        result = fetch.fetch(Archive(where.raw), StagingCache(where.staged), source, where.work)
    except Unavailable as error:
        return Failed(message=str(error), name="Unavailable")
    except Unreachable as error:
        return Failed(message=str(error), name="Unreachable")
    except Refused as error:
        return Failed(message=str(error), name="Refused")
    log.info("%s: %s", name, result.message)
    return result


def fetch_sources(options: RefreshOptions, summary: Summary) -> dict[str, PrefectFuture[Any]]:
    """Fetch the chosen sources at once, each falling back to its last good snapshot; returns the tasks by source."""
    from flows.steps import fetch

    archive, catalogue = Archive(options.where.raw), options.catalogue
    if options.as_of:
        return {}
    if options.offline:
        results = [
            fetch.fall_back(archive, catalogue[name], "offline", "Not fetched (offline).") for name in options.sources
        ]
        kept = ", ".join(f"{result.source} of {result.vintage}" for result in results if result.vintage)
        log.info("Nothing was fetched (offline). Kept: %s.", kept)
        summary.obtained = results
        return {}
    futures = {name: fetch_source.submit(name, catalogue[name], options.where) for name in options.sources}
    names = {future.task_run_id: name for name, future in futures.items()}
    progress = FetchProgress(len(futures))
    by_name = {}
    for future in as_completed(list(futures.values())):
        name = names[future.task_run_id]
        future.wait()  # its state can come a moment later
        by_name[name] = _fetch_result(archive, catalogue[name], future.state)
        summary.record_fetch(by_name[name], catalogue[name].optional)
        progress.advance(name)
    summary.obtained = [by_name[name] for name in options.sources]
    missing = [result.source for result in summary.obtained if result.outcome not in ("fetched", "unchanged")]
    if options.live and missing:
        raise SourceError(f"--live: {', '.join(missing)} could not be fetched; nothing was built.")
    return futures


def _fetch_result(archive: Archive, source: Source, state: State[Any]) -> FetchResult:
    """The result of a fetch, or the last good snapshot and why it is kept."""
    from flows.steps.fetch import FetchResult, fall_back

    result = state.result(raise_on_failure=False)
    if isinstance(result, FetchResult):
        return result
    outcomes: dict[str | None, Outcome] = {"Unreachable": "unreachable", "Unavailable": "unavailable"}
    return fall_back(archive, source, outcomes.get(state.name, "refused"), state.message or str(result))


def select_snapshots(options: RefreshOptions, summary: Summary) -> dict[str, list[Snapshot]]:
    """The snapshots of each source to build from; sets the build's id and the file to publish to."""
    archive = Archive(options.where.raw)
    for warning in future_vintages(archive, options.catalogue):
        summary.warn(warning)
    if options.as_of is None:
        require_clock(archive, options.catalogue, options.where.warehouse)
    snapshots = choose_snapshots(archive, options.catalogue, options.as_of)
    summary.build_id = build_id(snapshots)
    summary.warehouse = str(options.where.target(options.as_of))
    return snapshots


def is_up_to_date(options: RefreshOptions, summary: Summary) -> bool:
    """Whether the published file is the same build already, and no build is forced."""
    published = published_build_id(options.where.target(options.as_of))
    summary.nothing_new = not options.force and published == summary.build_id
    if summary.nothing_new:
        log.info("Nothing new: build %s is published already.", summary.build_id)
    return summary.nothing_new


@pipeline_task("stage {name}")
def stage_source(name: str, source: Source, snapshots: list[Snapshot], where: Paths, folder: Path) -> StageReport:
    """Turn a source's archived snapshots into validated, tidy tables in `folder`."""
    from flows.steps import staging
    from flows.steps.staging_cache import StagingCache

    return staging.stage_source(Archive(where.raw), StagingCache(where.staged), source, snapshots, folder / name)


def stage_sources(
    options: RefreshOptions,
    snapshots: Mapping[str, list[Snapshot]],
    bundled: State[Any],
    fetches: Mapping[str, PrefectFuture[Any]],
    summary: Summary,
) -> list[StageReport]:
    """Stage every source. Raises ArchiveError when one can't be staged: a build without it would lack rows."""
    from flows.steps.findings import rejected_by_reason

    for name, source in options.catalogue.items():
        if not snapshots[name] and not source.optional:
            summary.warn(f"{name}: no snapshot had been published by {options.as_of}; its tables are empty.")
    states = []
    # One after the other: pandas holds the interpreter's lock, and four threads at once take twice as long.
    for name, source in options.catalogue.items():
        wait_for = [bundled, *([allow_failure(fetches[name])] if name in fetches else [])]
        chosen, where, folder = quote(snapshots[name]), options.where, options.scratch
        states.append(stage_source(name, source, chosen, where, folder, wait_for=wait_for, return_state=True))
    problems = [state.message or "a source could not be staged" for state in states if not state.is_completed()]
    if not problems:
        summary.staged = [state.result() for state in states]
        summary.rejected = rejected_by_reason(summary.staged)
        count = sum(map(len, snapshots.values()))
        log.info("Staged %s snapshots: %s.", count, "; ".join(report.row_counts() for report in summary.staged))
        problems = [problem for report in summary.staged for problem in report.problems]
    if problems:
        raise ArchiveError(" ".join(problems))
    return summary.staged


@pipeline_task("build warehouse")
def build_warehouse(identity: str, reports: list[StageReport], folder: Path) -> Build:
    """Load the tables into a new DuckDB file."""
    from flows.steps import build

    built = build.build_file(identity, reports, folder / "build")
    log.info("Built %s.", built.build_id)
    return built


@pipeline_task("check build")
def check_build(built: Build) -> list[str]:
    """Run the checks; a failed one of severity error stops publishing, the others are returned as warnings."""
    from flows.steps import build

    outcomes = build.check(built)
    warnings = [
        f"check: {outcome.check.name}: expected {outcome.check.expect}, found {outcome.found} "
        f"({outcome.check.description})"
        for outcome in outcomes
        if not outcome.passed
    ]
    log.info("%s checks passed, %s warned.", len(outcomes) - len(warnings), len(warnings))
    for warning in warnings:
        log.warning("%s", warning)
    return warnings


def check(built: Build, options: RefreshOptions, summary: Summary) -> State[list[str]]:
    """Check a build; what it says of its checks, claims, reconciliations and changes goes into the summary."""
    from flows.steps import findings

    checked: State[list[str]] = check_build(built, return_state=True)
    summary.checks_failed = findings.failed_checks(built.file)
    summary.warnings += checked.result()
    summary.claims = findings.claims(built.file)
    summary.reconciliations = findings.reconciliations(built)
    summary.changes = findings.changes(options.where.target(options.as_of), built)
    return checked


@pipeline_task("publish build")
def publish_build(built: Build, snapshots: list[Snapshot], where: Paths, as_of: date | None) -> str:
    """Replace the published file by the build, in one rename; returns when."""
    from flows.steps import ingest, publish
    from warehouse.publish import publish as publish_file

    at = ingest.now()
    if as_of is None:
        publish.publish_build(built, snapshots, where, Archive(where.raw), at)
    else:
        with only_builder_of(where, as_of):  # a backfill can be building the same day
            publish_file(built.file, where.target(as_of))
    log.info("Published %s.", where.target(as_of))
    return at


def report(summary: Summary) -> State[Any]:
    """Write the artifacts, emit the event of a published warehouse, and return the run's final state."""
    on_steps_done = ON_STEPS_DONE.get()
    if on_steps_done:
        on_steps_done(summary)
    write_artifacts(summary)
    name_run(f"{runtime.flow_run.name} · {summary.result()}", summary.outcome)
    if summary.published and summary.as_of is None:
        folder = str(paths().data)
        emit_event(
            PUBLISHED,
            {"prefect.resource.id": "peacekeeping.warehouse", "peacekeeping.data": folder},
            payload={"build_id": summary.build_id, "data": folder, "changes": summary.changes},
        )
    state = final_state(summary)
    if state.is_cancelled():  # Prefect calls no hook for a returned state of this type
        hooks.report_end(runtime.flow_run.id, runtime.deployment.id)
        hooks.notify(state.type.value, summary.headline(), str(runtime.flow_run.name), runtime.flow_run.id)
    return state
