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
from warehouse.reports.briefing import Briefing, briefing_of
from warehouse.reports.scope import Queries

ABOUT = {
    "fatalities": described(
        "Fatalities since 1948", "The data hub", ("CC BY", "https://example.org"), "https://example.org/fatalities"
    )
}


@contextmanager
def queries(file: Path) -> Iterator[Queries]:
    with connect(file) as connection:
        yield Queries(connection)


@cache
def _briefed(file: Path, _written: int, mission: str, *days: str | None) -> Briefing:
    up_to, as_of = (None if day is None else date.fromisoformat(day) for day in days)
    with queries(file) as query:
        return briefing_of(query, mission, up_to, as_of, ABOUT)


@cache
def _rendered(*key: object) -> str:
    return page.render(_briefed(*key))


def briefed(file: Path, mission: str, up_to: str | None = None, as_of: str | None = None) -> Briefing:
    """The figures of a page of this warehouse in its present state."""
    return _briefed(file, file.stat().st_mtime_ns, mission, up_to, as_of)


def rendered(file: Path, mission: str, up_to: str | None = None, as_of: str | None = None) -> str:
    """The page."""
    return _rendered(file, file.stat().st_mtime_ns, mission, up_to, as_of)


def section(html: str, name: str) -> str:
    """One section's text, tags taken out."""
    part = html.partition(f'<section aria-labelledby="{name}">')[2].partition("</section>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", part).split())


def changed(file: Path, *statements: str) -> Path:
    with duckdb.connect(str(file)) as connection:
        for statement in statements:
            connection.execute(statement)
    return file
