"""Columns that several tables share."""

from __future__ import annotations

from schemas.columns import day, text

PEACEKEEPING_YEAR = r"^[0-9]{4}-[0-9]{2}$"

YEAR = {
    "peacekeeping_year": text("Peacekeeping year, written 2018-19.", pattern=PEACEKEEPING_YEAR),
    "period_start": day("First day of the peacekeeping year, 1 July."),
    "period_end": day("Last day of the peacekeeping year, 30 June."),
}

MISSION = {
    "mission": text("Mission or supporting entity.", references="missions.mission"),
    "mission_as_published": text("Mission or entity as printed."),
}

STATE = {
    "contributor_iso3": text("Member state.", references="countries.iso3"),
    "contributor_as_published": text("Name of the state as printed."),
}

CITATION = {"citation": text("Document or page that the figure was read from.")}

BETWEEN_VINTAGES = {
    "from_vintage": day("Newest vintage that covers the period and has the old value, or has no such row."),
    "to_vintage": day("First vintage with the new value, or without the row."),
}
