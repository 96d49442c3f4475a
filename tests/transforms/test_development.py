"""Regions and groups of states, income groups by year, and the two ladders of the developing world."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest
from tests_shared import bundled_rows, stage_bytes, to_csv

from transforms.countries import countries_table
from transforms.income_groups import country_years_table, development_ladders
from transforms.reference_lists import DATA
from transforms.staging import Staged

GROUPS = "income_groups_1987_2024.csv.gz"


@pytest.fixture(scope="module")
def states() -> pd.DataFrame:
    return countries_table().set_index("iso3")


@pytest.fixture(scope="module")
def groups(bundled: Callable[[str], Staged]) -> pd.DataFrame:
    return bundled(GROUPS).rows


@pytest.fixture(scope="module")
def years(bundled: Callable[[str], Staged], groups: pd.DataFrame) -> pd.DataFrame:
    levels = bundled("peacekeeping_levels_2013-2024.csv.gz").rows
    return country_years_table(groups, levels).set_index(["iso3", "year"])


@pytest.mark.parametrize(
    ("iso3", "places", "groups_of_states"),
    [
        ("MLI", ["Africa", "Sub-Saharan Africa", "Western Africa"], [True, True, False]),
        ("HTI", ["Americas", "Latin America and the Caribbean", "Caribbean"], [True, False, True]),
        ("CHE", ["Europe", "Western Europe", None], [False, False, False]),  # landlocked, not developing
        ("SCG", ["Europe", "Southern Europe", None], [None, None, None]),
        ("XKX", ["Europe", "Southern Europe", None], [None, None, None]),
    ],
)
def test_a_state_has_its_regions_and_groups(
    states: pd.DataFrame, iso3: str, places: list[str | None], groups_of_states: list[bool | None]
) -> None:
    columns = ["region", "sub_region", "intermediate_region"]
    marks = ["is_least_developed", "is_landlocked_developing", "is_small_island_developing"]
    assert [value if pd.notna(value) else None for value in states.loc[iso3, columns]] == places
    assert [value if pd.notna(value) else None for value in states.loc[iso3, marks]] == groups_of_states


def test_every_state_is_in_m49_or_has_an_assigned_region_and_m49_names_no_other(states: pd.DataFrame) -> None:
    listed = pd.read_csv(DATA / "m49_regions.csv", dtype=str).set_index("iso3")
    assert set(listed.index) <= set(states.index)
    assert set(states.index[states["region_basis"] == "assigned"]) == set(states.index) - set(listed.index)
    assert states.index[states["region"].isna()].tolist() == ["ATA", "XUA"]
    assert listed["m49"].str.zfill(3).to_dict() == states.loc[listed.index, "m49"].to_dict()
    assert states["is_least_developed"].sum() == 45  # as marked in the list


def test_the_permanent_members_are_the_states_at_level_a(states: pd.DataFrame, years: pd.DataFrame) -> None:
    members = set(states.index[states["is_permanent_member"]])
    assert members == {"CHN", "FRA", "GBR", "RUS", "USA", "SUN"}
    assert set(years.index[(years["level"] == "A").fillna(False)].get_level_values("iso3")) == members - {"SUN"}


@pytest.mark.parametrize(
    ("iso3", "year", "group"),
    [
        ("CHN", 1995, "Low income"), ("CHN", 1997, "Lower middle income"), ("CHN", 1998, "Low income"),
        ("CHN", 2010, "Upper middle income"), ("CHN", 2024, "Upper middle income"),
        ("SSD", 2011, "Lower middle income"), ("SSD", 2012, "Low income"), ("XKX", 2008, "Lower middle income"),
        ("YUG", 1991, "Upper middle income"), ("YUG", 1992, "Lower middle income"), ("SCG", 2005, "Lower middle income"),
        ("SRB", 2006, "Upper middle income"), ("CSK", 1990, "Upper middle income"), ("CZE", 1992, "Lower middle income"),
    ],
)  # fmt: skip
def test_the_group_is_that_of_the_year(years: pd.DataFrame, iso3: str, year: int, group: str) -> None:
    assert years.loc[(iso3, year), "income_group"] == group


def test_years_that_the_file_fills_have_no_group(years: pd.DataFrame, groups: pd.DataFrame) -> None:
    """The Bank first classified South Sudan for 2011, Russia for 1991; it has not classified Venezuela since 2020."""
    for iso3, year in [("SSD", 2010), ("RUS", 1990), ("SRB", 2005), ("XKX", 2007), ("VEN", 2021)]:
        given = years["income_group"].get((iso3, year))
        assert pd.isna(given) or given is None, (iso3, year)
    assert groups["basis"].value_counts().to_dict() == {"classified": 7812, "filled": 451, "former_state": 21}
    assert len(bundled_rows(GROUPS)) == 8284 == len(groups)


def test_codes_of_the_bank_that_are_no_state_are_kept_without_one(groups: pd.DataFrame) -> None:
    without = groups[groups["iso3"].isna() & (groups["basis"] == "classified")]
    assert set(without["economy"]) == {"Channel Islands"} and len(without) == 38
    assert set(groups.loc[groups["economy_code"] == "XKX", "iso3"].dropna()) == {"XKX"}


def test_an_unknown_code_is_kept_and_a_signal() -> None:
    row = {
        "iso3_as_printed": "MLI", "economy": "Mali", "year": "2024", "world_bank_region": "Sub-Saharan Africa",
        "income_group": "Low income",
    }  # fmt: skip
    staged = stage_bytes("income_groups", to_csv([row, row | {"iso3_as_printed": "ZZZ", "economy": "Newland"}]))
    assert staged.rows["iso3"].fillna("none").tolist() == ["MLI", "none"]
    assert staged.signals.values.tolist() == [["unknown_economy", "ZZZ", 1]]


def test_a_state_is_developing_by_income_or_by_level(years: pd.DataFrame) -> None:
    flags = ["is_developing_by_income", "is_developing_by_level"]
    assert years.loc[("CHN", 2018), flags].tolist() == [True, False]
    assert years.loc[("MLI", 2018), flags].tolist() == [True, True]
    assert years.loc[("USA", 2018), flags].tolist() == [False, False]
    assert pd.isna(years.loc[("MLI", 2000), "is_developing_by_level"])  # no level is held for 2000
    assert len(country_years_table(None, None)) == 0  # as of a day before both
    ladders = development_ladders()
    developing = set(ladders.loc[ladders["is_developing"], "step"])
    low_and_middle = {"Low income", "Lower middle income", "Upper middle income"}
    assert developing == {"D", "E", "F", "G", "H|I", "J"} | low_and_middle  # the levels of the claim's figure
    steps = {ladder: set(part["step"]) for ladder, part in ladders.groupby("ladder")}
    assert steps["level"] == set(years["level"].dropna()) and steps["income_group"] == set(
        years["income_group"].dropna()
    )
