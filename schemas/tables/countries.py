"""Tables of states and territories, and of their names."""

from __future__ import annotations

from schemas.columns import Table, category, day, flag, text

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
        "region": text(
            "UN M49 region: Africa, Americas, Asia, Europe, Oceania; NULL for Antarctica and the United Arab Republic.",
            nullable=True,
        ),
        "sub_region": text("UN M49 sub-region (Sub-Saharan Africa).", nullable=True),
        "intermediate_region": text(
            "UN M49 intermediate region (Western Africa); NULL where M49 divides the sub-region no further.",
            nullable=True,
        ),
        "region_basis": category(
            "m49: in M49's list; assigned: not in it, so by this project (dissolved states, Kosovo).",
            ("m49", "assigned"),
        ),
        "is_least_developed": flag(
            "Whether M49's list marks it as one of the least developed countries, as of the copy of 2026-11-27, not of "
            "another year; NULL where it is not in the list.",
            nullable=True,
        ),
        "is_landlocked_developing": flag(
            "The same of the landlocked developing countries; landlocked states that are not developing are not among "
            "them.",
            nullable=True,
        ),
        "is_small_island_developing": flag("The same of the small island developing States.", nullable=True),
        "is_permanent_member": flag(
            "Whether it is a permanent member of the UN Security Council, or was when it existed (the Soviet Union)."
        ),
        "source": text("Source of the row's code and name."),
    },
    hazards=("The groups of states (least developed, …) have no dates: for the past use country_years.",),
)

COUNTRY_ALIASES = Table(
    "main",
    "country_aliases",
    "Names of states and territories",
    "One row per name or code by which people call a state: names in the UN's and ISO's forms, older and short names, "
    "ISO codes of two and three letters. marts.find_state(text) looks them up.",
    ("alias",),
    True,
    {
        "alias": text(
            "Name or code in small letters without accents; anything but letters and digits is one space, and there is "
            "no leading the.",
            pattern=r"^[a-z0-9]+( [a-z0-9]+)*$",
        ),
        "iso3": text("State or territory.", references="countries.iso3"),
    },
    hazards=("Congo is the Republic (COG), as ISO 3166 has it; the Democratic Republic is COD.",),
)
