"""The pages: rendered from the figures, written whole or not at all."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from warehouse.reports import drawings
from warehouse.reports.colours import COLOURS, LIGHT
from warehouse.reports.figures import Briefing
from warehouse.reports.provenance import build_of, incomplete_periods
from warehouse.reports.scope import Asker, BriefingError, Row, held_to, known_missions
from warehouse.reports.words import FILTERS, day, level

TEMPLATES = Path(__file__).parent / "templates"
PAGE = re.compile(r"(?P<mission>[^_]+?)(?:_up-to-(?P<up_to>[\d-]+))?(?:_as-of-(?P<as_of>[\d-]+))?\.html")


@dataclass(frozen=True)
class Link:
    """A page that lies in the folder of an index."""

    file: str
    up_to: str | None
    as_of: str | None

    @property
    def plain(self) -> bool:
        """Whether it has all that is held."""
        return not self.up_to and not self.as_of

    @property
    def told(self) -> str:
        told = [f"up to {day(date.fromisoformat(self.up_to))}"] if self.up_to else []
        return ", ".join([*told, f"as of {day(date.fromisoformat(self.as_of))}"] if self.as_of else told)


@cache
def _templates() -> Environment:
    pages = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= FILTERS | {
        "level": level,
        "cause": lambda text: text[:1] + text[1:].lower(),
        "host": lambda url: urlsplit(url).netloc,
    }
    pages.globals |= {"colours": COLOURS, "style": (TEMPLATES / "style.css").read_text(encoding="utf-8")}
    return pages


def render(briefing: Briefing) -> str:
    """The page of a mission as HTML, all in one."""
    sections = {
        "toll": "The toll",
        "days": "The worst days",
        "people": "Who sends the people",
        "pay": "Who pays",
        "cost": "What it costs",
        "owed": "What is owed",
        "claims": "The claims",
        "sources": "Sources and vintages",
    }
    shown = [(name, title) for name, title in sections.items() if name != "claims" or briefing.claims]
    return _templates().get_template("page.html.jinja").render(
        briefing=briefing,
        charts=drawings.draw(briefing),
        sections=shown,
        cause_colours=drawings.CAUSE_COLOURS,
        shapes=drawings.SHAPES,
        shown=drawings.TOP_CONTRIBUTORS,
        rich={"people": _rich(briefing.people.levels), "money": _rich(briefing.payers.levels)},
    )  # fmt: skip


def _rich(levels: list[Row]) -> float | None:
    """The share of levels A and B; None where some have no level, since they could be of these too."""
    if not levels or any(row["level_group"] == "unknown" or row["share_pct"] is None for row in levels):
        return None
    return sum(float(row["share_pct"]) for row in levels if row["level_group"] in ("A", "B"))


def render_index(ask: Asker, folder: Path, as_of: date | None) -> str:
    """The list of all missions, with links to the pages that lie in the folder."""
    links: dict[str, list[Link]] = {}
    for file in sorted(folder.glob("*.html")):
        found = PAGE.fullmatch(file.name)
        if found:
            link = Link(file.name, found["up_to"], found["as_of"])
            links.setdefault(found["mission"], []).append(link)
    return _templates().get_template("index.html.jinja").render(
        missions=known_missions(ask), links=links, held=held_to(ask), build=build_of(ask), as_of=as_of,
        rejected=[row for row in incomplete_periods(ask) if row["source"] == "fatalities"],
    )  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """A chart taken out of a page: SVG on the page's paper, its title, and in words what it shows."""

    svg: str
    title: str
    description: str


def picture_of(page: str) -> Picture | None:
    """The first wide chart of a written page; None where it has none."""
    drawn = re.search(r'<svg [^>]*class="chart wide".*?</svg>', page, re.DOTALL)
    if drawn is None:
        return None
    svg = drawn[0].replace("<svg ", f'<svg style="background:{LIGHT["paper"]}" ', 1)
    title, description = (
        unescape(re.findall(rf"<{tag}[^>]*>(.*?)</{tag}>", svg, re.DOTALL)[0]) for tag in ("title", "desc")
    )
    return Picture(svg, title, description)


def write(folder: Path, name: str, text: str) -> Path:
    """Write a page, whole or not at all. Raises BriefingError when the folder can't be written to."""
    file = folder / name
    scratch = folder / f".{name}.{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(file)
    except OSError as error:
        raise BriefingError(
            f"{file} can't be written: {error.strerror or error}. Name a folder that can be with --output DIR."
        ) from error
    finally:
        _forget(scratch)
    return file


def _forget(scratch: Path) -> None:
    try:
        scratch.unlink(missing_ok=True)
    except OSError:  # the folder is none, or can't be read: nothing was left there
        return
