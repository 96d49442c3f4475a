"""Pitfalls of the mission list, one test each, and the register that completes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests_shared import CATALOGUE, stage_bytes, to_csv, to_json

from transforms import countries
from transforms.missions import aliases_table, canonical, hosts_table, missions_table
from transforms.staging import Staged


@pytest.fixture(scope="module")
def table(listed: pd.DataFrame, fatalities_2025: Staged, personnel: Staged) -> pd.DataFrame:
    rows = listed.reset_index().assign(snapshot_sha256="a" * 64)
    named = set(fatalities_2025.rows["mission"]) | set(personnel.rows["mission"])
    return missions_table(rows, named).set_index("mission")


def test_coordinates_have_decimal_commas(listed: pd.DataFrame) -> None:
    assert listed.loc["UNIFIL", ["longitude", "latitude"]].tolist() == [35.1342, 33.12]


@pytest.mark.parametrize(
    ("mission", "longitude", "latitude"),
    [
        ("MINUSMA", -8.0, 12.65), ("UNOSOM I", 45.35, 2.0333), ("UNOSOM II", 45.35, 2.0333),
        ("UNAVEM I", 13.2344, -8.8383), ("UNAVEM II", 13.2344, -8.8383), ("UNEF", 34.4667, 31.5),
        ("UNSCOB", 23.7668, 37.9669),
    ],
)  # fmt: skip
def test_swapped_coordinates_are_repaired(
    listed: pd.DataFrame, mission: str, longitude: float, latitude: float
) -> None:
    assert listed.loc[mission, ["longitude", "latitude"]].tolist() == [longitude, latitude]


def test_no_in_capitals_is_no(listed: pd.DataFrame) -> None:
    assert listed.loc["MINUSTAH", "is_active"] == False  # noqa: E712  (a nullable boolean)
    assert listed["is_active"].notna().all()


def test_minusma_is_closed_although_the_list_calls_it_active(listed: pd.DataFrame) -> None:
    assert not listed.loc["MINUSMA", "is_active"]
    assert listed.loc["MINUSMA", "end_date"] == pd.Timestamp(2023, 12, 31)


def test_truncated_name_of_domrep_is_completed(listed: pd.DataFrame) -> None:
    assert listed.loc["DOMREP", "name"].endswith("in the Dominican Republic")
    assert '"' not in listed.loc["DOMREP", "name"]


def test_unpsg_and_uncpsg_are_one_mission(bundled: Any) -> None:
    staged = bundled("missions_2024-02.csv.gz")
    assert staged.rows_in == 81 and len(staged.rows) == 80
    assert staged.merged["rule"].tolist() == ["one_mission_two_acronyms"]
    assert "UNPSG" in set(staged.rows["mission"]) and "UNCPSG" not in set(staged.rows["mission"])


def test_umbrella_missions_and_their_parts_are_both_listed_with_a_note(table: pd.DataFrame) -> None:
    parts = table["part_of"].dropna().to_dict()
    assert parts == {
        "UNOSOM I": "UNOSOM", "UNOSOM II": "UNOSOM", "UNAVEM I": "UNAVEM", "UNAVEM II": "UNAVEM",
        "UNEF I": "UNEF", "UNEF II": "UNEF",
    }  # fmt: skip
    assert {"UNOSOM", "UNAVEM", "UNEF"} <= set(table.index)


def test_missions_that_no_list_has_are_in_the_register(table: pd.DataFrame, fatalities_2025: Staged) -> None:
    counts = fatalities_2025.rows["mission"].value_counts()
    unlisted = counts[counts.index.isin(table.index[~table["in_published_list"]])]
    assert len(unlisted) == 23 and unlisted.sum() == 167  # UNAMA, UNAMI, UNTAG, …
    assert not (table["kind"] == "unresolved").any()
    assert table.loc["UNTAG", "kind"] == "peacekeeping" and table.loc["UNAMA", "kind"] == "special_political"
    assert table.loc["UNSOS", "kind"] == "support"


def test_missions_have_their_names_before_the_first_list_too(listed: pd.DataFrame) -> None:
    before = missions_table(None, ["MINUSMA", "UNNEW"]).set_index("mission")
    assert before.loc["MINUSMA", "name"] == "United Nations Multidimensional Integrated Stabilization Mission in Mali"
    assert before.index[before["name"].isna()].tolist() == ["UNNEW"]
    assert before.loc["MINUSMA", "in_published_list"] == False  # noqa: E712  (a nullable boolean)
    # The register repeats the list's names; where the list prints another or none, its name wins or is filled in.
    assert before["name"].reindex(listed.index).tolist() == listed["name"].tolist()
    rows = listed.reset_index().assign(snapshot_sha256="a" * 64)
    rows.loc[rows["mission"] == "UNIFIL", "name"] = "As printed"
    rows.loc[rows["mission"] == "MINUSMA", "name"] = None
    later = missions_table(rows, []).set_index("mission")
    assert later.loc["UNIFIL", "name"] == "As printed"
    assert later.loc["MINUSMA", "name"] == before.loc["MINUSMA", "name"]


def test_every_mission_of_the_personnel_is_known(table: pd.DataFrame, personnel: Staged) -> None:
    assert set(personnel.rows["mission"]) <= set(table.index)
    assert table.loc["UNSPECIFIED", "kind"] == "unspecified"


def test_an_unknown_acronym_gets_an_unresolved_mission(listed: pd.DataFrame) -> None:
    rows = listed.reset_index().assign(snapshot_sha256="a" * 64)
    table = missions_table(rows, ["UNNEW", "MINUSMA"]).set_index("mission")
    assert table.loc["UNNEW", "kind"] == "unresolved" and pd.isna(table.loc["UNNEW", "snapshot_sha256"])


@pytest.mark.parametrize(
    ("mission", "hosts"),
    [
        ("MINURSO", ["ESH"]),
        ("UNMIK", ["XKX"]),
        ("MINUSMA", ["MLI"]),
        ("UNDOF", ["ISR", "LBN", "SYR"]),
        ("UNLB", ["ITA"]),
    ],
)
def test_each_host_is_a_row_with_its_regions(table: pd.DataFrame, mission: str, hosts: list[str]) -> None:
    rows = hosts_table()
    assert sorted(rows.loc[rows["mission"] == mission, "host_iso3"]) == hosts
    assert set(rows["mission"]) <= set(table.index) and set(rows["host_iso3"]) <= countries.known_codes()


def test_missions_in_africa(table: pd.DataFrame) -> None:
    rows = hosts_table()
    africa = set(rows.loc[rows["region"] == "Africa", "mission"])
    assert {"MINUSMA", "MINURSO", "ONUC", "UNEF II", "UNOAU", "UNSOM", "UNOWAS"} <= africa
    assert not africa & {"UNIFIL", "UNMIK", "MINUSTAH", "UNTAC", "UNFICYP"}
    operations = table.index[table["kind"] == "peacekeeping"]
    assert set(operations) <= set(rows["mission"])
    west = rows[(rows["intermediate_region"] == "Western Africa") & (rows["role"] == "host")]
    assert set(west["mission"]) == {
        "MINUCI", "MINUSMA", "UNAMSIL", "UNIOGBIS", "UNIOSIL", "UNIPSIL", "UNMIL", "UNOCI", "UNOGBIS", "UNOMIL",
        "UNOMSIL", "UNOWA", "UNOWAS",
    }  # fmt: skip


def test_a_host_has_days_where_they_are_not_the_mission_s() -> None:
    rows = hosts_table().set_index(["mission", "host_iso3"])
    assert rows.loc[("UNISFA", "SSD"), "host_from"] == pd.Timestamp(2011, 7, 9)
    assert rows["host_from"].notna().sum() == 2  # the other is UNMISS
    assert rows.loc[("UNOWAS", "MLI"), "role"] == "area" and rows.loc[("UNOWAS", "SEN"), "role"] == "host"


def test_first_of_a_month_is_marked_and_replaced_by_an_exact_day_of_the_register(table: pd.DataFrame) -> None:
    assert table.loc["UNPROFOR", ["start_date", "start_date_precision"]].tolist() == [
        pd.Timestamp(1992, 2, 1),
        "first_of_month",
    ]
    assert table.loc["UNTAET", ["start_date", "start_date_precision"]].tolist() == [pd.Timestamp(1999, 10, 25), "day"]
    assert table.loc["MINUSMA", "start_date_precision"] == "day"


def test_a_month_of_the_register_ends_on_its_last_day_and_a_year_on_new_years_eve(table: pd.DataFrame) -> None:
    assert table.loc["BONUCA", ["end_date", "end_date_precision"]].tolist() == [pd.Timestamp(2009, 12, 31), "month"]
    assert table.loc["UNAMI", ["start_date", "start_date_precision"]].tolist() == [pd.Timestamp(2003, 1, 1), "year"]


def test_deaths_outside_their_missions_dates_are_kept(listed: pd.DataFrame, fatalities_2025: Staged) -> None:
    # 134 rows by the dates as the list prints them; MINUSMA's end is ours and adds none.
    joined = fatalities_2025.rows.join(listed[["start_date", "end_date"]], on="mission")
    outside = (joined["incident_date"] < joined["start_date"]) | (joined["incident_date"] > joined["end_date"])
    assert outside.sum() == 134 and fatalities_2025.rows_rejected == 0


def test_aliases_lead_to_known_missions(table: pd.DataFrame) -> None:
    assert set(aliases_table()["mission"]) <= set(table.index)
    assert canonical(pd.Series(["OSE-Syria", " un  secretariat ", "minusma", "UNNEW"])).tolist() == [
        "OSESyria",
        "UNSecretariat",
        "MINUSMA",
        "UNNEW",
    ]


def published(**changes: Any) -> dict[str, Any]:
    row = {
        "id": 69, "mission_acronym": "MINUSMA", "mission_name": "Mali", "lead_department": "DPO",
        "mission_isactive": "Yes", "start_date": "2013-04-25", "end_date": "", "mission_location": "Bamako",
        "mission_longitude": "12,6500", "mission_latitude": "-8,0000", "last_update": "2024-02-19",
    }  # fmt: skip
    return row | changes


def test_a_correction_expires_once_the_publisher_mends_it() -> None:
    mended = stage_bytes("missions", to_csv([published(mission_longitude="-8,0000", mission_latitude="12,6500")]))
    status = mended.corrections.set_index("correction_id")["status"]
    assert status["minusma-coordinates-swapped"] == "expired" and status["minusma-closed"] == "applied"
    assert status["unef-coordinates-swapped"] == "absent"
    assert mended.rows.iloc[0][["longitude", "latitude"]].tolist() == [-8.0, 12.65]


def test_the_apis_json_gives_the_same_mission() -> None:
    row = published(start_date=1366848000000, end_date=None, last_update=1708300800000)
    from_json, from_csv = (stage_bytes("missions", payload).rows for payload in (to_json([row]), to_csv([published()])))
    pd.testing.assert_frame_equal(from_json, from_csv)


def test_every_correction_still_finds_what_it_expects(bundled: Any) -> None:
    corrections = bundled("missions_2024-02.csv.gz").corrections
    assert len(corrections) == len(CATALOGUE["missions"].corrections) == 9
    assert set(corrections["status"]) == {"applied"}


@pytest.mark.real
def test_the_verbatim_list_gives_the_same_missions(published_vintages: Path, listed: pd.DataFrame) -> None:
    staged = stage_bytes("missions", (published_vintages / "missions" / "DPPADPOSS-PKO_2024-02.csv").read_bytes())
    ours, theirs = (
        frame.drop(columns="snapshot_row").sort_index() for frame in (listed, staged.rows.set_index("mission"))
    )
    pd.testing.assert_frame_equal(ours, theirs)
