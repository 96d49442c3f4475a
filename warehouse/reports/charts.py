"""The kinds of chart on a page, as inline SVG that scales, takes the page's colours, and says in words what it shows.

Each is drawn for a phone and for a wide page; the style sheet shows one of the two. Colours stand in the SVG as those
of the light page, and the style sheet names the same values to exchange them in the dark: an SVG taken out of the page
still has its colours.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from html import escape
from typing import Any

import altair as alt
import vl_convert

from warehouse.reports.colours import GROUPS, LIGHT
from warehouse.reports.scope import Row

WIDE, NARROW = 680, 304  # the narrow one is drawn for 320 px, so that its text is 11 px there
FONT_SIZE = 12
LETTER, CAPITAL = 7.3, 9.0  # their widths at that size in a wide face: room is kept for it, whatever the reader's font

STYLE = {
    "background": None,
    "padding": {"left": 2, "top": 4, "right": 4, "bottom": 4},
    "config": {
        "font": "sans-serif",
        "view": {"stroke": None},
        "axis": {
            "domain": False, "ticks": False, "gridColor": LIGHT["line"], "labelColor": LIGHT["soft"],
            "labelFontSize": FONT_SIZE, "labelFontWeight": "normal", "labelPadding": 6, "title": None, "labelLimit": 0,
        },
        "text": {"fontSize": FONT_SIZE, "fill": LIGHT["ink"]},
    },
}  # fmt: skip


class Drawing:
    """A chart under construction: layers that name their data, and the data beside them.

    Altair copies a chart at every step, its rows with it; rows that are only named are not copied.
    """

    def __init__(self) -> None:
        self._rows: dict[str, list[Row]] = {}
        self._layers: list[Any] = []

    def of(self, rows: Sequence[Row]) -> Any:
        """A chart of these rows, to be given a mark and channels."""
        name = f"rows{len(self._rows)}"
        self._rows[name] = list(rows)
        return alt.Chart(alt.NamedData(name=name))

    def add(self, layer: Any) -> None:
        self._layers.append(layer)

    def spec(self, width: int, height: int) -> dict[str, Any]:
        """The layers as Vega-Lite, in the page's style."""
        drawn = alt.layer(*self._layers).properties(width=width, height=height)
        return {**drawn.to_dict(), **STYLE, "datasets": self._rows}


Draw = Callable[[int], dict[str, Any]]


@dataclass(frozen=True)
class Chart:
    """One chart: its drawings for the wide page and the phone, or one for both."""

    drawings: tuple[str, ...]


def chart(key: str, title: str, description: str, draw: Draw, widths: Sequence[int] = (WIDE, NARROW)) -> Chart:
    """Draw a chart in each width; `key` is unique on the page."""
    names = {WIDE: "wide", NARROW: "narrow"} if len(widths) > 1 else {widths[0]: "any"}
    return Chart(
        tuple(_svg(draw(width), f"{key}-{names[width]}", names[width], title, description) for width in widths)
    )


def _svg(spec: dict[str, Any], key: str, kind: str, title: str, description: str) -> str:
    """The SVG of a chart with its alternative text; ids are made unique to the page, inner roles taken out."""
    text = _converted(json.dumps(spec))
    text = re.sub(r' (?:role|aria-[a-z]+|pointer-events|xmlns:xlink|version)="[^"]*"', "", text)
    text = re.sub(r'(id="|url\(#)(clip|gradient)', rf"\1{key}-\2", text)
    head = re.match(r'<svg [^>]*width="([\d.]+)" height="([\d.]+)"[^>]*>', text)
    if head is None:
        raise ValueError("the drawing is no SVG")
    width, height = head.groups()
    opened = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart {kind}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-labelledby="{key}-t {key}-d">'
        f'<title id="{key}-t">{escape(title)}</title><desc id="{key}-d">{escape(description)}</desc>'
    )
    return opened + text[head.end() :]


def _room(texts: Iterable[str]) -> int:
    """The width that the widest of these texts can need."""
    return int(max(sum(CAPITAL if letter.isupper() else LETTER for letter in text) for text in texts))


@lru_cache(maxsize=256)
def _converted(spec: str) -> str:
    """The drawing of a specification; a run over all missions draws some of them again and again."""
    return str(vl_convert.vegalite_to_svg(json.loads(spec)))


