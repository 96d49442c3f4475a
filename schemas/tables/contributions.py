"""Tables of revenue from governments, from CEB: assessed contributions, their revisions, and every kind."""

from __future__ import annotations

from schemas.columns import ORIGIN, Table, category, money, text
from schemas.tables.shared import BETWEEN_VINTAGES, STATE, YEAR

ASSESSED_CONTRIBUTIONS = Table(
    "main",
    "assessed_contributions",
    "Assessed contributions to UN peacekeeping by peacekeeping year and member state",
    "One row per peacekeeping year (1 July to 30 June) and member state: assessed revenue of UN-DPO, from CEB. CEB's "
    "calendar year Y is the peacekeeping year that ended on 30 June of Y.",
    ("peacekeeping_year", "contributor_iso3"),
    True,
    {
        **YEAR,
        "contributor_iso3": text("Member state assessed.", references="countries.iso3"),
        "amount_usd": money("Amount assessed, not cash paid."),
        "contributor_as_published": text("The state's name as printed."),
        **ORIGIN,
    },
    hazards=(
        "Assessed, not paid: it shows no arrears.",
        "Before credits to member states: the sum of 2023-24 equals the missions' appropriations with prorated shares "
        "to the dollar. mission_assessments are after credits.",
        "Some states are missing from 2012-13 to 2016-17.",
    ),
)

ASSESSED_CONTRIBUTION_REVISIONS = Table(
    "main",
    "assessed_contribution_revisions",
    "Revisions of the assessed contributions",
    "One row per amount that changed between two vintages, both covering its peacekeeping year.",
    ("peacekeeping_year", "contributor_iso3", "field", "to_vintage"),
    False,
    {
        "peacekeeping_year": YEAR["peacekeeping_year"],
        "contributor_iso3": text("Member state assessed.", references="countries.iso3"),
        "field": category("Column that changed.", ("amount_usd",)),
        "old_value": money("Old amount; NULL where there was no row.", nullable=True),
        "new_value": money("New amount; NULL where the row was removed.", nullable=True),
        **BETWEEN_VINTAGES,
    },
)

GOVERNMENT_REVENUE = Table(
    "main",
    "government_revenue",
    "Revenue of UN peacekeeping from governments by kind, from CEB",
    "One row per peacekeeping year, government and kind of revenue of the entity UN-DPO, assessed revenue included.",
    ("peacekeeping_year", "contributor_iso3", "revenue_kind"),
    True,
    {
        **YEAR,
        **STATE,
        "revenue_kind": category(
            "Kind of revenue: assessed, voluntary (earmarked or not earmarked) or other.",
            ("assessed", "voluntary_earmarked", "voluntary_not_earmarked", "other"),
        ),
        "amount_usd": money("Amount; adjustments can be negative.", minimum=None),
        **ORIGIN,
    },
    hazards=("Do not add the kinds: assessed_contributions has assessed revenue alone.",),
)
