"""The steps of the flow `refresh`: fetch (in `flows.fetching`) or load, stage, build, check, publish; a task a step.

The tasks are thin: each calls one function of the rooms below and hands file paths on, never frames. A foreseeable
fault (a file that breaks its contract, a failed check) ends its task in a state that says so, without a traceback.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

from prefect import allow_failure, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.futures import PrefectFuture
from prefect.settings import PREFECT_API_URL
from prefect.states import Failed
from prefect.utilities.annotations import quote

from flows import lost_runs, time_limits
from flows.artifacts import final_state, write_artifacts
from flows.fetching import obtain
from flows.local_run import answers
from flows.steps import build, fetch, findings, ingest, publish, staging
from flows.steps.as_of import choose_snapshots, future_vintages, published_build_id
from flows.steps.build import Build
from flows.steps.errors import FORESEEABLE, explained, told_plainly
from flows.steps.identity import build_id
from flows.steps.locking import only_builder_of, only_writer
from flows.steps.settings import Paths, paths
from flows.steps.staging import StageReport
from flows.steps.staging_cache import StagingCache
from flows.steps.summary import Summary, rejected_by_reason
from flows.time_limits import bounded
from schemas.source import Source
from sources.archive import Archive, Snapshot
from sources.catalogue import find_live, live_names, load_catalogue
from sources.errors import SourceError
from warehouse import checks
from warehouse.publish import publish as publish_file

log = logging.getLogger("peacekeeping.refresh")
logging.getLogger("peacekeeping").setLevel(logging.INFO)  # whoever runs the flow: its story belongs in the run's log

PUBLISHED = "peacekeeping.published"  # the event that starts the deployment `brief` (prefect.yaml)
without_server: Callable[[Summary], None] | None = None  # what the command does when the server died during the run


@task(task_run_name="load {name}", cache_policy=NO_CACHE, persist_result=False, timeout_seconds=time_limits.LOAD)
@told_plainly
def load_bundled(name: str, sources: dict[str, Source], where: Paths) -> Any:  # noqa: ARG001
    """Put the bundled snapshots into the archive where they are missing."""
    added = fetch.ensure_bundled(Archive(where.raw), sources)
    log.info("Bundled snapshots: %s", f"{added} added to the archive." if added else "all in the archive.")


@task(task_run_name="stage {name}", cache_policy=NO_CACHE, persist_result=False, timeout_seconds=time_limits.STAGE)
@told_plainly
def stage_source(name: str, source: Source, snapshots: list[Snapshot], where: Paths, run: str) -> Any:
    """Turn a source's archived snapshots into validated, tidy tables."""
    archive, cache = Archive(where.raw), StagingCache(where.staged)
    return staging.stage_source(archive, cache, source, snapshots, where.work / run / name)


@task(task_run_name="build warehouse", cache_policy=NO_CACHE, persist_result=False, timeout_seconds=time_limits.BUILD)
@told_plainly
def build_warehouse(identity: str, reports: list[StageReport], where: Paths, run: str) -> Any:
    """Load the tables into a new DuckDB file."""
    built = build.build_file(identity, reports, where.work / run / "build")
    log.info("Built %s.", built.build_id)
    return built


@task(task_run_name="check build", cache_policy=NO_CACHE, persist_result=False, timeout_seconds=time_limits.CHECK)
@told_plainly
def check_build(built: Build) -> Any:
    """Hold the build against its checks; a failed check of severity error stops publishing."""
    outcomes = build.check(built)
    warnings = [
        f"check: {outcome.check.name}: expected {outcome.check.expect}, found {outcome.found} "
        f"({outcome.check.description})"
        for outcome in outcomes
        if not outcome.passed
    ]
    log.info("%s checks held, %s warned.", len(outcomes) - len(warnings), len(warnings))
    for warning in warnings:
        log.warning("%s", warning)
    return warnings


@task(task_run_name="publish build", cache_policy=NO_CACHE, persist_result=False, timeout_seconds=time_limits.PUBLISH)
@told_plainly
def publish_build(built: Build, snapshots: list[Snapshot], where: Paths, as_of: date | None, at: str) -> Any:
    """Swap the build in."""
    if as_of is None:
        publish.publish_build(built, snapshots, where, Archive(where.raw), at)
    else:
        with only_builder_of(where, as_of):  # a backfill may be at the same day
            publish_file(built.file, where.target(as_of))
    log.info("Published %s.", where.target(as_of))
    return at


