"""The pages as HTML: rendered from their figures, and written in one step."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from html import unescape
from pathlib import Path

from jinja2 import Template

from warehouse.reports import drawings
from warehouse.reports.briefing import Briefing
from warehouse.reports.charts import COLOURS, LIGHT
from warehouse.reports.formats import FILTERS, TEMPLATES, day, templates
from warehouse.reports.provenance import build_of, incomplete_periods
from warehouse.reports.scope import BriefingError, Queries, Row, extent_of, known_missions

PAGE = re.compile(r"(?P<mission>[^_]+?)(?:_up-to-(?P<up_to>[\d-]+))?(?:_as-of-(?P<as_of>[\d-]+))?\.html")
SECTIONS = {
    "toll": "Deaths",
    "days": "The worst days",
    "people": "Who sends personnel",
    "pay": "Who pays",
    "cost": "What it costs",
    "owed": "What is owed",
    "claims": "The claims",
    "sources": "Sources",
}


@cache
def _template(name: str) -> Template:
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    return templates(FILTERS).get_template(f"{name}.html.jinja", globals={"colours": COLOURS, "style": style})


def render(briefing: Briefing) -> str:
    """The page of a mission as one HTML document."""
    return _template("page").render(
        briefing=briefing,
        charts=drawings.draw(briefing),
        sections=[(name, title) for name, title in SECTIONS.items() if name != "claims" or briefing.claims],
        cause_colours=drawings.CAUSE_COLOURS,
        shapes=drawings.SHAPES,
        shown=drawings.TOP_CONTRIBUTORS,
        rich={"people": _rich(briefing.people.levels.rows), "money": _rich(briefing.payers.levels)},
    )  # fmt: skip


def _rich(levels: list[Row]) -> float | None:
    """The share of levels A and B; None where some have no known level, since they could be of these too."""
    if not levels or any(row["level_group"] == "unknown" or row["share_pct"] is None for row in levels):
        return None
    return sum(float(row["share_pct"]) for row in levels if row["level_group"] in ("A", "B"))


def render_index(query: Queries, folder: Path, as_of: date | None) -> str:
    """The list of all missions, with links to the pages in the folder."""
    links: dict[str, list[tuple[str, str]]] = {}  # by mission, each page's file name and its days in words
    for file in sorted(folder.glob("*.html")):
        if match := PAGE.fullmatch(file.name):
            days = [("up to", match["up_to"]), ("as of", match["as_of"])]
            text = ", ".join(f"{what} {day(date.fromisoformat(iso))}" for what, iso in days if iso)
            links.setdefault(match["mission"], []).append((file.name, text))
    return _template("index").render(
        missions=known_missions(query), links=links, extent=extent_of(query), build=build_of(query), as_of=as_of,
        rejected=[row for row in incomplete_periods(query) if row["source"] == "fatalities"],
    )  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """A chart of a page as an SVG of its own, with its title and a description in words."""

    svg: str
    title: str
    description: str


def picture_of(page: str) -> Picture | None:
    """The first wide chart of a page, on the page's background; None where it has none."""
    match = re.search(r'<svg [^>]*class="chart wide".*?</svg>', page, re.DOTALL)
    if match is None:
        return None
    svg = match[0].replace("<svg ", f'<svg style="background:{LIGHT["paper"]}" ', 1)
    title, description = (
        unescape(re.findall(rf"<{tag}[^>]*>(.*?)</{tag}>", svg, re.DOTALL)[0]) for tag in ("title", "desc")
    )
    return Picture(svg, title, description)


def write(folder: Path, name: str, text: str) -> Path:
    """Write a page in one step: a reader sees the old one or the new one.

    Raises BriefingError when the folder can't be written to.
    """
    file = folder / name
    scratch = folder / f".{name}.{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(file)
    except OSError as error:
        raise BriefingError(
            f"{file} can't be written: {error.strerror or error}. Name another folder with --output DIR."
        ) from error
    finally:
        with contextlib.suppress(OSError):  # the folder can be a file
            scratch.unlink(missing_ok=True)
    return file
