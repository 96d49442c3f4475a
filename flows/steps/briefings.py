"""Write briefings into a folder, for the command and the flow: pages of missions, then the folder's index."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from sources.catalogue import load_catalogue
from warehouse.reports.briefing import briefing_of
from warehouse.reports.page import PAGE, Picture, render, render_index, write
from warehouse.reports.scope import BriefingError, Queries, WrongMission, known_missions

Track = Callable[[Sequence[str]], Iterator[str]]


@dataclass(frozen=True)
class Written:
    """The pages that were written, their index, and the missions without a page because they begin after the day."""

    pages: list[Path]
    index: Path
    skipped: list[str]

    def headline(self) -> str:
        """One sentence: what was written."""
        skipped = f"; {len(self.skipped)} missions had not begun" if self.skipped else ""
        count = f"{len(self.pages):,} page{'' if len(self.pages) == 1 else 's'}"
        return f"wrote {count} to {self.index.parent}{skipped}"

    def markdown(self, chart: Picture | None) -> str:
        """The chart of one page, and the files by name, to be opened from disk."""
        headline = self.headline()
        lines = [f"# {headline[:1].upper()}{headline[1:]}", ""]
        if chart:
            data = b64encode(chart.svg.encode()).decode()
            lines += [f"![{chart.title}](data:image/svg+xml;base64,{data})", ""]
            lines += [f"**{chart.title}.** {chart.description}", ""]
        return "\n".join([*lines, f"Index: `{self.index}`", "", *[f"- `{page}`" for page in self.pages], ""])


class BriefingWriter:
    """Writes briefings of one warehouse into a folder. Raises SourceError where a source's declaration is wrong.

    up_to  what had happened by this day; None: all records
    as_of  the day of an as-of warehouse, for the pages' names and heads
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        folder: Path,
        up_to: date | None = None,
        as_of: date | None = None,
    ) -> None:
        self._query, self._folder, self._up_to, self._as_of = Queries(connection), folder, up_to, as_of
        self._about = load_catalogue()

    def missions(self) -> list[str]:
        """Every mission with a page. Raises BriefingError where there is none."""
        names = [str(row["mission"]) for row in known_missions(self._query)]
        if not names:
            raise BriefingError(
                "The warehouse has no mission with deaths or personnel. Run `peacekeeping refresh` first."
            )
        return names

    def page(self, mission: str) -> Path:
        """Write a mission's page. Raises WrongMission where it has none, BriefingError where the folder fails."""
        briefing = briefing_of(self._query, mission, self._up_to, self._as_of, self._about)
        return write(self._folder, f"{briefing.scope.stem}.html", render(briefing))

    def pages(self, missions: Iterable[str]) -> tuple[list[Path], list[str]]:
        """Write the pages of these missions; gives them, and the missions that are not known yet by the day."""
        pages, skipped = [], []
        for mission in missions:
            try:
                pages.append(self.page(mission))
            except WrongMission:
                skipped.append(mission)
        return pages, skipped

    def index(self, pages: list[Path], skipped: list[str]) -> Written:
        """Write the index, after the pages. Raises WrongMission where there is no page."""
        if not pages:
            raise WrongMission(f"Nothing is known of any mission by {self._up_to}. Name a later day with --up-to.")
        text = render_index(self._query, self._folder, self._as_of)
        return Written(pages, write(self._folder, "index.html", text), skipped)

    def write(self, mission: str | None, tracked: Track = iter) -> Written:
        """Write the page of a mission, or of every one, and the index. Raises as `page` and `missions` do."""
        if mission is not None:
            return self.index([self.page(mission)], [])
        return self.index(*self.pages(tracked(self.missions())))

    def page_to_show(self, written: Written) -> Path:
        """The page whose chart represents a run: the only one, or that of the mission with the newest death."""
        if len(written.pages) == 1:
            return written.pages[0]
        newest = self._query(
            "SELECT mission FROM fatalities WHERE incident_date <= coalesce(?, incident_date) "
            "ORDER BY incident_date DESC, mission LIMIT 1",
            self._up_to,
        )
        pages = {match["mission"]: page for page in written.pages if (match := PAGE.fullmatch(page.name))}
        return pages.get(newest[0]["mission"].replace(" ", "-") if newest else "", written.pages[0])
