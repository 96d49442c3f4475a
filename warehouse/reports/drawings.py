"""The charts of a page, drawn from its figures, with what they show in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from warehouse.reports.charts import NARROW, Chart, bars, chart, columns, dots, line
from warehouse.reports.figures import Briefing
from warehouse.reports.money import MEASURES
from warehouse.reports.people import People
from warehouse.reports.scope import Row
from warehouse.reports.toll import CAUSES, Ladder
from warehouse.reports.words import day, level, measure, millions, number, ordinal, percent, units

CAUSE_COLOURS = dict(zip(CAUSES, ("malicious", "accident", "illness", "self", "unknown", "pending"), strict=True))
SHAPES = {
    "approved_usd": ("circle", "accent"),
    "spent_usd": ("square", "malicious"),
    "accounts_usd": ("triangle-up", "accident"),
    "assessed_gross_usd": ("diamond", "self"),
}
TOP_CONTRIBUTORS = 12
# The two charts by level share a scale, so that they can be compared at a glance.
LEVELS: dict[str, Any] = {"top": 100, "label_room": 170, "text_room": 112}


def draw(briefing: Briefing) -> dict[str, Chart]:
    """Every chart for which there are figures, by its name in the templates."""
    drawn: dict[str, Chart | None] = {
        "years": _years(briefing),
        "ladder-malicious": _ladder(briefing, 0),
        "ladder-all": _ladder(briefing, 1),
        "strength": _strength(briefing.people),
        "contributors": _contributors(briefing.people),
        "levels": _levels(briefing),
        "payers": _payers(briefing),
        "states": _states(briefing),
        "costs": _costs(briefing.costs),
        "payments": _payments(briefing),
    }
    return {name: found for name, found in drawn.items() if found is not None}


def _listed(rows: Sequence[Row]) -> str:
    return "; ".join(f"{row['label']}: {row['text']}" for row in rows)


def _years(briefing: Briefing) -> Chart | None:
    toll = briefing.toll
    if toll is None or not toll.totals["deaths"]:
        return None
    causes = [(row["cause"], CAUSE_COLOURS[row["cause"]]) for row in toll.causes]
    years = [row["year"] for row in toll.years]
    told = "; ".join(f"{row['year']}: {row['deaths']}" for row in toll.years if row["deaths"])
    by_cause = ", ".join(f"{row['cause'].lower()} {row['deaths']}" for row in toll.causes)
    return chart(
        "years",
        f"Deaths in {briefing.scope.mission} by year of the incident and cause",
        f"Stacked columns. All causes by year: {told}. By cause, from below: {by_cause}.",
        lambda width: columns(toll.years, years, causes, width),
    )


def _ladder(briefing: Briefing, place: int) -> Chart | None:
    if briefing.toll is None or not briefing.toll.ladders[place].rows:
        return None
    ladder: Ladder = briefing.toll.ladders[place]
    rows = [
        {
            "label": row["mission"],
            "value": row["deaths"],
            "text": f"{number(row['deaths'])} ({ordinal(row['rank'])})",
            "group": "this" if row["mission"] == briefing.scope.mission else "active" if row["is_active"] else "ended",
        }
        for row in ladder.rows
    ]
    what = "malicious acts" if ladder.cause else "all causes"
    return chart(
        f"ladder-{place}",
        f"Missions by deaths from {what}",
        f"Bars: {_listed(rows)}.",
        lambda width: bars(rows, width, above=False),
        widths=(NARROW,),
    )


def _strength(people: People) -> Chart | None:
    if not any(row["strength"] for row in people.months):
        return None
    segment, rows = 0, []
    for before, row in zip([people.months[0], *people.months], people.months, strict=False):
        apart = (
            12 * (row["month_end"].year - before["month_end"].year) + row["month_end"].month - before["month_end"].month
        )
        segment += apart > 1 or row["series"] != before["series"]
        if apart == 1 and row["series"] != before["series"]:  # the line goes on in the other series' colour
            rows.append({**before, "series": row["series"], "segment": segment})
        rows.append({**row, "segment": segment})
    top = max(people.months, key=lambda row: row["strength"])
    first, last = people.months[0], people.months[-1]
    return chart(
        "strength",
        "Uniformed personnel by month-end",
        f"A line from {number(first['strength'])} on {day(first['month_end'])} to {number(last['strength'])} on "
        f"{day(last['month_end'])}; most on {day(top['month_end'])}: {number(top['strength'])}. "
        "It is broken where a month has no figure.",
        lambda width: line(rows, people.shaded, people.reported, people.until or last["month_end"], width),
    )


def _contributors(people: People) -> Chart | None:
    rows = [
        {
            "label": row["contributor"],
            "value": row["uniformed_personnel"],
            "next": row["next_uniformed_personnel"],
            "text": _then(row["uniformed_personnel"], row["next_uniformed_personnel"], people),
            "group": "this",
        }
        for row in people.named[:TOP_CONTRIBUTORS]
    ]
    if not rows or people.reported is None:
        return None
    return chart(
        "contributors",
        f"Largest contributors on {day(people.reported['month_end'])}",
        f"Bars of uniformed personnel: {_listed(rows)}.",
        lambda width: bars(rows, width),
    )


def _then(now: int, later: int | None, people: People) -> str:
    """The figure of the month and that of the next, where there is one; a dash where that report has nobody of it."""
    return f"{number(now)} → {'–' if later is None else number(later)}" if people.next_month else number(now)


def _levels(briefing: Briefing) -> Chart | None:
    people = briefing.people
    rows = [
        {
            "label": level(row["level_group"], briefing.payers.discounts),
            "value": row["share_pct"],
            "next": row["next_share_pct"] if people.level_next else None,
            "text": percent(row["share_pct"])
            + (
                f" → {percent(row['next_share_pct'])}"
                if people.level_next and row["next_share_pct"] is not None
                else ""
            ),
            "group": "this",
        }
        for row in people.levels
    ]
    if not rows:
        return None
    return chart(
        "levels",
        "Uniformed personnel by level of the state that sends them",
        f"Bars of shares: {_listed(rows)}.",
        lambda width: bars(rows, width, **LEVELS),
    )


def _payers(briefing: Briefing) -> Chart | None:
    rows = [
        {
            "label": level(row["level_group"], briefing.payers.discounts),
            "value": row["share_pct"],
            "text": percent(row["share_pct"]),
            "group": "this",
        }
        for row in briefing.payers.levels
    ]
    if not rows or not briefing.paid_by_assessments:
        return None
    return chart(
        "payers",
        f"Assessments of {briefing.payers.year} by level of the state that pays",
        f"Bars of shares: {_listed(rows)}.",
        lambda width: bars(rows, width, **LEVELS),
    )


def _states(briefing: Briefing) -> Chart | None:
    if briefing.paid_by_regular_budget:
        rows = [
            {"label": row["contributor"], "value": row["rate_pct"], "text": f"{row['rate_pct']:g} %", "group": "this"}
            for row in briefing.payers.regular
        ]
        title = f"Largest rates of the regular budget in {briefing.scope.money_day.year}"
    else:
        rows = [
            {
                "label": row["contributor"],
                "value": row["share_pct"],
                "text": f"{percent(row['share_pct'])} · {millions(row['amount_usd'])}",
                "group": "this",
            }
            for row in briefing.payers.states
        ]
        title = f"Largest assessments of {briefing.payers.year}"
    if not rows or not (briefing.paid_by_assessments or briefing.paid_by_regular_budget):
        return None
    return chart("states", title, f"Bars: {_listed(rows)}.", lambda width: bars(rows, width))


def _costs(costs: Sequence[Row]) -> Chart | None:
    rows: list[dict[str, Any]] = [
        {"label": row["peacekeeping_year"], "kind": measure(name), "value": float(row[name]) / 1e6}
        for row in costs
        for name in MEASURES
        if row[name] is not None
    ]
    if len({row["label"] for row in rows}) < 2:
        return None
    kinds = [(measure(name), *SHAPES[name]) for name in MEASURES if any(row[name] is not None for row in costs)]
    told = "; ".join(f"{row['label']} {row['kind']} {row['value']:,.1f}" for row in rows)
    return chart(
        "costs", "Money by peacekeeping year, in millions of US dollars", f"Dots: {told}.",
        lambda width: dots(rows, kinds, width),
    )  # fmt: skip


def _payments(briefing: Briefing) -> Chart | None:
    names = {"paid_on_time": "On time", "paid_late": "Late, in full", "not_paid_in_full": "Not in full"}
    rows = [
        {
            "label": names[row["status"]],
            "value": row["states"],
            "text": f"{row['states']} {units('state', str(row['states']))}",
            "group": "this",
        }
        for row in briefing.owed.statuses
    ]
    if not rows:
        return None
    return chart(
        "payments",
        f"How member states paid the regular budget of {briefing.owed.year}",
        f"Bars: {_listed(rows)}.",
        lambda width: bars(rows, width, above=False),
    )
