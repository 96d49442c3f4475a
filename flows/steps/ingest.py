"""Ingesting a file: read and stage it, compare it with the archive, archive it.

One value, `CheckedFile`, holds the file's rows and collects the problems that the checks find. A problem can refuse the
file; it is then kept apart with the reasons, unless a person has accepted the problem.
"""

from __future__ import annotations

import getpass
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

import pandas as pd

from flows.steps.history import StoredRows, stored_rows
from flows.steps.registry import comparison_of, read, stage_rows
from flows.steps.staging import control_totals_of
from flows.steps.staging_cache import StagingCache
from schemas.problems import Problem
from schemas.source import Source
from schemas.validate import ContractError, CutOffError
from sources import clock
from sources.archive import RETRIEVAL, Archive, Snapshot, sha256_of
from sources.errors import CutOff, Refused
from transforms import adjacent_periods, control_totals, envelope, neighbours
from transforms.completeness import incomplete_periods, with_estimates, with_unread_keys
from transforms.dialects import Raw
from transforms.neighbours import Comparison
from transforms.parsing import last_update
from transforms.staging import Staged

log = logging.getLogger("peacekeeping.sources")

LOADED, FETCHED = "loaded", "fetched"
MAX_MISSING_PCT = 1.0  # of a period's figures, in a file that nobody looks at before it is published
REJECTED_ROWS = "rejected_rows"


@dataclass(frozen=True)
class PublicationDates:
    """Publication dates of a file from outside its rows, the most reliable first; each an ISO day or None.

    served_on  the day on which the publisher's server sent it, by that server's clock
    """

    by_hand: str | None = None
    by_metadata: str | None = None
    last_modified: str | None = None
    served_on: str | None = None


@dataclass(frozen=True)
class InputFile:
    """A file to ingest.

    origin    `loaded` by hand or `fetched`
    url       its address, or the name of a loaded file
    accepted  the checks that a person accepts, each with the reason
    """

    source: Source
    path: Path
    origin: str
    url: str
    dates: PublicationDates = PublicationDates()
    accepted: Mapping[str, str] = field(default_factory=dict)


@dataclass
class CheckedFile:
    """A file that was read and staged, and the problems that the checks found.

    record  what the archive records of it
    stored  the archived rows that it is compared with
    """

    file: InputFile
    raw: Raw
    record: Snapshot
    staged: Staged
    stored: StoredRows
    problems: list[Problem] = field(default_factory=list)

    @cached_property
    def comparison(self) -> Comparison:
        """How the source's rows are compared."""
        return comparison_of(self.file.source)

    @cached_property
    def rows(self) -> pd.DataFrame:
        """Its rows together with an estimate of what its rejected rows would add."""
        return with_estimates(self.staged, self.stored.all_series, self.comparison)

    @cached_property
    def incomplete(self) -> pd.DataFrame:
        """What its periods lack because rows were rejected (transforms.completeness.incomplete_periods)."""
        if not self.staged.rows_rejected:
            return pd.DataFrame()
        return incomplete_periods(self.staged, self.stored.all_series, self.comparison)

    @property
    def warnings(self) -> list[str]:
        """The problems that don't refuse the file, and those that a person accepted."""
        return [problem.text for problem in self.problems if not problem.refuses or self._accepts(problem)]

    @property
    def refusals(self) -> list[Problem]:
        """The problems that refuse the file."""
        return [problem for problem in self.problems if problem.refuses and not self._accepts(problem)]

    def _accepts(self, problem: Problem) -> bool:
        return not _names(problem).isdisjoint(self.file.accepted)


@dataclass(frozen=True)
class ArchivedFile:
    """An archived file: its record, its staged rows, the warnings, and whether it is new in the archive."""

    record: Snapshot
    staged: Staged
    warnings: list[str]
    new: bool


def now() -> str:
    """The time in UTC to the second, as records have it."""
    return clock.now().isoformat(timespec="seconds")


def ingest(archive: Archive, cache: StagingCache, file: InputFile) -> ArchivedFile:
    """Check a file and archive it.

    Raises Refused with the reasons when it fails, and keeps it apart; raises CutOff when it ends too early.
    """
    try:
        checked = examine(archive, cache, file)
        require_accepted(checked)
    except (CutOff, CutOffError) as error:
        raise CutOff(str(keep_refused(archive, file, str(error)))) from error
    except (Refused, ContractError) as error:
        raise keep_refused(archive, file, str(error)) from error
    return store(archive, cache, checked)


