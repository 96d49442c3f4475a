"""Pitfalls of the fatalities, one test each."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests_shared import stage_bytes, to_csv, to_json

from schemas.validate import ContractError
from transforms.revisions import newest, states
from transforms.staging import Staged
from transforms.vintages import Vintage

EPOCH = datetime(1970, 1, 1)


def casualty(number: int, **changes: Any) -> dict[str, Any]:
    """A row of the API's JSON."""
    row = {
        "id": number,
        "incident_date": 1547942400000,  # 2019-01-20
        "casualty_id": f"MINUSMA-2019-01-{number:05d}",
        "mission_acronym": "MINUSMA",
        "type_of_casualty": "Fatality",
        "gender": "M",
        "casualty_nationality": "Chad",
        "casualty_personnel_type": "Military",
        "type_of_incident": "Malicious Act",
        "m49_code": 148.0,
        "isocode3": "TCD",
        "last_update": 1743724800000,  # 2025-04-04
    }
    return row | changes


def stage(*rows: dict[str, Any], filler: int = 40) -> Staged:
    """Stage rows among enough good ones that a few bad ones do not make the file refused."""
    good = [casualty(90000 + place) for place in range(filler)]
    return stage_bytes("fatalities", to_json([*rows, *good]), "2025-04-04")


def only(staged: Staged, number: int) -> pd.Series:
    rows = staged.rows[staged.rows["casualty_id"] == f"MINUSMA-2019-01-{number:05d}"]
    assert len(rows) == 1
    return rows.iloc[0]


def test_epoch_milliseconds_are_days_also_before_1970() -> None:
    before = int((datetime(1948, 7, 6) - EPOCH) / timedelta(milliseconds=1))
    assert before < 0
    staged = stage(casualty(1, incident_date=before), casualty(2))
    assert only(staged, 1)["incident_date"] == pd.Timestamp(1948, 7, 6)
    assert only(staged, 2)["incident_date"] == pd.Timestamp(2019, 1, 20)


def test_blank_gender_and_nationality_and_null_codes_are_unknown() -> None:
    staged = stage(casualty(1, gender="", casualty_nationality="", m49_code=None, isocode3=None))
    row = only(staged, 1)
    assert pd.isna(row["gender"]) and pd.isna(row["nationality_iso3"]) and pd.isna(row["nationality_as_published"])
    assert row["nationality_status"] == "undetermined"


def test_api_csv_prints_m49_as_decimals_and_dates_as_iso() -> None:
    rows = [casualty(n, incident_date="1948-07-06", m49_code="148.0", last_update="2025-04-04") for n in range(9)]
    staged = stage_bytes("fatalities", to_csv(rows), "2025-04-04")
    assert staged.dialect == "psdata-csv" and len(staged.rows) == 9
    assert set(staged.rows["incident_date"]) == {pd.Timestamp(1948, 7, 6)}


def test_portal_csv_of_2021_has_a_mark_crlf_and_no_gender() -> None:
    rows = [
        {
            "Casualty_ID": f"UNTSO-1948-07-{n:05d}",
            "Incident_Date": "1948-07-06",
            "Mission_Acronym": "UNTSO",
            "Type_of_Casualty": "Fatality",
            "Casualty_Nationality": "France",
            "M49_Code": "250",
            "ISOCode3": "FRA",
            "Casualty_Personnel_Type": "Military",
            "Type_Of_Incident": "Malicious Act",
        }
        for n in range(5)
    ]
    staged = stage_bytes("fatalities", to_csv(rows, mark="\ufeff", lineterminator="\r\n"), "2021-06-30")
    assert staged.dialect == "portal-2021-csv"
    assert staged.rows["gender"].isna().all() and "gender" not in rows[0]
    assert set(staged.rows["incident_type"]) == {"Malicious Act"}


def test_rows_equal_but_for_their_id_are_all_kept(fatalities_2025: Staged) -> None:
    columns = [c for c in fatalities_2025.rows.columns if c not in ("casualty_id", "snapshot_row")]
    equal = fatalities_2025.rows.duplicated(columns)
    # Counted on the published file: 726 rows repeat an earlier one in all but the id.
    assert equal.sum() == 726


