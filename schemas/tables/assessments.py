"""Tables of assessments on member states, and of the levels and rates they follow from."""

from __future__ import annotations

from schemas.columns import ORIGIN, Table, category, money, number, text, whole
from schemas.tables.shared import CITATION, MISSION, STATE, YEAR

LEVELS = ("A", "B", "C|special", "D", "E", "F", "G", "H|I", "J")

MISSION_ASSESSMENTS = Table(
    "main",
    "mission_assessments",
    "Assessed on member states for each mission, and appropriated, by peacekeeping year",
    "One row per peacekeeping year and mission, from the Secretariat's assessment circulars.",
    ("peacekeeping_year", "mission"),
    True,
    {
        **YEAR,
        **MISSION,
        "assessed_gross_usd": money("Gross amount assessed, after credits to member states."),
        "assessed_net_usd": money(
            "assessed_gross_usd less the tax equalisation credits, before those of the United States."
        ),
        "appropriated_usd": money(
            "Amount appropriated, with the prorated shares of the support account and the bases: not the mission's "
            "budget alone.",
            nullable=True,
        ),
        "additional_usd": money("Additional assessments for earlier periods.", nullable=True),
        "credit_usd": money("Credits from an earlier period; negative.", nullable=True, minimum=None),
        "credit_period_ended": text("End of the period of the credits, as printed.", nullable=True),
        "document_symbol": text("Assessment circular."),
        **CITATION,
        **ORIGIN,
    },
    hazards=("Assessed amounts are not budgets, expenditure or payments.",),
)

STATE_MISSION_ASSESSMENTS = Table(
    "main",
    "state_mission_assessments",
    "Assessed on each member state for each mission in 2025-26",
    "One row per peacekeeping year, member state and mission.",
    ("peacekeeping_year", "contributor_iso3", "mission"),
    False,
    {
        **YEAR,
        **STATE,
        **MISSION,
        "assessed_gross_usd": money("Gross amount assessed."),
        "assessed_net_usd": money("assessed_gross_usd less the tax equalisation credit."),
        "grade": category(
            "read: printed in the circular (76 states, 99.5 % of the money); derived: computed from the state's rate.",
            ("read", "derived"),
        ),
        "document_symbol": text("Assessment circular."),
        **CITATION,
        **ORIGIN,
    },
    hazards=("Derived rows are computed, not printed: separate them or say so.",),
)

PEACEKEEPING_LEVELS = Table(
    "main",
    "peacekeeping_levels",
    "Peacekeeping levels and effective rates of member states, derived",
    "One row per scale period and member state: the level (A pays a premium, B the regular rate, C to J have "
    "discounts) that best explains the state's assessment in one peacekeeping year of the period. Derived, not "
    "printed.",
    ("scale_period", "contributor_iso3"),
    True,
    {
        "scale_period": text("Scale period, written 2019-2021.", pattern=r"^[0-9]{4}-[0-9]{4}$"),
        **YEAR,
        **STATE,
        "level": category(
            "Level. H|I: the two have the same discount; C|special: C is indistinguishable from some special rates.",
            LEVELS,
        ),
        "discount_pct": number(
            "Discount of the level on the regular rate; NULL for A.",
            unit="percent",
            nullable=True,
            minimum=0,
            maximum=100,
        ),
        "regular_rate_pct": number("Regular-budget rate.", unit="percent", minimum=0, maximum=30),
        "effective_rate_pct": number(
            "Peacekeeping rate that follows from level and regular rate; derived.",
            unit="percent",
            minimum=0,
            maximum=35,
        ),
        "assessed_share_pct": number(
            "State's share of that year's assessments (CEB).", unit="percent", minimum=0, maximum=35
        ),
        "fit": category(
            "ok: effective_rate_pct and assessed_share_pct agree; check: they differ, verify before citing.",
            ("ok", "check"),
        ),
        **ORIGIN,
    },
    hazards=("Levels are derived from assessments, not printed by the UN.",),
)

PEACEKEEPING_RATES = Table(
    "main",
    "peacekeeping_rates",
    "Peacekeeping rates of assessment, printed and derived",
    "One row per period, member state and source. Printed rates are from the documents cited; derived rates are for "
    "the calendar years 2024 to 2026.",
    ("basis", "period", "contributor_iso3", "citation"),
    True,
    {
        "basis": category(
            "printed: in the document cited; derived: computed from the regular rate and a discount (see citation).",
            ("printed", "derived"),
        ),
        "period": text(
            "Calendar year, scale period or peacekeeping year, as printed; derived rates have calendar years."
        ),
        "contributor_iso3": text("Member state.", references="countries.iso3"),
        "rate_pct": number("Peacekeeping rate.", unit="percent", minimum=0, maximum=35),
        "regular_rate_pct": number(
            "Regular-budget rate that a derived rate is computed from; NULL for printed rates.",
            unit="percent",
            nullable=True,
            minimum=0,
            maximum=30,
        ),
        "discount_pct": number(
            "Discount on the regular rate; NULL for printed rates and for the five states that pay a premium.",
            unit="percent",
            nullable=True,
            minimum=0,
            maximum=100,
        ),
        "citation": text("Document of a printed rate; derivation of a derived rate."),
        **ORIGIN,
    },
    hazards=(
        "State the basis; never use a derived rate in place of a printed one.",
        "Printed rates cover few states and periods: they cannot be summed to a total.",
        "Derived rates are not printed by the UN; for most states the discount is assumed (see citation).",
        "Derived rates are for calendar years: a peacekeeping year falls in two of them.",
    ),
)

SCALE_OF_ASSESSMENTS = Table(
    "main",
    "scale_of_assessments",
    "Scale of assessments of the regular budget, 1946 to 2027",
    "One row per scale period and member state: its share of the regular budget (not of peacekeeping) in percent, as "
    "listed by the Committee on Contributions. Periods are calendar years, mostly three.",
    ("period_from", "contributor_iso3"),
    True,
    {
        "period_from": whole("First calendar year of the scale period.", unit="year", minimum=1946),
        "period_to": whole("Last calendar year of the scale period.", unit="year", minimum=1946),
        "contributor_iso3": text(
            "Member state as it existed on the first day of the period (Yugoslavia, then Serbia and Montenegro, then "
            "Serbia).",
            references="countries.iso3",
        ),
        "contributor_as_published": text("The state's name as printed."),
        "rate_pct": number(
            "Rate, to six decimals: further digits are artefacts of binary fractions in the spreadsheet.",
            unit="percent",
            minimum=0,
            maximum=50,
        ),
        **ORIGIN,
    },
    rules=(("period_from <= period_to", "period_from is not after period_to"),),
    hazards=(
        "Regular budget, not peacekeeping: peacekeeping rates apply the discounts of the levels.",
        "The rates of a period sum to 100 only from 1998 on, and to 101.087 in 2003: a state that joined during a "
        "period has a rate for part of it, and Yugoslavia is missing until 1995.",
    ),
)
