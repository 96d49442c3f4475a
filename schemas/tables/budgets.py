"""Tables of budgets and expenditure of missions."""

from __future__ import annotations

from schemas.columns import ORIGIN, Table, category, day, flag, money, text
from schemas.tables.shared import CITATION, MISSION, PEACEKEEPING_YEAR, YEAR

MISSION_BUDGETS = Table(
    "main",
    "mission_budgets",
    "Budgets and expenditure of missions by peacekeeping year",
    "One row a peacekeeping year, mission, measure, stage and publication.",
    ("peacekeeping_year", "mission", "measure", "stage", "publication"),
    True,
    {
        **YEAR,
        **MISSION,
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
        **CITATION,
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
        **MISSION,
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
        **CITATION,
        **ORIGIN,
    },
    hazards=("Totals of one year differ by stage and by what they include: name the stage.",),
)
