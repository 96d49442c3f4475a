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
from functools import partial, wraps
from typing import Any, ParamSpec

from prefect import allow_failure, runtime, task
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.futures import PrefectFuture, as_completed
from prefect.settings import PREFECT_API_URL
from prefect.states import Completed, Failed
from prefect.utilities.annotations import quote

from flows import admit, build, deadlines, findings, stage
from flows.admit import Obtained
from flows.artifacts import Summary, markdown, rejected_by_reason
from flows.build import Build
from flows.deadlines import bounded
from flows.identity import build_id
from flows.locking import BusyError, DataFolderError, only_builder_of, only_writer
from flows.running import answers
from flows.settings import Paths, paths
from flows.shelf import Shelf
from flows.stage import StageReport
from schemas.validate import ContractError, TableError
from sources.archive import Archive, Snapshot
from sources.catalogue import Source, find_live, live_names, load_catalogue
from sources.errors import Refused, SourceError, Unavailable, Unreachable
from warehouse import checks, publish
from warehouse.load import BuildError

log = logging.getLogger("peacekeeping.refresh")
logging.getLogger("peacekeeping").setLevel(logging.INFO)  # whoever runs the flow: its story belongs in the run's log

FORESEEABLE = (SourceError, ContractError, TableError, BuildError, BusyError, DataFolderError, OSError)
FETCH_RETRIES = 1
FETCHES_AT_ONCE = 4  # the threads of the flow's task runner
PUBLISHED = "peacekeeping.published"  # the event that starts the deployment `brief` (prefect.yaml)
TOLD_AT = {
    "offline": logging.INFO,
    "unreachable": logging.WARNING,
    "unavailable": logging.WARNING,
    "refused": logging.ERROR,
}

Parameters = ParamSpec("Parameters")

without_server: Callable[[Summary], None] | None = None  # what the command does when the server died during the run


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
    timeout_seconds=deadlines.FETCH,
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


def _no_word_of_threads(record: logging.LogRecord) -> bool:
    """Prefect warns in every fetch that its timeout can't interrupt a thread; flows.deadlines answers for that."""
    return "the task is running in a worker thread" not in record.getMessage()


logging.getLogger("prefect.task_runs").addFilter(_no_word_of_threads)


def _raised(state: State[Any], kind: type[Exception]) -> bool:
    try:
        state.result()
    except kind:
        return True
    except Exception:  # any other fault is not ours to retry
        return False
    return False


@task(task_run_name="load {name}", cache_policy=NO_CACHE, persist_result=False, timeout_seconds=deadlines.LOAD)
@told_plainly
def load_bundled(name: str, sources: dict[str, Source], where: Paths) -> Any:  # noqa: ARG001
    """Put the bundled snapshots into the archive where they are missing."""
    added = admit.ensure_bundled(Archive(where.raw), sources)
    log.info("Bundled snapshots: %s", f"{added} added to the archive." if added else "all in the archive.")


@task(task_run_name="stage {name}", cache_policy=NO_CACHE, persist_result=False, timeout_seconds=deadlines.STAGE)
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


@task(task_run_name="build warehouse", cache_policy=NO_CACHE, persist_result=False, timeout_seconds=deadlines.BUILD)
@told_plainly
def build_warehouse(identity: str, reports: list[StageReport], where: Paths, run: str) -> Any:
    """Load the tables into a new DuckDB file."""
    built = build.build(identity, reports, where.work / run / "build")
    log.info("Built %s.", built.build_id)
    return built


@task(task_run_name="check build", cache_policy=NO_CACHE, persist_result=False, timeout_seconds=deadlines.CHECK)
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


@task(task_run_name="publish build", cache_policy=NO_CACHE, persist_result=False, timeout_seconds=deadlines.PUBLISH)
@told_plainly
def publish_build(built: Build, snapshots: list[Snapshot], where: Paths, as_of: date | None, at: str) -> Any:
    """Swap the build in."""
    if as_of is None:
        build.publish_build(built, snapshots, where, Archive(where.raw), at)
    else:
        with only_builder_of(where, as_of):  # a backfill may be at the same day
            publish.publish(built.file, where.target(as_of))
    log.info("Published %s.", where.target(as_of))
    return at


