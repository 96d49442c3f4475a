"""The kinds of chart on a page: Vega-Lite specifications, drawn as inline SVG that scales and has alternative text.

Each is drawn for a phone and for a wide page; the style sheet shows one of the two. The SVG has the colours of the
light page, and the style sheet replaces these values in the dark: an SVG taken out of the page keeps its colours.
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

import vl_convert

from warehouse.reports.scope import Row

# name: (on the light page, on the dark page). The causes differ in lightness too, for eyes that confuse hues.
COLOURS = {
    "malicious": ("#8f2329", "#f0857e"),
    "accident": ("#b8770a", "#e9b44c"),
    "illness": ("#1f5c88", "#6aabdd"),
    "self": ("#a57cc7", "#e3cdf8"),
    "unknown": ("#75818b", "#8d9aa5"),
    "pending": ("#f1e9d8", "#3a3426"),
    "accent": ("#0b6158", "#5cc4b4"),
    "quiet": ("#7f909c", "#7c8d99"),
    "pale": ("#eef1f3", "#222a30"),
    "ink": ("#1a242e", "#e9eef2"),
    "soft": ("#525f6b", "#aab6c0"),
    "line": ("#dbe1e6", "#323b43"),
    "paper": ("#fdfdfb", "#12171b"),
}
LIGHT = {name: light for name, (light, _) in COLOURS.items()}
# The colours of a bar's body and of its edge, by the bar's group.
GROUPS = {"this": ("accent", "accent"), "active": ("quiet", "quiet"), "ended": ("pale", "quiet")}
SERIES = {"monthly_report": "accent", "ipi": "quiet"}

WIDE, NARROW = 680, 304  # px; the narrow one is for screens of 320 px, where its text is 11 px high
FONT_SIZE = 12
LETTER, CAPITAL = 7.3, 9.0  # px of room for a letter at that size, in the widest of the usual fonts
VEGA_LITE = "6.4"
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
SIDE_LABELS = {"labelColor": LIGHT["ink"], "labelAlign": "left"}

Spec = dict[str, Any]


@dataclass(frozen=True)
class BarLayout:
    """The layout of a bar chart. Two charts of the same layout have the same scale.

    top         the value at the right edge; None: the largest
    above       whether the labels are above the bars, so that no name is cut; None: in the narrow drawing alone
    label_room  px for the labels; 0: as the longest needs
    text_room   px for the texts after the bars; 0: as the longest needs
    widths      the widths in which it is drawn
    """

    top: float | None = None
    above: bool | None = None
    label_room: int = 0
    text_room: int = 0
    widths: Sequence[int] = (WIDE, NARROW)


def chart(
    key: str, title: str, description: str, draw: Callable[[int], Spec], widths: Sequence[int] = (WIDE, NARROW)
) -> list[str]:
    """The SVG of a chart in each width. `key` is unique on the page; `draw` takes a width in px."""
    names = {WIDE: "wide", NARROW: "narrow"} if len(widths) > 1 else {widths[0]: "any"}
    return [_svg(draw(width), key, names[width], title, description) for width in widths]


def _svg(spec: Spec, key: str, kind: str, title: str, description: str) -> str:
    """The SVG with its alternative text, its ids made unique on the page, and without roles on its inner parts."""
    name = f"{key}-{kind}"
    text = _converted(json.dumps(spec))
    text = re.sub(r' (?:role|aria-[a-z]+|pointer-events|xmlns:xlink|version)="[^"]*"', "", text)
    text = re.sub(r'(id="|url\(#)(clip|gradient)', rf"\1{name}-\2", text)
    opening = re.match(r'<svg [^>]*width="([\d.]+)" height="([\d.]+)"[^>]*>', text)
    if opening is None:
        raise ValueError("the drawing is no SVG")
    width, height = opening.groups()
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart {kind}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-labelledby="{name}-t {name}-d">'
        f'<title id="{name}-t">{escape(title)}</title><desc id="{name}-d">{escape(description)}</desc>'
    )
    return head + text[opening.end() :]


@lru_cache(maxsize=256)
def _converted(spec: str) -> str:
    """The SVG of a specification; pages of several missions share some of them."""
    return str(vl_convert.vegalite_to_svg(json.loads(spec), vl_version=VEGA_LITE))


def _spec(width: float, height: float, *layers: Spec) -> Spec:
    return {**STYLE, "width": width, "height": height, "layer": layers}


def _layer(rows: Sequence[Row], mark: Spec, **channels: Spec) -> Spec:
    return {"data": {"values": rows}, "mark": mark, "encoding": channels}


def _number(name: str, **options: Any) -> Spec:
    """A channel that shows a number."""
    return {"field": name, "type": "quantitative", **options}


def _name(name: str, **options: Any) -> Spec:
    """A channel that shows a name."""
    return {"field": name, "type": "nominal", **options}


def _colour(name: str, colours: dict[str, str]) -> Spec:
    """A channel that shows a name by its colour."""
    scale = {"domain": list(colours), "range": [LIGHT[colour] for colour in colours.values()]}
    return _name(name, legend=None, scale=scale)


def _room(texts: Iterable[str]) -> int:
    """The px that the longest of these texts can need."""
    return int(max(sum(CAPITAL if letter.isupper() else LETTER for letter in text) for text in texts))


def columns(rows: Sequence[Row], years: Sequence[int], causes: dict[str, str], width: int) -> Spec:
    """Columns by year, stacked by cause; few years have their sums above them.

    `causes` has the colour's name of each cause.
    """
    room = width - 44
    with_sums = room / len(years) >= 3.2 * LETTER
    parts = [
        {"year": row["year"], "cause": cause, "deaths": row[cause], "order": order}
        for row in rows
        for order, cause in enumerate(causes)
        if row[cause]
    ]
    x = {
        "field": "year",
        "type": "ordinal",
        "scale": {"domain": list(years), "paddingInner": 0.22 if with_sums else 0.12},
        "axis": {"labelAngle": 0, "values": _marked(years, room), "labelPadding": 9},
    }
    top = max(row["deaths"] for row in rows) * (1.12 if with_sums else 1.02)
    y = _number(
        "deaths",
        stack="zero",
        scale={"domain": [0, top], "nice": False},
        axis=None if with_sums else {"tickCount": 4, "tickMinStep": 1, "format": ",d"},
    )
    edges = {cause: "soft" if colour == "pending" else "paper" for cause, colour in causes.items()}
    column = {"type": "bar", "strokeWidth": 0.6 if len(years) < 30 else 0.3}
    order = _number("order")
    layers = [
        _layer(parts, column, x=x, y=y, order=order, fill=_colour("cause", causes), stroke=_colour("cause", edges))
    ]
    if with_sums:
        sums = [{"year": row["year"], "deaths": row["deaths"]} for row in rows]
        text = {"type": "text", "dy": -7, "baseline": "alphabetic"}
        layers.append(_layer(sums, text, x=x, y=_number("deaths"), text=_number("deaths", format=",d")))
    return _spec(room if with_sums else room - 8, 230 if width == WIDE else 200, *layers)


def bars(rows: Sequence[Row], width: int, layout: BarLayout | None = None) -> Spec:
    """Bars with a label and a text each, and a ring where `next` is given.

    `rows` have label, value, text, group (of GROUPS) and perhaps next.
    """
    layout = layout or BarLayout()
    above = width == NARROW if layout.above is None else layout.above
    step, size, shift = (40, 13, 9) if above else (25, 15, 0)
    labels = [row["label"] for row in rows]
    room = 0 if above else (layout.label_room or _room(labels)) + 14
    text_room = (layout.text_room or _room(row["text"] for row in rows)) + 16
    plot = width - room - 8
    data = [{**row, "end": max(row["value"], row.get("next") or 0)} for row in rows]
    top = layout.top or max(row["end"] for row in data) or 1
    y = _name(
        "label",
        scale={"domain": labels, "paddingInner": 0, "paddingOuter": 0},
        axis=None if above else {**SIDE_LABELS, "labelPadding": room - 4},
    )
    x = _number("value", axis=None, scale={"domain": [0, top * plot / max(plot - text_room, 60)], "nice": False})
    groups = [name for name in GROUPS if any(row["group"] == name for row in rows)]
    fill, stroke = (_colour("group", {name: GROUPS[name][part] for name in groups}) for part in (0, 1))
    bar = {"type": "bar", "size": size, "strokeWidth": 1, "yOffset": shift}
    text = {"type": "text", "align": "left", "baseline": "middle"}
    ring = {"type": "point", "size": 62, "opacity": 1, "strokeWidth": 2, "yOffset": shift}
    ring |= {"fill": LIGHT["paper"], "stroke": LIGHT["ink"]}
    layers = [
        _layer([row for row in data if row["value"]], bar, x=x, y=y, fill=fill, stroke=stroke),  # 0 would show its edge
        _layer(data, {**text, "dx": 10, "dy": shift}, x=_number("end"), y=y, text=_name("text")),
    ]
    if later := [row for row in data if row.get("next") is not None]:
        layers.append(_layer(later, ring, x=_number("next"), y=y))
    if above:
        layers.append(_layer(data, {**text, "dy": -10, "x": 0}, y=y, text=_name("label")))
    return _spec(plot, step * len(rows), *layers)


def line(rows: Sequence[Row], gaps: Sequence[tuple[date, date]], marked: Row | None, until: date, width: int) -> Spec:
    """Strength by month-end, up to a day. Months without a figure are shaded, and the line breaks there.

    `rows` have month_end, strength, series (of SERIES) and segment (the number of a run of months); `gaps` the first
    and last day of each shade; `marked` is a row to mark with a dot.
    """
    plot = width - 58
    first, last = rows[0]["month_end"], max(rows[-1]["month_end"], until)
    x = {
        "field": "at",
        "type": "temporal",
        "scale": {"domain": [_iso(first), _iso(last)], "nice": False},
        "axis": _time_axis(first, last, plot),
    }
    y = _number(
        "strength",
        scale={"domain": [0, max(row["strength"] for row in rows) * 1.05 or 1], "nice": False},
        axis={"tickCount": 4, "tickMinStep": 1, "format": ",d", "minExtent": 46, "maxExtent": 46},
    )
    names = ("strength", "series", "segment")
    data = [{"at": _iso(row["month_end"]), **{name: row[name] for name in names}} for row in rows]
    sizes = Counter(row["segment"] for row in data)
    layers = []
    if gaps:
        shades = [{"at": _iso(since), "to": _iso(to)} for since, to in gaps]
        layers.append(_layer(shades, {"type": "rect", "fill": LIGHT["pale"]}, x=x, x2={"field": "to"}))
    stroke = {"type": "line", "strokeWidth": 2}
    layers.append(_layer(data, stroke, x=x, y=y, stroke=_colour("series", SERIES), detail=_name("segment")))
    if single := [row for row in data if sizes[row["segment"]] == 1]:  # a line needs two months
        dot = {"type": "point", "filled": True, "size": 16, "opacity": 1}
        layers.append(_layer(single, dot, x=x, y=y, fill=_colour("series", SERIES)))
    if marked is not None:
        dot = {"type": "point", "filled": True, "size": 70, "opacity": 1, "strokeWidth": 1.5}
        dot |= {"fill": LIGHT["accent"], "stroke": LIGHT["paper"]}
        layers.append(_layer([{"at": _iso(marked["month_end"]), "strength": marked["strength"]}], dot, x=x, y=y))
    return _spec(plot, 200 if width == WIDE else 180, *layers)


def _marked(years: Sequence[int], room: int) -> list[int]:
    """The years whose label has room: all, or round ones."""
    least = -(-len(years) * 46 // room)
    step = next((step for step in (1, 2, 5, 10, 20) if step >= least), 25)
    return [year for year in years if year % step == 0] or list(years[:1])


def _iso(day: date) -> str:
    return f"{day}T00:00:00Z"


def _time_axis(first: date, last: date, plot: int) -> Spec:
    """Ticks on 1 January of as many years as have room; for a short time on its first and last month."""
    years = [year for year in range(first.year + 1, last.year + 1) if date(year, 1, 1) <= last]
    if len(years) < 2:
        ticks = {"values": [_iso(first), _iso(last)], "format": "%b %Y", "labelFlush": True}
    else:
        starts = [_iso(date(year, 1, 1)) for year in _marked(years, plot)]
        ticks = {"values": starts, "format": "%Y", "labelFlush": 12}
    return {"labelAngle": 0, "grid": False, "tickColor": LIGHT["line"], "ticks": True, "formatType": "utc", **ticks}


def dots(rows: Sequence[Row], kinds: Sequence[tuple[str, str, str]], width: int) -> Spec:
    """Dots by year, with a shape and a colour for each measure, which are never added up.

    `rows` have label, kind and value; `kinds` the name, shape and colour of each kind.
    """
    years = list(dict.fromkeys(row["label"] for row in rows))
    y = _name("label", scale={"domain": years}, axis={**SIDE_LABELS, "labelPadding": 60, "grid": True})
    x = _number(
        "value",
        scale={"domain": [0, max(row["value"] for row in rows) * 1.06], "nice": False},
        axis={"orient": "top", "format": ",d", "tickCount": 4, "grid": True},
    )
    mark = {"type": "point", "filled": True, "size": 85, "opacity": 1, "stroke": LIGHT["paper"], "strokeWidth": 1}
    layers = []
    for place, (kind, shape, colour) in enumerate(kinds):  # each a little lower than the last, so that none is hidden
        dot = {**mark, "shape": shape, "fill": LIGHT[colour], "yOffset": 5 * (place - (len(kinds) - 1) / 2)}
        layers.append(_layer([row for row in rows if row["kind"] == kind], dot, x=x, y=y))
    return _spec(width - 96, 30 * len(years), *layers)
