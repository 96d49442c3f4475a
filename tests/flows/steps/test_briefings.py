"""Writing briefings into a folder: those of the present and those as of a day, and how a run reports them."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from flows.steps.briefings import BriefingWriter, Written
from warehouse.query import connect
from warehouse.reports.page import Page

DAY = date(2022, 1, 31)


def links_of(page: Path) -> list[Path]:
    """The files that a page links, but for its own parts and the publishers' sites."""
    links = re.findall(r'href="([^"]+)"', page.read_text())
    return [(page.parent / link).resolve() for link in links if not link.startswith(("#", "http", "data:"))]


def test_pages_as_of_a_day_have_a_folder_of_their_own_and_leave_the_present_as_it_is(
    built_folder: Path, tmp_path: Path
) -> None:
    with connect(built_folder / "data" / "peacekeeping.duckdb") as connection:
        BriefingWriter(connection, tmp_path).write("UNMHA")
        present = (tmp_path / "index.html").read_bytes()
        written = BriefingWriter(connection, tmp_path, as_of=DAY).write("ONUC")
        past = tmp_path / "as_of" / "2022-01-31"
        assert ([page.file for page in written.pages], written.index) == ([past / "ONUC.html"], past / "index.html")
        assert (tmp_path / "index.html").read_bytes() == present
        BriefingWriter(connection, tmp_path).write("UNMHA")
    assert set(links_of(past / "index.html")) == {past / "ONUC.html", tmp_path / "index.html"}
    assert set(links_of(past / "ONUC.html")) == {past / "index.html"}
    assert set(links_of(tmp_path / "index.html")) == {tmp_path / "UNMHA.html", past / "index.html"}
    assert "as published by 31 January 2022" in (past / "index.html").read_text()


def test_a_run_reports_the_pages_written_unchanged_and_skipped() -> None:
    folder = Path("/data/my pages")
    pages = [Page(f"M{number}", folder / f"M{number}.html", "Deaths" if number < 20 else "") for number in range(25)]
    written = Written(pages, folder / "index.html", ["A", "B"])
    assert written.headline() == "wrote 20 pages to /data/my pages; 5 unchanged; 2 missions had not begun"
    lines = written.markdown(None).splitlines()
    assert lines[0] == "## Wrote 20 pages, 5 unchanged, 2 missions had not begun"
    rows = [line for line in lines if line.startswith("| M")]
    assert len(rows) == 10 and rows[0] == "| M0 | `M0.html` | Deaths |"
    assert "… and 10 more pages; the index links all." in lines
    assert lines[2].startswith(
        "Open the index in a browser on the machine where `brief` ran: `/data/my pages/index.html`."
    )
    assert Written(pages[20:], folder / "index.html", []).headline() == "wrote no page to /data/my pages; 5 unchanged"
