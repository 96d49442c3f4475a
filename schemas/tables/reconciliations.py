"""Tables of control totals and reconciliations."""

from __future__ import annotations

from functools import partial

from schemas.columns import Table, category, day, flag, number, text

STATUSES = ("equal", "both", "differs", "only_left", "only_right")
_any_number = partial(number, minimum=-1e15, maximum=1e15)

CONTROL_TOTALS = Table(
    "meta",
    "control_totals",
    "Control totals",
    "One row per total that a publisher prints with its rows. Used to check the tables of main, and not part of them.",
    ("source", "total", "subject", "period"),
    True,
    {
        "source": text("Name of the source whose rows are totalled."),
        "total": text("Name of the total."),
        "subject": text("Mission or state of the total; all for the overall total."),
        "period": text("Month-end or peacekeeping year of the total, as printed."),
        "value": _any_number("Value of the total.", unit="persons or USD"),
        "origin": text("Document or file that prints it."),
    },
)

RECONCILIATIONS = Table(
    "meta",
    "reconciliations",
    "Reconciliations",
    "One row per comparison of a figure with another source's, including equal ones. Where figures must be equal, a "
    "figure that either side lacks has a row, values are compared unrounded, and a missing figure equals nothing. "
    "marts.reconciliation_summary counts them.",
    ("name", "subject", "period"),
    True,
    {
        "name": text("Name of the comparison."),
        "subject": text("Mission, state or stage that is compared; all for overall figures."),
        "period": text("Month, calendar year, scale period or peacekeeping year that is compared."),
        "unit": text("Unit of the values."),
        "left_is": text("Description of the left value."),
        "right_is": text("Description of the right value."),
        "left_value": _any_number("Left value; NULL where that source has none.", unit=None, nullable=True),
        "right_value": _any_number("Right value; NULL where that source has none.", unit=None, nullable=True),
        "difference": _any_number(
            "left_value minus right_value; NULL where one is missing or only presence is compared.",
            unit=None,
            nullable=True,
        ),
        "status": category(
            "equal; differs; both: both sides have a figure, where only presence is compared; only_left, only_right: "
            "the other side has none.",
            STATUSES,
        ),
        "explained_by": text(
            "Reason of a difference (meta.reconciliation_reasons); NULL where it is unexplained or the values agree.",
            nullable=True,
        ),
        "known": flag("Whether an unexplained difference was reviewed: the declaration lists it with this value."),
    },
    rules=(
        ("explained_by IS NULL OR status NOT IN ('equal', 'both')", "only a difference has a reason"),
        ("NOT known OR explained_by IS NULL", "an explained difference is not listed as known"),
    ),
)

RECONCILIATION_REASONS = Table(
    "meta",
    "reconciliation_reasons",
    "Reasons of differences",
    "One row per named reason for differences in meta.reconciliations.",
    ("reason",),
    True,
    {
        "reason": text("Name of the reason."),
        "noted": day("Day on which it was recorded."),
        "explanation": text("Explanation and its evidence."),
    },
)
