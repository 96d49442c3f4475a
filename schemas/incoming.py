"""What each source must look like once its dialect is renamed: one pandera schema a source.

Cells arrive as text. `transforms.parsing` parses them by `kind` (text, day, moment, whole, money, number), then pandera
holds the typed frame against the checks below. Bounds come from the source's declaration. What fails rejects its row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pandera.pandas as pa

from schemas.columns import whole_text
from schemas.money import LEVELS, PAYMENT_STATUSES
from schemas.tables import CASUALTY_PERSONNEL_TYPES, INCIDENT_TYPES

Bounds = Mapping[str, Mapping[str, Any]]

# What a cell must be, and the type it gets. A day has no time of day; of a moment the time is dropped; money has two
# decimals, a number any.
_DTYPES = {
    "text": "str",
    "day": "datetime64[us]",
    "moment": "datetime64[us]",
    "whole": "Int64",
    "money": "float64",
    "number": "float64",
}
ACRONYM = r"^[A-Za-z][A-Za-z0-9 /().&-]{1,39}$"


def _cell(kind: str, expects: str, checks: list[pa.Check], *, nullable: bool = False) -> pa.Column:
    metadata = {"kind": kind, "expects": expects}
    return pa.Column(_DTYPES[kind], checks, nullable=nullable, required=False, metadata=metadata)


def _text(expects: str = "a text", *, nullable: bool = False, pattern: str | None = None) -> pa.Column:
    checks = [whole_text(pattern)] if pattern else []
    return _cell("text", expects, checks, nullable=nullable)


def _one_of(values: tuple[str, ...], *, nullable: bool = False) -> pa.Column:
    return _cell("text", "one of " + ", ".join(values), [pa.Check.isin(values, error="known_value")], nullable=nullable)


def _bounded(
    kind: str, noun: str, name: str, bounds: Bounds, *, nullable: bool = False, ceiling: Any = None
) -> pa.Column:
    """A day or number within the declared bounds; `ceiling` is the upper bound where none is declared."""
    declared = bounds.get(name, {})
    convert: Callable[[Any], Any] = pd.Timestamp if kind in ("day", "moment") else (lambda value: value)
    bottom, top = declared.get("min"), declared.get("max", ceiling)
    checks, expects = [], noun
    if bottom is not None:
        checks.append(pa.Check.ge(convert(bottom), error="not_below_minimum"))
        expects += f" from {_figure(bottom)}"
    if top is not None:
        checks.append(pa.Check.le(convert(top), error="not_above_maximum"))
        expects += f" up to {_figure(top)}"
    return _cell(kind, expects, checks, nullable=nullable)


def _figure(value: Any) -> str:
    """A bound as a person writes it: large numbers with separators, years and dates without."""
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)


def fatalities(bounds: Bounds, vintage: date) -> pa.DataFrameSchema:
    """Casualty rows; no incident can be later than the vintage that reports it."""

    return pa.DataFrameSchema(
        {
            "casualty_id": _text("an id such as MINUSMA-2019-01-07083", pattern=r"^[A-Z][^,;]{1,40}-\d{4}-\d{2}-\d+$"),
            "incident_date": _bounded("day", "a date", "incident_date", bounds, ceiling=vintage.isoformat()),
            "mission": _text("a mission's acronym", pattern=ACRONYM),
            "nationality": _text("a state's name", nullable=True),
            "personnel_type": _one_of(CASUALTY_PERSONNEL_TYPES),
            "incident_type": _one_of(INCIDENT_TYPES),
            "gender": _one_of(("F", "M"), nullable=True),
            "printed_iso3": _text("an ISO3 code", nullable=True, pattern=r"^[A-Z]{3}$"),
            "printed_m49": _cell("whole", "an M49 code", [pa.Check.in_range(0, 999, error="m49_range")], nullable=True),
            "last_update": _bounded("moment", "a date", "last_update", {}, nullable=True),
            "casualty_type": _one_of(("Fatality",), nullable=True),
        },
        name="incoming.fatalities",
    )


def uniformed_personnel(bounds: Bounds, vintage: date) -> pa.DataFrameSchema:
    """Personnel rows; no month can end later than the vintage that reports it."""
    month_end = (pd.Timestamp(vintage) + pd.offsets.MonthEnd(0)).date().isoformat()
    count = {"min": 0}
    people = {name: {**count, **bounds.get(name, {})} for name in ("female", "male", "total")}
    return pa.DataFrameSchema(
        {
            "month_end": _bounded("day", "a date", "month_end", bounds, ceiling=month_end),
            "mission": _text("a mission's acronym", nullable=True, pattern=ACRONYM),
            "contributor": _text("a state's name", nullable=True),
            "personnel_type": _text("a personnel type"),
            "female": _bounded("whole", "a whole number", "female", people, nullable=True),
            "male": _bounded("whole", "a whole number", "male", people, nullable=True),
            "total": _bounded("whole", "a whole number", "total", people),
            "contributor_iso3": _text("an ISO3 code", nullable=True, pattern=r"^[A-Z]{3}$"),
            "contributor_m49": _cell(
                "whole", "an M49 code", [pa.Check.in_range(0, 999, error="m49_range")], nullable=True
            ),
            "report_layout": _text("a layout", nullable=True),
        },
        name="incoming.uniformed_personnel",
    )


def assessed_contributions(bounds: Bounds, vintage: date) -> pa.DataFrameSchema:
    """CEB rows; a year can be at most the one after the vintage's (a peacekeeping year ends in its June)."""
    return pa.DataFrameSchema(
        {
            "contributor": _text("a state's name"),
            "entity": _text("an entity"),
            "revenue_kind": _text("a kind of revenue"),
            "calendar_year": _bounded("whole", "a year", "calendar_year", bounds, ceiling=vintage.year + 1),
            "amount_usd": _bounded("money", "an amount in USD", "amount_usd", bounds),
        },
        name="incoming.assessed_contributions",
    )


