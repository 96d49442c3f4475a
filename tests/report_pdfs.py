"""Write monthly reports as PDFs in each layout, and read PDFs as the pipeline does."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby, pairwise
from typing import NamedTuple

from schemas.report_layout import Column, ReportLayout
from transforms.reports.layouts import layouts
from transforms.reports.reading import read_report

LAYOUTS = {layout.name: layout for layout in layouts()}
TITLES = {
    "A1": ["UN Mission's Summary", "detailed by Country", "Month of Report : {day:%d-%b-%y}"],
    "A1b": ["Summary of Contributions to Peackeeping by Country", "and Troops by End of {day:%B, %Y}"],
    "D4": ["Summary of Contribution to UN Peacekeeping", "and Troops, {day:%d/%m/%Y}"],
    "S": ["Contribution of Uniformed Personnel to UN", "As of: {day:%d/%m/%Y}"],
    "F1": [],
    "F2": [],
    "W": ["Summary of Contribution to UN Peacekeeping by Country and Post"],
}
OTHER_TITLE = ["Summary of Contribution to UN Peacekeeping", "and Troops {day:%d/%m/%Y}"]
TITLES["E"] = TITLES["S"]
WIDTHS = {"contributor": 170, "mission": 80, "type": 110, "date": 70}
LETTER = 0.556  # of the size: the width of a digit in Helvetica


class Figures(NamedTuple):
    """A row of a report."""

    mission: str
    contributor: str
    type: str
    male: int
    female: int

    @property
    def total(self) -> int:
        return self.male + self.female


class Text(NamedTuple):
    """A text at a place on the page, from its top left corner."""

    left: float
    top: float
    text: str


@dataclass
class Drawn:
    """A page's texts, and its rules as rectangles (left, top, right, bottom)."""

    texts: list[Text] = field(default_factory=list)
    rules: list[tuple[float, float, float, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Form:
    """How a report is written: rows of a page, where it begins, size of the letters, distance of its lines."""

    per_page: int = 40
    left: float = 30
    top: float = 40
    size: float = 8
    pitch: float = 2.2  # times the size


def pdf(pages: Sequence[Drawn], size: float = 8, created: str = "", trailer: str = "") -> bytes:
    """A PDF of these pages."""
    objects = [b"", b"", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"]
    kids = []
    for page in pages:
        drawing = "".join(f"{a:.2f} {842 - d:.2f} {c - a:.2f} {d - b:.2f} re S\n" for a, b, c, d in page.rules)
        for left, top, text in page.texts:
            escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
            drawing += f"BT /F {size} Tf {left:.2f} {842 - top - size:.2f} Td ({escaped}) Tj ET\n"
        packed = zlib.compress(drawing.encode("cp1252"))
        objects.append(b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(packed), packed))
        kids.append(len(objects) + 1)
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 1000 842]/Resources<</Font<</F 3 0 R>>>>/Contents %d 0 R>>"
            % len(objects)
        )
    objects[0] = b"<</Type/Catalog/Pages 2 0 R>>"
    objects[1] = f"<</Type/Pages/Count {len(kids)}/Kids[{' '.join(f'{kid} 0 R' for kid in kids)}]>>".encode()
    objects.append(f"<</CreationDate(D:{created}000000Z)>>".encode() if created else b"<<>>")
    body, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    end = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n<</Size {len(objects) + 1}/Root 1 0 R"
    return body + f"{end}/Info {len(objects)} 0 R{trailer}>>\nstartxref\n{len(body)}\n%%EOF\n".encode()


def width(text: str, size: float) -> float:
    """About how wide a text is; exact for digits."""
    return len(text) * LETTER * size


class Line(NamedTuple):
    """A line of the table: the texts of its columns by what they hold (`label`: of a total), and its figures."""

    texts: dict[str, str]
    figures: dict[str, int]


