"""Tables of uniformed personnel: by month and contributor, the revisions, and the strength of missions."""

from __future__ import annotations

from schemas.columns import ORIGIN, Table, category, day, flag, text, whole
from schemas.tables.shared import BETWEEN_VINTAGES, MISSION

UNIFORMED_PERSONNEL_TYPES = (
    "Troops",
    "Staff Officer",
    "Experts on Mission",
    "Individual Police",
    "Formed Police Units",
)

UNIFORMED_PERSONNEL = Table(
    "main",
    "uniformed_personnel",
    "Uniformed personnel by month, mission, contributor and personnel type",
    "One row a month-end, mission, contributing state and personnel type: numbers deployed on that day. Zeros are "
    "published zeros. The monthly report comes first; the data hub fills the months without one.",
    ("month_end", "mission", "contributor_iso3", "personnel_type"),
    False,
    {
        "month_end": day("Last day of the reported month."),
        "mission": text(
            "Mission; UNSPECIFIED in the months whose report prints none (2018-03 to 2019-08, 2023-09).",
            references="missions.mission",
        ),
        "contributor_iso3": text("Contributing state.", references="countries.iso3"),
        "personnel_type": category(
            "Personnel type, one vocabulary over all report layouts.", UNIFORMED_PERSONNEL_TYPES
        ),
        "female": whole("Women; NULL where the report prints no sex.", unit="person", nullable=True),
        "male": whole("Men; NULL where the report prints no sex.", unit="person", nullable=True),
        "total": whole("All.", unit="person"),
        "includes_staff_officers": flag(
            "True for Troops until 2017-04, when staff officers were counted among them: a break in the series."
        ),
        "series": category("Which publication the row comes from.", ("monthly_report", "data_hub")),
        **ORIGIN,
    },
    rules=(("female IS NULL OR male IS NULL OR female + male = total", "women and men add up to the total"),),
    hazards=(
        "A stock on a day, not a flow: never add months; average them or take one.",
        "Special political missions are in it.",
        "No mission's strength can be read from the months under UNSPECIFIED.",
    ),
    split_by_year_of="month_end",
)

UNIFORMED_PERSONNEL_REVISIONS = Table(
    "main",
    "uniformed_personnel_revisions",
    "Revisions of the uniformed personnel",
    "One row a figure that changed between two vintages of one series that both cover its month. The monthly reports "
    "and the data hub don't revise each other.",
    ("month_end", "mission", "contributor_iso3", "personnel_type", "series", "field", "to_vintage"),
    False,
    {
        "month_end": day("Last day of the reported month."),
        "mission": text("Mission.", references="missions.mission"),
        "contributor_iso3": text("Contributing state.", references="countries.iso3"),
        "personnel_type": category("Personnel type.", UNIFORMED_PERSONNEL_TYPES),
        "series": category("Which publication revised itself.", ("monthly_report", "data_hub")),
        "field": category("The figure that changed.", ("female", "male", "total")),
        "old_value": whole("The figure before; NULL where there was none.", unit="person", nullable=True),
        "new_value": whole("The figure after; NULL where there is none any more.", unit="person", nullable=True),
        **BETWEEN_VINTAGES,
    },
)

MISSION_STRENGTH = Table(
    "main",
    "mission_strength",
    "Uniformed strength of missions by month, 1990 to 2017",
    "One row a month and mission, from the IPI Peacekeeping Database (Perry and Smith 2013), keyed from the same UN "
    "monthly reports independently.",
    ("month_end", "mission"),
    False,
    {
        "month_end": day("Last day of the month."),
        **MISSION,
        "contributors": whole("Contributing states.", unit="state", nullable=True),
        "troops": whole("Troops; blank in the source means 0.", unit="person"),
        "police": whole("Police; blank in the source means 0.", unit="person"),
        "observers": whole("Military observers; blank in the source means 0.", unit="person"),
        "total": whole("All of them.", unit="person"),
        "reported_on": day("The date as printed; six are no month-ends."),
        **ORIGIN,
    },
    hazards=("November 2016 is missing.", "Another series than uniformed_personnel: never add the two."),
)
