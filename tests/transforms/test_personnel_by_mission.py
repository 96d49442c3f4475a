"""IPI's figures by contributor and mission, without the sexes: sums that are printed beside their types count once."""

from __future__ import annotations

from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests_shared import CATALOGUE, stage_bytes, to_csv

from flows.steps.registry import merged, read, stage_rows
from transforms.envelope import number_of_rows
from transforms.staging import Staged
from transforms.vintages import Vintage

SOURCE = CATALOGUE["uniformed_personnel"]
MEMBERSHIPS = (
    "NAM", "G77", "AU", "Arab_League", "OIC", "CIS", "G20", "EU", "NATO", "G8", "OECD", "ASEAN", "OAS", "Shanghai", "GCC",
    "UMA", "COMESA", "CENSAD", "EAC", "ECCAS", "ECOWAS", "IGAD", "SADC",
)  # fmt: skip
FIGURES = (
    "Experts_on_Mission", "Formed_Police_Units", "Inidividual_Police", "Civilian_Police", "Troops", "Observers", "Total",
)  # fmt: skip
COLUMNS = [  # as published
    "Date", "Contributor", "Contributor_ISO-3", "Contributor_Capital", "Contributor_Capital_Latitude",
    "Contributor_Capital_Longitude", "Contributor_Continent", "Contributor_Region", "Contributor UN_Bloc",
    "Contributor_P5G4A3", *(f"Contributor_{name}" for name in MEMBERSHIPS), "Mission", "Mission_Country",
    "Mission_Country_ISO-3", "Mission_HQ", "Mission_HQ_Longitude", "Mission_HQ_Latitude", "Mission_Continent",
    "Mission_Region", "Mission_UN_Bloc", "Mission_P5G4A3", *(f"Mission_{name}" for name in MEMBERSHIPS), *FIGURES,
]  # fmt: skip
STATES = ("Chad", "Togo", "Mali", "Niger", "Benin", "Ghana", "Kenya", "Nepal", "India", "Italy")
ALBANIA = {"Contributor": "Albania", "Contributor_ISO-3": "ALB", "Mission": "UNMISS", "Mission_Country": "South Sudan'"}


def printed(**cells: Any) -> dict[str, Any]:
    """A row of the file with the columns that are read, without figures but for these."""
    row = {"Date": "2014-03-31", "Contributor": "Chad", "Contributor_ISO-3": "TCD", "Mission": "MINUSMA"}
    return row | dict.fromkeys(FIGURES, "NA") | cells


def staged_of(folder: Path, *rows: dict[str, Any]) -> Staged:
    """The rows as staged, however many are rejected."""
    file = folder / "file"
    file.write_bytes(to_csv(list(rows)))
    return stage_rows(SOURCE, read(SOURCE, file), date(2014, 3, 31))


def figures(staged: Staged) -> list[list[Any]]:
    return staged.rows[["mission", "contributor_iso3", "personnel_type", "total"]].to_numpy().tolist()


def test_every_column_of_the_file_is_known() -> None:
    row = dict.fromkeys(COLUMNS, "0") | printed(**ALBANIA, Inidividual_Police=1, Civilian_Police=1, Total=1)
    assert len(COLUMNS) == 73 and set(row) == set(COLUMNS)
    staged = stage_bytes("uniformed_personnel", to_csv([row]), "2014-03-31")
    assert staged.dialect == "ipi-by-mission-csv" and staged.signals.empty and staged.rows_rejected == 0
    assert figures(staged) == [["UNMISS", "ALB", "Individual Police", 1]]
    assert set(staged.rows["series"]) == {"ipi_by_mission"} and staged.rows[["female", "male"]].isna().all(axis=None)


def test_a_sum_is_merged_into_the_types_printed_beside_it(tmp_path: Path) -> None:
    types = {"Experts_on_Mission": 5, "Formed_Police_Units": 140, "Inidividual_Police": 10, "Troops": 800}
    staged = staged_of(tmp_path, printed(**types, Civilian_Police=150, Observers=5, Total=955))
    assert [row[2:] for row in figures(staged)] == [
        ["Experts on Mission", 5], ["Formed Police Units", 140], ["Individual Police", 10], ["Troops", 800],
    ]  # fmt: skip
    assert (staged.rows_in, set(staged.merged["rule"]), len(staged.merged)) == (7, {"sum_of_types"}, 3)
    kept = staged.rows.loc[staged.merged["into_row"], "personnel_type"]
    assert sorted(kept) == ["Experts on Mission", "Experts on Mission", "Formed Police Units"]


