"""Schemas of assessments, and of the levels and rates behind them."""

from __future__ import annotations

from datetime import date

import pandera.pandas as pa

from schemas.incoming.cells import (
    CITATION,
    ENTITY,
    ISO3,
    PEACEKEEPING_YEAR,
    PERCENT,
    STATE,
    Bounds,
    frame_schema,
    number,
    one_of,
    optional,
    text,
    usd,
    year,
)
from schemas.tables.assessments import LEVELS

_DISCOUNT = number("a share", nullable=True)  # a share of 1, not a percentage


def mission_assessments_schema(bounds: Bounds, _vintage: date) -> pa.DataFrameSchema:
    """Amounts assessed and appropriated by mission."""
    cells = {
        "peacekeeping_year": PEACEKEEPING_YEAR,
        "mission": ENTITY,
        "document_symbol": text("a document symbol"),
        "assessed_gross_usd": usd(),
        "assessed_net_usd": usd(),
        **dict.fromkeys(("appropriated_usd", "additional_usd", "credit_usd"), usd(nullable=True)),
        "credit_period_ended": text(nullable=True),
        "citation": CITATION,
    }
    return frame_schema("mission_assessments", cells, bounds)


def state_mission_assessments_schema(bounds: Bounds, _vintage: date) -> pa.DataFrameSchema:
    """Amounts assessed by state and mission."""
    cells = {
        "peacekeeping_year": PEACEKEEPING_YEAR,
        "contributor": STATE,
        "mission": ENTITY,
        "assessed_gross_usd": usd(),
        "assessed_net_usd": usd(),
        "grade": one_of(("read", "derived")),
        "document_symbol": text("a document symbol"),
        "citation": CITATION,
    }
    return frame_schema("state_mission_assessments", cells, bounds)


def peacekeeping_levels_schema(bounds: Bounds, _vintage: date) -> pa.DataFrameSchema:
    """Derived levels."""
    cells = {
        "scale_period": text("a scale period such as 2019-2021", pattern=r"^\d{4}-\d{4}$"),
        "peacekeeping_year": PEACEKEEPING_YEAR,
        "contributor": STATE,
        "level": one_of(LEVELS),
        "discount": _DISCOUNT,
        **dict.fromkeys(("regular_rate_pct", "effective_rate_pct", "assessed_share_pct"), PERCENT),
        "fit": one_of(("ok", "check")),
    }
    return frame_schema("peacekeeping_levels", cells, bounds)


def peacekeeping_rates_schema(bounds: Bounds, _vintage: date) -> pa.DataFrameSchema:
    """Printed and derived rates. The dialect gives `basis`."""
    cells = {
        "period": text("a year or period", pattern=r"^\d{4}(-\d{2}|-\d{4})?$"),
        "contributor_iso3": ISO3,
        "rate_pct": PERCENT,
        "regular_rate_pct": optional(PERCENT),
        "discount": _DISCOUNT,
        "basis": one_of(("printed", "derived")),
        "derivation": text(nullable=True),
        "citation": CITATION,
    }
    return frame_schema("peacekeeping_rates", cells, bounds)


def scale_of_assessments_schema(bounds: Bounds, vintage: date) -> pa.DataFrameSchema:
    """Rates of the regular budget. A scale is adopted in December for the three years that follow."""
    cells = {
        "contributor": STATE,
        "period_from": year(vintage.year + 1),
        "period_to": year(vintage.year + 3),
        "rate_pct": PERCENT,
    }
    return frame_schema("scale_of_assessments", cells, bounds)
