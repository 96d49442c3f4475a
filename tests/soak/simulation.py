"""Ten years of a data folder, from a seed: the deployments' schedules, publishers in trouble, interrupted hosts."""

from __future__ import annotations

import hashlib
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from soak.host import Clock, Fault, Host, Run, interrupted, simulated_process, small_catalogue, start_of
from soak.invariants import Auditor, Violation, require
from soak.publishers import GOOD, ONLY_OF, SOURCES, TROUBLES, World

from flows.steps.settings import Paths

FIRST_DAY, YEARS = date(2030, 1, 1), 10
DAYS = 365 * YEARS + 2
# How often something happens: mean days between two of a kind. New data often come twice within weeks.
DEVELOPS = {"fatalities": 1800, "uniformed_personnel": 2500, "assessed_contributions": 2800}
SOON, SOON_SHARE = 40, 0.4
TROUBLE, WRONG_CLOCK, LOAD, LOST_CACHE = 300, 2500, 1400, 2500
QUIET = 0.0015  # the share of the runs in which nothing can have changed that are run nevertheless
# What interrupts a run that has something to do, and how often.
INTERRUPTIONS = {
    "kill": 0.14, "kill-in-file": 0.06, "disk-full": 0.06, "disk-full-in-file": 0.05, "pause": 0.1,
    "kill-at-database": 0.06,
}  # fmt: skip


def _silent(_: str) -> None:
    """Log nothing."""


@dataclass
class Result:
    """What a seed went through: counts by event, the digest of its trace, and the violation if there was one."""

    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    digest: str = ""
    violation: str = ""
    step: int = 0
    trace: list[str] = field(default_factory=list)


def due(day: date) -> list[tuple[str, list[str], bool]]:
    """The deployments of prefect.yaml that run on a day: name, sources, whether a build is forced."""
    runs: list[tuple[str, list[str], bool]] = []
    if day.weekday() == 6:
        runs.append(("refresh-all", list(SOURCES), True))
    runs.append(("refresh-fatalities", ["fatalities"], False))
    if 5 <= day.day <= 20:
        runs.append(("refresh-personnel", ["uniformed_personnel"], False))
    if day.weekday() == 0:
        runs.append(("refresh-contributions", ["assessed_contributions"], False))
    return runs


