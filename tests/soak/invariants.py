"""What must hold after every step of the simulation, worked out from the archive's files without the pipeline's code."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
from soak.publishers import SOURCES, Content, Publisher
from soak.reading import decoded

from flows.cli import verify
from flows.steps.settings import Paths
from schemas.errors import ProjectError
from warehouse.checks import all_checks

CASUALTY = (
    "casualty_id, strftime(incident_date, '%Y-%m-%d'), mission, nationality_iso3, personnel_type, incident_type, gender"
)
TABLES = {
    "fatalities": f"SELECT {CASUALTY} FROM main.fatalities",
    "uniformed_personnel": "SELECT strftime(month_end, '%Y-%m-%d'), mission, contributor_iso3, personnel_type, female, male "
    "FROM main.uniformed_personnel",
    "assessed_contributions": "SELECT year(period_end), contributor_iso3, amount_usd::BIGINT FROM main.assessed_contributions",
}


class Violation(AssertionError):
    """An invariant does not hold; the message says which and what was found."""


def require(holds: bool, what: str) -> None:
    """Raise Violation unless it holds."""
    if not holds:
        raise Violation(what)


@dataclass(frozen=True)
class Archived:
    """A snapshot as its files in the archive say."""

    vintage: str
    retrieved_at: str
    sha256: str
    content: Content

    def order(self) -> tuple[str, str, str]:
        return (self.vintage, self.retrieved_at, self.sha256)


@dataclass
class Auditor:
    """Checks a data folder after each step, and remembers what it saw."""

    where: Paths
    publishers: dict[str, Publisher]
    records: dict[tuple[str, str], str] = field(default_factory=dict)
    contents: dict[tuple[str, str], Content] = field(default_factory=dict)
    refused: set[Path] = field(default_factory=set)
    published: tuple[int, int] | None = None
    earlier: set[int] = field(default_factory=set)
    answers: dict[tuple[str, str], str] = field(default_factory=dict)
    loaded: set[Content] = field(default_factory=set)

    def check(self, now: datetime, rng: random.Random) -> None:
        """Every invariant of the data folder, at a time by a clock that is right."""
        try:
            self._check_archive(now)
            self._check_refused()
            changed = self._check_published(now, rng)
            self.check_verify(warehouse=changed)
        except (OSError, ValueError, KeyError, ProjectError) as error:
            raise Violation(f"the data folder can't be read: {error!r}") from error

    def snapshots(self, source: str, by: str) -> list[Archived]:
        """A source's snapshots in publication order, with vintages up to a day."""
        snapshots = []
        for (name, sha256), text in self.records.items():
            record = json.loads(text)
            if name == source and record["vintage"] <= by:
                snapshots.append(
                    Archived(record["vintage"], record["retrieved_at"], sha256, self.contents[name, sha256])
                )
        return sorted(snapshots, key=Archived.order)

    def _check_archive(self, now: datetime) -> None:
        """Nothing is lost or changed, and what is new is what a publisher meant to publish."""
        latest = (now.date() + timedelta(days=1)).isoformat()
        seen = {}
        for source in SOURCES:
            for file in sorted((self.where.raw / source).glob("*.json")):
                if file.name != "last_checked.json":
                    seen[source, file.stem] = file.read_text(encoding="utf-8")
        require(self.records.keys() <= seen.keys(), f"snapshots are gone: {sorted(self.records.keys() - seen.keys())}")
        for (source, sha256), text in seen.items():
            old = self.records.get((source, sha256))
            if old == text:
                continue
            record = json.loads(text)
            if old is not None:
                was = json.loads(old)["vintage"]
                require(was > latest, f"the record of {source} {sha256[:12]} changed: {was} to {record['vintage']}")
            require(record["vintage"] <= latest, f"{source} {sha256[:12]} has the future vintage {record['vintage']}")
            body = (self.where.raw / source / sha256).read_bytes()
            require(hashlib.sha256(body).hexdigest() == sha256, f"{source} {sha256[:12]} has other bytes")
            try:
                content = decoded(source, body)
            except (KeyError, ValueError, TypeError) as error:
                raise Violation(f"a reply of an unknown form was accepted: {source} ({error!r})") from error
            good = content in self.publishers[source].good or content in self.loaded
            require(good, f"a bad reply of {source} with {len(content)} rows was accepted as {record['vintage']}")
            self.contents[source, sha256] = content
        self.records = seen

    def require_current(self, source: str, content: Content, day: date) -> None:
        """The archive's newest state has these rows."""
        newest = current(source, self.snapshots(source, (day + timedelta(days=1)).isoformat()))
        states = {row[0]: row for row in newest} if source == "fatalities" else {}
        older = [
            row
            for row in content
            if row not in newest and not (row[-1] == "?" and states.get(row[0], "")[:-1] == row[:-1])
        ]
        require(not older, f"the newest state of {source} is shadowed by an older one: {sorted(older)[:2]}")

    def _check_refused(self) -> None:
        """Refused replies stay, each under its hash and with its reason."""
        kept = set()
        for source in SOURCES:
            for file in (self.where.raw / "refused" / source).glob("*"):
                if file.suffix == ".json" or file.name.startswith(".new-"):
                    continue
                kept.add(file)
                require(hashlib.sha256(file.read_bytes()).hexdigest() == file.name, f"{file.name} has other bytes")
        require(self.refused <= kept, f"refused replies are gone: {sorted(self.refused - kept)}")
        self.refused = {file for file in kept if file.with_name(f"{file.name}.json").exists()}

    def require_kept(self, source: str, at: str) -> None:
        """A reply was refused in a run: it is kept with the reason."""
        notes = [
            json.loads(file.read_text(encoding="utf-8"))
            for file in (self.where.raw / "refused" / source).glob("*.json")
        ]
        require(
            any(note["at"] == at and note["why"] for note in notes),
            f"the refused reply of {source} at {at} is not kept",
        )

    def _check_published(self, now: datetime, rng: random.Random) -> bool:
        """The published file is complete, is made of the archive, and answers for the past as before.

        Returns whether it is another file than in the step before.
        """
        file = self.where.warehouse
        if self.published is None and not file.exists():
            return False
        require(file.exists(), "the published file is gone")
        require(not file.with_name(f"{file.name}.wal").exists(), "a write-ahead log lies beside the published file")
        stat = file.stat()
        if (stat.st_ino, stat.st_mtime_ns) == self.published:
            return False
        self._check_previous(stat.st_ino)
        self.published = (stat.st_ino, stat.st_mtime_ns)
        latest = (now.date() + timedelta(days=1)).isoformat()
        try:
            with duckdb.connect(str(file), read_only=True) as connection:
                self._check_build(connection, latest)
                for source, sql in TABLES.items():
                    self._check_table(source, connection.execute(sql).fetchall(), latest)
                self._check_as_of(connection, now.date(), rng)
        except duckdb.Error as error:
            raise Violation(f"the published file can't be read: {error}") from error
        return True

    def _check_previous(self, current: int) -> None:
        previous = self.where.warehouse.with_name("peacekeeping.previous.duckdb")
        if self.published:
            self.earlier.add(self.published[0])
            require(previous.exists(), "the build before is gone")
            require(previous.stat().st_ino == self.published[0], "the previous file is not the build before")
        require(current not in self.earlier, "an earlier build is published again")

    def _check_build(self, connection: duckdb.DuckDBPyConnection, latest: str) -> None:
        """Its checks ran and passed, its claims were judged, and it is made of the archive's snapshots."""
        names = [name for (name,) in connection.execute("SELECT name FROM meta.checks").fetchall()]
        require(sorted(names) == sorted(check.name for check in all_checks()), f"{len(names)} checks ran")
        failed = connection.execute("SELECT name FROM meta.checks WHERE NOT passed AND severity = 'error'").fetchall()
        require(not failed, f"a build is published whose checks failed: {failed}")
        (claims,) = connection.execute("SELECT count(*) FROM meta.claims").fetchall()[0]
        require(claims > 0, "a build is published whose claims were not judged")
        (identity,) = connection.execute("SELECT build_id FROM meta.builds").fetchall()[0]
        made = {(s, h, str(v)) for s, h, v in connection.execute(
            "SELECT source, sha256, vintage::DATE::VARCHAR FROM meta.snapshots WHERE origin <> 'register'").fetchall()}  # fmt: skip
        held = {(source, one.sha256, one.vintage) for source in SOURCES for one in self.snapshots(source, latest)}
        require(
            made == held,
            f"the build is made of {len(made)} snapshots, the archive has {len(held)}: {sorted(made ^ held)[:3]}",
        )
        record = json.loads((self.where.raw / "builds" / f"{identity}.json").read_text(encoding="utf-8"))
        named = {(one["source"], one["sha256"]) for one in record["snapshots"]}
        require(named == {(source, sha256) for source, sha256, _ in made}, "the build's record names other snapshots")

    def _check_table(self, source: str, rows: list[Any], latest: str) -> None:
        """A table of facts has the newest published state of each casualty, month and year, and every one of them."""
        expected = current(source, self.snapshots(source, latest))
        published = set(rows)
        require(len(published) == len(rows), f"{source} has rows twice")
        if source == "fatalities":
            ids = {row[0] for row in expected}
            lost = sorted(ids - {row[0] for row in published})
            require(not lost, f"{len(lost)} casualties are lost: {lost[:3]}")
        differ = sorted(map(repr, published ^ set(expected)))
        require(not differ, f"{source} is not the newest published state: {differ[:4]}")

    def _check_as_of(self, connection: duckdb.DuckDBPyConnection, today: date, rng: random.Random) -> None:
        """The answer as of a past day is what had been published by then, and is the same in each build."""
        snapshots = self.snapshots("fatalities", today.isoformat())
        if not snapshots:
            return
        first = date.fromisoformat(snapshots[0].vintage)
        days = [first + timedelta(days=rng.randint(0, max(0, (today - first).days))) for _ in range(2)]
        for day in {*(day.isoformat() for day in days), *(day for day, _ in sorted(self.answers)[:1])}:
            published = self.snapshots("fatalities", day)
            if not published:
                continue
            rows = connection.execute(f"SELECT {CASUALTY} FROM marts.fatalities_as_of(?)", [day]).fetchall()
            differ = sorted(map(repr, set(rows) ^ set(current("fatalities", published))))
            require(not differ, f"as of {day} the answer is not what had been published: {differ[:4]}")
            known = (day, hashlib.sha256("".join(one.sha256 for one in published).encode()).hexdigest())
            answer = hashlib.sha256(repr(sorted(rows, key=repr)).encode()).hexdigest()
            require(self.answers.setdefault(known, answer) == answer, f"the answer as of {day} changed")

    def check_verify(self, *, warehouse: bool) -> None:
        """What `peacekeeping verify` checks: nothing is damaged. The warehouse is read where it can have changed."""
        if not self.where.warehouse.exists():
            return
        with nullcontext() if warehouse else mock.patch.object(verify, "_verify_warehouse"):
            damages = verify.verify_folder(self.where).damages
        require(not damages, f"verify: {damages[:2]}")


def current(source: str, snapshots: Iterable[Archived]) -> set[tuple[Any, ...]]:
    """The rows of the newest published state, from snapshots in publication order."""
    if source == "fatalities":
        state: dict[str, tuple[Any, ...]] = {}
        for snapshot in snapshots:
            for row in snapshot.content:
                known = state.get(row[0], (None,))[-1]
                state[row[0]] = (*row[:-1], known) if row[-1] == "?" else row
        return set(state.values())
    periods: dict[Any, list[tuple[Any, ...]]] = {}
    for snapshot in snapshots:
        fresh: dict[Any, list[tuple[Any, ...]]] = {}
        for row in snapshot.content:
            fresh.setdefault(row[0], []).append(row)
        periods |= fresh
    return {row for rows in periods.values() for row in rows}