def _obtain(
    catalogue: dict[str, Source], wanted: list[str], offline: bool, where: Paths
) -> tuple[list[Obtained], dict[str, PrefectFuture[Any]]]:
    """Ask for each wanted source, or not (offline); what can't be had keeps its last good snapshot."""
    archive = Archive(where.raw)
    if offline:
        found = [admit.kept(archive, catalogue[name], "offline", "Not asked (offline).") for name in wanted]
        for obtained in found:
            _tell(obtained)
        return found, {}
    asked = {name: fetch_source.submit(name, catalogue[name], where) for name in wanted}
    names = {future.task_run_id: name for name, future in asked.items()}
    progress = Progress(len(asked))
    came: dict[str, Obtained] = {}
    # Each source may be asked for twice, and four at a time.
    rounds = -(-len(asked) // FETCHES_AT_ONCE)
    with bounded("fetching", (1 + FETCH_RETRIES) * rounds * deadlines.FETCH):
        for future in as_completed(list(asked.values())):
            name = names[future.task_run_id]
            future.wait()  # until its state is there, too
            came[name] = _outcome(archive, catalogue[name], future.state)
            _tell(came[name])
            progress.answered(name)
    return [came[name] for name in wanted], asked


def _tell(obtained: Obtained) -> None:
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
        self.artifact = _artifact(create_progress_artifact, 0.0, key="fetch-progress", description=told)

    def answered(self, name: str) -> None:
        """One more has."""
        self.count += 1
        if self.artifact:
            told = f"{self.count} of {self.asked} sources have answered, the last one was {name}"
            _artifact(update_progress_artifact, self.artifact, 100 * self.count / self.asked, description=told)


def _artifact(write: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Write an artifact. One that the server doesn't take is a warning: the data are worth more than their report."""
    try:
        return write(*arguments, **named)
    except Exception as error:  # whatever the client raises without a server
        log.warning("The Prefect server did not take the artifact %s (%s).", named.get("key", ""), type(error).__name__)
        return None


def _outcome(archive: Archive, source: Source, state: State[Any]) -> Obtained:
    """What a fetch came to: its result, or the last good snapshot and why."""
    result = state.result(raise_on_failure=False)
    if isinstance(result, Obtained):
        return result
    fell: admit.Outcome = "refused"
    told = state.message or str(result)
    if isinstance(result, Unreachable):
        fell = "unreachable"
    elif state.name == deadlines.TIMED_OUT:
        fell, told = "unavailable", f"The publisher had not sent everything after {deadlines.FETCH:g} s."
    elif state.name == "Unavailable":
        fell = "unavailable"
    return admit.kept(archive, source, fell, told)


def _step(what: str, seconds: float, step: Callable[[], Any]) -> State[Any]:
    """Run a step and give its final state; of one that took longer than it may, a failed one that says so."""
    began = time.monotonic()
    with bounded(what, seconds):
        state: State[Any] = step()
    # DuckDB takes an interruption for its own, a time limit's as well as Ctrl-C's, and says no more than that.
    interrupted = state.is_failed() and "interrupted" in (state.message or "").lower()
    if interrupted and time.monotonic() - began < seconds:
        raise KeyboardInterrupt
    if state.name != deadlines.TIMED_OUT and not interrupted:
        return state
    log.error("%s", deadlines.overran(what, seconds))
    return Failed(message=deadlines.overran(what, seconds))


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
    if without_server and _server_is_gone():
        without_server(summary)
    _write_artifacts(summary)
    if summary.published and as_of is None:
        emit_event(PUBLISHED, {"prefect.resource.id": "peacekeeping.warehouse"}, payload={"build_id": summary.build_id})
    return _final_state(summary)


def _server_is_gone() -> bool:
    """Whether the Prefect server of this run no longer answers."""
    url = PREFECT_API_URL.value()
    return bool(url) and not answers(str(url))


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
    bundled = _step(
        "loading the bundled snapshots",
        deadlines.LOAD,
        lambda: load_bundled("bundled snapshots", catalogue, where, return_state=True),
    )
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
        step = partial(stage_source, name, source, quote(chosen[name]), where, run)
        state = _step(f"staging {name}", deadlines.STAGE, partial(step, wait_for=waits[name], return_state=True))
        reports.append(_result(state, summary))
    if not all(isinstance(report, StageReport) for report in reports):
        return None
    summary.staged = reports
    problems = [problem for report in reports for problem in report.problems]
    summary.failures += problems
    return None if problems else reports


def _build(summary: Summary, reports: list[StageReport], every: list[Snapshot], where: Paths, run: str) -> None:
    """Build, check, publish."""
    building = partial(build_warehouse, summary.build_id, reports, where, run, return_state=True)
    built = _result(_step("building", deadlines.BUILD, building), summary)
    if not isinstance(built, Build):
        return
    checking = _step("checking", deadlines.CHECK, partial(check_build, built, return_state=True))
    summary.checks_failed = findings.failed_checks(
        built.file, {check.name: check.sql for check in checks.all_checks() if check.maximum == 0}
    )
    warnings = _result(checking, summary)
    if warnings is None:
        return
    summary.claims = findings.claims(built.file)
    summary.warnings += warnings
    summary.reconciliations = build.reconciled(built)
    summary.changes = build.changes(where.target(summary.as_of), built)
    # Quoted: the graph shows that publishing follows the check, not every input once more.
    publishing = partial(publish_build, quote(built), quote(every), where, summary.as_of, admit.now())
    published = _result(
        _step("publishing", deadlines.PUBLISH, partial(publishing, wait_for=[checking], return_state=True)), summary
    )
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
    """What an inspector reads. The keys are the same in each run, so that the UI shows each one's history."""
    if not _artifact(
        create_markdown_artifact, markdown(summary), key="refresh-summary", description="What this refresh did"
    ):
        return  # nor would the server take the others, and the client tries each for a minute
    tables: list[tuple[str, Sequence[Mapping[str, object]] | None, str]] = [
        (
            "rejected-rows",
            summary.rejected,
            "Rejected rows by reason, with an example" if summary.rejected else "No row was rejected",
        ),
        (
            "checks-failed",
            summary.checks_failed,
            "Checks that failed; one of severity error stops publishing"
            if summary.checks_failed
            else "Each check held",
        ),
        ("claims", summary.claims or None, "The claims, and what this build's figures say of each"),
        ("changes", summary.changes or None, "Rows added, gone and changed since the build before"),
        (
            "reconciliations",
            summary.reconciliations or None,
            "Figures held against another ledger's; the unexplained ones are in meta.reconciliations",
        ),
    ]
    for key, rows, told in tables:
        if rows is not None:
            _artifact(create_table_artifact, list(rows), key=key, description=told)


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
