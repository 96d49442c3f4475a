"""Days as people write them on the command line, and the warehouse as of a day."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime
from pathlib import Path

from flows.steps.settings import Paths


class WrongDate(ValueError):
    """The text is no day that has been."""


class NotBuilt(Exception):
    """There is no warehouse as of that day; the text says what to do."""


def parse_vintage(text: str, option: str) -> date:
    """A day, YYYY-MM-DD, or YYYY-MM, which means the month's last day (today in this month).

    Raises WrongDate, which names the option, also for a day to come.
    """
    today = datetime.now(UTC).date()
    try:
        if re.fullmatch(r"\d{4}-\d{2}", text):
            year, month = int(text[:4]), int(text[5:])
            found = date(year, month, calendar.monthrange(year, month)[1])
            found = today if (year, month) == (today.year, today.month) else found
        else:
            found = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except (ValueError, calendar.IllegalMonthError):
        found = None
    if found is None or found > today:
        raise WrongDate(f"{option} takes a day that is not to come, YYYY-MM-DD or YYYY-MM; got {text!r}.")
    return found


def warehouse_as_of(where: Paths, as_of: str | None) -> tuple[date | None, Path]:
    """The day that --as-of names and the warehouse of what had been published by it; without one the published one.

    Raises WrongDate, or NotBuilt where there is no such warehouse.
    """
    day = None if as_of is None else parse_vintage(as_of, "--as-of")
    file = where.target(day)
    if day is not None and not file.exists():
        first = _first_vintage(where)
        if first is not None and day < first:
            raise NotBuilt(f"No snapshot held here had been published by {day}; the first is of {first}.")
        raise NotBuilt(f"There is no warehouse as of {as_of} yet. Run `peacekeeping refresh --as-of {as_of}` first.")
    return day, file


def _first_vintage(where: Paths) -> date | None:
    """The first vintage of the archive and of what is bundled, which a refresh adds; None where it can't be read."""
    from sources import bundle
    from sources.archive import Archive
    from sources.catalogue import load_catalogue
    from sources.errors import SourceError

    try:
        archive = Archive(where.raw)
        vintages = [one.vintage for name in load_catalogue() for one in archive.snapshots(name)]
    except SourceError:  # the refresh itself tells what is damaged
        return None
    vintages += [str(entry["vintage"]) for entry in bundle.manifest()]
    return date.fromisoformat(min(vintages))
