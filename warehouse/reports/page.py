"""The pages as HTML: rendered from their figures, and written in one step where they changed."""

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
from warehouse.reports.digests import DIGESTS, differing, provenance, with_digests
from warehouse.reports.formats import FILTERS, TEMPLATES, day, templates
from warehouse.reports.provenance import build_of, incomplete_periods
from warehouse.reports.scope import BriefingError, Queries, Row, count_missions, extent_of, known_missions

PAGE = re.compile(r"(?P<mission>[^_]+?)(?:_up-to-(?P<up_to>[\d-]+))?\.html")
AS_OF = "as_of"  # the folder with a folder for each day of --as-of
NEWEST = Path("..", "..", "index.html")  # from a folder of --as-of
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
    environment = templates(FILTERS | {"provenance": provenance})
    return environment.get_template(f"{name}.html.jinja", globals={"colours": COLOURS, "style": style})


def render(briefing: Briefing) -> str:
    """The page of a mission as one HTML document, with digests of its figures and words."""
    marked = _template("page").render(
        briefing=briefing,
        digests=DIGESTS,
        charts=drawings.draw(briefing),
        sections=[(name, title) for name, title in SECTIONS.items() if name != "claims" or briefing.claims],
        cause_colours=drawings.CAUSE_COLOURS,
        shapes=drawings.SHAPES,
        shown=drawings.TOP_CONTRIBUTORS,
        rich={"people": _rich(briefing.people.levels.rows), "money": _rich(briefing.payers.levels)},
    )  # fmt: skip
    return with_digests(marked)


def _rich(levels: list[Row]) -> float | None:
    """The share of levels A and B; None where some have no known level, since they could be of these too."""
    if not levels or any(row["level_group"] == "unknown" or row["share_pct"] is None for row in levels):
        return None
    return sum(float(row["share_pct"]) for row in levels if row["level_group"] in ("A", "B"))


@dataclass(frozen=True)
class Checked:
    """Which pages of a folder were compared with the figures of a build, in words, and the day (UTC)."""

    pages: str
    on: date


def render_index(query: Queries, folder: Path, as_of: date | None, checked: Checked | None = None) -> str:
    """The list of all missions, with links to the pages in the folder and to the folders of --as-of."""
    links: dict[str, list[tuple[str, str]]] = {}  # by mission, each page's file name and its day in words
    for file in sorted(folder.glob("*.html")):
        if match := PAGE.fullmatch(file.name):
            text = f"up to {day(date.fromisoformat(match['up_to']))}" if match["up_to"] else ""
            links.setdefault(match["mission"], []).append((file.name, text))
    return _template("index").render(
        missions=known_missions(query), all_missions=count_missions(query), links=links, extent=extent_of(query),
        build=build_of(query), as_of=as_of, newest=as_of is not None and (folder / NEWEST).exists(), checked=checked,
        others=[(f"{AS_OF}/{iso}/index.html", day(date.fromisoformat(iso))) for iso in _days_of(folder)],
        rejected=[row for row in incomplete_periods(query) if row["source"] == "fatalities"],
    )  # fmt: skip


def _days_of(folder: Path) -> list[str]:
    """The days of --as-of that have an index below a folder."""
    days = [file.parent.name for file in folder.glob(f"{AS_OF}/*/index.html")]
    return sorted(name for name in days if re.fullmatch(r"\d{4}-\d\d-\d\d", name))


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


@dataclass(frozen=True)
class Page:
    """A mission's page in its folder. `changed` names what was written anew; empty where the file was left alone."""

    mission: str
    file: Path
    changed: str


def write_page(folder: Path, briefing: Briefing) -> Page:
    """Write a mission's page, unless the file there has the same figures and words.

    Raises BriefingError when the folder can't be written to.
    """
    file, text = folder / f"{briefing.scope.stem}.html", render(briefing)
    changed = _changed(file, text)
    if changed:
        write(folder, file.name, text)
    return Page(briefing.scope.mission, file, changed)


def _changed(file: Path, text: str) -> str:
    """The parts of a page that differ from the file; empty where none does."""
    try:
        before = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return "new page"
    except (OSError, UnicodeDecodeError):
        return "whole page"
    parts = differing(before, text)
    if parts is None or not before.rstrip().endswith("</html>"):
        return "whole page"
    return ", ".join(SECTIONS.get(name, "Head") for name in parts)


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