def examine(archive: Archive, cache: StagingCache, file: InputFile) -> CheckedFile:
    """Read, stage and check a file; changes nothing.

    Raises Refused or ContractError when the bytes, the form, the publication date or all rows are wrong.
    """
    retrieved_at = now()
    raw = read(file.source, file.path)
    vintage, basis = _vintage(raw, file.dates, date.fromisoformat(retrieved_at[:10]))
    record = Snapshot(
        source=file.source.name,
        sha256=sha256_of(file.path),
        bytes=file.path.stat().st_size,
        vintage=vintage.isoformat(),
        vintage_basis=basis,
        origin=file.origin,
        url=file.url,
        retrieved_at=retrieved_at,
        dialect=raw.dialect.name,
    )
    staged = stage_rows(file.source, raw, vintage)
    checked = CheckedFile(file, raw, record, staged, stored_rows(archive, cache, file.source, record, staged))
    for check in (check_rows, check_neighbours, check_periods, check_rejected, check_control_totals):
        checked.problems += check(checked)
    checked.record = replace(record, accepted=_accepted(checked))
    return checked


def check_rows(checked: CheckedFile) -> list[Problem]:
    """Whether the number of rows, of rejected rows and the newest date are within the source's envelope."""
    staged, declared = checked.staged, checked.file.source
    return [
        *envelope.rejected_share(staged, declared),
        *envelope.newest_row(staged, declared, date.fromisoformat(checked.record.vintage)),
        *envelope.number_of_rows(staged, declared),
    ]


def check_neighbours(checked: CheckedFile) -> list[Problem]:
    """Whether rows, keys, values and totals are like those of the vintages published just before and after it."""
    rows, stored, how = checked.rows, checked.stored, checked.comparison
    problems = []
    for neighbour, later in ((stored.before, False), (stored.after, True)):
        if neighbour is not None:
            problems += neighbours.number_of_rows(rows, neighbour, how, later=later)
            problems += neighbours.revised_values(rows, neighbour, how, checked.staged.absent, later=later)
            problems += neighbours.revised_totals(rows, neighbour, how)
    problems += neighbours.missing_keys(with_unread_keys(checked.staged, how), stored.before, stored.after, how)
    problems += neighbours.unknown_to_both(rows, stored.before, stored.after, how)
    return [*problems, *neighbours.late_rows(rows, stored.before, how)]


def check_periods(checked: CheckedFile) -> list[Problem]:
    """Whether the figures of new months and years are like those of the nearest archived ones."""
    stored = checked.stored
    return adjacent_periods.against_nearest_period(checked.rows, stored.rows, checked.comparison, stored.others)


def check_rejected(checked: CheckedFile) -> list[Problem]:
    """Whether rejected rows leave a period incomplete: never in a loaded file, by less than 1 % in a fetched one."""
    staged, incomplete = checked.staged, checked.incomplete
    if not staged.rows_rejected:
        return []
    loaded = checked.file.origin == LOADED
    examples = staged.rejected.drop_duplicates("row_number").head(3)
    reasons = "; ".join(f"row {row.row_number:,}: {row.reason}" for row in examples.itertuples())
    text = f"{staged.rows_rejected:,} of {staged.rows_in:,} rows are rejected ({reasons})"
    if checked.file.source.coverage.rows_are_persons:
        return [Problem(REJECTED_ROWS, False, text)]
    if checked.comparison.period is None:
        return [Problem(REJECTED_ROWS, loaded, text)]
    share = incomplete["share_pct"].max(skipna=False)
    if pd.isna(share):
        text += f". How much {', '.join(incomplete['period'].head(3))} would lack is unknown"
        return [Problem(REJECTED_ROWS, True, text)]
    worst = incomplete.sort_values("share_pct").iloc[-1]
    whole = worst["published"] + worst["missing"]
    text += f". {worst['period']} would lack about {worst['missing']:,.0f} of {whole:,.0f} {worst['measure']}"
    return [Problem(REJECTED_ROWS, bool(loaded or share >= MAX_MISSING_PCT), f"{text} ({share:.2g} %)")]


def check_control_totals(checked: CheckedFile) -> list[Problem]:
    """Whether the sums are those that the publisher prints beside its rows, where these are bundled."""
    source = checked.file.source
    declared = [total.model_dump(exclude_none=True) for total in source.envelope.control_totals]
    if not declared:
        return []
    period = source.coverage.column
    return control_totals.against_printed(checked.rows, control_totals_of(source), declared, period)


def _names(problem: Problem) -> set[str]:
    """The names that accept a problem: its check's, and that of the check's group (`revised` of `revised.gender`)."""
    return {problem.check, problem.check.partition(".")[0]}


