"""Schema of mission rows."""

from __future__ import annotations

from datetime import date, timedelta

import pandera.pandas as pa

from schemas.incoming.cells import ACRONYM, LAST_UPDATE, Bounds, day, frame_schema, number, one_of, text


def missions_schema(bounds: Bounds, vintage: date) -> pa.DataFrameSchema:
    """Mission rows. A mission is announced at most a year ahead of its start."""
    cells = {
        "mission": ACRONYM,
        "name": text("a name", nullable=True),
        "lead_department": text("a department", nullable=True),
        "is_active": one_of(("Yes", "No"), nullable=True),
        "start_date": day(nullable=True, latest=(vintage + timedelta(days=366)).isoformat()),
        "end_date": day(nullable=True),
        "headquarters": text("a place", nullable=True),
        "longitude": number("degrees", nullable=True),
        "latitude": number("degrees", nullable=True),
        "last_update": LAST_UPDATE,
    }
    return frame_schema("missions", cells, bounds)
