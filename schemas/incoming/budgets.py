"""Schemas of budget rows."""

from __future__ import annotations

from datetime import date

import pandera.pandas as pa

from schemas.incoming.cells import (
    CITATION,
    ENTITY,
    LAST_UPDATE,
    PEACEKEEPING_YEAR,
    Bounds,
    Cell,
    day,
    frame_schema,
    one_of,
    optional,
    text,
    usd,
)
from schemas.tables.budgets import BUDGET_LINE_PUBLICATIONS


def mission_budgets_schema(bounds: Bounds, _vintage: date) -> pa.DataFrameSchema:
    """Approved, spent and account figures. The dialect gives `measure`, and `stage` where the file prints none."""
    cells = {
        "peacekeeping_year": PEACEKEEPING_YEAR,
        "mission": ENTITY,
        "measure": one_of(("approved", "spent", "accounts")),
        "stage": text("a stage"),
        "amount_usd": usd(),
        "precision": text(nullable=True),
        "document_symbol": text(nullable=True),
        "note": text(nullable=True),
        "citation": CITATION,
        "publication": text("a compilation"),
    }
    return frame_schema("mission_budgets", cells, bounds)


def mission_budget_lines_schema(bounds: Bounds, vintage: date) -> pa.DataFrameSchema:
    """Budget lines, converted from thousands to USD. No period starts after the vintage.

    `tier` is line in a file that does not tell totals from lines, else mission, class or item.
    """
    amount = Cell("money", "an amount in USD (published in thousands)", nullable=True)
    cells = {
        "period_start": day(latest=vintage.isoformat()),
        "period_end": day(),
        "mission": ENTITY,
        "budget_class": text("a budget class"),
        "budget_subclass": text(nullable=True),
        **dict.fromkeys(("apportionment_usd", "expenditure_usd", "variance_usd"), amount),
        "document_symbol": text(nullable=True),
        "peacekeeping_year": optional(PEACEKEEPING_YEAR),
        "tier": one_of(("line", "mission", "class", "item")),
        "row_label": text(nullable=True),
        "publication": one_of(BUDGET_LINE_PUBLICATIONS),
        "last_update": LAST_UPDATE,
    }
    return frame_schema("mission_budget_lines", cells, bounds)


def budget_totals_schema(bounds: Bounds, _vintage: date) -> pa.DataFrameSchema:
    """Totals of the approved budgets."""
    cells = {
        "peacekeeping_year": PEACEKEEPING_YEAR,
        "stage": text("a stage"),
        "amount_usd": usd(),
        "citation": CITATION,
    }
    return frame_schema("budget_totals", cells, bounds)
