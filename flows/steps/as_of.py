"""Days on the command line, the snapshots published by a day, and earlier builds.

Quick commands import this module: it needs neither pandas nor Prefect.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

from flows.steps.settings import Paths
from schemas.errors import ProjectError, UsageError
from schemas.source import Source
from sources import bundle, clock
from sources.archive import RETRIEVAL, Archive, Snapshot
from sources.catalogue import source_names
from sources.errors import ArchiveError, SourceError, UnknownBuild
from warehouse.query import Answer, QueryError, connect

SHORTEST_ID = 4  # letters of a build id that name it


class WrongDate(UsageError):
    """The text is no day, or one in the future."""


class NotBuilt(ProjectError):
    """There is no warehouse as of that day; the message says what to do."""


def parse_day(text: str, option: str) -> date:
    """A day YYYY-MM-DD, or a month YYYY-MM, which means its last day (today in this month).

    Raises WrongDate, which names the option, also for a day in the future.
    """
    today = datetime.now(UTC).date()
    day = None
    try:
        if re.fullmatch(r"\d{4}-\d{2}", text):
            year, month = int(text[:4]), int(text[5:])
            day = date(year, month, calendar.monthrange(year, month)[1])
            day = today if (year, month) == (today.year, today.month) else day
        else:
            day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except (ValueError, calendar.IllegalMonthError):
        pass
    if day is None or day > today:
        raise WrongDate(f"{option} takes a day that is not in the future, YYYY-MM-DD or YYYY-MM; got {text!r}.")
    return day


def period_ends(first: date, last: date, every: Literal["month", "year"]) -> list[date]:
    """The last days of the months or years that lie from `first` to `last`, both included."""
    ends = [
        date(year, month, calendar.monthrange(year, month)[1])
        for year in range(first.year, last.year + 1)
        for month in (range(1, 13) if every == "month" else (12,))
    ]
    return [end for end in ends if first <= end <= last]


def warehouse_as_of(paths: Paths, as_of: str | None) -> tuple[date | None, Path]:
    """The day that --as-of names and the warehouse as of it; without --as-of the published warehouse.

    Raises WrongDate, or NotBuilt where there is no such warehouse.
    """
    day = None if as_of is None else parse_day(as_of, "--as-of")
    file = paths.target(day)
    if day is not None and not file.exists():
        first = _first_vintage(paths)
        if first is not None and day < first:
            raise NotBuilt(_nothing_published_by(day, first.isoformat()))
        raise NotBuilt(f"There is no warehouse as of {as_of} yet. Run `peacekeeping refresh --as-of {as_of}` first.")
    return day, file


def _first_vintage(paths: Paths) -> date | None:
    """The first vintage of the archive and the bundled snapshots; None where the archive can't be read."""
    try:
        archive = Archive(paths.raw)
        vintages = [snapshot.vintage for name in source_names() for snapshot in archive.snapshots(name)]
    except SourceError:  # a refresh reports the damage
        return None
    vintages += [str(entry["vintage"]) for entry in bundle.manifest()]
    return date.fromisoformat(min(vintages))


def _nothing_published_by(day: date, first: str) -> str:
    return f"No snapshot in the archive had been published by {day}; the first is of {first}."


def choose_snapshots(
    archive: Archive, catalogue: Mapping[str, Source], as_of: date | None = None
) -> dict[str, list[Snapshot]]:
    """The snapshots of each source in publication order, without vintages in the future; with `as_of`, those published
    by that day.

    An optional source may have none. Raises ArchiveError when the archive has none of another, or none of that day.
    """
    every = {name: [s for s in archive.snapshots(name) if not s.in_future()] for name in catalogue}
    if as_of is None:
        missing = [name for name, snapshots in every.items() if not snapshots and not catalogue[name].optional]
        if missing:
            raise ArchiveError(f"The archive has no snapshot of {', '.join(missing)}.")
        return every
    chosen = {name: [s for s in snapshots if s.vintage <= as_of.isoformat()] for name, snapshots in every.items()}
    if not any(chosen.values()):
        first = min((snapshot.vintage for snapshots in every.values() for snapshot in snapshots), default="none")
        raise ArchiveError(_nothing_published_by(as_of, first))
    return chosen