def columns(rows: Sequence[Row], years: Sequence[int], causes: Sequence[tuple[str, str]], width: int) -> dict[str, Any]:
    """Columns a year, stacked by cause; `causes` has each cause and its colour's name. Few years have their sums."""
    drawing, room = Drawing(), width - 44
    told = room / len(years) >= 3.2 * LETTER
    marked = _marked(years, room)
    parts = [
        {"year": row["year"], "cause": cause, "deaths": row[cause], "order": order}
        for row in rows
        for order, (cause, _) in enumerate(causes)
        if row[cause]
    ]
    x = (
        alt.X("year:O")
        .scale(domain=list(years), paddingInner=0.22 if told else 0.12)
        .axis(labelAngle=0, values=marked, labelPadding=9)
    )
    top = max(row["deaths"] for row in rows)
    height = alt.Y("deaths:Q", stack="zero").scale(domain=[0, top * (1.12 if told else 1.02)], nice=False)
    named = [cause for cause, _ in causes]
    edges = [LIGHT["soft" if name == "pending" else "paper"] for _, name in causes]
    drawing.add(
        drawing.of(parts)
        .mark_bar(strokeWidth=0.6 if len(years) < 30 else 0.3)
        .encode(
            x=x,
            y=height.axis(None if told else alt.Axis(tickCount=4, tickMinStep=1, format=",d")),
            fill=alt.Fill("cause:N", legend=None).scale(domain=named, range=[LIGHT[name] for _, name in causes]),
            stroke=alt.Stroke("cause:N", legend=None).scale(domain=named, range=edges),
            order=alt.Order("order:Q"),
        )
    )
    if told:
        sums = drawing.of([{"year": row["year"], "deaths": row["deaths"]} for row in rows])
        drawing.add(
            sums.mark_text(dy=-7, baseline="alphabetic").encode(
                x=x, y=alt.Y("deaths:Q"), text=alt.Text("deaths:Q", format=",d")
            )
        )
    return drawing.spec(room if told else room - 8, 230 if width == WIDE else 200)


def bars(
    rows: Sequence[Row],
    width: int,
    top: float | None = None,
    above: bool | None = None,
    label_room: int | None = None,
    text_room: int | None = None,
) -> dict[str, Any]:
    """Bars with a label and a figure each, and a ring where `next` is given.

    `rows` have label, value, text, group (this, active, ended) and perhaps next. On a phone the labels stand above the
    bars, so that no name is cut. Charts that shall share a scale are given the same `top` and rooms.
    """
    drawing = Drawing()
    above = width == NARROW if above is None else above
    labels = [row["label"] for row in rows]
    room = 0 if above else (label_room or _room(labels)) + 14
    text_room = (text_room or _room(row["text"] for row in rows)) + 16
    plot = width - room - 8
    most = top or max(max(row["value"], row.get("next") or 0) for row in rows) or 1
    step, size, shift = (40, 13, 9) if above else (25, 15, 0)
    y = alt.Y("label:N").scale(domain=labels, paddingInner=0, paddingOuter=0)
    y = y.axis(None) if above else y.axis(labelColor=LIGHT["ink"], labelAlign="left", labelPadding=room - 4)
    x = alt.X("value:Q", axis=None).scale(domain=[0, most * plot / max(plot - text_room, 60)], nice=False)
    groups = [name for name in GROUPS if any(row["group"] == name for row in rows)]
    data = [{**row, "end": max(row["value"], row.get("next") or 0)} for row in rows]
    fills, strokes = ([LIGHT[GROUPS[name][part]] for name in groups] for part in (0, 1))
    drawing.add(
        drawing.of([row for row in data if row["value"]])  # the edge of an empty bar would be seen
        .mark_bar(size=size, strokeWidth=1, yOffset=shift)
        .encode(
            x=x,
            y=y,
            fill=alt.Fill("group:N", legend=None).scale(domain=groups, range=fills),
            stroke=alt.Stroke("group:N", legend=None).scale(domain=groups, range=strokes),
        )
    )
    text = drawing.of(data).mark_text(align="left", dx=10, dy=shift, baseline="middle")
    drawing.add(text.encode(x=alt.X("end:Q"), y=y, text="text:N"))
    later = [row for row in data if row.get("next") is not None]
    if later:
        ring = drawing.of(later).mark_point(
            size=62, opacity=1, fill=LIGHT["paper"], stroke=LIGHT["ink"], strokeWidth=2, yOffset=shift
        )
        drawing.add(ring.encode(x=alt.X("next:Q"), y=y))
    if above:
        drawing.add(
            drawing.of(data).mark_text(align="left", dy=-10, baseline="middle", x=0).encode(y=y, text="label:N")
        )
    return drawing.spec(plot, step * len(rows))


