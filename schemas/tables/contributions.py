"""Tables of revenue from governments, from CEB: assessed contributions, their revisions, and every kind."""

from __future__ import annotations

from schemas.columns import ORIGIN, Table, category, money, text
from schemas.tables.shared import BETWEEN_VINTAGES, STATE, YEAR

ASSESSED_CONTRIBUTIONS = Table(
    "main",
    "assessed_contributions",
    "Assessed contributions to UN peacekeeping by peacekeeping year and member state",
    "One row a peacekeeping year (1 July to 30 June) and member state: revenue assessed for UN-DPO, from CEB, whose "
    "calendar year Y is the peacekeeping year that ended on 30 June Y.",
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
        "Assessed, not paid: arrears can't be read from it.",
        "Before credits to member states: the sum of 2023-24 is the missions' appropriations with prorated shares, to "
        "the dollar. mission_assessments are after credits.",
        "Some states are missing in 2012-13 to 2016-17.",
    ),
)

ASSESSED_CONTRIBUTION_REVISIONS = Table(
    "main",
    "assessed_contribution_revisions",
    "Revisions of the assessed contributions",
    "One row an amount that changed between two vintages that both cover its peacekeeping year.",
    ("peacekeeping_year", "contributor_iso3", "field", "to_vintage"),
    False,
    {
        "peacekeeping_year": YEAR["peacekeeping_year"],
        "contributor_iso3": text("Member state assessed.", references="countries.iso3"),
        "field": category("The column that changed.", ("amount_usd",)),
        "old_value": money("The amount before; NULL where there was none.", nullable=True),
        "new_value": money("The amount after; NULL where there is none any more.", nullable=True),
        **BETWEEN_VINTAGES,
    },
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
        **STATE,
        "revenue_kind": category(
            "assessed; voluntary (earmarked, not earmarked); other.",
            ("assessed", "voluntary_earmarked", "voluntary_not_earmarked", "other"),
        ),
        "amount_usd": money("Amount; adjustments can be negative.", minimum=None),
        **ORIGIN,
    },
    hazards=("Kinds differ in meaning: assessed alone is in assessed_contributions.",),
)
