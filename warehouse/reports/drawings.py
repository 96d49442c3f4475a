"""The charts of a page, each drawn from the page's figures, with a description in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from warehouse.reports.briefing import Briefing
from warehouse.reports.charts import NARROW, BarLayout, bars, chart, columns, dots, line
from warehouse.reports.formats import day, level, measure, millions, number, ordinal, percent, units
from warehouse.reports.money import MEASURES
from warehouse.reports.people import People
from warehouse.reports.scope import Row
from warehouse.reports.toll import CAUSES, Ladder

CAUSE_COLOURS = dict(zip(CAUSES, ("malicious", "accident", "illness", "self", "unknown", "pending"), strict=True))
SHAPES = {
    "approved_usd": ("circle", "accent"),
    "spent_usd": ("square", "malicious"),
    "accounts_usd": ("triangle-up", "accident"),
    "assessed_gross_usd": ("diamond", "self"),
}
TOP_CONTRIBUTORS = 12
# The two charts by level have the same scale, so that they can be compared.
LEVELS = BarLayout(top=100, label_room=170, text_room=112)
BY_WIDTH = BarLayout()
STATUSES = {"paid_on_time": "On time", "paid_late": "Late, in full", "not_paid_in_full": "Not in full"}


def draw(briefing: Briefing) -> dict[str, list[str]]:
    """Each chart for which there are figures, as SVG in each of its widths, by its name in the templates."""
    charts: dict[str, Callable[[Briefing], list[str]]] = {
        "years": _years,
        "ladder-malicious": lambda briefing: _ladder(briefing, 0),
        "ladder-all": lambda briefing: _ladder(briefing, 1),
        "strength": _strength,
        "contributors": _contributors,
        "levels": _levels,
        "payers": _payers,
        "states": _states,
        "costs": _costs,
        "payments": _payments,
    }
    drawn = {name: draw_one(briefing) for name, draw_one in charts.items()}
    return {name: drawings for name, drawings in drawn.items() if drawings}


def _bar(label: str, value: float, text: str, group: str = "this", later: float | None = None) -> Row:
    return {"label": label, "value": value, "text": text, "group": group, "next": later}


def _bars(key: str, title: str, rows: Sequence[Row], layout: BarLayout = BY_WIDTH, kind: str = "Bars") -> list[str]:
    """A bar chart; empty where there is no row. `kind` begins its description."""
    if not rows:
        return []
    listed = "; ".join(f"{row['label']}: {row['text']}" for row in rows)
    return chart(key, title, f"{kind}: {listed}.", lambda width: bars(rows, width, layout), layout.widths)


def _years(briefing: Briefing) -> list[str]:
    toll = briefing.toll
    if toll is None or not toll.totals["deaths"]:
        return []
    causes = {row["cause"]: CAUSE_COLOURS[row["cause"]] for row in toll.causes}
    years = [row["year"] for row in toll.years]
    by_year = "; ".join(f"{row['year']}: {row['deaths']}" for row in toll.years if row["deaths"])
    by_cause = ", ".join(f"{row['cause'].lower()} {row['deaths']}" for row in toll.causes)
    return chart(
        "years",
        f"Deaths in {briefing.scope.mission} by year of the incident and cause",
        f"Stacked columns. All causes by year: {by_year}. By cause, from below: {by_cause}.",
        lambda width: columns(toll.years, years, causes, width),
    )


def _ladder(briefing: Briefing, place: int) -> list[str]:
    if briefing.toll is None:
        return []
    ladder: Ladder = briefing.toll.ladders[place]
    rows = [
        _bar(
            row["mission"],
            row["deaths"],
            f"{number(row['deaths'])} ({ordinal(row['rank'])})",
            "this" if row["mission"] == briefing.scope.mission else "active" if row["is_active"] else "ended",
        )
        for row in ladder.rows
    ]
    title = f"Missions by deaths from {'malicious acts' if ladder.cause else 'all causes'}"
    return _bars(f"ladder-{place}", title, rows, BarLayout(above=False, widths=(NARROW,)))


def _strength(briefing: Briefing) -> list[str]:
    people = briefing.people
    if not any(row["strength"] for row in people.months):
        return []
    top = max(people.months, key=lambda row: row["strength"])
    first, last = people.months[0], people.months[-1]
    rows = _segments(people.months)
    return chart(
        "strength",
        "Uniformed personnel by month-end",
        f"A line from {number(first['strength'])} on {day(first['month_end'])} to {number(last['strength'])} on "
        f"{day(last['month_end'])}; most on {day(top['month_end'])}: {number(top['strength'])}. "
        "It is broken where a month has no figure.",
        lambda width: line(rows, people.shaded, people.reported, people.until or last["month_end"], width),
    )


def _segments(months: Sequence[Row]) -> list[Row]:
    """The months with the number of their run; a run also has the month before it where only the series changes."""
    segment, rows = 0, []
    for before, row in zip([months[0], *months], months, strict=False):
        then, now = before["month_end"], row["month_end"]
        apart = 12 * (now.year - then.year) + now.month - then.month
        segment += apart > 1 or row["series"] != before["series"]
        if apart == 1 and row["series"] != before["series"]:
            rows.append({**before, "series": row["series"], "segment": segment})
        rows.append({**row, "segment": segment})
    return rows


def _contributors(briefing: Briefing) -> list[str]:
    people = briefing.people
    if people.reported is None:
        return []
    rows = [
        _bar(
            row["contributor"],
            row["uniformed_personnel"],
            _now_and_next(row["uniformed_personnel"], row["next_uniformed_personnel"], people),
            later=row["next_uniformed_personnel"],
        )
        for row in people.named[:TOP_CONTRIBUTORS]
    ]
    title = f"Largest contributors on {day(people.reported['month_end'])}"
    return _bars("contributors", title, rows, kind="Bars of uniformed personnel")


def _now_and_next(now: int, later: int | None, people: People) -> str:
    """The figure of the month and of the next report, where there is one; a dash where that one has no figure."""
    return f"{number(now)} → {'–' if later is None else number(later)}" if people.next_month else number(now)


def _levels(briefing: Briefing) -> list[str]:
    rows = []
    for row in briefing.people.levels.rows:
        later = row["next_share_pct"] if briefing.people.levels.next else None
        text = percent(row["share_pct"]) + (f" → {percent(later)}" if later is not None else "")
        rows.append(_bar(level(row["level_group"], briefing.payers.discounts), row["share_pct"], text, later=later))
    return _bars("levels", "Uniformed personnel by level of the state that sends them", rows, LEVELS, "Bars of shares")


def _payers(briefing: Briefing) -> list[str]:
    if not briefing.paid_by_assessments:
        return []
    payers = briefing.payers
    rows = [
        _bar(level(row["level_group"], payers.discounts), row["share_pct"], percent(row["share_pct"]))
        for row in payers.levels
    ]
    title = f"Assessments of {payers.year} by level of the state that pays"
    return _bars("payers", title, rows, LEVELS, "Bars of shares")


def _states(briefing: Briefing) -> list[str]:
    if briefing.paid_by_regular_budget:
        rows = [_bar(row["contributor"], row["rate_pct"], f"{row['rate_pct']:g} %") for row in briefing.payers.regular]
        title = f"Largest rates of the regular budget in {briefing.scope.money_day.year}"
    elif briefing.paid_by_assessments:
        rows = [
            _bar(row["contributor"], row["share_pct"], f"{percent(row['share_pct'])} · {millions(row['amount_usd'])}")
            for row in briefing.payers.states
        ]
        title = f"Largest assessments of {briefing.payers.year}"
    else:
        return []
    return _bars("states", title, rows)


def _costs(briefing: Briefing) -> list[str]:
    costs = briefing.costs
    rows: list[Row] = [
        {"label": row["peacekeeping_year"], "kind": measure(name), "value": float(row[name]) / 1e6}
        for row in costs
        for name in MEASURES
        if row[name] is not None
    ]
    if len({row["label"] for row in rows}) < 2:
        return []
    kinds = [(measure(name), *SHAPES[name]) for name in MEASURES if any(row[name] is not None for row in costs)]
    listed = "; ".join(f"{row['label']} {row['kind']} {row['value']:,.1f}" for row in rows)
    title = "Money by peacekeeping year, in millions of US dollars"
    return chart("costs", title, f"Dots: {listed}.", lambda width: dots(rows, kinds, width))


def _payments(briefing: Briefing) -> list[str]:
    rows = [
        _bar(STATUSES[row["status"]], row["states"], f"{row['states']} {units('state', str(row['states']))}")
        for row in briefing.owed.statuses
    ]
    title = f"How member states paid the regular budget of {briefing.owed.year}"
    return _bars("payments", title, rows, BarLayout(above=False))
