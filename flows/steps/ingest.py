"""Ingesting a file: bytes → form → date → rows → neighbours → periods → rejected rows → control totals → archive.

One value, `Candidate`, goes through the checks in this order; each takes it and returns it with the problems that it
found. A file whose problems refuse it is kept apart with the reasons, unless a person has accepted them.
"""

from __future__ import annotations

import getpass
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pandas as pd

from flows.steps.history import Held, held_beside
from flows.steps.registry import comparison_of, read, stage_rows
from flows.steps.staging import control_totals_of
from flows.steps.staging_cache import StagingCache
from schemas.problems import Problem
from schemas.source import Source
from schemas.validate import ContractError, CutOffError
from sources.archive import Archive, Snapshot, sha256_of
from sources.errors import CutOff, Refused
from transforms import adjacent_periods, control_totals, envelope, neighbours
from transforms.completeness import incomplete_periods, with_estimates, with_unread_keys
from transforms.dialects import Raw
from transforms.parsing import last_update
from transforms.staging import Staged

log = logging.getLogger("peacekeeping.sources")

Part = TypeVar("Part")

LOADED, FETCHED = "loaded", "fetched"
MAX_MISSING_PCT = 1.0  # of a period, where nobody looks at the file before it is published
REJECTED_ROWS = "rejected_rows"


@dataclass(frozen=True)
class Stated:
    """What is known of a file's publication besides its rows, the most reliable first; each an ISO day or None."""

    by_hand: str | None = None
    by_metadata: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True)
class Offered:
    """A file that may be stored: of which source, how it came (loaded or fetched) and from where, what is stated of its
    publication, and the checks that a person lets it pass, each with the reason."""

    source: Source
    file: Path
    origin: str
    url: str
    stated: Stated = Stated()
    accepted: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidate:
    """A file between the checks; what a check adds is missing before it.

    record      what the archive will say of it
    held        the vintages published before and after it
    compared    its rows together with what its rejected rows would add (transforms.completeness.with_estimates)
    incomplete  what its periods lack because rows were rejected (transforms.completeness.incomplete_periods)
    problems    what the checks found so far
    """

    offered: Offered
    at: str
    raw: Raw | None = None
    record: Snapshot | None = None
    staged: Staged | None = None
    held: Held | None = None
    compared: pd.DataFrame | None = None
    incomplete: pd.DataFrame = field(default_factory=pd.DataFrame)
    problems: tuple[Problem, ...] = ()

    @property
    def used(self) -> set[str]:
        """The names by which a person accepts a problem that was found."""
        names = {name for problem in self.problems for name in (problem.check, problem.check.partition(".")[0])}
        return names & set(self.offered.accepted)

    @property
    def warnings(self) -> list[str]:
        """What wants a look, and what a person has accepted."""
        return [problem.text for problem in self.problems if not problem.refuses or self._accepts(problem)]

    @property
    def refusals(self) -> list[Problem]:
        """The problems that keep it out."""
        return [problem for problem in self.problems if problem.refuses and not self._accepts(problem)]

    def _accepts(self, problem: Problem) -> bool:
        return bool({problem.check, problem.check.partition(".")[0]} & set(self.offered.accepted))

    def found(self, problems: list[Problem]) -> Candidate:
        """The candidate with more problems."""
        return replace(self, problems=(*self.problems, *problems))


@dataclass(frozen=True)
class Ingested:
    """A file that is in the archive: its record, its staged rows, what wants a look, and whether it is new there."""

    record: Snapshot
    staged: Staged
    warnings: list[str]
    new: bool


def now() -> str:
    """The time in UTC, to the second, as records have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def read_form(candidate: Candidate) -> Candidate:
    """The bytes are those of a file of the source, and the columns those of one of its forms."""
    return replace(candidate, raw=read(candidate.offered.source, candidate.offered.file))


def date_it(candidate: Candidate) -> Candidate:
    """The publication date can be told, and does not contradict the rows."""
    offered, raw = candidate.offered, there(candidate.raw)
    vintage, basis = _vintage(raw, offered.stated, date.fromisoformat(candidate.at[:10]))
    record = Snapshot(
        source=offered.source.name,
        sha256=sha256_of(offered.file),
        bytes=offered.file.stat().st_size,
        vintage=vintage.isoformat(),
        vintage_basis=basis,
        origin=offered.origin,
        url=offered.url,
        retrieved_at=candidate.at,
        dialect=raw.dialect.name,
    )
    return replace(candidate, record=record)


def stage_it(candidate: Candidate) -> Candidate:
    """The rows are what the source promises; those that are not are set aside with their reasons."""
    vintage = date.fromisoformat(there(candidate.record).vintage)
    return replace(candidate, staged=stage_rows(candidate.offered.source, there(candidate.raw), vintage))


def check_rows(candidate: Candidate) -> Candidate:
    """The number of rows, of rejected rows and the newest date are within the source's envelope."""
    staged, declared = there(candidate.staged), candidate.offered.source
    vintage = date.fromisoformat(there(candidate.record).vintage)
    return candidate.found(
        [
            *envelope.rejected_share(staged, declared),
            *envelope.newest_row(staged, declared, vintage),
            *envelope.number_of_rows(staged, declared),
        ]
    )


