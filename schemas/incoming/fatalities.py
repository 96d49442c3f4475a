"""Schema of casualty rows."""

from __future__ import annotations

from datetime import date

import pandera.pandas as pa

from schemas.incoming.cells import (
    ACRONYM,
    ISO3,
    LAST_UPDATE,
    M49,
    STATE,
    Bounds,
    day,
    frame_schema,
    one_of,
    optional,
    text,
)
from schemas.tables.fatalities import CASUALTY_PERSONNEL_TYPES, INCIDENT_TYPES


def fatalities_schema(bounds: Bounds, vintage: date) -> pa.DataFrameSchema:
    """Casualty rows. An incident is not later than the vintage that reports it."""
    cells = {
        "casualty_id": text("an id such as MINUSMA-2019-01-07083", pattern=r"^[A-Z][^,;]{1,40}-\d{4}-\d{2}-\d+$"),
        "incident_date": day(latest=vintage.isoformat()),
        "mission": ACRONYM,
        "nationality": optional(STATE),
        "personnel_type": one_of(CASUALTY_PERSONNEL_TYPES),
        "incident_type": one_of(INCIDENT_TYPES),
        "gender": one_of(("F", "M"), nullable=True),
        "printed_iso3": optional(ISO3),
        "printed_m49": M49,
        "last_update": LAST_UPDATE,
        "casualty_type": one_of(("Fatality",), nullable=True),
    }
    return frame_schema("fatalities", cells, bounds)
