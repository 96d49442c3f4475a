"""The shapes of the compiled sources: budgets, assessments, rates, payments, dated facts, IPI's mission-months."""

from __future__ import annotations

from datetime import date
from functools import cache

import pandas as pd

from schemas.columns import ORIGIN, Table
from schemas.incoming.assessments import (
    mission_assessments_schema,
    peacekeeping_levels_schema,
    peacekeeping_rates_schema,
    state_mission_assessments_schema,
)
from schemas.incoming.budgets import budget_totals_schema, mission_budgets_schema
from schemas.incoming.contributions import government_revenue_schema
from schemas.incoming.payments import dated_facts_schema, regular_budget_payments_schema
from schemas.incoming.personnel import mission_strength_schema
from schemas.source import Source
from schemas.tables.assessments import (
    MISSION_ASSESSMENTS,
    PEACEKEEPING_LEVELS,
    PEACEKEEPING_RATES,
    STATE_MISSION_ASSESSMENTS,
)
from schemas.tables.budgets import BUDGET_TOTALS, MISSION_BUDGETS
from schemas.tables.contributions import GOVERNMENT_REVENUE
from schemas.tables.payments import DATED_FACTS, REGULAR_BUDGET_PAYMENTS
from schemas.tables.personnel import MISSION_STRENGTH
from transforms import figures
from transforms.countries import DATA
from transforms.dialects import Raw
from transforms.figures import Shape
from transforms.periods import calendar_years, iso_days, month_ends, peacekeeping_year_ended
from transforms.staging import Staged

PEACEKEEPING_YEAR = ("period_start", "period_end")
# The marks that stand before a figure in the compilations, and what they say.
QUALIFIERS = {"~": "about", ">": "more than"}


def _columns(table: Table) -> list[str]:
    return [name for name in table.columns if name not in ORIGIN]


def _percent(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(discount_pct=(rows["discount"] * 100).round(6))


def _calendar_years(rows: pd.DataFrame) -> pd.DataFrame:
    first, last = calendar_years(rows["year"], rows["year"])
    return rows.assign(first=first, last=last)


def _rates(rows: pd.DataFrame) -> pd.DataFrame:
    """First and last day of a period written 2017, 2019-2021 or 2011-12; the discount in percent; what was derived."""
    parts = rows["period"].str.extract(r"^(\d{4})(?:-(\d{2,4}))?$")
    peacekeeping = parts[1].str.len() == 2
    end = parts[1].where(~peacekeeping, parts[0].str[:2] + parts[1]).fillna(parts[0])
    first = parts[0] + pd.Series("-01-01", index=rows.index).mask(peacekeeping, "-07-01")
    last = end + pd.Series("-12-31", index=rows.index).mask(peacekeeping, "-06-30")
    citation = (rows["derivation"] + ": ").fillna("") + rows["citation"]
    return _percent(rows).assign(first=iso_days(first), last=iso_days(last), citation=citation)


def _facts(rows: pd.DataFrame) -> pd.DataFrame:
    """The first and last day that a printed date (2019-01-11, 2018-05, 2014 and words after it) can mean."""
    day = rows["as_of"].str.extract(r"^(\d{4}(?:-\d{2}){0,2})(?!\d)")[0]
    precision = day.str.len().map({10: "day", 7: "month", 4: "year"})
    first = pd.to_datetime(day.str.cat(precision.map({"day": "", "month": "-01", "year": "-01-01"})), format="%Y-%m-%d")
    last = first.mask(precision == "month", first + pd.offsets.MonthEnd(0))
    last = last.mask(precision == "year", first + pd.offsets.YearEnd(0))
    statement = rows["statement"]
    scope = rows["scope"]
    elsewhere = scope.notna() & (scope != "MINUSMA")
    told = statement.mask(elsewhere, scope + ": " + statement.fillna("")) if elsewhere.any() else statement
    qualifier = rows["mark"].map(QUALIFIERS).where(rows["mark"].notna(), "exact").where(rows["value"].notna())
    return rows.assign(
        as_of_from=first.astype("datetime64[us]"),
        as_of_to=last.astype("datetime64[us]"),
        precision=precision.astype("str"),
        statement=told.astype("str"),
        qualifier=qualifier.astype("str"),
        order=rows.index,
    )


@cache
def revenue_kinds() -> dict[str, str]:
    """What CEB prints as the kind of revenue, and our term for it."""
    table = pd.read_csv(DATA / "revenue_kinds.csv", dtype=str, keep_default_na=False)
    return dict(zip(table["printed"], table["kind"], strict=True))


def _strength(rows: pd.DataFrame) -> pd.DataFrame:
    blank = {name: rows[name].fillna(0) for name in ("troops", "police", "observers")}
    return rows.assign(month_end=month_ends(rows["reported_on"]), **blank)


SHAPES = {
    "government_revenue": Shape(
        government_revenue_schema,
        _columns(GOVERNMENT_REVENUE),
        GOVERNMENT_REVENUE.key,
        PEACEKEEPING_YEAR,
        lambda rows: rows.assign(**peacekeeping_year_ended(rows["calendar_year"])),
        {"revenue_kind": revenue_kinds()},
    ),
    "mission_budgets": Shape(
        mission_budgets_schema,
        _columns(MISSION_BUDGETS),
        MISSION_BUDGETS.key,
        PEACEKEEPING_YEAR,
    ),
    "budget_totals": Shape(budget_totals_schema, _columns(BUDGET_TOTALS), BUDGET_TOTALS.key, PEACEKEEPING_YEAR),
    "mission_assessments": Shape(
        mission_assessments_schema,
        _columns(MISSION_ASSESSMENTS),
        MISSION_ASSESSMENTS.key,
        PEACEKEEPING_YEAR,
    ),
    "state_mission_assessments": Shape(
        state_mission_assessments_schema,
        _columns(STATE_MISSION_ASSESSMENTS),
        STATE_MISSION_ASSESSMENTS.key,
        PEACEKEEPING_YEAR,
    ),
    "peacekeeping_levels": Shape(
        peacekeeping_levels_schema,
        _columns(PEACEKEEPING_LEVELS),
        PEACEKEEPING_LEVELS.key,
        PEACEKEEPING_YEAR,
        _percent,
    ),
    "peacekeeping_rates": Shape(
        peacekeeping_rates_schema,
        _columns(PEACEKEEPING_RATES),
        PEACEKEEPING_RATES.key,
        ("first", "last"),
        _rates,
    ),
    "regular_budget_payments": Shape(
        regular_budget_payments_schema,
        _columns(REGULAR_BUDGET_PAYMENTS),
        REGULAR_BUDGET_PAYMENTS.key,
        ("first", "last"),
        _calendar_years,
    ),
    "dated_facts": Shape(
        dated_facts_schema,
        _columns(DATED_FACTS),
        ["order"],
        ("as_of_from", "as_of_to"),
        _facts,
    ),
    "mission_strength": Shape(
        mission_strength_schema,
        _columns(MISSION_STRENGTH),
        MISSION_STRENGTH.key,
        ("month_end", "month_end"),
        _strength,
    ),
}


def stage(raw: Raw, declared: Source, vintage: date) -> Staged:
    """Stage one snapshot by the shape of its source (see transforms.figures)."""
    return figures.stage(raw, declared, vintage, SHAPES[declared.name])
