"""A page's words as the lines of its table: by the places of the headings, or by ruled cells."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from schemas.report_layout import Column, ReportLayout
from schemas.validate import ContractError
from transforms.reports.layouts import Headings, headings_of, plain
from transforms.reports.pages import Page, Phrase, Rule

NUMBER = re.compile(r"\d{1,3}(,\d{3})+|\d{1,6}")
FOOTER = re.compile(r"page \d+ of \d+|report generated on.*", re.IGNORECASE)
NEAR = 0.3  # of the letters' size: rules nearer than this are one
WRAPPED = 1.6  # of the letters' size: the next line of a wrapped name is nearer than this


@dataclass
class TableLine:
    """A line of the table.

    texts    the texts by what their column holds; `label` for one in a column of other things
    figures  the figures by the name of their column
    bare     a figure in a column of texts: the number of a contributor, or of the rows
    top      where it stands on the page, and `size` that of its letters
    """

    page: int
    line: int
    top: float
    size: float
    texts: dict[str, str] = field(default_factory=dict)
    figures: dict[str, int] = field(default_factory=dict)
    bare: int | None = None

    @property
    def place(self) -> str:
        return f"Page {self.page}, line {self.line}"

    def add_text(self, held: str, text: str) -> None:
        """Add a text; a second one in the same column follows the first."""
        self.texts[held] = f"{self.texts[held]} {text}" if held in self.texts else text

    def add_figure(self, name: str, text: str) -> None:
        """Add a figure. Raises ContractError where the column has one already."""
        if name in self.figures:
            raise ContractError(
                f"{self.place}: the column {name!r} has two figures, {self.figures[name]:,} and {text}; expected one. "
                "The page can't be read for certain: load the month's figures as CSV."
            )
        self.figures[name] = int(text.replace(",", ""))


def table_lines(pages: Sequence[Page], layout: ReportLayout) -> Iterator[TableLine]:
    """The lines of the table on all pages, without headings and footers."""
    headings: Headings | None = None
    for page in pages:
        own = headings_of(page, layout)
        headings = own or headings
        if headings is None or not (own or _has_figures(page)):  # a cover, or a page after the end of the table
            continue
        start = own.line + 1 if own else 0
        yield from (_ruled if layout.ruled else _unruled)(page, layout, headings, start)


def _has_figures(page: Page) -> bool:
    return any(NUMBER.fullmatch(phrase.text) for line in page.lines for phrase in line)


def held_by(column: Column, text: str, layout: ReportLayout) -> str:
    """What a text in a column is: `label` where the column doesn't hold such a text."""
    if column.figures:
        return "label"
    if "type" not in column.holds:
        return column.holds[0]
    if plain(text) in {plain(one) for one in layout.types}:
        return "type"
    return column.holds[0] if column.holds[0] != "type" else "label"


def _unruled(page: Page, layout: ReportLayout, headings: Headings, start: int) -> Iterator[TableLine]:
    """The lines below the headings; a phrase belongs to the column whose heading begins (of a figure: ends) nearest."""
    for number, phrases in enumerate(page.lines[start:], start=start + 1):
        if FOOTER.fullmatch(" ".join(phrase.text for phrase in phrases)):
            continue
        line = TableLine(page.number, number, phrases[0].top, phrases[0].size)
        for phrase in phrases:
            if not FOOTER.fullmatch(phrase.text):
                _put(line, phrase, layout, headings)
        yield line


def _put(line: TableLine, phrase: Phrase, layout: ReportLayout, headings: Headings) -> None:
    number = NUMBER.fullmatch(phrase.text)

    def away(column: tuple[Column, Phrase]) -> float:
        if number and column[0].figures:
            return abs(phrase.right - column[1].right)
        return abs(phrase.left - column[1].left)

    columns = zip(layout.columns, headings.phrases, strict=True)
    column, _ = min((one for one in columns if not (number and "date" in one[0].holds)), key=away)
    if number and column.figures:
        line.add_figure(column.name, phrase.text)
    elif number:
        line.bare = int(phrase.text.replace(",", ""))
    else:
        line.add_text(held_by(column, phrase.text, layout), phrase.text)


