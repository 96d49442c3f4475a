"""A host that refreshes a data folder: the steps of the flow `refresh` without Prefect, and what interrupts them.

A run happens in a forked process where it is to be interrupted: a killed process runs no cleanup of its own. The
operations on files below the data folder are counted, so that a fault hits the same one in each replay.
"""

from __future__ import annotations

import errno
import logging
import os
import pickle
import resource
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
import yaml

from flows.steps import build, fetch, ingest, publish, staging
from flows.steps.as_of import choose_snapshots, published_build_id, require_clock
from flows.steps.identity import build_id
from flows.steps.locking import BusyError, only_writer
from flows.steps.settings import Paths
from flows.steps.staging_cache import StagingCache
from schemas.errors import FORESEEABLE, ProjectError
from schemas.source import Source
from sources import bundle, client, clock
from sources.archive import Archive, Snapshot
from sources.catalogue import HERE, load_catalogue
from sources.errors import Refused, SourceError, Unavailable, Unreachable
from transforms.staging import Staged
from warehouse import load
from warehouse.claims import judge
from warehouse.claims.files import load_claims
from warehouse.ddl import quote

NOWHERE = "http://127.0.0.1:1"  # nobody listens there
# Names, not ports: an address is in the records, and so in the id of a build.
ADDRESSES = {
    "PEACEKEEPING_PSDATA_URL": "http://psdata.test/public",
    "PEACEKEEPING_CEB_URL": "http://ceb.test/ceb",
    "no_proxy": "",
}
ROWS_PER_PAGE = 40
CLAIM = "deadliest-mission"  # the others are about missions and states that the small datasets lack
FILE_EVENTS = {"os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree"}
FILLING_EVENTS = {"open", "os.link", "os.mkdir"}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Clock:
    """The time that hosts read. `offset` is how wrong their clock is."""

    def __init__(self, start: datetime) -> None:
        self.true, self.offset = start, timedelta()

    def now(self) -> datetime:
        return self.true + self.offset

    @contextmanager
    def right(self) -> Iterator[None]:
        """Within the block the clock is right."""
        with mock.patch.object(self, "offset", timedelta()):
            yield


def small_catalogue(folder: Path, names: tuple[str, ...]) -> dict[str, Source]:
    """The declarations of these sources, with envelopes and pages for small datasets."""
    shutil.copy(HERE / "publishers.yaml", folder)
    for name in names:
        declared = yaml.safe_load((HERE / f"{name}.yaml").read_text(encoding="utf-8"))
        declared["known_defects"] = []
        declared.pop("reports", None)
        envelope, noted = declared["envelope"], {"measured": "the simulated publishers", "noted": "2026-11-30"}
        envelope["rows"]["min"] = 7
        if "rows_per_period" in envelope:
            envelope["rows_per_period"]["min"] = 7
        if "rows_per_page" in declared["live"]:
            declared["live"]["rows_per_page"] = ROWS_PER_PAGE
        if name == "fatalities":
            envelope["newest_within_days"] = 4000  # these publishers add rows a few times in ten years
            neighbours = envelope["against_neighbours"]
            neighbours["rows"] |= {"min": 0.9, "max": 2}
            for bounds in neighbours["revised"].values():
                bounds.pop("any", None)
                bounds["settled"] = {"warn": 0, "refuse": 0.2}
            neighbours["totals"] = {"warn": 0.01, "refuse": 0.3, **noted}
            neighbours["unknown_to_both"] = {"warn": 0, "refuse": 0.3, **noted}
        if name == "uniformed_personnel":  # two corrections are a sixth of a month's twelve figures
            for bounds in envelope["against_neighbours"]["revised"].values():
                bounds["any"] = {"warn": 0, "refuse": 0.3}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(declared, sort_keys=False), encoding="utf-8")
    return load_catalogue(folder)


