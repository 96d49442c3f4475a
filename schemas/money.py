"""The tables of budgets, assessments, rates, payments and dated facts (see schemas.tables for the others)."""

from __future__ import annotations

from schemas.columns import ORIGIN, Table, category, day, flag, money, number, text, whole

PEACEKEEPING_YEAR = r"^[0-9]{4}-[0-9]{2}$"
PAYMENT_STATUSES = ("paid_on_time", "paid_late", "not_paid_in_full")
LEVELS = ("A", "B", "C|special", "D", "E", "F", "G", "H|I", "J")
QUALIFIERS = ("exact", "about", "more than")
PRECISIONS = ("day", "month", "year")

YEAR = {
    "peacekeeping_year": text("Peacekeeping year, written 2018-19.", pattern=PEACEKEEPING_YEAR),
    "period_start": day("Its first day, 1 July."),
    "period_end": day("Its last day, 30 June."),
}
_MISSION = {
    "mission": text("Mission or supporting entity.", references="missions.mission"),
    "mission_as_published": text("The entity as printed."),
}
_STATE = {
    "contributor_iso3": text("Member state.", references="countries.iso3"),
    "contributor_as_published": text("The state's name as printed."),
}
_CITATION = {"citation": text("Where the figure was read.")}

MISSION_BUDGETS = Table(
    "main",
    "mission_budgets",
    "Budgets and expenditure of missions by peacekeeping year",
    "One row a peacekeeping year, mission, measure, stage and publication.",
    ("peacekeeping_year", "mission", "measure", "stage", "publication"),
    True,
    {
        **YEAR,
        **_MISSION,
        "measure": category(
            "approved: by the General Assembly; spent: in the performance report (gross); accounts: in the open data's "
            "audited accounts, of which 2024-25 is probably the approved amount.",
            ("approved", "spent", "accounts"),
        ),
        "stage": text("Which of several amounts of a year it is, as printed."),
        "amount_usd": money("Amount."),
        "precision": text("How exactly it was printed (million, 2 decimals; exact dollars).", nullable=True),
        "document_symbol": text("Document in which it stands.", nullable=True),
        "note": text("What it leaves out or includes.", nullable=True),
        **_CITATION,
        "publication": category(
            "Which compilation it comes from.", ("approved", "approved_more", "performance", "accounts")
        ),
        **ORIGIN,
    },
    hazards=(
        "Approved, spent and accounts are three measures: never add or average them.",
        "A year can have several approved amounts (six months, the whole year, a revision): choose a stage.",
        "Approved amounts are complete to 2013-14 only; MINUSMA's spending of its two closing years is not there.",
        "Some approved amounts include the prorated shares of the support account and the bases: see stage and note.",
    ),
)

MISSION_BUDGET_LINES = Table(
    "main",
    "mission_budget_lines",
    "Budget lines of missions: apportioned and spent by class and subclass",
    "One row a mission, period, budget class and subclass, from the Peace & Security Data Hub (DPO-PKBUDGET), which "
    "has them from performance reports. Empty while no snapshot of it is held.",
    ("peacekeeping_year", "mission", "period_start", "period_end", "budget_class", "budget_subclass"),
    True,
    {
        "peacekeeping_year": text(
            "Peacekeeping year in which the period lies, written 2018-19.", pattern=PEACEKEEPING_YEAR
        ),
        "period_start": day("First day of the period: 1 July, but for a budget of a part of the year."),
        "period_end": day("Its last day: 30 June, but for a budget of a part of the year."),
        **_MISSION,
        "budget_class": text("Class, as printed."),
        "budget_subclass": text("Subclass, as printed; empty where the line has none."),
        "apportionment_usd": money("Approved by the General Assembly; published in thousands.", nullable=True),
        "expenditure_usd": money(
            "Spent; published in thousands; negative where credits exceed it.", nullable=True, minimum=None
        ),
        "variance_usd": money(
            "Apportionment less expenditure, as published in thousands; negative where more was spent.",
            nullable=True,
            minimum=None,
        ),
        "document_symbol": text("The performance report.", nullable=True),
        "is_total": flag(
            "Whether the line is a total or sub-total of others, or the staff assessment between gross and net: never "
            "to be added to them."
        ),
        **ORIGIN,
    },
    rules=(("period_start <= period_end", "a period ends after it began"),),
    hazards=(
        "Totals stand beside their parts: sum lines with NOT is_total, or take one total, never both.",
        "A mission-year may have totals alone, or periods of a part of the year beside the whole.",
        "Without UNTSO and UNMOGIP. Classes and subclasses are as printed, and changed with the budgets of 2018-19.",
        "The publisher had the figures extracted by a model: hold one against its document before citing it.",
        "Approved and spent also stand in mission_budgets, from other documents: never add the two tables.",
    ),
)

BUDGET_TOTALS = Table(
    "main",
    "budget_totals",
    "Total of the approved peacekeeping budgets by peacekeeping year",
    "One row a peacekeeping year and stage: what was approved for all operations of the year together, as reported.",
    ("peacekeeping_year", "stage"),
    True,
    {
        **YEAR,
        "stage": text("Which of the year's totals it is, as reported."),
        "amount_usd": money("Amount; rounded as reported."),
        **_CITATION,
        **ORIGIN,
    },
    hazards=("Totals of one year differ by stage and by what they include: name the stage.",),
)

