"""The steps of the flow `refresh`: fetch or load, stage, build, check, publish; one flow, a task a step.

The tasks are thin: each calls one function of the rooms below and hands file paths on, never frames. A foreseeable
fault (publisher out of reach, refused reply, failed check) ends its task in a state that says so, without a
traceback, and does not stop the other sources.
"""

from __future__ import annotations

import logging
import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import wraps
from typing import Any, ParamSpec

from prefect import allow_failure, runtime, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.futures import PrefectFuture
from prefect.states import Completed, Failed
from prefect.utilities.annotations import quote

from flows import admit, build, stage
from flows.admit import Obtained
from flows.artifacts import Summary, markdown, rejected_by_reason
from flows.build import Build
from flows.identity import build_id
from flows.locking import BusyError, DataFolderError, only_writer
from flows.settings import Paths, paths
from flows.shelf import Shelf
from flows.stage import StageReport
from schemas.validate import ContractError, TableError
from sources.archive import Archive, Snapshot
from sources.catalogue import Source, find_live, live_names, load_catalogue
from sources.errors import Refused, SourceError, Unavailable, Unreachable
from warehouse import publish
from warehouse.load import BuildError

log = logging.getLogger("peacekeeping.refresh")
logging.getLogger("peacekeeping").setLevel(logging.INFO)  # whoever runs the flow: its story belongs in the run's log

FORESEEABLE = (SourceError, ContractError, TableError, BuildError, BusyError, DataFolderError, OSError)
FETCH_RETRIES = 1
PUBLISHED = "peacekeeping.published"  # the event that starts the deployment `brief` (prefect.yaml)
TOLD_AT = {
    "offline": logging.INFO,
    "unreachable": logging.WARNING,
    "unavailable": logging.WARNING,
    "refused": logging.ERROR,
}

Parameters = ParamSpec("Parameters")


def told_plainly(step: Callable[Parameters, Any]) -> Callable[Parameters, Any]:
    """A step whose foreseeable faults end in a failed state with one clear sentence, not in a traceback."""

    @wraps(step)
    def wrapped(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Any:
        try:
            return step(*args, **kwargs)
        except FORESEEABLE as error:
            log.error("%s", explained(error))
            return Failed(message=explained(error))

    return wrapped


def explained(error: BaseException) -> str:
    """What to tell a person of a foreseeable fault."""
    if isinstance(error, OSError) and not isinstance(error, FORESEEABLE[:-1]):
        place = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror or error}{place}. The published warehouse is as it was."
    return str(error)


@task(
    task_run_name="fetch {name}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=FETCH_RETRIES,
    retry_delay_seconds=[5],
    retry_jitter_factor=0.5,
    retry_condition_fn=lambda _task, _run, state: isinstance(state.data, Unavailable) or _raised(state, Unavailable),
)
def fetch_source(name: str, source: Source, where: Paths) -> Any:
    """Ask the publisher. A retry can help when it is overloaded or stalls, never when it is out of reach or refuses."""
    try:
        obtained = admit.fetch(Archive(where.raw), Shelf(where.staged), source, where.work)
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


@task(task_run_name="load {name}", cache_policy=NO_CACHE, persist_result=False)
@told_plainly
def load_bundled(name: str, sources: dict[str, Source], where: Paths) -> Any:  # noqa: ARG001
    """Put the bundled snapshots into the archive where they are missing."""
    added = admit.ensure_bundled(Archive(where.raw), sources)
    log.info("Bundled snapshots: %s", f"{added} added to the archive." if added else "all in the archive.")


@task(task_run_name="stage {name}", cache_policy=NO_CACHE, persist_result=False)
@told_plainly
def stage_source(name: str, source: Source, snapshots: list[Snapshot], where: Paths, run: str) -> Any:
    """Turn a source's archived snapshots into validated, tidy tables."""
    archive, shelf = Archive(where.raw), Shelf(where.staged)
    report = stage.stage_source(archive, shelf, source, snapshots, where.work / run / name)
    log.info(
        "%s: %s rows in, %s staged, %s rejected, %s merged; %s in the table (%.1f s)",
        name,
        *(f"{report.total(f'rows_{part}'):,}" for part in ("in", "staged", "rejected", "merged")),
        f"{report.rows:,}",
        report.seconds,
    )
    return report


@task(task_run_name="build warehouse", cache_policy=NO_CACHE, persist_result=False)
@told_plainly
def build_warehouse(identity: str, reports: list[StageReport], where: Paths, run: str) -> Any:
    """Load the tables into a new DuckDB file."""
    built = build.build(identity, reports, where.work / run / "build")
    log.info("Built %s.", built.build_id)
    return built


