"""Tables of budgets and expenditure of missions."""

from __future__ import annotations

from schemas.columns import ORIGIN, Table, category, day, flag, money, text
from schemas.tables.shared import CITATION, MISSION, PEACEKEEPING_YEAR, YEAR

MISSION_BUDGETS = Table(
    "main",
    "mission_budgets",
    "Budgets and expenditure of missions by peacekeeping year",
    "One row per peacekeeping year, mission, measure, stage and publication.",
    ("peacekeeping_year", "mission", "measure", "stage", "publication"),
    True,
    {
        **YEAR,
        **MISSION,
        "measure": category(
            "approved: by the General Assembly; spent: gross expenditure in the performance report; accounts: in the "
            "open data of the audited accounts, where 2024-25 is probably the approved amount.",
            ("approved", "spent", "accounts"),
        ),
        "stage": text("Stage of the amount, as printed, where a year has several."),
        "amount_usd": money("Amount."),
        "precision": text("Printed precision (million, 2 decimals; exact dollars).", nullable=True),
        "document_symbol": text("Document that prints the amount.", nullable=True),
        "note": text("What the amount includes or excludes.", nullable=True),
        **CITATION,
        "publication": category(
            "Compilation that the row comes from.", ("approved", "approved_more", "performance", "accounts")
        ),
        **ORIGIN,
    },
    hazards=(
        "approved, spent and accounts are three measures: never add or average them.",
        "A year can have several approved amounts (six months, the full year, a revision): choose a stage.",
        "Approved amounts are complete back to 2013-14 only; MINUSMA's expenditure of its two closing years is "
        "missing.",
        "Some approved amounts include the prorated shares of the support account and the bases: see stage and note.",
    ),
)

BUDGET_LINE_PUBLICATIONS = ("open_data", "data_hub")

MISSION_BUDGET_LINES = Table(
    "main",
    "mission_budget_lines",
    "Budget lines of missions: apportioned and spent by class and subclass",
    "One row per mission, period, budget class, subclass and publication, from the performance reports: what was spent "
    "in 2022-23 to 2024-25 (the UN's open data), and the lines of the Peace & Security Data Hub (DPO-PKBUDGET) if the "
    "archive has a snapshot of them.",
    ("peacekeeping_year", "mission", "period_start", "period_end", "budget_class", "budget_subclass", "publication"),
    True,
    {
        "peacekeeping_year": text("Peacekeeping year of the period, written 2018-19.", pattern=PEACEKEEPING_YEAR),
        "period_start": day("First day of the period: 1 July, unless the budget is for part of the year."),
        "period_end": day("Last day of the period: 30 June, unless the budget is for part of the year."),
        **MISSION,
        "budget_class": text("Budget class, as printed."),
        "budget_subclass": text("Budget subclass, as printed; empty where the line has none."),
        "apportionment_usd": money(
            "Amount approved by the General Assembly; published in thousands. NULL in the open data.", nullable=True
        ),
        "expenditure_usd": money(
            "Spent, gross; published in thousands by the data hub; negative where credits exceed it.",
            nullable=True,
            minimum=None,
        ),
        "variance_usd": money(
            "Apportionment less expenditure, as published in thousands; negative where more was spent.",
            nullable=True,
            minimum=None,
        ),
        "document_symbol": text("The performance report.", nullable=True),
        "is_total": flag(
            "Whether the line is a total or subtotal of other lines, or the staff assessment between gross and net: "
            "never add it to them."
        ),
        "publication": category(
            "Publication that the row comes from: open_data (only what was spent) or data_hub.",
            BUDGET_LINE_PUBLICATIONS,
        ),
        **ORIGIN,
    },
    rules=(("period_start <= period_end", "period_start is not after period_end"),),
    hazards=(
        "Two publications can have the same lines: choose one publication before adding.",
        "The open data has no support account, and lacks some closing missions (MINUSMA after 2022-23).",
        "The table has totals and their parts: sum lines with NOT is_total, or use one total, never both.",
        "A mission-year may have totals only, or periods of part of the year as well as the full year.",
        "UNTSO and UNMOGIP are not included. Classes and subclasses are as printed; they changed with the 2018-19 "
        "budgets.",
        "The data hub extracted its figures with a model: check a figure against its document before citing it.",
        "mission_budgets also has approved and spent amounts, from other documents: never add the two tables.",
    ),
)

BUDGET_TOTALS = Table(
    "main",
    "budget_totals",
    "Total of the approved peacekeeping budgets by peacekeeping year",
    "One row per peacekeeping year and stage: the amount approved for all operations of the year, as reported.",
    ("peacekeeping_year", "stage"),
    True,
    {
        **YEAR,
        "stage": text("Stage of the total, as reported, where a year has several."),
        "amount_usd": money("Amount; rounded as reported."),
        **CITATION,
        **ORIGIN,
    },
    hazards=("Totals of one year differ by stage and by what they include: state the stage.",),
)