def _step(what: str, seconds: float, step: Callable[[], Any]) -> State[Any]:
    """Run a step and give its final state; of one that took longer than it may, a failed one that says so."""
    began = time.monotonic()
    with bounded(what, seconds):
        state: State[Any] = step()
    # DuckDB takes an interruption for its own, a time limit's as well as Ctrl-C's, and says no more than that.
    interrupted = state.is_failed() and "interrupted" in (state.message or "").lower()
    if interrupted and time.monotonic() - began < seconds:
        raise KeyboardInterrupt
    if state.name != time_limits.TIMED_OUT and not interrupted:
        return state
    log.error("%s", time_limits.overran(what, seconds))
    return Failed(message=time_limits.overran(what, seconds))


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
    if runtime.flow_run.run_count > 1:
        summary.warnings.append("This run began once more: it had crashed, or somebody asked for it again.")
        log.warning("%s", summary.warnings[-1])
    if spread_minutes and not offline and as_of is None:
        wait = random.uniform(0, spread_minutes * 60)  # noqa: S311
        log.info("Asking the publishers in %.1f minutes.", wait / 60)
        time.sleep(wait)
    try:
        with only_writer(where, wait_seconds):
            run = str(runtime.flow_run.id)
            left = publish.clear_work(where)
            lost_runs.tell([name for name in left if name != run])  # its own it left when it crashed before
            (where.work / run).mkdir(exist_ok=True)  # from here on a run that is killed can be told by it
            try:
                _refresh(summary, list(sources or []), offline, live, force, where, run)
                summary.rejected = rejected_by_reason(summary.staged)
            finally:
                publish.clear_work(where)
    except FORESEEABLE as error:
        summary.failures.append(explained(error))
        log.error("%s", explained(error))
    summary.seconds = time.perf_counter() - began
    if without_server and _server_is_gone():
        without_server(summary)
    write_artifacts(summary)
    if summary.published and as_of is None:
        emit_event(PUBLISHED, {"prefect.resource.id": "peacekeeping.warehouse"}, payload={"build_id": summary.build_id})
    return final_state(summary)


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
        time_limits.LOAD,
        lambda: load_bundled("bundled snapshots", catalogue, where, return_state=True),
    )
    _result(bundled, summary)
    if summary.failures:
        return
    asked: dict[str, PrefectFuture[Any]] = {}
    if summary.as_of is None:
        summary.obtained, asked = obtain(catalogue, wanted, offline, where)
        if not _may_go_on(summary, catalogue, live):
            return
    archive = Archive(where.raw)
    for warning in future_vintages(archive, catalogue):
        summary.warnings.append(warning)
        log.warning("%s", warning)
    chosen = choose_snapshots(archive, catalogue, summary.as_of)
    every = [snapshot for some in chosen.values() for snapshot in some]
    summary.build_id = build_id(every)
    target = where.target(summary.as_of)
    summary.warehouse = str(target)
    if not force and published_build_id(target) == summary.build_id:
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
        state = _step(f"staging {name}", time_limits.STAGE, partial(step, wait_for=waits[name], return_state=True))
        reports.append(_result(state, summary))
    if not all(isinstance(report, StageReport) for report in reports):
        return None
    summary.staged = reports
    snapshots = sum(len(some) for some in chosen.values())
    log.info("Staged %s snapshots: %s.", snapshots, "; ".join(_counts(report) for report in reports))
    problems = [problem for report in reports for problem in report.problems]
    summary.failures += problems
    return None if problems else reports


def _counts(report: StageReport) -> str:
    """The rows of a source's table, and what became of others."""
    counts = {what: report.total(f"rows_{what}") for what in ("rejected", "merged")}
    apart = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
    return f"{report.source} {report.rows:,}" + (f" ({apart})" if apart else "")


def _build(summary: Summary, reports: list[StageReport], every: list[Snapshot], where: Paths, run: str) -> None:
    """Build, check, publish."""
    building = partial(build_warehouse, summary.build_id, reports, where, run, return_state=True)
    built = _result(_step("building", time_limits.BUILD, building), summary)
    if not isinstance(built, Build):
        return
    checking = _step("checking", time_limits.CHECK, partial(check_build, built, return_state=True))
    summary.checks_failed = findings.failed_checks(
        built.file, {check.name: check.sql for check in checks.all_checks() if check.expect.max == 0}
    )
    warnings = _result(checking, summary)
    if warnings is None:
        return
    summary.claims = findings.claims(built.file)
    summary.warnings += warnings
    summary.reconciliations = findings.reconciliations(built)
    summary.changes = findings.changes(where.target(summary.as_of), built)
    # Quoted: the graph shows that publishing follows the check, not every input once more.
    publishing = partial(publish_build, quote(built), quote(every), where, summary.as_of, ingest.now())
    published = _result(
        _step("publishing", time_limits.PUBLISH, partial(publishing, wait_for=[checking], return_state=True)), summary
    )
    if published:
        summary.published = published
        summary.tables = {name: rows for name, rows in built.rows.items() if name.startswith("main.")}
        log.info(
            "%s: %s.", "The first build" if summary.changes is None else "Since the build before", summary.changed()
        )


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