@task(task_run_name="check build", cache_policy=NO_CACHE, persist_result=False)
@told_plainly
def check_build(built: Build) -> Any:
    """Hold the build against its checks; a failed check of severity error stops publishing."""
    outcomes = build.check(built)
    warnings = [
        f"check: {outcome.check.name}: expected {outcome.check.expected()}, found {outcome.found} "
        f"({outcome.check.description})"
        for outcome in outcomes
        if not outcome.passed
    ]
    log.info("%s checks held, %s warned.", len(outcomes) - len(warnings), len(warnings))
    for warning in warnings:
        log.warning("%s", warning)
    return warnings


@task(task_run_name="publish build", cache_policy=NO_CACHE, persist_result=False)
@told_plainly
def publish_build(built: Build, snapshots: list[Snapshot], where: Paths, as_of: date | None, at: str) -> Any:
    """Swap the build in."""
    if as_of is None:
        build.publish_build(built, snapshots, where, Archive(where.raw), at)
    else:
        publish.publish(built.file, where.target(as_of))
    log.info("Published %s.", where.target(as_of))
    return at


def _obtain(
    catalogue: dict[str, Source], wanted: list[str], offline: bool, where: Paths
) -> tuple[list[Obtained], dict[str, PrefectFuture[Any]]]:
    """Ask for each wanted source, or not (offline); what can't be had keeps its last good snapshot."""
    archive = Archive(where.raw)
    asked = {} if offline else {name: fetch_source.submit(name, catalogue[name], where) for name in wanted}
    obtained = []
    for name in wanted:
        if name not in asked:
            found = admit.kept(archive, catalogue[name], "offline", "Not asked (offline).")
        else:
            asked[name].wait()
            found = _outcome(archive, catalogue[name], asked[name].state)
        if found.outcome not in ("fetched", "unchanged"):  # those were told by their task
            log.log(TOLD_AT[found.outcome], "%s: %s", name, found.message)
        for warning in found.warnings:
            log.warning("%s: %s", name, warning)
        obtained.append(found)
    return obtained, asked


def _outcome(archive: Archive, source: Source, state: State[Any]) -> Obtained:
    """What a fetch came to: its result, or the last good snapshot and why."""
    result = state.result(raise_on_failure=False)
    if isinstance(result, Obtained):
        return result
    fell: admit.Outcome = "refused"
    if isinstance(result, Unreachable):
        fell = "unreachable"
    elif state.name == "Unavailable":
        fell = "unavailable"
    return admit.kept(archive, source, fell, state.message or str(result))


def _result(state: State[Any], summary: Summary) -> Any:
    """A task's result; None when it failed, which the summary then tells."""
    if state.is_completed():
        return state.result()
    summary.failures.append(state.message or "a task failed")
    return None


def run(
    sources: Sequence[str],
    offline: bool,
    live: bool,
    force: bool,
    as_of: date | None,
    wait_seconds: float,
    spread_minutes: float,
) -> State[Any]:
    """Run the steps within a flow run, by the flow's parameters; the final state carries a Summary."""
    began = time.perf_counter()
    summary = Summary(as_of=as_of)
    where = paths()
    if spread_minutes and not offline and as_of is None:
        wait = random.uniform(0, spread_minutes * 60)  # noqa: S311
        log.info("Asking the publishers in %.1f minutes.", wait / 60)
        time.sleep(wait)
    try:
        with only_writer(where, wait_seconds):
            build.clear_work(where)
            try:
                _refresh(summary, list(sources or []), offline, live, force, where, uuid.uuid4().hex[:12])
                summary.rejected = rejected_by_reason(summary.staged)
            finally:
                build.clear_work(where)
    except FORESEEABLE as error:
        summary.failures.append(explained(error))
        log.error("%s", explained(error))
    summary.seconds = time.perf_counter() - began
    _write_artifacts(summary)
    if summary.published and as_of is None:
        emit_event(PUBLISHED, {"prefect.resource.id": "peacekeeping.warehouse"}, payload={"build_id": summary.build_id})
    return _final_state(summary)


def _refresh(
    summary: Summary, sources: list[str], offline: bool, live: bool, force: bool, where: Paths, run: str
) -> None:
    """The steps, in order; `summary` is filled as they go, and a step that fails ends it early."""
    catalogue = load_catalogue()
    wanted = [find_live(catalogue, name).name for name in sources or live_names(catalogue)]
    if offline and live:
        raise SourceError("offline and live exclude each other; choose one.")
    if summary.as_of and (live or sources):
        raise SourceError("as_of asks no publisher: it goes with neither live nor sources.")
    bundled = load_bundled("bundled snapshots", catalogue, where, return_state=True)
    _result(bundled, summary)
    if summary.failures:
        return
    asked: dict[str, PrefectFuture[Any]] = {}
    if summary.as_of is None:
        summary.obtained, asked = _obtain(catalogue, wanted, offline, where)
        if not _may_go_on(summary, catalogue, live):
            return
    chosen = build.snapshots_by(Archive(where.raw), catalogue, summary.as_of)
    every = [snapshot for some in chosen.values() for snapshot in some]
    summary.build_id = build_id(every)
    target = where.target(summary.as_of)
    summary.warehouse = str(target)
    if not force and build.standing(target) == summary.build_id:
        summary.nothing_new = True
        log.info("Nothing new: build %s stands.", summary.build_id)
        return
    for name in [name for name, some in chosen.items() if not some and not catalogue[name].optional]:
        summary.warnings.append(f"{name}: no snapshot had been published by {summary.as_of}; its tables are empty.")
    waits: dict[str, list[Any]] = {
        name: [bundled, *([allow_failure(asked[name])] if name in asked else [])] for name in catalogue
    }
    reports = _stage(summary, catalogue, chosen, waits, where, run)
    if reports is not None:
        _build(summary, reports, every, where, run)


