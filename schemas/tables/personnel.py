"""Tables of uniformed personnel: by month and contributor, the revisions, and the strength of missions."""

from __future__ import annotations

from schemas.columns import ORIGIN, Table, category, day, flag, text, whole
from schemas.tables.shared import BETWEEN_VINTAGES, MISSION, STATE

MONTHLY_REPORT = "monthly_report"  # the series of the UN's monthly reports
UNIFORMED_PERSONNEL_TYPES = (
    "Troops",
    "Staff Officer",
    "Experts on Mission",
    "Individual Police",
    "Formed Police Units",
)

PERSONNEL_SERIES = ("monthly_report", "data_hub", "ipi_by_sex", "ipi_by_mission")

UNIFORMED_PERSONNEL = Table(
    "main",
    "uniformed_personnel",
    "Uniformed personnel by month, mission, contributor and personnel type",
    "One row per month-end, mission, contributing state and personnel type: persons deployed on that day. Zeros are "
    "published zeros. The monthly report takes precedence; the data hub fills the months without a report, and IPI's "
    "figures by sex those that have neither (2009-11 to 2014-08). IPI's figures by mission, which are not bundled, "
    "come last.",
    ("month_end", "mission", "contributor_iso3", "personnel_type"),
    False,
    {
        "month_end": day("Last day of the reported month."),
        "mission": text(
            "Mission; UNSPECIFIED in the months whose report prints no mission (2018-03 to 2019-08, 2023-09).",
            references="missions.mission",
        ),
        "contributor_iso3": text("Contributing state.", references="countries.iso3"),
        "personnel_type": category("Personnel type, harmonised across the report layouts.", UNIFORMED_PERSONNEL_TYPES),
        "female": whole("Women; NULL where the publication prints no sexes.", unit="person", nullable=True),
        "male": whole("Men; NULL where the publication prints no sexes.", unit="person", nullable=True),
        "total": whole(
            "All persons; NULL where the publication leaves a contributor's cells in a mission blank (unknown, not 0).",
            unit="person",
            nullable=True,
        ),
        "includes_staff_officers": flag(
            "True for Troops up to 2017-04, which include staff officers: a break in the series."
        ),
        "series": category("Publication that the row comes from.", PERSONNEL_SERIES),
        **ORIGIN,
    },
    rules=(
        (
            "female IS NULL OR male IS NULL OR female + male = total OR series = 'ipi_by_sex'",
            "female plus male equals total, but for a few rows of IPI's figures by sex, which stay as printed",
        ),
        ("total IS NOT NULL OR series = 'ipi_by_sex'", "only IPI's figures by sex have blank cells"),
    ),
    hazards=(
        "A stock on a day, not a flow: never add months; average them or take one month.",
        "Includes special political missions.",
        "In months under UNSPECIFIED, no mission's strength is known.",
        "Series ipi_by_sex (2009-11 to 2014-08) has no total for the United States to 2012-12 and for Moldova in "
        "2014-01: sums of these months are too low. marts.contributor_months fills them from contributor_strength.",
        "In series ipi_by_mission before 2009-11, Individual Police includes formed police units.",
    ),
    split_by_year_of="month_end",
)

UNIFORMED_PERSONNEL_REVISIONS = Table(
    "main",
    "uniformed_personnel_revisions",
    "Revisions of the uniformed personnel",
    "One row per figure that changed between two vintages of one series, both covering its month. The series are not "
    "compared with each other.",
    ("month_end", "mission", "contributor_iso3", "personnel_type", "series", "field", "to_vintage"),
    False,
    {
        "month_end": day("Last day of the reported month."),
        "mission": text("Mission.", references="missions.mission"),
        "contributor_iso3": text("Contributing state.", references="countries.iso3"),
        "personnel_type": category("Personnel type.", UNIFORMED_PERSONNEL_TYPES),
        "series": category("Publication that changed.", PERSONNEL_SERIES),
        "field": category("Column that changed.", ("female", "male", "total")),
        "old_value": whole("Old figure; NULL where there was no row.", unit="person", nullable=True),
        "new_value": whole("New figure; NULL where the row was removed.", unit="person", nullable=True),
        **BETWEEN_VINTAGES,
    },
)

UNIFORMED_PERSONNEL_SUPERSEDED = Table(
    "main",
    "uniformed_personnel_superseded",
    "Uniformed personnel in the vintage before",
    "The rows of months that two vintages of the monthly reports cover, as the vintage before has them: a report "
    "loaded from its PDF and its compiled figures, or a report that was published again. meta.reconciliations compares "
    "each figure with that of the newest vintage.",
    ("month_end", "mission", "contributor_iso3", "personnel_type"),
    False,
    {
        "month_end": day("Last day of the reported month."),
        "mission": text("Mission.", references="missions.mission"),
        "contributor_iso3": text("Contributing state.", references="countries.iso3"),
        "personnel_type": category("Personnel type.", UNIFORMED_PERSONNEL_TYPES),
        "female": whole("Women; NULL where the report does not print the sexes.", unit="person", nullable=True),
        "male": whole("Men; NULL where the report does not print the sexes.", unit="person", nullable=True),
        "total": whole("All persons.", unit="person"),
        **ORIGIN,
    },
    hazards=("Never add it to uniformed_personnel: the same persons are in both.",),
)

MISSION_STRENGTH = Table(
    "main",
    "mission_strength",
    "Uniformed strength of missions by month, 1990 to 2017",
    "One row per month and mission, from the IPI Peacekeeping Database (Perry and Smith 2013), which was entered "
    "independently from the same UN monthly reports.",
    ("month_end", "mission"),
    False,
    {
        "month_end": day("Last day of the month."),
        **MISSION,
        "contributors": whole("Number of contributing states.", unit="state", nullable=True),
        "troops": whole("Troops; blank in the source means 0.", unit="person"),
        "police": whole("Police; blank in the source means 0.", unit="person"),
        "observers": whole("Military observers; blank in the source means 0.", unit="person"),
        "total": whole("Troops, police and observers.", unit="person"),
        "reported_on": day("Date as printed; six of the dates are not month-ends."),
        **ORIGIN,
    },
    hazards=("November 2016 is missing.", "A different series from uniformed_personnel: never add the two."),
)

CONTRIBUTOR_STRENGTH = Table(
    "main",
    "contributor_strength",
    "Uniformed personnel of contributors by month, 1990 to 2014",
    "One row per month and contributing state, all missions together, from the IPI Peacekeeping Database (Perry and "
    "Smith 2013), which was entered from the UN monthly reports. Its sums are those of mission_strength each month.",
    ("month_end", "contributor_iso3"),
    False,
    {
        "month_end": day("Last day of the month."),
        **STATE,
        "troops": whole("Troops, with staff officers; blank in the source means 0.", unit="person"),
        "police": whole("Police; blank in the source means 0.", unit="person"),
        "experts_on_mission": whole(
            "Experts on mission (military observers); blank in the source means 0.", unit="person"
        ),
        "total": whole("Troops, police and experts on mission.", unit="person"),
        "reported_on": day("Date as printed; six of the dates are not month-ends."),
        **ORIGIN,
    },
    hazards=(
        "States have the names of 2014 throughout (the Soviet Union is the Russian Federation).",
        "A different series from uniformed_personnel: never add the two.",
    ),
)
