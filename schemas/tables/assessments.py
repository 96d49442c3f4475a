"""Tables of assessments on member states, and of the levels and rates they follow from."""

from __future__ import annotations

from schemas.columns import ORIGIN, Table, category, money, number, text, whole
from schemas.tables.shared import CITATION, MISSION, STATE, YEAR

LEVELS = ("A", "B", "C|special", "D", "E", "F", "G", "H|I", "J")

MISSION_ASSESSMENTS = Table(
    "main",
    "mission_assessments",
    "Assessed on member states for each mission, and appropriated, by peacekeeping year",
    "One row a peacekeeping year and mission, from the Secretariat's assessment circulars.",
    ("peacekeeping_year", "mission"),
    True,
    {
        **YEAR,
        **MISSION,
        "assessed_gross_usd": money("Assessed, after credits to member states."),
        "assessed_net_usd": money("The same less the tax equalisation credits, before the United States' own."),
        "appropriated_usd": money(
            "Appropriated, with the prorated support account and bases: not the mission's budget alone.", nullable=True
        ),
        "additional_usd": money("Additional assessments of earlier periods.", nullable=True),
        "credit_usd": money("Credits (negative) of an earlier period.", nullable=True, minimum=None),
        "credit_period_ended": text("When that period ended, as printed.", nullable=True),
        "document_symbol": text("The circular."),
        **CITATION,
        **ORIGIN,
    },
    hazards=("Assessed is neither budget nor spending nor cash paid.",),
)

STATE_MISSION_ASSESSMENTS = Table(
    "main",
    "state_mission_assessments",
    "Assessed on each member state for each mission in 2025-26",
    "One row a peacekeeping year, member state and mission.",
    ("peacekeeping_year", "contributor_iso3", "mission"),
    False,
    {
        **YEAR,
        **STATE,
        **MISSION,
        "assessed_gross_usd": money("Assessed."),
        "assessed_net_usd": money("The same less the tax equalisation credit."),
        "grade": category(
            "read: in the circular; derived: computed from the state's rate (76 states and 99.5 % of the money are "
            "read).",
            ("read", "derived"),
        ),
        "document_symbol": text("The circular."),
        **CITATION,
        **ORIGIN,
    },
    hazards=("Derived rows are computed, not printed: keep them apart or say so.",),
)

PEACEKEEPING_LEVELS = Table(
    "main",
    "peacekeeping_levels",
    "Peacekeeping levels and effective rates of member states, derived",
    "One row a scale period and member state: the level (A pays a premium, B its regular rate, C to J with discounts) "
    "that best explains what the state was assessed in one peacekeeping year of the period. Derived, not printed.",
    ("scale_period", "contributor_iso3"),
    True,
    {
        "scale_period": text("Scale period, written 2019-2021.", pattern=r"^[0-9]{4}-[0-9]{4}$"),
        **YEAR,
        **STATE,
        "level": category(
            "Level. H and I share a discount and C can't be told from some special rates: H|I and C|special.", LEVELS
        ),
        "discount_pct": number(
            "Discount of the level; NULL for A.", unit="percent", nullable=True, minimum=0, maximum=100
        ),
        "regular_rate_pct": number("Regular-budget rate.", unit="percent", minimum=0, maximum=30),
        "effective_rate_pct": number("Peacekeeping rate that follows, derived.", unit="percent", minimum=0, maximum=35),
        "assessed_share_pct": number("Share of that year's assessments (CEB).", unit="percent", minimum=0, maximum=35),
        "fit": category("ok: the two agree; check: they differ, look before citing.", ("ok", "check")),
        **ORIGIN,
    },
    hazards=("Levels are derived from assessments, not printed by the UN.",),
)

PEACEKEEPING_RATES = Table(
    "main",
    "peacekeeping_rates",
    "Peacekeeping rates of assessment, printed and derived",
    "One row a year or period, member state and source: as printed in the documents cited, or derived for the calendar "
    "years 2024 to 2026.",
    ("basis", "period", "contributor_iso3", "citation"),
    True,
    {
        "basis": category(
            "printed: in the document cited; derived: computed from the regular rate and a discount, see citation.",
            ("printed", "derived"),
        ),
        "period": text(
            "Calendar year, scale period or peacekeeping year, as printed; derived ones are calendar years."
        ),
        "contributor_iso3": text("Member state.", references="countries.iso3"),
        "rate_pct": number("Rate.", unit="percent", minimum=0, maximum=35),
        "regular_rate_pct": number(
            "Regular-budget rate that a derived one starts from; NULL for printed ones.",
            unit="percent",
            nullable=True,
            minimum=0,
            maximum=30,
        ),
        "discount_pct": number(
            "Discount on the regular rate; NULL for printed ones and for the five states that pay a premium.",
            unit="percent",
            nullable=True,
            minimum=0,
            maximum=100,
        ),
        "citation": text("Where a printed rate was read; how a derived one was made."),
        **ORIGIN,
    },
    hazards=(
        "Printed and derived are two things: name the basis; a derived rate never stands for a printed one.",
        "Printed rates are a few of a few states: no total can be made of them.",
        "Derived rates are not printed by the UN, and for most states the discount is assumed (see citation).",
        "Derived rates are of calendar years: a peacekeeping year has two of them.",
    ),
)

SCALE_OF_ASSESSMENTS = Table(
    "main",
    "scale_of_assessments",
    "Scale of assessments of the regular budget, 1946 to 2027",
    "One row a scale period and member state: its share of the regular budget (not of peacekeeping), in percent, as "
    "the Committee on Contributions lists it. Periods are calendar years, mostly three.",
    ("period_from", "contributor_iso3"),
    True,
    {
        "period_from": whole("First calendar year of the scale period.", unit="year", minimum=1946),
        "period_to": whole("Its last calendar year.", unit="year", minimum=1946),
        "contributor_iso3": text(
            "Member state, as it was on the period's first day (Yugoslavia, then Serbia and Montenegro, then Serbia).",
            references="countries.iso3",
        ),
        "contributor_as_published": text("The state's name as printed."),
        "rate_pct": number(
            "Rate, to six decimals: further ones are the binary fractions of a spreadsheet.",
            unit="percent",
            minimum=0,
            maximum=50,
        ),
        **ORIGIN,
    },
    rules=(("period_from <= period_to", "a period ends after it began"),),
    hazards=(
        "The regular budget, not peacekeeping: peacekeeping rates add the discounts of the levels.",
        "A period's rates sum to 100 only from 1998 on, and to 101.087 in 2003: a state that joined within a period "
        "has the rate of its part of it, and Yugoslavia is missing until 1995.",
    ),
)
