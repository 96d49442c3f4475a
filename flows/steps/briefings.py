"""Write briefings into a folder, for the command and the flow: pages of missions, then the folder's index."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from sources.catalogue import load_catalogue
from warehouse.reports.briefing import briefing_of
from warehouse.reports.formats import day
from warehouse.reports.page import AS_OF, Checked, Page, Picture, render_index, write, write_page
from warehouse.reports.scope import BriefingError, Queries, WrongMission, known_missions, missions_called

Track = Callable[[Sequence[str]], Iterator[str]]
TABLE_ROWS = 10  # of the artifact: as many as fit on a screen with its heading and the index's path


@dataclass(frozen=True)
class Written:
    """The pages that were compared with the figures, their index, and the missions that had not begun by the day."""

    pages: list[Page]
    index: Path
    skipped: list[str]

    @property
    def changed(self) -> list[Page]:
        """The pages that were written, because a figure or a word differs."""
        return [page for page in self.pages if page.changed]

    @property
    def unchanged(self) -> int:
        """How many pages were left alone."""
        return len(self.pages) - len(self.changed)

    def headline(self) -> str:
        """One sentence: what was written, and where."""
        written, *others = self._counts()
        return "; ".join([f"{written} to {self.index.parent}", *others])

    def in_short(self) -> str:
        """What was written, without the folder."""
        return ", ".join(self._counts())

    def _counts(self) -> list[str]:
        """How many pages were written, and, unless there are none, how many were unchanged or skipped."""
        count = len(self.changed)
        parts = [f"wrote {count:,} page{'' if count == 1 else 's'}" if count else "wrote no page"]
        parts += [f"{self.unchanged:,} unchanged"] if self.unchanged else []
        parts += [f"{len(self.skipped):,} missions had not begun"] if self.skipped else []
        return parts

    def markdown(self, chart: Picture | None) -> str:
        """The pages that were written and what changed on each, how to open them, and the chart of one."""
        lines = [
            f"## {self.in_short().capitalize()}",
            "",
            f"Open the index in a browser on the machine where `brief` ran: `{self.index}`. Each page is one file: to "
            "read them on another machine, copy the folder.",
            "",
        ]
        if self.changed:
            lines += ["| mission | page | changed |", "|---|---|---|"]
            shown = self.changed[: TABLE_ROWS if len(self.changed) > TABLE_ROWS else None]
            lines += [f"| {page.mission} | `{page.file.name}` | {page.changed} |" for page in shown]
            more = len(self.changed) - len(shown)
            lines += ["", *([f"… and {more:,} more pages; the index links all.", ""] if more else [])]
        if chart:
            data = b64encode(chart.svg.encode()).decode()
            lines += [f"**{chart.title}.** {chart.description}", ""]
            lines += [f"![{chart.title}](data:image/svg+xml;base64,{data})", ""]
        return "\n".join(lines)


class BriefingWriter:
    """Writes briefings of one warehouse into a folder. Raises SourceError where a source's declaration is wrong.

    up_to  what had happened by this day; None: all records
    as_of  the day of an as-of warehouse, whose pages have a folder of their own in `folder`
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        folder: Path,
        up_to: date | None = None,
        as_of: date | None = None,
    ) -> None:
        self._query, self._up_to, self._as_of = Queries(connection), up_to, as_of
        self._folder = folder / AS_OF / as_of.isoformat() if as_of else folder
        self._about = load_catalogue()

    def missions(self) -> list[str]:
        """Every mission with a page. Raises BriefingError where there is none."""
        names = [str(row["mission"]) for row in known_missions(self._query)]
        if not names:
            raise BriefingError(
                "The warehouse has no mission with deaths or personnel. Run `peacekeeping refresh` first."
            )
        return names

    def page(self, mission: str) -> Page:
        """Write a mission's page where it changed.

        Raises WrongMission where it has none, BriefingError where the folder fails.
        """
        return write_page(self._folder, briefing_of(self._query, mission, self._up_to, self._as_of, self._about))

    def pages(self, missions: Iterable[str]) -> tuple[list[Page], list[str]]:
        """Write the pages of these missions; gives them, and the missions that are not known yet by the day."""
        pages, skipped = [], []
        for mission in missions:
            try:
                pages.append(self.page(mission))
            except WrongMission:
                skipped.append(mission)
        return pages, skipped

    def index(self, pages: list[Page], skipped: list[str]) -> Written:
        """Write the index, after the pages, also where none of them changed.

        Raises WrongMission where there is no page.
        """
        if not pages:
            raise WrongMission(f"Nothing is known of any mission by {self._up_to}. Name a later day with --up-to.")
        what = f"{len(pages):,} pages" if len(pages) > 1 else f"the page of {pages[0].mission}"
        until = f" up to {day(self._up_to)}" if self._up_to else ""
        checked = Checked(f"{what}{until}", datetime.now(UTC).date())
        text = render_index(self._query, self._folder, self._as_of, checked)
        return Written(pages, write(self._folder, "index.html", text), skipped)

    def write(self, mission: str | None, tracked: Track = iter) -> Written:
        """Write the page of a mission, of those in a state, or of every one, and the index.

        Raises as `page`, `missions` and `missions_called` do.
        """
        names = self.missions() if mission is None else missions_called(self._query, mission)
        if mission is not None and len(names) == 1:
            return self.index([self.page(names[0])], [])
        return self.index(*self.pages(tracked(names)))

    def page_to_show(self, written: Written) -> Page | None:
        """The page whose chart represents a run: of those written, the one of the mission with the newest death.

        None where no page was written.
        """
        newest = self._query(
            "SELECT mission FROM fatalities WHERE incident_date <= coalesce(?, incident_date) "
            "GROUP BY mission ORDER BY max(incident_date) DESC, mission",
            self._up_to,
        )
        pages = {page.mission: page for page in written.changed}
        return next(
            (pages[row["mission"]] for row in newest if row["mission"] in pages), next(iter(pages.values()), None)
        )