def check_neighbours(candidate: Candidate) -> Candidate:
    """Rows, keys, values and totals are like those of the vintages published just before and after it."""
    staged, held, how = there(candidate.staged), there(candidate.held), comparison_of(candidate.offered.source)
    rows, told = there(candidate.compared), []
    for neighbour, later in ((held.before, False), (held.after, True)):
        if neighbour is not None:
            told += neighbours.number_of_rows(rows, neighbour, how, later=later)
            told += neighbours.revised_values(rows, neighbour, how, staged.absent, later=later)
            told += neighbours.revised_totals(rows, neighbour, how)
    told += neighbours.missing_keys(with_unread_keys(staged, how), held.before, held.after, how)
    told += neighbours.unknown_to_both(rows, held.before, held.after, how)
    return candidate.found([*told, *neighbours.late_rows(rows, held.before, how)])


def check_periods(candidate: Candidate) -> Candidate:
    """The figures of months and years that are new are like those of the nearest ones that are held."""
    rows, held, how = there(candidate.compared), there(candidate.held), comparison_of(candidate.offered.source)
    return candidate.found(adjacent_periods.against_nearest_period(rows, held.rows, how, held.others))


def check_rejected(candidate: Candidate) -> Candidate:
    """No period lacks much because of rejected rows; loaded by hand, none lacks anything."""
    staged, source = there(candidate.staged), candidate.offered.source
    if not staged.rows_rejected:
        return candidate
    incomplete = incomplete_periods(staged, there(candidate.held).every, comparison_of(source))
    problem = _of_rejected(candidate, incomplete)
    return replace(candidate, incomplete=incomplete).found([problem])


def check_control_totals(candidate: Candidate) -> Candidate:
    """The sums are those that the publisher prints beside its rows, where these are held."""
    source, rows = candidate.offered.source, there(candidate.compared)
    declared = [total.model_dump(exclude_none=True) for total in source.envelope.control_totals]
    if not declared:
        return candidate
    period = source.coverage.column
    return candidate.found(control_totals.against_printed(rows, control_totals_of(source), declared, period))


Check = Callable[[Candidate], Candidate]
BEFORE_NEIGHBOURS: tuple[Check, ...] = (read_form, date_it, stage_it, check_rows)
WITH_NEIGHBOURS: tuple[Check, ...] = (check_neighbours, check_periods, check_rejected, check_control_totals)


def examine(archive: Archive, cache: StagingCache, offered: Offered) -> Candidate:
    """Put a file through all checks; changes nothing.

    Raises Refused or ContractError when a check can't go on: the bytes, the form or all rows are not the source's.
    """
    candidate = Candidate(offered, now())
    for check in BEFORE_NEIGHBOURS:
        candidate = check(candidate)
    held = held_beside(archive, cache, offered.source, there(candidate.record), there(candidate.staged))
    compared = with_estimates(there(candidate.staged), held.every, comparison_of(offered.source))
    candidate = replace(candidate, held=held, compared=compared)
    for check in WITH_NEIGHBOURS:
        candidate = check(candidate)
    return _with_accepted(candidate)


def _with_accepted(candidate: Candidate) -> Candidate:
    """The candidate with the checks that a person let it pass in its record. Raises Refused for a name that no problem
    has: it is mistyped, or nothing is to be accepted."""
    accepted = candidate.offered.accepted
    unknown = sorted(set(accepted) - candidate.used - {REJECTED_ROWS})
    if unknown:
        names = ", ".join(sorted({problem.check for problem in candidate.problems if problem.refuses})) or "none"
        raise Refused(f"--accept {unknown[0]}: no check of that name refuses this file; those that do: {names}.")
    used = [
        {"check": name, "because": accepted[name], "by": getpass.getuser(), "at": candidate.at}
        for name in sorted(candidate.used)
    ]
    return replace(candidate, record=replace(there(candidate.record), accepted=used))


def require_passed(candidate: Candidate) -> None:
    """Raise Refused, with each reason and the name by which it can be accepted, when a problem keeps the file out."""
    refusals = candidate.refusals
    if refusals:
        told = " ".join(f"[{problem.check}] {problem.text.rstrip('.')}." for problem in refusals)
        names = [name for name in dict.fromkeys(problem.check for problem in refusals) if name != REJECTED_ROWS]
        if REJECTED_ROWS in {problem.check for problem in refusals} and candidate.offered.origin == LOADED:
            told += " --accept-rejected loads a file with rejected rows, and marks their periods as incomplete."
        if names:
            options = " ".join(f"--accept {name}" for name in names)
            told += f" If the publisher means it, `peacekeeping load` takes the file with {options} --because TEXT."
        raise Refused(told)