def test_row_number_id_is_ignored_because_it_shifts() -> None:
    one = stage(casualty(1, id=17)).rows.drop(columns="snapshot_row")
    other = stage(casualty(1, id=4000)).rows.drop(columns="snapshot_row")
    pd.testing.assert_frame_equal(one, other)


def test_six_casualties_under_two_nationalities_are_six_people(fatalities_2025: Staged) -> None:
    assert fatalities_2025.rows_in == 4429 and len(fatalities_2025.rows) == 4423
    assert (
        set(fatalities_2025.merged["rule"]) == {"one_casualty_two_nationalities"} and len(fatalities_2025.merged) == 6
    )
    both = fatalities_2025.rows[fatalities_2025.rows["nationality_iso3_other"].notna()]
    assert len(both) == 6 and set(both["mission"]) == {"UNMIK"}
    # All six died in 2003 to 2005, when the state was Serbia and Montenegro.
    assert set(both["nationality_iso3"]) == {"SCG"} and set(both["nationality_iso3_other"]) == {"MNE"}
    assert set(both["nationality_as_published"]) == {"Serbia and Montenegro"}


def test_local_with_a_trailing_space_is_local(fatalities_2025: Staged) -> None:
    assert (fatalities_2025.rows["personnel_type"] == "Local").sum() == 557 - 6  # 557 rows, six of them doubled
    assert fatalities_2025.rows["personnel_type"].str.strip().eq(fatalities_2025.rows["personnel_type"]).all()


def test_states_without_codes_are_resolved_from_their_names(fatalities_2025: Staged) -> None:
    rows = fatalities_2025.rows
    named = rows.groupby("nationality_as_published", dropna=False)["nationality_iso3"].agg(["first", "size"])
    assert named.loc["Côte dIvoire"].tolist() == ["CIV", 29]
    assert named.loc["Türkiye"].tolist() == ["TUR", 6]
    assert named.loc["Mauritius", "first"] == "MUS" and named.loc["Viet Nam", "first"] == "VNM"
    pending = rows[rows["nationality_status"] == "undetermined"]
    assert len(pending) == 15  # 14 "ZZ [Undetermined]" and one blank
    assert pending["nationality_iso3"].isna().all()
    assert not (rows["nationality_status"] == "unresolved").any()


def test_dissolved_states_are_kept_as_what_they_were(fatalities_2025: Staged) -> None:
    codes = set(fatalities_2025.rows["nationality_iso3"].dropna())
    assert {"YUG", "SCG"} <= codes


def test_renamed_missions_and_states_are_aliases_and_no_revisions(
    fatalities_2021: Staged, fatalities_2025: Staged
) -> None:
    old, new = (staged.rows.set_index("casualty_id") for staged in (fatalities_2021, fatalities_2025))
    new = new.reindex(old.index)
    assert len(old) == 4111 and new["mission"].notna().all()  # no id was ever withdrawn
    assert (old["mission"] != new["mission"]).sum() == 0
    assert (old["nationality_iso3"].fillna("") != new["nationality_iso3"].fillna("")).sum() == 0
    assert (old["nationality_as_published"].fillna("") != new["nationality_as_published"].fillna("")).sum() == 6
    assert (old["incident_type"] != new["incident_type"]).sum() == 95
    assert (old["incident_date"] != new["incident_date"]).sum() == 1
    assert {"OSESyria", "UNSecretariat"} <= set(old["mission"])


def test_month_and_prefix_of_the_id_are_the_registrations_not_the_incidents(fatalities_2025: Staged) -> None:
    rows = fatalities_2025.rows
    chadians = rows[(rows["mission"] == "MINUSMA") & (rows["incident_date"] == pd.Timestamp(2019, 1, 20))]
    assert len(chadians) == 10 and set(chadians["nationality_iso3"]) == {"TCD"}
    assert chadians["casualty_id"].str.contains("-2019-01-").sum() == 9  # one was registered in July