MISSION_ASSESSMENTS = Table(
    "main",
    "mission_assessments",
    "Assessed on member states for each mission, and appropriated, by peacekeeping year",
    "One row a peacekeeping year and mission, from the Secretariat's assessment circulars.",
    ("peacekeeping_year", "mission"),
    True,
    {
        **YEAR,
        **_MISSION,
        "assessed_gross_usd": money("Assessed, after credits to member states."),
        "assessed_net_usd": money("The same less the tax equalisation credits, before the United States' own."),
        "appropriated_usd": money(
            "Appropriated, with the prorated support account and bases: not the mission's budget alone.", nullable=True
        ),
        "additional_usd": money("Additional assessments of earlier periods.", nullable=True),
        "credit_usd": money("Credits (negative) of an earlier period.", nullable=True, minimum=None),
        "credit_period_ended": text("When that period ended, as printed.", nullable=True),
        "document_symbol": text("The circular."),
        **_CITATION,
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
        **_STATE,
        **_MISSION,
        "assessed_gross_usd": money("Assessed."),
        "assessed_net_usd": money("The same less the tax equalisation credit."),
        "grade": category(
            "read: in the circular; derived: computed from the state's rate (76 states and 99.5 % of the money are "
            "read).",
            ("read", "derived"),
        ),
        "document_symbol": text("The circular."),
        **_CITATION,
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
        **_STATE,
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

REGULAR_BUDGET_PAYMENTS = Table(
    "main",
    "regular_budget_payments",
    "Payment of regular-budget assessments by year and member state",
    "One row a calendar year and member state, from the honour rolls and the assessment circulars.",
    ("year", "contributor_iso3"),
    True,
    {
        "year": whole("Calendar year.", unit="year", minimum=1946),
        **_STATE,
        "regular_rate_pct": number("Regular-budget rate.", unit="percent", minimum=0, maximum=30),
        "assessed_usd": money("Assessed for the regular budget."),
        "payment_status": category(
            "paid_on_time: in full within 30 days of the letter; paid_late: in full later in the year; "
            "not_paid_in_full: not in full by the honour roll's date, which does not mean nothing was paid.",
            PAYMENT_STATUSES,
        ),
        "payment_date": day("When it was paid in full.", nullable=True),
        "honour_roll_as_of": day("As of when."),
        "document_symbol": text("The circular with the assessments."),
        **ORIGIN,
    },
    hazards=(
        "The regular budget, not peacekeeping: no public table gives peacekeeping arrears by state.",
        "2026 stands as of mid-year: leave it out of totals over years.",
    ),
)

DATED_FACTS = Table(
    "main",
    "dated_facts",
    "Dated facts on arrears, cash, reimbursements and MINUSMA's strength, each with its source",
    "One row a statement. They are what somebody said or printed on a day, not a series.",
    ("collection", "snapshot_row"),
    False,
    {
        "collection": category("What it is about.", ("arrears", "cash", "minusma")),
        "as_of": text("When it held, as printed."),
        "as_of_from": day("First day that this can mean."),
        "as_of_to": day("Last day that this can mean."),
        "precision": category("How exact the date is.", PRECISIONS),
        "subject": text("Who owes, or what is measured; an ISO code for one state, all for all of them."),
        "fund": category("Which money.", ("peacekeeping", "regular"), nullable=True),
        "value": number("The figure.", unit="USD or persons", nullable=True, minimum=0, maximum=1e11),
        "qualifier": category("How the figure is meant.", QUALIFIERS, nullable=True),
        "statement": text("What was said.", nullable=True),
        **_CITATION,
        **ORIGIN,
    },
    hazards=("Arrears of one day, by one source: never subtract one from another without reading both.",),
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
        **_MISSION,
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

GOVERNMENT_REVENUE = Table(
    "main",
    "government_revenue",
    "Revenue of UN peacekeeping from governments by kind, from CEB",
    "One row a peacekeeping year, government and kind of revenue of the entity UN-DPO, the assessed included.",
    ("peacekeeping_year", "contributor_iso3", "revenue_kind"),
    True,
    {
        **YEAR,
        **_STATE,
        "revenue_kind": category(
            "assessed; voluntary (earmarked, not earmarked); other.",
            ("assessed", "voluntary_earmarked", "voluntary_not_earmarked", "other"),
        ),
        "amount_usd": money("Amount; adjustments can be negative.", minimum=None),
        **ORIGIN,
    },
    hazards=("Kinds differ in meaning: assessed alone is in assessed_contributions.",),
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

MONEY = (
    MISSION_BUDGETS,
    MISSION_BUDGET_LINES,
    BUDGET_TOTALS,
    MISSION_ASSESSMENTS,
    STATE_MISSION_ASSESSMENTS,
    PEACEKEEPING_LEVELS,
    PEACEKEEPING_RATES,
    REGULAR_BUDGET_PAYMENTS,
    DATED_FACTS,
    MISSION_STRENGTH,
    GOVERNMENT_REVENUE,
    SCALE_OF_ASSESSMENTS,
)
