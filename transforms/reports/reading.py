"""Read a monthly report's PDF as rows of text cells, as a CSV file of the same figures would give."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import BinaryIO

import pandas as pd

from schemas.report_layout import ReportLayout, Undated
from schemas.validate import ContractError, CutOffError
from transforms.reading import BROKEN_COLUMNS, TEXT, Rows
from transforms.reports.layouts import headings_of, recognise, title_of
from transforms.reports.pages import EXPECTED, Document, Page, has_end, read_pages
from transforms.reports.rows import UNREADABLE, Body, Reader, Row
from transforms.reports.tables import table_lines
from transforms.reports.totals import require_totals

COLUMNS = [
    "month_end",
    "mission",
    "contributor_as_printed",
    "personnel_type_as_printed",
    "male",
    "female",
    "total",
    "report_layout",
]
PAGE_OF = re.compile(r"\bPage (\d+) of (\d+)\b", re.IGNORECASE)
GENERATED = re.compile(r"Report Generated On ?: ?(\d{1,2}/\d{1,2}/\d{4})", re.IGNORECASE)
CREATED = re.compile(r"D:(\d{4})(\d\d)(\d\d)")


def read_report(file: BinaryIO) -> tuple[Rows, date | None]:
    """The rows of a report (COLUMNS), an empty frame (no row is broken), their number; and when it was made.

    Raises ContractError where it is no known report, prints no month, or a figure can't be read for certain or
    contradicts a printed total; CutOffError where the file or the report is cut off.
    """
    payload = file.read()
    try:
        layout, rows, made_on = _read(payload)
    except ContractError as error:
        if has_end(payload):
            raise
        raise _cut_off(payload) from error
    # Without a grand total or numbered pages nothing else shows that the last pages are missing.
    if not (has_end(payload) or layout.totals.grand or layout.page_numbers):
        raise _cut_off(payload)
    return rows, made_on


def _cut_off(payload: bytes) -> CutOffError:
    return CutOffError(f"The PDF is cut off before its end (after {len(payload):,} bytes); {EXPECTED}. Get it again.")


def _read(payload: bytes) -> tuple[ReportLayout, Rows, date | None]:
    """The layout of a report, its rows, and when it was made."""
    document = read_pages(payload, recognise)
    layout = recognise(document.pages)
    if layout.page_numbers:
        _require_pages(document.pages)
    body = Reader(layout).read(table_lines(document.pages, layout))
    if not body.rows:
        raise ContractError(f"The report (layout {layout.name}) has headings and no rows. Get it again.")
    require_totals(body, layout)
    month_end = _month_end(document.pages, layout, body)
    cells = [[month_end.isoformat(), *row, layout.name] for row in _cells(body, layout)]
    index = pd.RangeIndex(1, len(cells) + 1, name="row_number")
    frame = pd.DataFrame(cells, columns=COLUMNS, index=index, dtype=TEXT)
    rows = (frame, pd.DataFrame(columns=BROKEN_COLUMNS), len(frame))
    return layout, rows, _made_on(document, month_end)


def _cells(body: Body, layout: ReportLayout) -> Iterator[list[str]]:
    """Mission, contributor, type, men, women and all of each row; one row for each type that has its own columns."""
    for row in body.rows:
        if layout.types:
            yield _cell(row, row.type, _figures(row, layout, ""))
            continue
        for kind in dict.fromkeys(column.type for column in layout.columns if column.type):
            figures = _figures(row, layout, kind)
            if layout.zero_cells or any(figures.values()):
                yield _cell(row, kind, figures)


def _figures(row: Row, layout: ReportLayout, kind: str) -> dict[str, int]:
    """The figures of a row in the columns of a type, by what they count."""
    columns = [column for column in layout.columns if column.figures and column.type == kind]
    return {str(column.holds[0]): row.figures[column.name] for column in columns}


def _cell(row: Row, kind: str, figures: dict[str, int]) -> list[str]:
    both = figures.get("male", 0) + figures.get("female", 0)
    printed = [figures.get("male"), figures.get("female"), figures.get("total", both)]
    return [row.mission, row.contributor, kind, *("" if figure is None else str(figure) for figure in printed)]


def _require_pages(pages: Sequence[Page]) -> None:
    """Raise CutOffError unless the numbered pages (Page 2 of 30) are all there, in order; a cover has no number."""
    found = [(page, PAGE_OF.findall(page.text())) for page in pages]
    numbered = [(page, int(printed[-1][0]), int(printed[-1][1])) for page, printed in found if printed]
    for expected, (page, number, count) in enumerate(numbered, start=1):
        if (number, count) != (expected, len(numbered)):
            raise CutOffError(
                f"The PDF has {len(numbered):,} numbered pages, and page {page.number:,} of them says that it is page "
                f"{number:,} of {count:,}: pages are missing or in another order. Get it again."
            )


def _month_end(pages: Sequence[Page], layout: ReportLayout, body: Body) -> date:
    """The last day of the month that the report prints. Raises ContractError for none, or for two."""
    printed = {*(row.date for row in body.rows if row.date), *_titles(pages, layout)}
    days = {_end_of_month(_parsed(text, layout)) for text in printed}
    if not days and layout.undated:
        return _undated(layout.undated, body)
    if len(days) != 1:
        got = f"{len(days)}: {', '.join(map(str, sorted(days)))}" if days else "none"
        raise ContractError(f"The report (layout {layout.name}) has to print the date of one month, got {got}.")
    return days.pop()


def _titles(pages: Sequence[Page], layout: ReportLayout) -> list[str]:
    """The dates above the headings of all pages."""
    headed = [(page, headings) for page in pages if (headings := headings_of(page, layout))]
    if layout.date is None:
        return []
    titles = [title_of(page, headings) for page, headings in headed]
    return [text for title in titles for text in re.findall(layout.date.pattern, title, re.IGNORECASE)]


def _parsed(text: str, layout: ReportLayout) -> date:
    try:
        return datetime.strptime(text, layout.date.format if layout.date else "").date()
    except ValueError:
        raise ContractError(
            f"The report (layout {layout.name}) prints the date {text[:40]!r}; expected one such as "
            f"{date(2025, 1, 31).strftime(layout.date.format if layout.date else '%x')}. {UNREADABLE}"
        ) from None


def _end_of_month(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _undated(known: Sequence[Undated], body: Body) -> date:
    """The month of a report that prints none: that of the declared one with the same grand total."""
    grand = next((total.line.figures for total in body.totals if total.level == "grand"), {})
    for one in known:
        if one.grand_total == grand:
            return one.month_end
    months = ", ".join(f"{one.month_end:%Y-%m}" for one in known)
    raise ContractError(
        f"The report prints no date, and its grand total is not that of {months}, the only known ones without. "
        "Load the month's figures as CSV."
    )


def _made_on(document: Document, month_end: date) -> date | None:
    """The day on which the report was made: as its pages say, else as the file says; None if that is not after."""
    texts = (GENERATED.search(page.text()) for page in document.pages)
    printed = next((found[1] for found in texts if found), None)
    made = CREATED.match(document.created)
    try:
        if printed:
            day = datetime.strptime(printed, "%m/%d/%Y").date()
        elif made:
            day = date(*map(int, made.groups()))
        else:
            return None
    except ValueError:
        return None
    return day if day >= month_end else None
