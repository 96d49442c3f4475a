"""Schemas of regular-budget payments and of dated facts."""

from __future__ import annotations

from datetime import date

import pandera.pandas as pa

from schemas.incoming.cells import CITATION, PERCENT, STATE, Bounds, day, frame_schema, number, one_of, text, usd, year
from schemas.tables.payments import PAYMENT_STATUSES


def regular_budget_payments_schema(bounds: Bounds, vintage: date) -> pa.DataFrameSchema:
    """Payments of the regular budget. None is later than the vintage."""
    latest = vintage.isoformat()
    cells = {
        "year": year(vintage.year),
        "contributor": STATE,
        "regular_rate_pct": PERCENT,
        "assessed_usd": usd(),
        "payment_status": one_of(PAYMENT_STATUSES),
        "payment_date": day(nullable=True, latest=latest),
        "honour_roll_as_of": day(latest=latest),
        "document_symbol": text("a document symbol"),
    }
    return frame_schema("regular_budget_payments", cells, bounds)


def dated_facts_schema(bounds: Bounds, _vintage: date) -> pa.DataFrameSchema:
    """Statements about a day, a month or a year."""
    cells = {
        "collection": one_of(("arrears", "cash", "minusma")),
        "as_of": text("a date"),
        "subject": text("a subject"),
        "fund": one_of(("peacekeeping", "regular"), nullable=True),
        "value": number("a figure", nullable=True),
        "mark": one_of(("~", ">"), nullable=True),
        "statement": text(nullable=True),
        "scope": text(nullable=True),
        "citation": CITATION,
    }
    return frame_schema("dated_facts", cells, bounds)
