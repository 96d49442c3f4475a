"""Writing briefings into a folder, for the command and the flow: the pages asked for, then the folder's index."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from sources.catalogue import load_catalogue
from warehouse.reports.figures import gather
from warehouse.reports.page import PAGE, Picture, render, render_index, write
from warehouse.reports.provenance import About
from warehouse.reports.scope import Asker, BriefingError, WrongMission, known_missions

Track = Callable[[Sequence[str]], Iterator[str]]


@dataclass(frozen=True)
class Written:
    """The pages that were written, the index beside them, and the missions that were left out."""

    pages: list[Path]
    index: Path
    skipped: list[str]


def about_sources() -> dict[str, About]:
    """What each source's declaration says of it. Raises SourceError when one can't be read."""
    return {
        source.name: About(
            title=source.title,
            publisher=source.publisher.title,
            licence=str(source.declaration["licence"]["name"]),
            landing_page=str(source.declaration["landing_page"]),
        )
        for source in load_catalogue().values()
    }


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
    about: Mapping[str, About],
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
    about: Mapping[str, About],
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
    about: Mapping[str, About],
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


def headline(written: Written) -> str:
    """One sentence: what was written."""
    skipped = f"; {len(written.skipped)} missions had not begun" if written.skipped else ""
    count = f"{len(written.pages):,} page{'' if len(written.pages) == 1 else 's'}"
    return f"wrote {count} to {written.index.parent}{skipped}"


def page_to_show(ask: Asker, written: Written, up_to: date | None) -> Path:
    """The page whose chart represents a run: the only one, or that of the mission with the newest death."""
    if len(written.pages) == 1:
        return written.pages[0]
    newest = ask(
        "SELECT mission FROM fatalities WHERE incident_date <= coalesce(?, incident_date) "
        "ORDER BY incident_date DESC, mission LIMIT 1",
        up_to,
    )
    pages = {match["mission"]: page for page in written.pages if (match := PAGE.fullmatch(page.name))}
    return pages.get(newest[0]["mission"].replace(" ", "-") if newest else "", written.pages[0])


def markdown(written: Written, chart: Picture | None) -> str:
    """What was written: the chart of one page, and the files by name, to be opened from disk."""
    title = headline(written)
    lines = [f"# {title[:1].upper()}{title[1:]}", ""]
    if chart:
        data = b64encode(chart.svg.encode()).decode()
        lines += [f"![{chart.title}](data:image/svg+xml;base64,{data})", ""]
        lines += [f"**{chart.title}.** {chart.description}", ""]
    return "\n".join([*lines, f"Index: `{written.index}`", "", *[f"- `{page}`" for page in written.pages], ""])