def _ruled(page: Page, layout: ReportLayout, headings: Headings, start: int) -> Iterator[TableLine]:
    """The rows of ruled cells below the headings. A cell that spans several rows has its text in each of them."""
    if not start:
        raise ContractError(
            f"Page {page.number} has no headings; expected {layout.heading_line!r} on each page. "
            "A page is damaged or of another report: get the file again."
        )
    near = NEAR * headings.phrases[0].size
    across = [rule for rule in page.rules if rule.horizontal]
    bounds = _columns(page, headings, layout, near)
    cells = [_bands(across, left, right, headings, near) for left, right in bounds]
    rows = cells[-1]
    texts: dict[tuple[int, int], list[str]] = defaultdict(list)
    for phrases in page.lines[start:]:
        for phrase in phrases:
            _into_cell(phrase, bounds, cells, texts)
    number = 0
    for top, bottom in rows:
        middle = (top + bottom) / 2
        line = TableLine(page.number, number + 1, top, near / NEAR)
        for place, column in enumerate(layout.columns):
            band = _band_at(cells[place], middle)
            text = " ".join(texts.get((place, band), ())) if band is not None else ""
            if NUMBER.fullmatch(text) and column.figures:
                line.add_figure(column.name, text)
            elif text:
                line.add_text(held_by(column, text, layout), text)
        if line.texts or line.figures:
            number += 1
            yield line


def _columns(page: Page, headings: Headings, layout: ReportLayout, near: float) -> list[tuple[float, float]]:
    """The left and right bounds of each column: the vertical rules beside the headings."""
    middle = headings.phrases[0].middle
    crossing = [rule.left for rule in page.rules if not rule.horizontal and rule.top <= middle <= rule.bottom]
    places = _distinct(crossing, near)
    bounds = [
        (left, right)
        for left, right in pairwise(places)
        if any(left - near <= heading.left and heading.right <= right + near for heading in headings.phrases)
    ]
    if len(bounds) != len(layout.columns):
        raise ContractError(
            f"Page {page.number}: expected {len(layout.columns)} ruled columns under {layout.heading_line!r}, got "
            f"{len(bounds)}. The page can't be read for certain: load the month's figures as CSV."
        )
    return bounds


def _bands(
    across: Sequence[Rule], left: float, right: float, headings: Headings, near: float
) -> list[tuple[float, float]]:
    """The top and bottom of each cell of a column below the headings: between the rules that cross its middle."""
    middle, below = (left + right) / 2, headings.phrases[0].bottom
    places = _distinct([rule.top for rule in across if rule.left <= middle <= rule.right and rule.top > below], near)
    return list(pairwise(places))


def _distinct(places: Sequence[float], near: float) -> list[float]:
    """Places in order, those nearer than `near` as one."""
    distinct: list[float] = []
    for place in sorted(places):
        if not distinct or place - distinct[-1] > near:
            distinct.append(place)
    return distinct


def _band_at(bands: Sequence[tuple[float, float]], middle: float) -> int | None:
    return next((place for place, (top, bottom) in enumerate(bands) if top <= middle < bottom), None)


def _into_cell(
    phrase: Phrase,
    bounds: Sequence[tuple[float, float]],
    cells: Sequence[Sequence[tuple[float, float]]],
    texts: dict[tuple[int, int], list[str]],
) -> None:
    """Add a phrase to the texts of its cell; what stands outside the ruled cells is no part of the table."""
    across = (phrase.left + phrase.right) / 2
    place = next((place for place, (left, right) in enumerate(bounds) if left <= across < right), None)
    band = None if place is None else _band_at(cells[place], phrase.middle)
    if place is not None and band is not None:
        texts[place, band].append(phrase.text)