def _accepted(checked: CheckedFile) -> list[dict[str, str]]:
    """The accepted checks as the archive records them.

    Raises Refused for a name that no problem has: it is mistyped, or there is nothing to accept.
    """
    accepted = checked.file.accepted
    used = {name for problem in checked.problems for name in _names(problem)} & set(accepted)
    unknown = sorted(set(accepted) - used - {REJECTED_ROWS})
    if unknown:
        names = ", ".join(sorted({problem.check for problem in checked.problems if problem.refuses})) or "none"
        raise Refused(f"--accept {unknown[0]}: no check of that name refuses this file; those that do: {names}.")
    at = checked.record.retrieved_at
    return [{"check": name, "because": accepted[name], "by": getpass.getuser(), "at": at} for name in sorted(used)]


def require_accepted(checked: CheckedFile) -> None:
    """Raise Refused when a problem refuses the file, with each reason and the option that accepts it."""
    refusals = checked.refusals
    if not refusals:
        return
    text = " ".join(f"[{problem.check}] {problem.text.rstrip('.')}." for problem in refusals)
    names = list(dict.fromkeys(problem.check for problem in refusals))
    if REJECTED_ROWS in names:
        names.remove(REJECTED_ROWS)
        if checked.file.origin == LOADED:
            text += " --accept-rejected loads a file with rejected rows, and marks their periods as incomplete."
    if names:
        options = " ".join(f"--accept {name}" for name in names)
        text += f" If the publisher means it, `peacekeeping load` takes the file with {options} --because TEXT."
    raise Refused(text)


def store(archive: Archive, cache: StagingCache, checked: CheckedFile) -> ArchivedFile:
    """Archive a file that passed, and cache its staged rows.

    A file that is archived already keeps its first record, unless that has no date but the day of retrieval and the new
    one has a stated date, or its date lies in the future. Raises Refused for another stated date.
    """
    file, record = checked.file, checked.record
    known = archive.find(record.source, record.sha256)
    in_future = known is not None and known.in_future()
    if known and (in_future or file.dates.by_hand not in (None, known.vintage)):
        if not in_future and known.vintage_basis != RETRIEVAL:
            raise Refused(f"It is in the archive already, as the vintage {known.vintage} ({known.vintage_basis}).")
        archive.restate(record)
        new = True
    else:
        # Bytes of a known record that are damaged or lost are put back.
        new = archive.add(file.path, known or record) and not known
        record = known or record
    if record.vintage == checked.record.vintage:
        cache.keep(record, checked.staged)
    return ArchivedFile(record, checked.staged, checked.warnings, new)


def keep_refused(archive: Archive, file: InputFile, why: str) -> Refused:
    """Keep a refused file apart with the reason, unless it is empty; returns the exception to raise."""
    if not file.path.stat().st_size:
        return Refused(why)
    return Refused(f"{why} It is kept in {archive.refuse(file.source.name, file.path, why, file.url, now())}.")


def _vintage(raw: Raw, dates: PublicationDates, today: date) -> tuple[date, str]:
    """The publication date and its basis: the rows' own last_update, else the first known of `dates` and of the day on
    which the report says that it was made, else today.

    Where the publisher's server says a day after tomorrow, this machine's clock is behind. Where it says a day before
    today, the clock can be ahead, and that day is the day of retrieval. Raises Refused when a stated date contradicts
    the rows, the date lies in the future, or the clock is behind.
    """
    own, served_on = last_update(raw), date.fromisoformat(dates.served_on or today.isoformat())
    clock_says = f"this machine's clock says {today} (UTC): if that is wrong, set it right and try again"
    if served_on > today + timedelta(days=1):
        raise Refused(f"The publisher's server says that it is {served_on}; {clock_says}.")
    if own is not None and dates.by_hand not in (None, own.isoformat()):
        raise Refused(f"Its rows say that they were last updated on {own}, which is not the stated {dates.by_hand}.")
    candidates = (
        (own.isoformat() if own else None, "last_update of the rows"),
        (dates.by_hand, "stated"),
        (dates.by_metadata, "the publisher's metadata"),
        (raw.made_on.isoformat() if raw.made_on else None, "date of the report"),
        (dates.last_modified, "Last-Modified"),
    )
    for text, basis in candidates:
        if not text:
            continue
        vintage = date.fromisoformat(text)
        if vintage <= today + timedelta(days=1):
            return vintage, basis
        if basis in ("last_update of the rows", "stated"):
            raise Refused(f"Its publication date ({basis}), {vintage}, lies in the future; {clock_says}.")
        log.warning("%s says %s, which lies in the future, and is not used; %s.", basis, text, clock_says)
    return min(today, served_on), RETRIEVAL