class Simulation:
    """One seed in a folder of its own."""

    def __init__(self, seed: int, folder: Path, log: Callable[[str], None] = _silent) -> None:
        self.rng, self.result, self.log = random.Random(seed), Result(seed), log
        self.day, self.clock = FIRST_DAY, Clock(start_of(FIRST_DAY, 6))
        declared = folder / "declared"
        declared.mkdir()
        self.world = World(self.rng, FIRST_DAY)
        self.where = Paths(folder / "data")
        self.host = Host(self.where, small_catalogue(declared, SOURCES), lambda: self.world.server.url)
        self.auditor = Auditor(self.where, self.world.publishers)
        self.dirty = set(SOURCES)
        self.trouble_ends: dict[str, date] = {}
        self.next = {
            name: self._after(gap)
            for name, gap in {
                **DEVELOPS,
                "trouble": TROUBLE,
                "clock": WRONG_CLOCK,
                "load": LOAD,
                "cache": LOST_CACHE,
            }.items()
        }
        self.clock_right_on = FIRST_DAY
        self.operations = 200
        self.folder = folder

    def _after(self, days: float) -> date:
        return self.day + timedelta(days=1 + int(self.rng.expovariate(1 / days)))

    def run(self, days: int = DAYS) -> Result:
        """Play the days; the result has the violation if an invariant broke."""
        with simulated_process(self.clock, self.folder), self.world.server:
            try:
                self._judge(self.host.refresh(list(SOURCES)), "first refresh", list(SOURCES), None)
                for _ in range(days):
                    self._morning()
                    for deployment, sources, force in due(self.day):
                        self._deployment(deployment, sources, force)
                    self.day += timedelta(days=1)
            except Violation as violation:
                self.result.violation = str(violation)
        self.result.digest = hashlib.sha256("\n".join(self.result.trace).encode()).hexdigest()[:16]
        return self.result

    # What happens outside the runs

    def _morning(self) -> None:
        """What changes before the day's runs."""
        self.world.today = self.day
        self.clock.true = self.world.server.moment = start_of(self.day, 6)
        for source in SOURCES:
            if self.trouble_ends.get(source) == self.day:
                self._set_trouble(source, None)
            if self.next[source] <= self.day:
                self.world.develop(source)
                self.dirty.add(source)
                self._note("developed", source)
                self.next[source] = self._after(SOON if self.rng.random() < SOON_SHARE else DEVELOPS[source])
        if self.next["trouble"] <= self.day:
            self.next["trouble"] = self._after(TROUBLE)
            source = self.rng.choice(SOURCES)
            kind = self.rng.choice([kind for kind in TROUBLES if source in ONLY_OF.get(kind, SOURCES)])
            free = not self.world.publishers[source].trouble
            if free and not (kind == "future-date" and self.clock.offset > timedelta()):
                self._set_trouble(source, kind)
                self.trouble_ends[source] = self._after(12)
        if self.clock_right_on == self.day:
            self.clock.offset = timedelta()
            self.dirty |= set(SOURCES)
        if self.next["clock"] <= self.day:
            self.next["clock"], self.clock_right_on = self._after(WRONG_CLOCK), self._after(10)
            ahead = not any(publisher.trouble == "future-date" for publisher in self.world.publishers.values())
            self.clock.offset = timedelta(
                days=self.rng.choice((-4000, -400, -40, -3, *((3, 40, 400) if ahead else ())))
            )
            self.dirty |= set(SOURCES)
            self._note("clock", f"{self.clock.offset.days:+} days")
        if self.next["load"] <= self.day:
            self.next["load"] = self._after(LOAD)
            self._load()
        if self.next["cache"] <= self.day:
            self.next["cache"] = self._after(LOST_CACHE)
            shutil.rmtree(self.where.staged, ignore_errors=True)
            self._note("cache", "lost")

    def _set_trouble(self, source: str, kind: str | None) -> None:
        publisher = self.world.publishers[source]
        publisher.trouble = kind
        self.world.publish(publisher)
        (self.host.down.add if kind == "down" else self.host.down.discard)(source)
        self.dirty.add(source)
        if kind:
            self._note("trouble", f"{source} {kind}")

    def _load(self) -> None:
        """An operator loads an older state of the fatalities by hand."""
        publisher = self.world.publishers["fatalities"]
        days = [day for day in publisher.past if day < self.day]
        if not days or self.clock.offset:
            return
        day, portal = self.rng.choice(days), self.rng.random() < 0.5
        body, content = publisher.past_file(day, portal)
        file = self.folder / "loaded.csv"
        file.write_bytes(body)
        self.auditor.loaded.add(content)
        run = self.host.load("fatalities", file, day.isoformat())
        require(run.status == "done", f"a load failed: {run.error}")
        self._note("load", f"fatalities of {day} {run.fetched['fatalities'][0]}")
        self.log(f"    {run.fetched['fatalities'][1]}")
        self.auditor.check(self.clock.now(), self.rng)
        self.dirty.add("fatalities")

    # Runs

    def _deployment(self, name: str, sources: list[str], force: bool) -> None:
        """A scheduled run, if something can have changed since the last one; of the others a few."""
        self.result.counts["scheduled"] += 1
        changed = bool(self.dirty & set(sources)) and not force
        if not changed and self.rng.random() >= QUIET:
            return
        draw, fault = self.rng.random(), None
        for kind, share in INTERRUPTIONS.items():
            if changed and 0 <= draw < share:
                most = 7 if kind == "kill-at-database" else self.rng.choice((40, 100, self.operations))
                place = self.rng.randint(1, most)
                fault = Fault(kind, place, self.rng.choice((0, 100, 2_000, 200_000)))
            draw -= share

        def task() -> Run:
            return self.host.refresh(sources, force=force)

        if fault is None:
            run = task()
        else:
            run = interrupted(self.host, task, fault, self._other_host)
            self.operations = max(self.operations, run.operations) if run.status != "killed" else self.operations
        self._judge(run, name, sources, fault)

    def _other_host(self, holding: bool) -> None:
        """While a run is paused, another host starts one, and readers read."""
        if not holding:
            return
        with self.clock.right():
            self.auditor.check_verify(warehouse=True)
        run = self.host.refresh(["fatalities"])
        require(run.status == "busy", f"two hosts wrote at once: the second one's run is {run.status}")
        self.host.run = Run()

    def _judge(self, run: Run, name: str, sources: list[str], fault: Fault | None) -> None:
        """Record a run, and check what it says and what it left."""
        how = f"{fault.kind}@{fault.at}" if fault else ""
        how += f"+{fault.limit}" if fault and fault.kind.endswith("in-file") else ""
        fetched = " ".join(f"{source}={outcome}" for source, (outcome, _) in run.fetched.items())
        self._note("run", f"{name} {how} {run.status} {fetched} {run.published}".strip())
        self.result.counts[run.status] += 1
        self.result.counts["builds"] += bool(run.published)
        if fault:
            self.result.counts[fault.kind] += 1
        if run.error:
            self.log(f"    {run.error}")
        for source, (outcome, message) in run.fetched.items():
            if outcome != "unchanged":
                self.log(f"    {source}: {outcome}: {message[:300]}")
        if fault is None or fault.kind == "pause":
            behind = self.clock.offset < timedelta() and "clock" in run.error
            require(run.status == "done" or behind, f"a run without a fault {run.status}: {run.error}")
        require(run.status != "error", f"an unforeseen error: {run.error}")
        self._judge_fetches(run)
        with self.clock.right():
            self.auditor.check(self.clock.now(), self.rng)
            self._require_current(run)
        if run.status == "done":
            require(not any(self.where.work.iterdir()), "a run left scratch files")
            self.dirty -= set(sources)

    def _require_current(self, run: Run) -> None:
        """What a publisher without trouble publishes is the newest state, after a run that fetched it."""
        for source, (outcome, _) in run.fetched.items():
            publisher = self.world.publishers[source]
            if outcome in GOOD.outcomes and publisher.trouble is None:
                self.auditor.require_current(source, publisher.content(), self.day)

    def _judge_fetches(self, run: Run) -> None:
        """Each fetch ended as the publisher's state and the clock allow."""
        for source, (outcome, message) in run.fetched.items():
            trouble = self.world.publishers[source].trouble
            expected = TROUBLES[trouble] if trouble else GOOD
            allowed = expected.outcomes
            if self.clock.offset < timedelta() and "fetched" in allowed:
                allowed = (*allowed, "refused")
            require(outcome in allowed, f"{source} in trouble {trouble} is {outcome}: {message}")
            if expected.kept and outcome == "refused" and run.status == "done":
                self.auditor.require_kept(source, self.clock.now().isoformat(timespec="seconds"))

    def _note(self, kind: str, text: str) -> None:
        """Add an event to the trace and the counts."""
        self.result.step += kind == "run"
        if kind != "run":
            self.result.counts[kind] += 1
        line = f"{self.result.step:4} {self.day} {kind}: {text}"
        self.result.trace.append(line)
        self.log(line)


def play(seed: int, log: Callable[[str], None] = _silent, days: int = DAYS) -> Result:
    """Ten years of a seed, or its first days."""
    with tempfile.TemporaryDirectory(prefix=f"soak-{seed}-") as folder:
        return Simulation(seed, Path(folder), log).run(days)
