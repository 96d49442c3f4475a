"""Table of states and territories."""

from __future__ import annotations

from schemas.columns import Table, category, day, text

ISO3 = r"^[A-Z]{3}$"

COUNTRIES = Table(
    "main",
    "countries",
    "States and territories",
    "One row per ISO 3166 alpha-3 code: codes in force, codes of dissolved states, and the user-assigned XKX.",
    ("iso3",),
    True,
    {
        "iso3": text("ISO 3166-1 alpha-3 code; for a dissolved state the code it had.", pattern=ISO3),
        "name": text("Short English name."),
        "m49": text("UN M49 code, three digits.", nullable=True, pattern=r"^[0-9]{3}$"),
        "kind": category(
            "current: an ISO 3166 entry in force; dissolved: withdrawn; user_assigned: not in ISO 3166.",
            ("current", "dissolved", "user_assigned"),
        ),
        "existed_from": day("First day, for dissolved states.", nullable=True),
        "existed_until": day("Last day, for dissolved states.", nullable=True),
        "successors_iso3": text("Codes of the successor states, separated by semicolons.", nullable=True),
        "source": text("Source of the row."),
    },
)