class RememberingCache(StagingCache):
    """The staging cache, with what it read kept in memory as long as its folder is the same one."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._known: dict[tuple[str, int], Staged] = {}

    def staged(self, archive: Archive, source: Source, snapshot: Snapshot) -> Staged:
        place = self._place(snapshot)
        if place.is_dir():
            key = (str(place), place.stat().st_mtime_ns)
            if key in self._known:
                archive.require_whole(snapshot)
                return self._known[key]
        staged = super().staged(archive, source, snapshot)
        self._known[str(place), place.stat().st_mtime_ns] = staged
        return staged


@dataclass(frozen=True)
class Fault:
    """What interrupts a run at its n-th operation on a file.

    kind   kill; kill-at-database (at the n-th connection to DuckDB); disk-full (no file can be opened from then on);
           pause; kill-in-file and disk-full-in-file: from then on a file that grows beyond `limit` bytes ends the
           process, or is an error
    """

    kind: str
    at: int
    limit: int = 0


@dataclass
class Run:
    """How a run ended: done, failed, busy or killed; the outcome and message of each fetch; the build that it published."""

    status: str = "done"
    fetched: dict[str, tuple[str, str]] = field(default_factory=dict)
    published: str = ""
    error: str = ""
    operations: int = 0
    holding: bool = False


class Host:
    """Runs refreshes on a data folder; the publishers, under names of their own, are reached through a proxy.

    down  the sources whose publishers can't be reached
    """

    def __init__(self, where: Paths, catalogue: dict[str, Source], proxy: Callable[[], str]) -> None:
        self.where, self.catalogue, self.proxy = where, catalogue, proxy
        self.cache, self.archive = RememberingCache(where.staged), Archive(where.raw)
        self.down: set[str] = set()
        self.run = Run()

    def refresh(self, sources: list[str], *, force: bool = False, wait_seconds: float = 0) -> Run:
        """One run of the flow: fetch, choose, stage, build, check, publish."""
        self.run = run = Run()
        try:
            with only_writer(self.where, wait_seconds):
                run.holding = True
                publish.clear_work(self.where)
                scratch = self.where.work / "run"
                scratch.mkdir()
                try:
                    for name in sources:
                        self._fetch(name)
                    self._build(scratch, force)
                finally:
                    publish.clear_work(self.where)
                    run.holding = False
        except BusyError as error:
            run.status, run.error = "busy", str(error)
        except FORESEEABLE as error:
            run.status, run.error = "failed", f"{type(error).__name__}: {error}"
        return run

    def _fetch(self, name: str) -> None:
        source = self.catalogue[name]
        os.environ["http_proxy"] = NOWHERE if name in self.down else self.proxy()
        outcome = None
        try:
            result = fetch.fetch(self.archive, self.cache, source, self.where.work)
        except Unavailable as error:
            outcome, why = "unavailable", error
        except Unreachable as error:
            outcome, why = "unreachable", error
        except Refused as error:
            outcome, why = "refused", error
        if outcome:
            result = fetch.fall_back(self.archive, source, outcome, str(why))
        self.run.fetched[name] = (result.outcome, result.message)

    def _build(self, scratch: Path, force: bool) -> None:
        require_clock(self.archive, self.catalogue, self.where.warehouse)
        snapshots = choose_snapshots(self.archive, self.catalogue)
        identity = build_id(snapshots)
        if not force and published_build_id(self.where.warehouse) == identity:
            return
        reports = [
            staging.stage_source(self.archive, self.cache, self.catalogue[name], chosen, scratch / name)
            for name, chosen in snapshots.items()
        ]
        problems = [problem for report in reports for problem in report.problems]
        if problems:
            raise SourceError(" ".join(problems))
        built = build.build_file(identity, reports, scratch / "build")
        build.check(built)
        every = [snapshot for chosen in snapshots.values() for snapshot in chosen]
        publish.publish_build(built, every, self.where, self.archive, ingest.now())
        self.run.published = identity

    def load(self, name: str, file: Path, vintage: str) -> Run:
        """Load a file by hand, as `peacekeeping load` does; the next refresh builds with it."""
        self.run = run = Run()
        dates = ingest.PublicationDates(by_hand=vintage)
        try:
            with only_writer(self.where, 0):
                ingest.ingest(
                    self.archive,
                    self.cache,
                    ingest.InputFile(self.catalogue[name], file, ingest.LOADED, file.name, dates),
                )
            run.fetched[name] = ("fetched", "")
        except Refused as error:
            run.fetched[name] = ("refused", str(error))
        except ProjectError as error:
            run.status, run.error = "failed", str(error)
        return run


def _creating_by_copy(folder: Path) -> Callable[..., None]:
    """`warehouse.load.create_empty`, from a file that is created once: it is half the time of a small build."""
    template = folder / "empty.duckdb"
    with duckdb.connect() as connection:
        load.create_empty(connection, str(template))
        connection.execute("USE memory; DETACH built")

    def create_empty(connection: duckdb.DuckDBPyConnection, file: str, _: Path) -> None:
        shutil.copyfile(template, file)
        connection.execute(f"ATTACH {quote(file)} AS built; USE built")

    return create_empty


@contextmanager
def simulated_process(virtual: Clock, folder: Path) -> Iterator[None]:
    """Within the block this process reads the virtual clock, waits for nothing, and knows no bundled snapshots."""
    empty_manifest = folder / "manifest.json"
    empty_manifest.write_text("[]", encoding="utf-8")
    claims = [claim for claim in load_claims() if claim.id == CLAIM]
    log, level = logging.getLogger("peacekeeping"), logging.getLogger("peacekeeping").level
    log.setLevel(logging.CRITICAL + 1)
    with (
        mock.patch.object(clock, "now", virtual.now),
        mock.patch.object(client.Retry, "sleep", lambda *_: None),
        mock.patch.object(bundle, "MANIFEST", empty_manifest),
        mock.patch.object(load, "create_empty", _creating_by_copy(folder)),
        mock.patch.object(judge, "load_claims", lambda _: claims),
        mock.patch.dict(os.environ, ADDRESSES),
    ):
        try:
            yield
        finally:
            log.setLevel(level)


class Operations:
    """Counts the operations on files below a folder, and lets a fault hit one of them."""

    def __init__(self, below: Path, fault: Fault, reached: Callable[[], None]) -> None:
        self.below, self.fault, self.reached = f"{below}{os.sep}", fault, reached
        self.count = 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if not flags & WRITES:
                return
        elif event in FILE_EVENTS:
            path = arguments[0]
        else:
            return
        if not isinstance(path, str | os.PathLike) or not str(path).startswith(self.below):
            return
        self.count += 1
        if self.fault.kind == "disk-full" and self.count >= self.fault.at and event in FILLING_EVENTS:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        if self.count == self.fault.at:
            self.reached()


def interrupted(
    host: Host, task: Callable[[], Run], fault: Fault, meanwhile: Callable[[bool], None] = lambda _: None
) -> Run:
    """The task in a forked process that the fault hits.

    meanwhile  called while the process is paused, with whether it holds the writer's lock
    """
    (reading, writing), (waiting, going) = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        _as_child(host, task, fault, (writing, waiting))
    os.close(writing)
    os.close(waiting)
    with os.fdopen(reading, "rb") as replies, os.fdopen(going, "wb") as go:
        first = replies.read(1)
        if first in (b"0", b"1"):
            try:
                meanwhile(first == b"1")
            finally:
                go.write(b"!")
                go.flush()
            first = replies.read(1)
        run: Run = pickle.loads(replies.read()) if first else Run("killed")  # noqa: S301
    os.waitpid(child, 0)
    return run


def _as_child(host: Host, task: Callable[[], Run], fault: Fault, pipes: tuple[int, int]) -> None:
    writing, waiting = pipes

    def reached() -> None:
        if fault.kind == "kill":
            os._exit(9)
        if fault.kind == "pause":
            os.write(writing, b"1" if host.run.holding else b"0")
            os.read(waiting, 1)
        if fault.kind.endswith("in-file"):
            resource.setrlimit(resource.RLIMIT_FSIZE, (fault.limit, resource.RLIM_INFINITY))

    try:
        operations = Operations(host.where.data, fault, reached)
        if fault.kind == "kill-at-database":
            _kill_at_connection(fault.at)
        else:
            sys.addaudithook(operations)
        if fault.kind.endswith("in-file"):
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL if fault.kind.startswith("kill") else signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        try:
            run = task()
        except Exception as error:  # what the flow does not foresee is reported to the parent
            run = Run("error", error=f"{type(error).__name__}: {error}")
        run.operations = operations.count
        os.write(writing, b"R" + pickle.dumps(run))
    finally:
        os._exit(0)


def _kill_at_connection(number: int) -> None:
    """End this process at its n-th connection to DuckDB: before each step of a build and its checks is one."""
    left, connect = iter(range(number - 1)), duckdb.connect

    def counted(*arguments: Any, **options: Any) -> duckdb.DuckDBPyConnection:
        if next(left, None) is None:
            os._exit(9)
        return connect(*arguments, **options)

    duckdb.connect = counted  # type: ignore[assignment]


def start_of(day: Any, hour: int) -> datetime:
    """An hour of a day, in UTC."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
