"""Schemas of personnel rows and of the strength of missions."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pandera.pandas as pa

from schemas.incoming.cells import ACRONYM, ENTITY, ISO3, M49, STATE, Bounds, Cell, day, frame_schema, optional, text

_PEOPLE = Cell("whole", "a whole number", minimum=0)


def uniformed_personnel_schema(bounds: Bounds, vintage: date, *, blank_totals: bool = False) -> pa.DataFrameSchema:
    """Personnel rows. A month ends at the latest with the month of the vintage that reports it.

    blank_totals  whether the publication has rows without any figure
    """
    month_end = pd.Timestamp(vintage) + pd.offsets.MonthEnd(0)
    cells = {
        "month_end": day(latest=month_end.date().isoformat()),
        "mission": optional(ACRONYM),
        "contributor": optional(STATE),
        "personnel_type": text("a personnel type"),
        "female": optional(_PEOPLE),
        "male": optional(_PEOPLE),
        "total": optional(_PEOPLE) if blank_totals else _PEOPLE,
        "contributor_iso3": optional(ISO3),
        "contributor_m49": M49,
        "report_layout": text("a layout", nullable=True),
    }
    return frame_schema("uniformed_personnel", cells, bounds)


def contributor_strength_schema(bounds: Bounds, vintage: date) -> pa.DataFrameSchema:
    """Contributor-months of the IPI database. A blank count means 0."""
    cells = {
        "reported_on": day(latest=vintage.isoformat()),
        "contributor": STATE,
        **dict.fromkeys(("troops", "police", "experts_on_mission"), optional(_PEOPLE)),
        "total": Cell("whole", "a whole number"),
    }
    return frame_schema("contributor_strength", cells, bounds)


def mission_strength_schema(bounds: Bounds, vintage: date) -> pa.DataFrameSchema:
    """Mission-months of the IPI database. A blank count means 0."""
    cells = {
        "reported_on": day(latest=vintage.isoformat()),
        "mission": ENTITY,
        **dict.fromkeys(("contributors", "troops", "police", "observers"), optional(_PEOPLE)),
        "total": Cell("whole", "a whole number"),
    }
    return frame_schema("mission_strength", cells, bounds)
