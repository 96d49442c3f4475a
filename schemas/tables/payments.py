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
    "One row a calendar year and member state, from the honour rolls and the assessment circulars.",
    ("year", "contributor_iso3"),
    True,
    {
        "year": whole("Calendar year.", unit="year", minimum=1946),
        **STATE,
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
        **CITATION,
        **ORIGIN,
    },
    hazards=("Arrears of one day, by one source: never subtract one from another without reading both.",),
)
