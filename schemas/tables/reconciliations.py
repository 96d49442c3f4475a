"""The tables of figures held against each other (see schemas.tables for the others)."""

from __future__ import annotations

from functools import partial

from schemas.columns import Table, category, day, flag, number, text

STATUSES = ("equal", "both", "differs", "only_left", "only_right")
_any_number = partial(number, minimum=-1e15, maximum=1e15)

CONTROL_TOTALS = Table(
    "meta",
    "control_totals",
    "Control totals",
    "One row a total that a publisher prints beside its rows. In no table of main: those are held against them.",
    ("source", "total", "subject", "period"),
    True,
    {
        "source": text("Name of the source whose rows they are the totals of."),
        "total": text("Which total it is."),
        "subject": text("Mission or state that it is of; all where it is of everything."),
        "period": text("Month-end or peacekeeping year that it is of, as printed."),
        "value": _any_number("The total.", unit="persons or USD"),
        "origin": text("Where it was read."),
    },
)

RECONCILIATIONS = Table(
    "meta",
    "reconciliations",
    "Reconciliations",
    "One row a figure held against another ledger's: agreeing ones too, so that their share can be told. Two-sided "
    "where figures must be equal: what either side lacks is a row, nothing is rounded before it is compared, and a "
    "missing figure equals nothing. marts.reconciliation_summary counts them.",
    ("name", "subject", "period"),
    True,
    {
        "name": text("What is compared."),
        "subject": text("Mission, state or stage that it is about; all where it is about everything."),
        "period": text("Month, calendar year, scale period or peacekeeping year that it is about."),
        "unit": text("Unit of the values."),
        "left_is": text("What the left value is."),
        "right_is": text("What the right value is."),
        "left_value": _any_number("The left value; NULL where that ledger has none.", unit=None, nullable=True),
        "right_value": _any_number("The right value; NULL where that ledger has none.", unit=None, nullable=True),
        "difference": _any_number(
            "left_value minus right_value; NULL where one is missing, and where only presence is compared.",
            unit=None,
            nullable=True,
        ),
        "status": category(
            "equal; both (each has something, where no equality is asked); differs; only_left, only_right: the other "
            "ledger has nothing.",
            STATUSES,
        ),
        "explained_by": text(
            "Name of the reason of a break (meta.reconciliation_reasons); NULL where it stands unexplained, and where "
            "the two agree.",
            nullable=True,
        ),
        "known": flag("Whether an unexplained break was looked at: the declaration lists it with this difference."),
    },
    rules=(
        ("explained_by IS NULL OR status NOT IN ('equal', 'both')", "only a break has a reason"),
        ("NOT known OR explained_by IS NULL", "what has a reason needs no listing"),
    ),
)

RECONCILIATION_REASONS = Table(
    "meta",
    "reconciliation_reasons",
    "Reasons of differences",
    "One row a named reason that explains breaks of meta.reconciliations.",
    ("reason",),
    True,
    {
        "reason": text("Its name."),
        "noted": day("When it was noted."),
        "explanation": text("What it is, and what it rests on."),
    },
)
