"""The known layouts, and the one of a document: recognised by the headings of its first page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from schemas.report_layout import ReportLayout
from schemas.validate import ContractError
from schemas.yaml_files import read_yaml
from transforms.reports.pages import FIRST_PAGES, Page, Phrase

DECLARED = Path(__file__).parent.parent / "data" / "report_layouts.yaml"


@cache
def layouts() -> tuple[ReportLayout, ...]:
    """The declared layouts."""
    return read_yaml(DECLARED, tuple[ReportLayout, ...])


@dataclass(frozen=True)
class Headings:
    """The headings of a page: the place of their line on the page, and a phrase for each column."""

    line: int
    phrases: Sequence[Phrase]


def plain(text: str) -> str:
    """A text for comparison: casefolded, runs of spaces as one."""
    return " ".join(text.split()).casefold()


def headings_of(page: Page, layout: ReportLayout) -> Headings | None:
    """The headings of a page in a layout; None where it has none."""
    wanted = plain(layout.heading_line)
    for number, line in enumerate(page.lines):
        if plain(" ".join(phrase.text for phrase in line)) == wanted:
            return Headings(number, _by_column(line, layout))
    return None


def _by_column(line: Sequence[Phrase], layout: ReportLayout) -> list[Phrase]:
    """The phrases of a heading line joined or parted so that there is one for each column."""
    words: list[Phrase] = []
    for phrase in line:
        texts = phrase.text.split()
        letter = (phrase.right - phrase.left) / max(len(phrase.text), 1)
        left = phrase.left
        for text in texts:  # a phrase of several headings is parted by the share of its letters
            right = left + letter * len(text)
            words.append(Phrase(text, left, right, phrase.top, phrase.bottom, phrase.size))
            left = right + letter
        words[-1] = Phrase(texts[-1], words[-1].left, phrase.right, phrase.top, phrase.bottom, phrase.size)
    columns: list[Phrase] = []
    for column in layout.columns:
        count = len(column.heading.split("|")[0].split())
        parts, words = words[:count], words[count:]
        columns.append(
            Phrase(column.name, parts[0].left, parts[-1].right, parts[0].top, parts[0].bottom, parts[0].size)
        )
    return columns


def title_of(page: Page, headings: Headings) -> str:
    """The text above the headings, on one line."""
    return " ".join(phrase.text for line in page.lines[: headings.line] for phrase in line)


def recognise(pages: Sequence[Page]) -> ReportLayout:
    """The layout of a document: by the headings of its first pages; of two with the same headings by the title.

    Raises ContractError when there is none, saying how the text begins.
    """
    for page in pages[:FIRST_PAGES]:
        fitting = [(layout, headings_of(page, layout)) for layout in layouts()]
        titles = [(layout, title_of(page, headings)) for layout, headings in fitting if headings]
        for layout, title in titles:
            if re.search(layout.title, title, re.IGNORECASE):
                return layout
        if titles:
            layout, title = titles[0]
            raise ContractError(
                f"Page {page.number} has the headings of the layout {layout.name}, under the title {_short(title)!r}; "
                f"expected one with {layout.title!r}. It is another report, or a layout that is not known yet: "
                "report it, and load the month's figures as CSV."
            )
    known = "; ".join(", ".join(column.name for column in layout.columns) for layout in layouts()[-1:])
    raise ContractError(
        "This PDF is no monthly report of uniformed personnel that is known: expected a table with the headings of one "
        f"of {len(layouts())} layouts (today's: {known}), got a text that begins "
        f"{_short(pages[0].text() or pages[-1].text())!r}. Load the report by mission, country and personnel type, or "
        "the month's figures as CSV."
    )


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words[:80] + ("…" if len(words) > 80 else "")