def test_police_that_is_not_divided_is_individual_police_and_a_signal_says_so(tmp_path: Path) -> None:
    undivided = printed(Date="1999-12-31", Mission="UNMIK", Civilian_Police=30, Troops=6, Observers=4, Total=40)
    divided = printed(Mission="UNMIL", Inidividual_Police=2, Civilian_Police=2, Total=2)
    staged = staged_of(tmp_path, undivided, divided)
    assert [[row[0], *row[2:]] for row in figures(staged)] == [
        ["UNMIK", "Individual Police", 30], ["UNMIK", "Troops", 6], ["UNMIK", "Experts on Mission", 4],
        ["UNMIL", "Individual Police", 2],
    ]  # fmt: skip
    assert staged.signals.to_numpy().tolist() == [["sum_without_types", "Civilian Police", 1]]


@pytest.mark.parametrize(
    ("wrong", "name", "got"),
    [
        ({"Formed_Police_Units": 5, "Inidividual_Police": 3, "Civilian_Police": 9, "Total": 8}, "Civilian Police", "8"),
        ({"Inidividual_Police": "x", "Civilian_Police": 9, "Total": 9}, "Civilian Police", "0"),
        ({"Experts_on_Mission": 4, "Observers": 3, "Total": 4}, "Observers", "4"),
        ({"Troops": 60, "Civilian_Police": 9, "Total": 60}, "all types", "69"),
    ],
)
def test_a_row_whose_sums_do_not_hold_is_rejected_whole(
    wrong: dict[str, Any], name: str, got: str, tmp_path: Path
) -> None:
    staged = staged_of(tmp_path, printed(**wrong), printed(Mission="UNMIL", Troops=7, Total=7))
    assert figures(staged) == [["UNMIL", "TCD", "Troops", 7]]
    reason = f"total: expected the types to add up to the figure printed for {name}, got {got}"
    assert reason in set(staged.rejected["reason"]) and staged.rejected["row_number"].max() <= len(FIGURES)


def test_a_row_without_any_type_is_rejected(tmp_path: Path) -> None:
    staged = staged_of(tmp_path, printed(), printed(Total=12), printed(Mission="UNMIL", Troops=7, Total=7))
    assert figures(staged) == [["UNMIL", "TCD", "Troops", 7]]
    reasons = staged.rejected["reason"]
    assert reasons.str.endswith("got 'all types'").sum() == 1 and reasons.str.startswith("total: expected").sum() == 7


def test_a_month_needs_a_row_for_each_of_at_least_37_contributors(tmp_path: Path) -> None:
    rows = [
        printed(Contributor=state, **{"Contributor_ISO-3": "NA"}, Mission=mission, Troops=1, Total=1)
        for state, mission in product(STATES, ("UNIFIL", "UNDOF", "UNFICYP", "UNTSO"))
    ]
    for count, refused in ((36, True), (37, False)):
        texts = [problem.text for problem in number_of_rows(staged_of(tmp_path, *rows[:count]), SOURCE)]
        assert any(text.startswith(f"2014-03-31 has {count} rows") for text in texts) == refused


def test_a_newer_file_by_mission_replaces_no_month_by_sex(tmp_path: Path) -> None:
    parts = {f"{name}_{part}": "NA" for name in ("Individual_Police", "Formed_Police_Units") for part in
             ("Male", "Female", "Total")}  # fmt: skip
    names = ("Experts_on_Mission", "Troops", "Total")
    parts |= {f"{name}_{part}": "NA" for name in names for part in ("Male", "Female", "Total")}
    key = {name: cell for name, cell in printed().items() if name not in FIGURES}
    by_sex = staged_of(tmp_path, key | parts | {"Troops_Male": 60, "Troops_Female": 2, "Troops_Total": 62})
    by_mission = staged_of(
        tmp_path, printed(Troops=63, Total=63), printed(Date="2005-06-30", Mission="ONUB", Troops=9, Total=9)
    )
    table = merged(SOURCE, [Vintage("a", date(2014, 3, 31), by_sex), Vintage("b", date(2020, 1, 1), by_mission)])
    assert table.sort_values("month_end")[["month_end", "series", "total"]].to_numpy().tolist() == [
        [pd.Timestamp(2005, 6, 30), "ipi_by_mission", 9],
        [pd.Timestamp(2014, 3, 31), "ipi_by_sex", 62],
    ]