def _stage(
    summary: Summary,
    catalogue: Mapping[str, Source],
    chosen: Mapping[str, Sequence[Snapshot]],
    waits: Mapping[str, list[Any]],
    where: Paths,
    run: str,
) -> list[StageReport] | None:
    """Stage every source; None when one can't be: a warehouse without it would be poorer than the published one."""
    # One after the other: pandas holds the interpreter's lock, and four threads at once take twice as long.
    reports = []
    for name, source in catalogue.items():
        step = stage_source.with_options(tags=[name])
        state = step(name, source, quote(chosen[name]), where, run, wait_for=waits[name], return_state=True)
        reports.append(_result(state, summary))
    if not all(isinstance(report, StageReport) for report in reports):
        return None
    summary.staged = reports
    problems = [problem for report in reports for problem in report.problems]
    summary.failures += problems
    return None if problems else reports


def _build(summary: Summary, reports: list[StageReport], every: list[Snapshot], where: Paths, run: str) -> None:
    """Build, check, publish."""
    built = _result(build_warehouse(summary.build_id, reports, where, run, return_state=True), summary)
    if not isinstance(built, Build):
        return
    checking = check_build(built, return_state=True)
    warnings = _result(checking, summary)
    if warnings is None:
        return
    summary.warnings += warnings
    summary.reconciliations = build.reconciled(built)
    summary.changes = build.changes(where.target(summary.as_of), built)
    # Quoted: the graph shows that publishing follows the check, not every input once more.
    publishing = publish_build(
        quote(built), quote(every), where, summary.as_of, admit.now(), wait_for=[checking], return_state=True
    )
    published = _result(publishing, summary)
    if published:
        summary.published = published
        summary.tables = {name: rows for name, rows in built.rows.items() if name.startswith("main.")}
        log.info("Since the build before: %s.", summary.changed())


def _may_go_on(summary: Summary, catalogue: Mapping[str, Source], live: bool) -> bool:
    """Enter how each source came into the warnings and failures; whether the build may follow."""
    for obtained in summary.obtained:
        summary.warnings += [f"{obtained.source}: {warning}" for warning in obtained.warnings]
        if obtained.outcome == "refused" and not catalogue[obtained.source].optional:
            summary.failures.append(f"{obtained.source}: {obtained.message}")
        elif obtained.outcome in ("unreachable", "unavailable", "refused"):
            summary.warnings.append(f"{obtained.source}: {obtained.message}")
    missed = [obtained.source for obtained in summary.obtained if obtained.outcome not in ("fetched", "unchanged")]
    if live and missed:
        summary.failures.append(f"--live: {', '.join(missed)} could not be fetched; nothing was built.")
    return not (live and missed)


def summary_of(state: State[Any]) -> Summary:
    """The summary that a finished refresh carries; of a run that Prefect itself refused, its message."""
    result = state.result(raise_on_failure=False)
    if isinstance(result, RefreshFailed):
        return result.summary
    return result if isinstance(result, Summary) else Summary(failures=[str(state.message or result)])


def _write_artifacts(summary: Summary) -> None:
    create_markdown_artifact(markdown(summary), key="refresh-summary", description="What this refresh did")
    told = "Rejected rows by reason, with an example" if summary.rejected else "No row was rejected"
    create_table_artifact(summary.rejected, key="rejected-rows", description=told)
    if summary.changes:
        create_table_artifact(
            summary.changes, key="changes", description="Rows added, gone and changed since the build before"
        )
    if summary.reconciliations:
        told = "Figures held against another ledger's; the unexplained ones are in meta.reconciliations"
        create_table_artifact(summary.reconciliations, key="reconciliations", description=told)


class RefreshFailed(Exception):
    """A refresh that failed, with its summary; the flow ends in a failed state that carries it."""

    def __init__(self, summary: Summary) -> None:
        super().__init__(summary.headline())
        self.summary = summary


def _final_state(summary: Summary) -> State[Any]:
    """Completed or Failed (Prefect's own names: its pages filter by them); the message says what happened."""
    if summary.failures:
        return Failed(message=summary.headline(), data=RefreshFailed(summary))
    return Completed(message=summary.headline(), data=summary)