def missions(bounds: Bounds, vintage: date) -> pa.DataFrameSchema:
    """Mission rows; a mission can be announced a year ahead of its start, not more."""
    ahead = (vintage + timedelta(days=366)).isoformat()
    return pa.DataFrameSchema(
        {
            "mission": _text("a mission's acronym", pattern=ACRONYM),
            "name": _text("a name", nullable=True),
            "lead_department": _text("a department", nullable=True),
            "is_active": _one_of(("Yes", "No"), nullable=True),
            "start_date": _bounded("day", "a date", "start_date", bounds, nullable=True, ceiling=ahead),
            "end_date": _bounded("day", "a date", "end_date", bounds, nullable=True),
            "headquarters": _text("a place", nullable=True),
            "longitude": _bounded("number", "degrees", "longitude", bounds, nullable=True),
            "latitude": _bounded("number", "degrees", "latitude", bounds, nullable=True),
            "last_update": _bounded("moment", "a date", "last_update", {}, nullable=True),
        },
        name="incoming.missions",
    )


def publisher_codebook(_bounds: Bounds, _vintage: date) -> pa.DataFrameSchema:
    """Rows of the redacted codebook: a dataset where no column is named, else one of its columns.

    Only the dataset's id must be there. Ranges and dates stay texts, since the publisher writes them freely.
    """
    said = ("column_name", "title", "description", "update_frequency", "start_range", "end_range", "limitations",
            "last_update_date", "definition", "format", "attributes")  # fmt: skip
    return pa.DataFrameSchema(
        {"dataset_id": _text("a dataset's id"), **{name: _text(nullable=True) for name in said}},
        name="incoming.publisher_codebook",
    )


def scale_of_assessments(bounds: Bounds, vintage: date) -> pa.DataFrameSchema:
    """Rates of the regular budget; a scale is adopted in December for the three years that follow."""
    return pa.DataFrameSchema(
        {
            "contributor": _text("a state's name"),
            "period_from": _bounded("whole", "a year", "period_from", bounds, ceiling=vintage.year + 1),
            "period_to": _bounded("whole", "a year", "period_to", bounds, ceiling=vintage.year + 3),
            "rate_pct": _bounded("number", "a percentage", "rate_pct", bounds),
        },
        name="incoming.scale_of_assessments",
    )