def lines_of(layout: ReportLayout, rows: Sequence[Figures]) -> list[Line]:
    """The lines of a report: names of groups, rows, and totals as the layout prints them."""
    return [*_group(layout, list(rows), layout.groups), *_total(layout, "grand", rows, layout.totals.grand)]


def _group(layout: ReportLayout, rows: list[Figures], groups: Sequence[str]) -> Iterator[Line]:
    if not groups:
        yield from _rows(layout, rows)
        return
    held = groups[0]
    for name, group in groupby(rows, key=lambda row: str(getattr(row, held))):
        members, labels = list(group), getattr(layout.totals, held)
        beside = added(layout, members) if "heading" in labels else {}
        inner = list(_group(layout, members, groups[1:]))
        if held == "mission" and layout.name == "A1":  # the mission's name is printed on the line of its first row
            inner[0].texts[held] = name
        else:
            yield Line({held: name}, beside)
        yield from inner
        yield from _total(layout, held, members, [label for label in labels if label != "heading"])


def _rows(layout: ReportLayout, rows: Sequence[Figures]) -> Iterator[Line]:
    if not layout.types:
        for (mission, contributor), group in groupby(rows, key=lambda row: (row.mission, row.contributor)):
            yield Line({"mission": mission, "contributor": contributor}, added(layout, list(group)))
        return
    for row in rows:
        texts = {"mission": row.mission, "contributor": row.contributor, "type": row.type}
        shown = {held: text for held, text in texts.items() if held not in layout.groups}
        yield Line(shown, added(layout, [row]))


def added(layout: ReportLayout, rows: Sequence[Figures]) -> dict[str, int]:
    """The sums of some rows under each column of figures."""
    sums = {}
    for column in layout.columns:
        if column.figures:
            of_type = [row for row in rows if column.type in ("", row.type)]
            sums[column.name] = sum(int(getattr(row, column.holds[0])) for row in of_type)
    return sums


def _total(layout: ReportLayout, level: str, rows: Sequence[Figures], labels: Sequence[str]) -> Iterator[Line]:
    if labels:
        label = labels[0].format(mission=rows[-1].mission, contributor=rows[-1].contributor)
        figures = added(layout, rows)
        if layout.name == "A1" or (layout.name, level) == ("A2", "mission"):
            figures = dict(list(figures.items())[-1:])
        yield Line({"label": label} if label else {}, figures)


def report(
    layout: ReportLayout, rows: Sequence[Figures], day: date, form: Form = Form(), lines: Sequence[Line] | None = None
) -> bytes:
    """A report as PDF. `lines` replaces those of the rows."""
    table = list(lines if lines is not None else lines_of(layout, rows))
    return pdf(drawn_pages(layout, table, day, form), form.size, f"{day:%Y%m%d}")


def drawn_pages(layout: ReportLayout, lines: Sequence[Line], day: date, form: Form) -> list[Drawn]:
    """The pages of a report."""
    parts = [lines[start : start + form.per_page] for start in range(0, len(lines), form.per_page)]
    return [_page(layout, part, day, form, (number, len(parts))) for number, part in enumerate(parts, start=1)]


def _page(layout: ReportLayout, lines: Sequence[Line], day: date, form: Form, number: tuple[int, int]) -> Drawn:
    drawn, top, step = Drawn(), form.top, form.size * form.pitch
    if number[0] == 1 or layout.ruled:
        for title in TITLES.get(layout.name, OTHER_TITLE):
            drawn.texts.append(Text(200, top, title.format(day=day)))
            top += step
    lefts = list(_lefts(layout, form))
    if number[0] == 1 or layout.name != "F1":
        for part in range(max(column.heading.count("|") for column in layout.columns) + 1):
            for column, left in zip(layout.columns, lefts, strict=False):
                if part < len(column.heading.split("|")):
                    drawn.texts.append(Text(left, top + part * 9, column.heading.split("|")[part]))
    if layout.ruled:
        _rule(drawn, layout, lefts, (top, step), lines, day)
    else:
        for place, line in enumerate(lines, start=1):
            _unruled(drawn, layout, lefts, (top + place * step, form.size), line, day)
    if layout.page_numbers:
        drawn.texts.append(Text(400, 820, f"Page {number[0]} of {number[1]}"))
    return drawn


