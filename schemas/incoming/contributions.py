"""Schemas of revenue from governments, as CEB publishes it."""

from __future__ import annotations

from datetime import date

import pandera.pandas as pa

from schemas.incoming.cells import STATE, Bounds, frame_schema, text, usd, year


def assessed_contributions_schema(bounds: Bounds, vintage: date) -> pa.DataFrameSchema:
    """Assessed revenue. The latest year is the one after the vintage's: a peacekeeping year ends in June."""
    return _revenue("assessed_contributions", bounds, vintage)


def government_revenue_schema(bounds: Bounds, vintage: date) -> pa.DataFrameSchema:
    """Revenue of every kind. Amounts can be negative."""
    return _revenue("government_revenue", bounds, vintage)


def _revenue(source: str, bounds: Bounds, vintage: date) -> pa.DataFrameSchema:
    cells = {
        "contributor": STATE,
        "entity": text("an entity"),
        "revenue_kind": text("a kind of revenue"),
        "calendar_year": year(vintage.year + 1),
        "amount_usd": usd(),
    }
    return frame_schema(source, cells, bounds)