def test_the_newest_vintage_applies_and_absence_is_no_deletion(
    fatalities_2021: Staged, fatalities_2025: Staged
) -> None:
    vintages = [
        Vintage("a" * 64, date(2021, 6, 30), fatalities_2021),
        Vintage("b" * 64, date(2025, 4, 4), fatalities_2025),
    ]
    table = newest(states(vintages, "casualty_id"))
    assert len(table) == 4423
    assert (table["first_seen"] == pd.Timestamp(2025, 4, 4)).sum() == 312  # casualties new since 2021
    shortened = newest(states([vintages[1], Vintage("c" * 64, date(2026, 1, 1), stage(casualty(1)))], "casualty_id"))
    assert len(shortened) == 4423 + 41
    assert (shortened["last_seen"] == pd.Timestamp(2025, 4, 4)).sum() == 4423


def test_a_column_that_a_newer_vintage_lacks_keeps_what_was_known(fatalities_2025: Staged) -> None:
    known = fatalities_2025.rows.set_index("casualty_id")["gender"].dropna()
    without = Staged(
        **{**vars(fatalities_2025), "absent": ("gender",), "rows": fatalities_2025.rows.assign(gender=None)}
    )
    vintages = [Vintage("a" * 64, date(2025, 4, 4), fatalities_2025), Vintage("b" * 64, date(2025, 5, 5), without)]
    table = newest(states(vintages, "casualty_id")).set_index("casualty_id")
    assert table.loc[known.index, "gender"].tolist() == known.tolist()


def test_unknown_mission_keeps_the_death() -> None:
    staged = stage(casualty(1, mission_acronym="UNNEW"))
    assert only(staged, 1)["mission"] == "UNNEW" and staged.rows_rejected == 0


def test_unknown_state_keeps_the_death_unresolved_and_is_a_signal() -> None:
    staged = stage(casualty(1, casualty_nationality="Atlantis", isocode3=None, m49_code=None))
    row = only(staged, 1)
    assert pd.isna(row["nationality_iso3"]) and row["nationality_status"] == "unresolved"
    assert row["nationality_as_published"] == "Atlantis"
    assert staged.signals.to_dict("records") == [{"kind": "unresolved_nationality", "value": "Atlantis", "rows": 1}]


def test_a_code_that_contradicts_its_name_is_a_signal_and_the_name_is_used() -> None:
    staged = stage(casualty(1, casualty_nationality="Niger", isocode3="NGA"))
    assert only(staged, 1)["nationality_iso3"] == "NER"
    assert staged.signals.to_dict("records") == [{"kind": "code_contradicts_name", "value": "Niger / NGA", "rows": 1}]


@pytest.mark.parametrize(
    ("changes", "column", "reason"),
    [
        ({"incident_date": 4070908800000}, "incident_date", "got 2099-01-01"),
        ({"incident_date": -2208988800000}, "incident_date", "got 1900-01-01"),
        ({"incident_date": "soon"}, "incident_date", "got 'soon'"),
        ({"incident_date": None}, "incident_date", "got nothing"),
        ({"type_of_incident": "Meteorite"}, "incident_type", "expected one of Malicious Act"),
        ({"casualty_personnel_type": "Alien"}, "personnel_type", "got 'Alien'"),
        ({"gender": "X"}, "gender", "expected one of F, M, got 'X'"),
        ({"mission_acronym": ""}, "mission", "got nothing"),
        ({"casualty_id": "17"}, "casualty_id", "got '17'"),
        ({"type_of_casualty": "Injury"}, "casualty_type", "got 'Injury'"),
    ],
)
def test_a_bad_cell_rejects_its_row_alone_with_the_reason(changes: dict[str, Any], column: str, reason: str) -> None:
    staged = stage(casualty(1, **changes), casualty(2))
    assert staged.rows_rejected == 1 and len(staged.rows) == 41
    fault = staged.rejected.iloc[0]
    assert fault["row_number"] == 1 and fault["column_name"] == column and reason in fault["reason"]
    assert '"casualty_id"' in fault["raw_row"]