def future_vintages(archive: Archive, catalogue: Mapping[str, Source]) -> list[str]:
    """A warning for each snapshot whose vintage lies in the future."""
    return [
        f"{name}: the snapshot {snapshot.sha256[:12]}… has the vintage {snapshot.vintage}, which lies in the future; "
        "it is left out. Load it again with --vintage DATE, or set this machine's clock right."
        for name in catalogue
        for snapshot in archive.snapshots(name)
        if snapshot.in_future()
    ]


def require_clock(archive: Archive, catalogue: Mapping[str, Source], published: Path) -> None:
    """Raise ArchiveError where the clock is behind: the published build has a snapshot whose date lies in the future.

    A build without it would put older figures in place of newer ones. A date of retrieval is no such proof: the clock
    can have been ahead on that day.
    """
    future = {
        (name, snapshot.sha256): snapshot.vintage
        for name in catalogue
        for snapshot in archive.snapshots(name)
        if snapshot.in_future() and snapshot.vintage_basis != RETRIEVAL
    }
    record = archive.build(published_build_id(published) or "none") if future else None
    for entry in (record or {}).get("snapshots", []):
        vintage = future.get((entry["source"], entry["sha256"]))
        if vintage:
            raise ArchiveError(
                f"This machine's clock says {clock.now():%Y-%m-%d} (UTC), but the published warehouse has the "
                f"{entry['source']} of {vintage}. Set the clock right. Nothing was built."
            )


def published_build_id(file: Path) -> str | None:
    """The id of the build in a warehouse file; None without a file, or with one that is not a readable warehouse."""
    try:
        with connect(file) as connection:
            return str(Answer(connection, "SELECT build_id FROM meta.builds").rows()[0][0])
    except (QueryError, IndexError):
        return None


def existing_build(name: str, paths: Paths) -> Path | None:
    """The file of an existing build: `published`, `previous`, a path, or the id of one of the two; None without one.

    Raises ArchiveError when there is no previous build.
    """
    from warehouse.publish import previous_of  # imports pandera

    files = {"published": paths.warehouse, "previous": previous_of(paths.warehouse)}
    if name == "previous" and not files[name].exists():
        raise ArchiveError("There is no previous build yet; name another one, or a warehouse file.")
    if name in files:
        return files[name]
    if Path(name).is_file():
        return Path(name)
    if len(name) < SHORTEST_ID:
        return None
    return next((file for file in files.values() if (published_build_id(file) or "").startswith(name)), None)


def recorded_snapshots(name: str, archive: Archive) -> dict[str, list[Snapshot]]:
    """The snapshots of a published build, by source, from the archive's record of it.

    Raises UnknownBuild when no record, or more than one, begins with `name`; ArchiveError when a snapshot is gone.
    """
    ids = archive.builds()
    matches = [identity for identity in ids if len(name) >= SHORTEST_ID and identity.startswith(name)]
    if len(matches) != 1:
        known = ", ".join(ids) or "none"
        raise UnknownBuild(
            f"{'Several builds begin' if matches else 'No build begins'} with {name!r}. Recorded: {known}."
        )
    chosen: dict[str, list[Snapshot]] = {}
    try:
        entries = (archive.build(matches[0]) or {})["snapshots"]
        keys = [(str(entry["source"]), str(entry["sha256"])) for entry in entries]
    except (KeyError, TypeError):
        raise ArchiveError(f"The record of build {matches[0]} does not name its snapshots.") from None
    for source, sha256 in keys:
        snapshot = archive.find(source, sha256)
        if snapshot is None:
            raise ArchiveError(f"The archive no longer has the snapshot {sha256[:12]}… of {source}.")
        chosen.setdefault(source, []).append(snapshot)
    return {source: sorted(snapshots, key=Snapshot.order) for source, snapshots in chosen.items()}