def line(
    rows: Sequence[Row], gaps: Sequence[tuple[date, date]], marked: Row | None, until: date, width: int
) -> dict[str, Any]:
    """Strength by month-end to a day; months without a figure are shaded, and the line breaks there.

    `rows` have month_end, strength, series and segment (a run of months); `gaps` the first and last day of each run
    without a figure.
    """
    drawing, plot = Drawing(), width - 58
    first, last = rows[0]["month_end"], max(rows[-1]["month_end"], until)
    x = alt.X("at:T").scale(domain=[_iso(first), _iso(last)], nice=False).axis(**_time_axis(first, last, plot))
    top = max(row["strength"] for row in rows)
    y = alt.Y("strength:Q").scale(domain=[0, top * 1.05 or 1], nice=False)
    y = y.axis(tickCount=4, tickMinStep=1, format=",d", minExtent=46, maxExtent=46)
    if gaps:
        shade = drawing.of([{"at": _iso(since), "to": _iso(to)} for since, to in gaps])
        drawing.add(shade.mark_rect(fill=LIGHT["pale"]).encode(x=x, x2="to:T"))
    data = [{**row, "month_end": str(row["month_end"]), "at": _iso(row["month_end"])} for row in rows]
    sizes = Counter(row["segment"] for row in data)
    series = ["monthly_report", "ipi"]
    shades = [LIGHT["accent"], LIGHT["quiet"]]
    drawing.add(
        drawing.of(data)
        .mark_line(strokeWidth=2)
        .encode(
            x=x, y=y, stroke=alt.Stroke("series:N", legend=None).scale(domain=series, range=shades), detail="segment:N"
        )
    )
    lone = [row for row in data if sizes[row["segment"]] == 1]
    if lone:  # a line needs two months
        dot = drawing.of(lone).mark_point(filled=True, size=16, opacity=1)
        drawing.add(dot.encode(x=x, y=y, fill=alt.Fill("series:N", legend=None).scale(domain=series, range=shades)))
    if marked is not None:
        dot = drawing.of([{"at": _iso(marked["month_end"]), "strength": marked["strength"]}]).mark_point(
            filled=True, size=70, fill=LIGHT["accent"], stroke=LIGHT["paper"], strokeWidth=1.5, opacity=1
        )
        drawing.add(dot.encode(x=x, y=y))
    return drawing.spec(plot, 200 if width == WIDE else 180)


def _marked(years: Sequence[int], room: int) -> list[int]:
    """The years whose label has room: every one, or the round ones."""
    least = -(-len(years) * 46 // room)
    every = next((step for step in (1, 2, 5, 10, 20) if step >= least), 25)
    return [year for year in years if year % every == 0] or list(years[:1])


def _iso(day: date) -> str:
    return f"{day}T00:00:00Z"


def _time_axis(first: date, last: date, plot: int) -> dict[str, Any]:
    """Ticks on the first of January of as many years as have room; of a short time its first and last month."""
    years = [year for year in range(first.year + 1, last.year + 1) if date(year, 1, 1) <= last]
    shared = {"labelAngle": 0, "grid": False, "tickColor": LIGHT["line"], "ticks": True, "formatType": "utc"}
    if len(years) < 2:
        return {**shared, "values": [_iso(first), _iso(last)], "format": "%b %Y", "labelFlush": True}
    return {
        **shared,
        "values": [_iso(date(year, 1, 1)) for year in _marked(years, plot)],
        "format": "%Y",
        "labelFlush": 12,
    }


def dots(rows: Sequence[Row], kinds: Sequence[tuple[str, str, str]], width: int) -> dict[str, Any]:
    """Dots a year, a shape and a colour a measure: beside each other, never added. `kinds`: name, shape, colour."""
    drawing = Drawing()
    years = list(dict.fromkeys(row["label"] for row in rows))
    y = alt.Y("label:N").scale(domain=years)
    y = y.axis(labelColor=LIGHT["ink"], labelAlign="left", labelPadding=60, grid=True)
    x = alt.X("value:Q").scale(domain=[0, max(row["value"] for row in rows) * 1.06], nice=False)
    x = x.axis(orient="top", format=",d", tickCount=4, grid=True)
    for place, (kind, shape, colour) in enumerate(kinds):  # each a little lower than the last, so that none is hidden
        dot = drawing.of([row for row in rows if row["kind"] == kind]).mark_point(
            filled=True, size=85, opacity=1, shape=shape, fill=LIGHT[colour], stroke=LIGHT["paper"], strokeWidth=1,
            yOffset=5 * (place - (len(kinds) - 1) / 2),
        )  # fmt: skip
        drawing.add(dot.encode(x=x, y=y))
    return drawing.spec(width - 96, 30 * len(years))