def test_a_doubled_id_that_contradicts_the_first_row_is_rejected() -> None:
    staged = stage(casualty(1), casualty(1, incident_date=1547856000000), casualty(2), casualty(2))
    assert only(staged, 1)["incident_date"] == pd.Timestamp(2019, 1, 20)
    assert staged.rejected[["row_number", "check_name"]].values.tolist() == [[2, "doubled_key"]]
    assert "contradicting row 1" in staged.rejected["reason"].iloc[0]
    assert staged.merged[["row_number", "rule", "into_row"]].values.tolist() == [[4, "identical_row", 3]]


def test_two_living_states_for_one_casualty_contradict_each_other() -> None:
    staged = stage(casualty(1), casualty(1, casualty_nationality="Niger", isocode3="NER"))
    assert only(staged, 1)["nationality_iso3"] == "TCD" and staged.rows_rejected == 1


def test_many_bad_rows_refuse_the_file_and_name_the_commonest_reason() -> None:
    with pytest.raises(ContractError, match=r"20 of 60 rows .* type_of_incident|20 of 60 rows .* incident_type"):
        stage(*[casualty(n, type_of_incident="?") for n in range(20)])


@pytest.mark.real
def test_verbatim_csv_of_2025_gives_the_same_table_as_the_compiled_figures(
    published_vintages: Path, fatalities_2025: Staged
) -> None:
    payload = (published_vintages / "fatalities" / "DPPADPOSS-FATALITIES_2025-04.csv").read_bytes()
    staged = stage_bytes("fatalities", payload, "2025-04-04")
    assert staged.dialect == "psdata-csv"
    assert_same_casualties(staged, fatalities_2025)


@pytest.mark.real
def test_verbatim_csv_of_2021_gives_the_same_table_as_the_compiled_figures(
    published_vintages: Path, fatalities_2021: Staged
) -> None:
    payload = (published_vintages / "fatalities" / "odp_noticas_2021-06.csv").read_bytes()
    staged = stage_bytes("fatalities", payload, "2021-06-30")
    assert staged.dialect == "portal-2021-csv"
    assert_same_casualties(staged, fatalities_2021)


@pytest.mark.real
def test_json_made_of_the_verbatim_csv_gives_the_same_table(published_vintages: Path, fatalities_2025: Staged) -> None:
    csv = pd.read_csv(published_vintages / "fatalities" / "DPPADPOSS-FATALITIES_2025-04.csv", keep_default_na=False)
    for column in ("incident_date", "last_update"):
        csv[column] = (pd.to_datetime(csv[column]) - pd.Timestamp(0)) // pd.Timedelta(milliseconds=1)
    rows = csv.replace({"isocode3": {"": None}, "m49_code": {"": None}}).to_dict("records")
    staged = stage_bytes("fatalities", to_json(rows), "2025-04-04")
    assert staged.dialect == "psdata-json"
    assert_same_casualties(staged, fatalities_2025)


def assert_same_casualties(one: Staged, other: Staged) -> None:
    """The same tidy rows, whatever order they were printed in."""
    tidy = [
        staged.rows.drop(columns="snapshot_row").sort_values("casualty_id", ignore_index=True)
        for staged in (one, other)
    ]
    pd.testing.assert_frame_equal(*tidy)


def test_two_merge_rules_in_one_file_are_both_recorded() -> None:
    doubled = [
        casualty(3, incident_date=1052092800000, casualty_nationality="Montenegro", isocode3="MNE"),
        casualty(3, incident_date=1052092800000, casualty_nationality="Serbia and Montenegro", isocode3="SCG"),
    ]
    staged = stage(casualty(1), casualty(1), *doubled)
    assert sorted(staged.merged[["row_number", "rule", "into_row"]].values.tolist()) == [
        [2, "identical_row", 1],
        [3, "one_casualty_two_nationalities", 4],
    ]
