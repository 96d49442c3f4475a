"""Tables of regular-budget payments and of dated facts on arrears, cash and reimbursements."""

from __future__ import annotations

from schemas.columns import ORIGIN, Table, category, day, money, number, text, whole
from schemas.tables.shared import CITATION, STATE

PAYMENT_STATUSES = ("paid_on_time", "paid_late", "not_paid_in_full")
QUALIFIERS = ("exact", "about", "more than")
PRECISIONS = ("day", "month", "year")

REGULAR_BUDGET_PAYMENTS = Table(
    "main",
    "regular_budget_payments",
    "Payment of regular-budget assessments by year and member state",
    "One row per calendar year and member state, from the honour rolls and the assessment circulars.",
    ("year", "contributor_iso3"),
    True,
    {
        "year": whole("Calendar year.", unit="year", minimum=1946),
        **STATE,
        "regular_rate_pct": number("Regular-budget rate.", unit="percent", minimum=0, maximum=30),
        "assessed_usd": money("Amount assessed for the regular budget."),
        "payment_status": category(
            "paid_on_time: in full within 30 days of the letter; paid_late: in full later in the year; "
            "not_paid_in_full: not in full by the date of the honour roll, though a part may have been paid.",
            PAYMENT_STATUSES,
        ),
        "payment_date": day("Day of payment in full.", nullable=True),
        "honour_roll_as_of": day("Date of the honour roll."),
        "document_symbol": text("Assessment circular."),
        **ORIGIN,
    },
    hazards=(
        "Regular budget, not peacekeeping: no public table has peacekeeping arrears by state.",
        "2026 is as of mid-year: exclude it from totals over years.",
    ),
)

DATED_FACTS = Table(
    "main",
    "dated_facts",
    "Dated facts on arrears, cash, reimbursements and MINUSMA's strength, each with its source",
    "One row per statement, as said or printed on a given day. Not a time series.",
    ("collection", "snapshot_row"),
    False,
    {
        "collection": category("Topic of the statement.", ("arrears", "cash", "minusma")),
        "as_of": text("Date that the statement refers to, as printed."),
        "as_of_from": day("Earliest day that as_of can mean."),
        "as_of_to": day("Latest day that as_of can mean."),
        "precision": category("Precision of the date.", PRECISIONS),
        "subject": text("Debtor or measured quantity; an ISO code for one state, all for all states."),
        "fund": category("Fund that the statement refers to.", ("peacekeeping", "regular"), nullable=True),
        "value": number("Figure of the statement.", unit="USD or persons", nullable=True, minimum=0, maximum=1e11),
        "qualifier": category("Exactness of the figure.", QUALIFIERS, nullable=True),
        "statement": text("Text of the statement.", nullable=True),
        **CITATION,
        **ORIGIN,
    },
    hazards=("Arrears are as of one day and from one source: read both statements before comparing two figures.",),
)
