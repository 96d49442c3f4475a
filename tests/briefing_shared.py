"""What tests of the briefing share: a page and its figures, made once from each state of a warehouse file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path

import duckdb
from tests_shared import described

from warehouse.query import connect
from warehouse.reports import page
from warehouse.reports.figures import Briefing, gather
from warehouse.reports.scope import Asker

ABOUT = {
    "fatalities": described(
        "Fatalities since 1948", "The data hub", ("CC BY", "https://example.org"), "https://example.org/fatalities"
    )
}


@contextmanager
def asking(file: Path) -> Iterator[Asker]:
    with connect(file) as connection:
        yield Asker(connection)


@cache
def _gathered(file: Path, _written: int, mission: str, *days: date | None) -> Briefing:
    with asking(file) as ask:
        return gather(ask, mission, days[0], days[1], ABOUT)


@cache
def _rendered(file: Path, _written: int, mission: str, *days: date | None) -> str:
    return page.render(_gathered(file, _written, mission, *days))


def _keyed(file: Path, *texts: str | None) -> tuple[int, str, date | None, date | None]:
    mission, up_to, as_of = texts
    days = [None if text is None else date.fromisoformat(text) for text in (up_to, as_of)]
    return file.stat().st_mtime_ns, str(mission), days[0], days[1]


def briefed(file: Path, mission: str, up_to: str | None = None, as_of: str | None = None) -> Briefing:
    """The figures of a page of this warehouse as it now is."""
    return _gathered(file, *_keyed(file, mission, up_to, as_of))


def rendered(file: Path, mission: str, up_to: str | None = None, as_of: str | None = None) -> str:
    """The page."""
    return _rendered(file, *_keyed(file, mission, up_to, as_of))


def section(html: str, name: str) -> str:
    """One section's text, tags taken out."""
    part = html.partition(f'<section aria-labelledby="{name}">')[2].partition("</section>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", part).split())


def changed(file: Path, *statements: str) -> Path:
    with duckdb.connect(str(file)) as connection:
        for statement in statements:
            connection.execute(statement)
    return file
