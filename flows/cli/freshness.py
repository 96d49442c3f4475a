"""How fresh a source is: judged by what the warehouse covers, never by when a run happened or a publisher was asked.

A source whose cadence is regular declares two bounds (`freshness` in its YAML): how many days after the end of what is
covered (the newest incident, month-end or end of a peacekeeping year) it is late, and stale. This module knows neither
the warehouse nor the clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

from sources.catalogue import HERE, read_yaml, source_names
from sources.errors import CatalogueError

State = Literal["current", "late", "stale"]


@dataclass(frozen=True)
class Bounds:
    """How many days after the end of what is covered a source is still current, and still no more than late."""

    late_after_days: int
    stale_after_days: int


@dataclass(frozen=True)
class Freshness:
    """The state, and the first day of it; both None where freshness is not judged."""

    state: State | None = None
    since: date | None = None


def judge(covers_to: date | None, bounds: Bounds | None, today: date) -> Freshness:
    """The freshness on the day `today` of a source that is covered up to the day `covers_to`.

    `covers_to` is None when the warehouse has no rows of it, `bounds` when its cadence is irregular: not judged then.
    """
    if covers_to is None or bounds is None:
        return Freshness()
    late = covers_to + timedelta(days=bounds.late_after_days + 1)
    stale = covers_to + timedelta(days=bounds.stale_after_days + 1)
    if today >= stale:
        return Freshness("stale", stale)
    if today >= late:
        return Freshness("late", late)
    return Freshness("current", covers_to)


def declared_bounds(folder: Path = HERE) -> dict[str, Bounds | None]:
    """The bounds of every source, by name in alphabetical order; None where none are declared.

    Nothing else of a declaration is looked at, because holding it against its schema takes longer than all the rest of
    `peacekeeping status` needs. Raises CatalogueError naming the file that can't be read.
    """
    found: dict[str, Bounds | None] = {}
    for name in source_names(folder):
        try:
            block = read_yaml(folder / f"{name}.yaml").get("freshness")
            days = None if block is None else Bounds(int(block["late_after_days"]), int(block["stale_after_days"]))
        except (CatalogueError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise CatalogueError(
                f"{name}.yaml: freshness can't be read; `peacekeeping sources {name}` says what is wrong with the file."
            ) from error
        found[name] = days
    return found
