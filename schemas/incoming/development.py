"""Schema of the World Bank's income groups."""

from __future__ import annotations

from datetime import date

import pandera.pandas as pa

from schemas.incoming.cells import ISO3, Bounds, frame_schema, one_of, text, year
from schemas.tables.development import INCOME_LEVELS


def income_groups_schema(bounds: Bounds, vintage: date) -> pa.DataFrameSchema:
    """Income groups by economy and year of data."""
    cells = {
        "economy_code": ISO3,
        "economy": text("an economy's name"),
        "year": year(vintage.year),
        "world_bank_region": text(nullable=True),
        "income_group": one_of(INCOME_LEVELS, nullable=True),
    }
    return frame_schema("income_groups", cells, bounds)
