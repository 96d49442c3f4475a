"""Writing briefings into a folder, for the command and the flow: the pages asked for, then the folder's index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from schemas.source import Source
from warehouse.reports.figures import gather
from warehouse.reports.page import render, render_index, write
from warehouse.reports.scope import Asker, BriefingError, WrongMission, known_missions

Track = Callable[[Sequence[str]], Iterator[str]]


@dataclass(frozen=True)
class Written:
    """The pages that were written, the index beside them, and the missions that were left out."""

    pages: list[Path]
    index: Path
    skipped: list[str]


def missions_to_write(ask: Asker) -> list[str]:
    """Every mission that has a page. Raises BriefingError where the warehouse holds none."""
    names = [str(row["mission"]) for row in known_missions(ask)]
    if not names:
        raise BriefingError(
            "The warehouse holds no mission with deaths or personnel. Run `peacekeeping refresh` first."
        )
    return names


def write_some(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    names: Iterable[str],
    *,
    up_to: date | None,
    as_of: date | None,
    about: Mapping[str, Source],
) -> tuple[list[Path], list[str]]:
    """Write the pages of these missions, without an index; gives them, and the missions not known yet by the day."""
    ask, pages, skipped = Asker(connection), [], []
    for name in names:
        try:
            found = gather(ask, name, up_to, as_of, about)
        except WrongMission:
            skipped.append(name)
            continue
        pages.append(write(folder, f"{found.scope.stem}.html", render(found)))
    return pages, skipped


def write_one(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    mission: str,
    *,
    up_to: date | None,
    as_of: date | None,
    about: Mapping[str, Source],
) -> Path:
    """Write the page of the mission that was asked for. Raises WrongMission where it has none."""
    found = gather(Asker(connection), mission, up_to, as_of, about)
    return write(folder, f"{found.scope.stem}.html", render(found))


def write_index(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    pages: list[Path],
    skipped: list[str],
    *,
    up_to: date | None,
    as_of: date | None,
) -> Written:
    """Write the folder's index, after its pages. Raises WrongMission where none of every mission could be written."""
    if not pages:
        raise WrongMission(f"Nothing is known of any mission by {up_to}. Name a later day with --up-to.")
    return Written(pages, write(folder, "index.html", render_index(Asker(connection), folder, as_of)), skipped)


def write_pages(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    mission: str | None,
    *,
    up_to: date | None,
    as_of: date | None,
    about: Mapping[str, Source],
    tracked: Track = iter,
) -> Written:
    """Write the page of a mission, or of every one of which something is known by the day, and the index.

    Raises WrongMission where the one asked for has no page, BriefingError where the warehouse or the folder fails.
    """
    if mission is not None:
        page = write_one(connection, folder, mission, up_to=up_to, as_of=as_of, about=about)
        return write_index(connection, folder, [page], [], up_to=up_to, as_of=as_of)
    names = missions_to_write(Asker(connection))
    pages, skipped = write_some(connection, folder, tracked(names), up_to=up_to, as_of=as_of, about=about)
    return write_index(connection, folder, pages, skipped, up_to=up_to, as_of=as_of)
