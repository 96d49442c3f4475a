"""Tables of how rich states are: the World Bank's income groups, state by year, and the ladders of development."""

from __future__ import annotations

from schemas.columns import ORIGIN, Table, category, flag, text, whole
from schemas.tables.assessments import LEVELS
from schemas.tables.countries import ISO3

INCOME_LEVELS = ("Low income", "Lower middle income", "Upper middle income", "High income")
BASES = ("classified", "former_state", "filled")
LADDERS = ("income_group", "level")

INCOME_GROUPS = Table(
    "main",
    "income_groups",
    "World Bank income groups by economy and year",
    "One row per economy and year of data (not the Bank's fiscal year, which is two higher), with the group as "
    "classified then. country_years has the groups that the Bank gave, by state.",
    ("year", "economy_code"),
    False,
    {
        "year": whole("Calendar year of the income figures; the group was published in July of the next.", unit="year"),
        "economy_code": text("The Bank's code as printed (XKX, CHI).", pattern=ISO3),
        "economy": text("The economy's name as printed."),
        "iso3": text(
            "State or territory that the group was given to; NULL where that is none of `countries` (Channel Islands) "
            "and where the Bank gave no group (basis filled).",
            nullable=True,
            references="countries.iso3",
        ),
        "income_group": category("Income group; NULL where none is printed.", INCOME_LEVELS, nullable=True),
        "basis": category(
            "classified: the Bank's group of that economy and year; former_state: the group of the state that it then "
            "belonged to (iso3); filled: the Bank gave none, and the file repeats another year's or economy's.",
            BASES,
        ),
        "world_bank_region": text("The Bank's region, of 2025 in every year.", nullable=True),
        **ORIGIN,
    },
    hazards=("Rows of the basis filled are no classification: leave them out.",),
)

COUNTRY_YEARS = Table(
    "main",
    "country_years",
    "States by calendar year: income group and peacekeeping level",
    "One row per state or territory and calendar year for which its income group (World Bank, as classified then) or "
    "its peacekeeping level (derived) is known. A dissolved state has its own rows.",
    ("iso3", "year"),
    True,
    {
        "iso3": text("State or territory.", references="countries.iso3"),
        "year": whole("Calendar year.", unit="year"),
        "income_group": category(
            "World Bank income group of that year of data; NULL where the Bank gave none.",
            INCOME_LEVELS,
            nullable=True,
        ),
        "level": category(
            "Peacekeeping level of the scale period (derived); NULL where none is held.", LEVELS, nullable=True
        ),
        "is_developing_by_income": flag(
            "Whether the income group counts as developing (development_ladders); NULL without a group.", nullable=True
        ),
        "is_developing_by_level": flag(
            "Whether the level counts as developing (development_ladders); NULL without a level.", nullable=True
        ),
    },
    hazards=(
        "Name the ladder when you say developing: China is developing by income and, as a permanent member of the "
        "Security Council at level A, not by level.",
    ),
)

DEVELOPMENT_LADDERS = Table(
    "main",
    "development_ladders",
    "Two definitions of the developing world",
    "One row per ladder and step, and whether its states count as developing.",
    ("ladder", "step"),
    True,
    {
        "ladder": category("income_group: of the World Bank; level: of the peacekeeping assessments.", LADDERS),
        "step": text("Income group or level."),
        "position": whole("Order within the ladder; 1 is the poorest.", unit=None, minimum=1),
        "is_developing": flag("Whether states on this step count as the developing world."),
        "definition": text("Meaning of the step."),
        "source": text("Where the step is defined, and where the line was drawn."),
    },
)