def _lefts(layout: ReportLayout, form: Form) -> Iterator[float]:
    """The left edges of the columns, and the right edge of the last one."""
    left = form.left
    for column in layout.columns:
        yield left
        left += max(WIDTHS.get(held, 65) for held in column.holds)
    yield left


def _unruled(
    drawn: Drawn, layout: ReportLayout, lefts: Sequence[float], place: tuple[float, float], line: Line, day: date
) -> None:
    top, size = place
    for column, left in zip(layout.columns, lefts, strict=False):
        if column.name in line.figures:
            text = f"{line.figures[column.name]:,}"
            right = left + width(column.heading, size) + size
            drawn.texts.append(Text(right - width(text, size), top, text))
        elif text := _text_in(column, line, day):
            drawn.texts.append(Text(left, top, text))
    if "label" in line.texts:
        label = line.texts["label"]
        before = lefts[-2] - (3 + len(label) * 0.72) * size  # ends before the figure of the last column
        drawn.texts.append(Text(lefts[0] if label.startswith(("Total", "Grand")) else before, top, label))


def _text_in(column: Column, line: Line, day: date) -> str:
    if "date" in column.holds and line.texts and "label" not in line.texts:
        return f"{day:%d/%m/%Y}"
    return next((line.texts[held] for held in column.holds if held in line.texts), "")


def _rule(
    drawn: Drawn,
    layout: ReportLayout,
    lefts: Sequence[float],
    place: tuple[float, float],
    lines: Sequence[Line],
    day: date,
) -> None:
    """Ruled cells; a contributor's cell spans the lines of its types, with the name in the middle."""
    top, step = place
    drawn.rules += [(left, top - 2, right, top + step + 4) for left, right in pairwise(lefts)]
    spans: list[tuple[int, int, str]] = []
    for number, line in enumerate(lines):
        name = line.texts.get("contributor", "")
        if layout.name == "S" and spans and name and spans[-1][2] == name:
            spans[-1] = (spans[-1][0], number + 1, name)
        else:
            spans.append((number, number + 1, name))
    first = top + step + 4
    for column, left, right in zip(layout.columns, lefts, lefts[1:], strict=False):
        if column.holds == ("contributor",):
            for start, end, name in spans:
                drawn.rules.append((left, first + start * step, right, first + end * step))
                drawn.texts.append(Text(left + 2, first + (start + end) / 2 * step - 4, name))
            continue
        for number, line in enumerate(lines):
            drawn.rules.append((left, first + number * step, right, first + (number + 1) * step))
            figure = line.figures.get(column.name)
            text = _text_in(column, line, day) if figure is None else str(figure)
            drawn.texts.append(Text(left + 2, first + (number + 0.5) * step - 4, text))
    for number, line in enumerate(lines):
        if "label" in line.texts:
            drawn.texts.append(Text(lefts[0] + 2, first + (number + 0.5) * step - 4, line.texts["label"]))


def rows_of(payload: bytes) -> list[list[str]]:
    """The rows that are read from a report's PDF."""
    (frame, _, _), _ = read_report(io.BytesIO(payload))
    return [list(row) for row in frame.itertuples(index=False, name=None)]


def expected(layout: ReportLayout, rows: Sequence[Figures], day: date) -> list[list[str]]:
    """The rows that have to be read."""
    held = {one for column in layout.columns for one in column.holds}
    texts = []
    for row in rows:
        sexes = [str(row.male), str(row.female)] if "male" in held else ["", ""]
        mission = row.mission if "mission" in held else ""
        texts.append([day.isoformat(), mission, row.contributor, row.type, *sexes, str(row.total), layout.name])
    return texts