SCHEMAS: dict[str, Callable[[Bounds, date], pa.DataFrameSchema]] = {
    "fatalities": fatalities,
    "uniformed_personnel": uniformed_personnel,
    "assessed_contributions": assessed_contributions,
    "missions": missions,
    "publisher_codebook": publisher_codebook,
}


def _state() -> pa.Column:
    return _text("a state's name")


def _entity() -> pa.Column:
    return _text("a mission or supporting entity", pattern=r"^[A-Za-z][A-Za-z0-9 /().&-]{1,59}$")


def _year() -> pa.Column:
    return _text("a peacekeeping year such as 2018-19")


def _usd(bounds: Bounds, name: str = "amount_usd", *, nullable: bool = False) -> pa.Column:
    return _bounded("money", "an amount in USD", name, bounds, nullable=nullable)


def _figures(name: str, columns: dict[str, pa.Column]) -> pa.DataFrameSchema:
    return pa.DataFrameSchema(columns, name=f"incoming.{name}")


def mission_budgets(bounds: Bounds, _: date) -> pa.DataFrameSchema:
    """Approved, spent and account figures; `measure` and, where the file prints none, `stage` are its dialect's."""
    return _figures(
        "mission_budgets",
        {
            "peacekeeping_year": _year(),
            "mission": _entity(),
            "measure": _one_of(("approved", "spent", "accounts")),
            "stage": _text("a stage"),
            "amount_usd": _usd(bounds),
            "precision": _text(nullable=True),
            "document_symbol": _text(nullable=True),
            "note": _text(nullable=True),
            "citation": _text("a source"),
            "publication": _text("a compilation"),
        },
    )


def mission_budget_lines(bounds: Bounds, vintage: date) -> pa.DataFrameSchema:
    """Lines of mission budgets, in USD once the dialect's thousands are; no period begins after the vintage."""
    noun = "an amount in USD (published in thousands)"
    amounts = {
        name: _bounded("money", noun, name, bounds, nullable=True)
        for name in ("apportionment_usd", "expenditure_usd", "variance_usd")
    }
    return _figures(
        "mission_budget_lines",
        {
            "period_start": _bounded("day", "a date", "period_start", bounds, ceiling=vintage.isoformat()),
            "period_end": _bounded("day", "a date", "period_end", bounds),
            "mission": _entity(),
            "budget_class": _text("a budget class"),
            "budget_subclass": _text(nullable=True),
            **amounts,
            "document_symbol": _text(nullable=True),
            "last_update": _bounded("moment", "a date", "last_update", {}, nullable=True),
        },
    )


def budget_totals(bounds: Bounds, _: date) -> pa.DataFrameSchema:
    """Totals of the approved budgets."""
    return _figures(
        "budget_totals",
        {
            "peacekeeping_year": _year(),
            "stage": _text("a stage"),
            "amount_usd": _usd(bounds),
            "citation": _text("a source"),
        },
    )


def mission_assessments(bounds: Bounds, _: date) -> pa.DataFrameSchema:
    """Assessed and appropriated by mission."""
    optional = {
        name: _usd(bounds, name, nullable=True) for name in ("appropriated_usd", "additional_usd", "credit_usd")
    }
    return _figures(
        "mission_assessments",
        {
            "peacekeeping_year": _year(),
            "mission": _entity(),
            "document_symbol": _text("a document symbol"),
            "assessed_gross_usd": _usd(bounds, "assessed_gross_usd"),
            "assessed_net_usd": _usd(bounds, "assessed_net_usd"),
            **optional,
            "credit_period_ended": _text(nullable=True),
            "citation": _text("a source"),
        },
    )


def state_mission_assessments(bounds: Bounds, _: date) -> pa.DataFrameSchema:
    """Assessed by state and mission."""
    return _figures(
        "state_mission_assessments",
        {
            "peacekeeping_year": _year(),
            "contributor": _state(),
            "mission": _entity(),
            "assessed_gross_usd": _usd(bounds, "assessed_gross_usd"),
            "assessed_net_usd": _usd(bounds, "assessed_net_usd"),
            "grade": _one_of(("read", "derived")),
            "document_symbol": _text("a document symbol"),
            "citation": _text("a source"),
        },
    )