def ingest(archive: Archive, cache: StagingCache, offered: Offered) -> Ingested:
    """Check a file and put it into the archive; what was staged to check it is kept in the cache.

    Raises Refused with the reasons when it fails; the file is kept apart. Raises CutOff when it ends too early.
    """
    try:
        candidate = examine(archive, cache, offered)
        require_passed(candidate)
    except (CutOff, CutOffError) as error:
        raise CutOff(str(refused(archive, offered, str(error)))) from error
    except (Refused, ContractError) as error:
        raise refused(archive, offered, str(error)) from error
    return store(archive, cache, candidate)


def store(archive: Archive, cache: StagingCache, candidate: Candidate) -> Ingested:
    """Put a file that passed into the archive; one that is there already keeps its first record, unless the new one
    states a date where that one has the day it came, or that one's date lies in the future."""
    offered, record, staged = candidate.offered, there(candidate.record), there(candidate.staged)
    known = archive.find(record.source, record.sha256)
    by_hand = offered.stated.by_hand
    in_future = known is not None and known.in_future()
    if known and (in_future or (by_hand and by_hand != known.vintage)):
        if not in_future and known.vintage_basis != "day of retrieval":
            raise Refused(f"It is in the archive already, as the vintage {known.vintage} ({known.vintage_basis}).")
        archive.restate(record)
        new = True
    else:
        # What is known already but damaged or lost on the disk is put back under its own record.
        new = archive.add(offered.file, known or record) and not known
        record = known or record
    if record.vintage == there(candidate.record).vintage:
        cache.keep(record, staged)
    return Ingested(record, staged, candidate.warnings, new)


def refused(archive: Archive, offered: Offered, why: str) -> Refused:
    """The refusal of a file, which is kept apart (but for an empty one)."""
    size = offered.file.stat().st_size
    kept = archive.refuse(offered.source.name, offered.file, why, offered.url, now()) if size else None
    return Refused(why + (f" It is kept in {kept}." if kept else ""))


def _of_rejected(candidate: Candidate, incomplete: pd.DataFrame) -> Problem:
    """The problem that rejected rows are: named with the part of the figures that they would have held."""
    staged, source = there(candidate.staged), candidate.offered.source
    first = staged.rejected.drop_duplicates("row_number").head(3)
    shown = "; ".join(f"row {row.row_number:,}: {row.reason}" for row in first.itertuples())
    told = f"{staged.rows_rejected:,} of {staged.rows_in:,} rows are rejected ({shown})"
    if source.coverage.rows_are_persons:
        return Problem(REJECTED_ROWS, False, told)
    if comparison_of(source).period is None:
        return Problem(REJECTED_ROWS, candidate.offered.origin == LOADED, told)
    share = incomplete["share_pct"].max(skipna=False)
    worst = incomplete.sort_values("share_pct", na_position="first").iloc[-1]
    if pd.isna(share):
        told += f". How much {', '.join(incomplete['period'].head(3))} would lack can't be told"
    else:
        whole = worst["published"] + worst["missing"]
        told += f". {worst['period']} would lack about {worst['missing']:,.0f} of {whole:,.0f} {worst['measure']}"
        told += f" ({share:.2g} %)"
    by_hand = candidate.offered.origin == LOADED
    return Problem(REJECTED_ROWS, bool(by_hand or pd.isna(share) or share >= MAX_MISSING_PCT), told)


def _vintage(raw: Raw, stated: Stated, today: date) -> tuple[date, str]:
    """The publication date and what it rests on: the rows' own last_update before anything said about the file.

    Raises Refused when what is said contradicts the rows, or the date lies in the future.
    """
    own = last_update(raw)
    if own is not None and stated.by_hand not in (None, own.isoformat()):
        raise Refused(f"Its rows say that they were last updated on {own}, which is not the stated {stated.by_hand}.")
    candidates = (
        (own.isoformat() if own else None, "last_update of the rows"),
        (stated.by_hand, "stated"),
        (stated.by_metadata, "the publisher's metadata"),
        (stated.last_modified, "Last-Modified"),
        (today.isoformat(), "day of retrieval"),
    )
    for text, basis in candidates:
        if not text:
            continue
        vintage = date.fromisoformat(text)
        if vintage <= today + timedelta(days=1):
            return vintage, basis
        behind = f"this machine's clock says {today} (UTC): if that is wrong, set it right and try again"
        if basis in ("last_update of the rows", "stated"):
            raise Refused(f"Its publication date ({basis}), {vintage}, lies in the future; {behind}.")
        log.warning("%s says %s, which lies in the future, and is not used; %s.", basis, text, behind)
    raise AssertionError("today lies in the future")


def there(value: Part | None) -> Part:
    """A part of the candidate that an earlier check has added."""
    if value is None:
        raise AssertionError("the checks run in another order")
    return value
