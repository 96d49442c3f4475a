"""Columns that several tables share."""

from __future__ import annotations

from schemas.columns import day, text

PEACEKEEPING_YEAR = r"^[0-9]{4}-[0-9]{2}$"

YEAR = {
    "peacekeeping_year": text("Peacekeeping year, written 2018-19.", pattern=PEACEKEEPING_YEAR),
    "period_start": day("Its first day, 1 July."),
    "period_end": day("Its last day, 30 June."),
}

MISSION = {
    "mission": text("Mission or supporting entity.", references="missions.mission"),
    "mission_as_published": text("The entity as printed."),
}

STATE = {
    "contributor_iso3": text("Member state.", references="countries.iso3"),
    "contributor_as_published": text("The state's name as printed."),
}

CITATION = {"citation": text("Where the figure was read.")}

BETWEEN_VINTAGES = {
    "from_vintage": day("Newest vintage that speaks for the period and shows the old value, or no such row."),
    "to_vintage": day("First vintage that shows the new value, or the row no more."),
}