def peacekeeping_levels(bounds: Bounds, _: date) -> pa.DataFrameSchema:
    """Derived levels; the discount is a share of one."""
    rates = {
        name: _bounded("number", "a percentage", name, bounds)
        for name in ("regular_rate_pct", "effective_rate_pct", "assessed_share_pct")
    }
    return _figures(
        "peacekeeping_levels",
        {
            "scale_period": _text("a scale period such as 2019-2021", pattern=r"^\d{4}-\d{4}$"),
            "peacekeeping_year": _year(),
            "contributor": _state(),
            "level": _one_of(LEVELS),
            "discount": _bounded("number", "a share", "discount", bounds, nullable=True),
            **rates,
            "fit": _one_of(("ok", "check")),
        },
    )


def peacekeeping_rates(bounds: Bounds, _: date) -> pa.DataFrameSchema:
    """Printed rates, and derived ones (their discount is a share of one); `basis` is the dialect's."""
    return _figures(
        "peacekeeping_rates",
        {
            "period": _text("a year or period", pattern=r"^\d{4}(-\d{2}|-\d{4})?$"),
            "contributor_iso3": _text("an ISO3 code", pattern=r"^[A-Z]{3}$"),
            "rate_pct": _bounded("number", "a percentage", "rate_pct", bounds),
            "regular_rate_pct": _bounded("number", "a percentage", "regular_rate_pct", bounds, nullable=True),
            "discount": _bounded("number", "a share", "discount", bounds, nullable=True),
            "basis": _one_of(("printed", "derived")),
            "derivation": _text(nullable=True),
            "citation": _text("a source"),
        },
    )


def regular_budget_payments(bounds: Bounds, vintage: date) -> pa.DataFrameSchema:
    """Payments of the regular budget; none can be later than the vintage."""
    return _figures(
        "regular_budget_payments",
        {
            "year": _bounded("whole", "a year", "year", bounds, ceiling=vintage.year),
            "contributor": _state(),
            "regular_rate_pct": _bounded("number", "a percentage", "regular_rate_pct", bounds),
            "assessed_usd": _usd(bounds, "assessed_usd"),
            "payment_status": _one_of(PAYMENT_STATUSES),
            "payment_date": _bounded(
                "day", "a date", "payment_date", bounds, nullable=True, ceiling=vintage.isoformat()
            ),
            "honour_roll_as_of": _bounded("day", "a date", "honour_roll_as_of", bounds, ceiling=vintage.isoformat()),
            "document_symbol": _text("a document symbol"),
        },
    )


def dated_facts(bounds: Bounds, _: date) -> pa.DataFrameSchema:
    """Statements of a day, a month or a year."""
    return _figures(
        "dated_facts",
        {
            "collection": _one_of(("arrears", "cash", "minusma")),
            "as_of": _text("a date"),
            "subject": _text("a subject"),
            "fund": _one_of(("peacekeeping", "regular"), nullable=True),
            "value": _bounded("number", "a figure", "value", bounds, nullable=True),
            "mark": _one_of(("~", ">"), nullable=True),
            "statement": _text(nullable=True),
            "scope": _text(nullable=True),
            "citation": _text("a source"),
        },
    )


def mission_strength(bounds: Bounds, vintage: date) -> pa.DataFrameSchema:
    """Mission-months of the IPI database; blank means 0."""
    counts = {
        name: _bounded("whole", "a whole number", name, {name: {"min": 0, **bounds.get(name, {})}}, nullable=True)
        for name in ("contributors", "troops", "police", "observers")
    }
    return _figures(
        "mission_strength",
        {
            "reported_on": _bounded("day", "a date", "reported_on", bounds, ceiling=vintage.isoformat()),
            "mission": _entity(),
            **counts,
            "total": _bounded("whole", "a whole number", "total", bounds),
        },
    )


def government_revenue(bounds: Bounds, vintage: date) -> pa.DataFrameSchema:
    """CEB rows of every kind; amounts can be negative."""
    schema = assessed_contributions(bounds, vintage)
    schema.name = "incoming.government_revenue"
    return schema
