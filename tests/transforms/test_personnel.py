"""Pitfalls of the uniformed personnel, one test each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pandas as pd
import pytest
from tests_shared import stage_bytes, to_csv, to_json

from schemas.validate import ContractError
from transforms import countries
from transforms.staging import Staged
from transforms.vintages import Vintage, replace_periods


def printed(**changes: Any) -> dict[str, Any]:
    """A row of the monthly figures."""
    row = {
        "month_end": "2015-05-31",
        "mission": "MINUSMA",
        "contributor_as_printed": "Chad",
        "personnel_type_as_printed": "Contingent Troop",
        "male": 1000,
        "female": 10,
        "total": 1010,
        "report_layout": "A1",
    }
    return row | changes


def hub(**changes: Any) -> dict[str, Any]:
    """A row of the data hub's CSV."""
    row = {
        "Contribution_ID": 1,
        "ISOCode3": "TCD",
        "M49_Code": 148,
        "Contributing_Country": "Chad",
        "Mission_Acronym": "MINUSMA   ",
        "Personnel_Type": "Troops",
        "Female_Personnel": 10,
        "Male_Personnel": 1000,
        "Last_Reporting_Date": "30-Nov-20",
    }
    return row | changes


def states() -> list[tuple[str, str]]:
    table = countries.countries_table()
    return list(table[table["kind"] == "current"][["iso3", "name"]].itertuples(index=False, name=None))


def fill(row: Callable[..., dict[str, Any]], key: str, **changes: Any) -> list[dict[str, Any]]:
    """Enough good rows of other states that a few bad ones do not make the file refused."""
    return [row(**{key: name, **changes}) for iso3, name in states() if iso3 != "TCD"][:60]


def stage_printed(*rows: dict[str, Any]) -> Staged:
    return stage_bytes("uniformed_personnel", to_csv([*rows, *fill(printed, "contributor_as_printed")]))


def stage_hub(*rows: dict[str, Any], form: Callable[..., bytes] = to_csv, **changes: Any) -> Staged:
    good = [hub(ISOCode3=iso3, Contributing_Country=name, **changes) for iso3, name in states() if iso3 != "TCD"][:60]
    return stage_bytes("uniformed_personnel", form([*rows, *good]))


def chad(staged: Staged) -> pd.DataFrame:
    return staged.rows[staged.rows["contributor_iso3"] == "TCD"]


def test_every_printed_row_is_accounted_for(personnel: Staged) -> None:
    assert personnel.rows_in == 108_949 and len(personnel.rows) == 108_898 and personnel.rows_rejected == 0
    assert personnel.rows["month_end"].nunique() == 122


def test_178_spellings_are_150_codes_and_none_is_left_over(personnel: Staged) -> None:
    # 149 states, and Bermuda, printed by mistake for Bhutan (UNDOF, May 2017) and kept as printed.
    assert personnel.rows["contributor_iso3"].nunique() == 150
    assert personnel.rows["contributor_iso3"].notna().all() and personnel.signals.empty


def test_truncated_renamed_and_curly_spellings_are_known() -> None:
    expected = {
        "Republic of": "KOR", "Republic of Korea": "KOR", "Moldova,": "MDA", "North": "MKD", "North Macedonia": "MKD",
        "The former Yugoslav Republic of Maced": "MKD", "Turkey": "TUR", "Turkiye": "TUR", "Türkiye": "TUR",
        "Cote d'Ivoire": "CIV", "Cote d’Ivoire": "CIV", "Côte d'Ivoire": "CIV", "Cote d Ivoire": "CIV",
        "United Republic": "TZA", "United States of": "USA", "Democratic Republic of": "COD",
        "Iran (Islamic Republic of": "IRN", "Bosnia and": "BIH", "Swaziland": "SWZ", "Cape Verde": "CPV",
        "Russian": "RUS", "Dominican": "DOM",
    }  # fmt: skip
    assert countries.to_iso3(pd.Series(list(expected)), "uniformed_personnel").tolist() == list(expected.values())


def test_a_truncated_name_means_a_state_only_where_names_are_cut_off() -> None:
    assert countries.to_iso3(pd.Series(["Republic of", "North"]), "assessed_contributions").isna().all()


def test_months_without_a_printed_mission_have_unspecified(personnel: Staged) -> None:
    rows = personnel.rows[personnel.rows["mission"] == "UNSPECIFIED"]
    months = sorted(rows["month_end"].dt.strftime("%Y-%m").unique())
    expected = [f"2018-{m:02d}" for m in range(3, 13)] + [f"2019-{m:02d}" for m in range(1, 9)] + ["2023-09"]
    assert months == expected
    others = personnel.rows[personnel.rows["month_end"].isin(rows["month_end"])]
    assert set(others["mission"]) == {"UNSPECIFIED"}


def test_the_month_that_prints_no_sex_has_totals_alone(personnel: Staged) -> None:
    unsexed = personnel.rows[personnel.rows["female"].isna()]
    assert set(unsexed["month_end"]) == {pd.Timestamp(2023, 9, 30)} and len(unsexed) == 610
    assert unsexed["male"].isna().all() and unsexed["total"].notna().all()


def test_missing_months_are_missing_and_not_zero(personnel: Staged) -> None:
    months = set(personnel.rows["month_end"].dt.strftime("%Y-%m"))
    assert months.isdisjoint({"2015-03", "2016-03", "2017-03", "2020-06", "2022-07"})


def test_personnel_types_of_five_dialects_are_one_vocabulary() -> None:
    expected = {
        "Individual Police": "Individual Police", "Ind Police": "Individual Police", "police": "Individual Police",
        "UNPOL": "Individual Police", "Formed Police Units": "Formed Police Units", "FPU": "Formed Police Units",
        "fpu": "Formed Police Units", "Experts on Mission": "Experts on Mission", "experts": "Experts on Mission",
        "UNMEM": "Experts on Mission", "Contingent Troop": "Troops", "Contingent Troops": "Troops",
        "contingent": "Troops", "Troops": "Troops", "Staff Officer": "Staff Officer", "staff": "Staff Officer",
        "MSO": "Staff Officer",
    }  # fmt: skip
    rows = [printed(mission=f"UNX{n}", personnel_type_as_printed=word) for n, word in enumerate(expected)]
    assert chad(stage_printed(*rows))["personnel_type"].tolist() == list(expected.values())


def test_staff_officers_are_inside_the_troops_until_april_2017(personnel: Staged) -> None:
    rows = personnel.rows
    marked = rows[rows["includes_staff_officers"]]
    assert set(marked["personnel_type"]) == {"Troops"} and marked["month_end"].max() == pd.Timestamp(2017, 4, 30)
    later = rows[(rows["personnel_type"] == "Troops") & (rows["month_end"] > pd.Timestamp(2017, 4, 30))]
    assert not later["includes_staff_officers"].any()
    assert rows[rows["personnel_type"] == "Staff Officer"]["month_end"].min() == pd.Timestamp(2017, 5, 31)


def test_published_zeros_are_kept(personnel: Staged) -> None:
    # 4,313 rows print zeros throughout; 51 of them have the key of a row with figures and are merged into it.
    assert (personnel.rows["total"] == 0).sum() == 4313 - 51


def test_the_51_doubled_keys_of_minustah_are_merged_by_name(personnel: Staged) -> None:
    assert personnel.merged["rule"].value_counts().to_dict() == {"zero_row_beside_real_row": 51}
    may = personnel.rows[(personnel.rows["mission"] == "MINUSTAH") & (personnel.rows["month_end"] == "2015-05-31")]
    # The figure that IPI's independently keyed database misses: it has 5,075.
    assert may["total"].sum() == 5408
    assert personnel.merged["into_row"].isin(may["snapshot_row"]).all()


def test_special_political_missions_are_in_it(personnel: Staged) -> None:
    assert {"UNAMA", "UNAMI", "BINUH", "UNSMIL"} <= set(personnel.rows["mission"])


def test_errors_in_the_publication_are_kept_as_published(personnel: Staged) -> None:
    totals = personnel.rows.groupby(["mission", "month_end", "contributor_iso3"])["total"].sum()
    for mission, month, iso3, total in [
        ("MINUSMA", "2021-09-30", "TCD", 1466),
        ("MINUSMA", "2021-10-31", "TCD", 39),  # an error, though women and men add up to it
        ("MINUSMA", "2021-11-30", "TCD", 1455),
        ("UNDOF", "2017-05-31", "BMU", 3),
    ]:
        assert totals[mission, pd.Timestamp(month), iso3] == total


def test_hub_csv_dates_codes_and_padding() -> None:
    staged = stage_hub(hub(), hub(Last_Reporting_Date="31/10/2020"), hub(Last_Reporting_Date="2020-09-30"))
    assert staged.dialect == "uchistorical-csv"
    rows = chad(staged)
    assert sorted(rows["month_end"].dt.strftime("%Y-%m-%d")) == ["2020-09-30", "2020-10-31", "2020-11-30"]
    assert set(rows["mission"]) == {"MINUSMA"} and set(rows["total"]) == {1010} and set(rows["series"]) == {"data_hub"}


def test_hub_json_dates_are_epoch_milliseconds() -> None:
    names = {
        "Contribution_ID": "contribution_id", "ISOCode3": "isocode3", "M49_Code": "m49_code",
        "Contributing_Country": "contributing_country", "Mission_Acronym": "mission_acronym",
        "Personnel_Type": "personnel_type", "Female_Personnel": "female_personnel",
        "Male_Personnel": "male_personnel", "Last_Reporting_Date": "last_reporting_date",
    }  # fmt: skip

    def form(rows: list[dict[str, Any]]) -> bytes:
        return to_json([{names[name]: value for name, value in row.items()} for row in rows])

    staged = stage_hub(hub(), form=form, Last_Reporting_Date=1606694400000)
    assert staged.dialect == "uchistorical-json"
    staged = stage_hub(hub(Last_Reporting_Date=1606694400000), form=form, Last_Reporting_Date=1606694400000)
    assert chad(staged)["month_end"].tolist() == [pd.Timestamp(2020, 11, 30)]


def test_hub_codes_that_are_not_available_are_resolved_from_the_name() -> None:
    assert chad(stage_hub(hub(ISOCode3="#N/A", M49_Code="#N/A")))["total"].tolist() == [1010]


def test_hub_blank_country_is_resolved_from_its_code_and_rejected_without_one() -> None:
    staged = stage_hub(hub(Contributing_Country=""), hub(Contributing_Country="", ISOCode3="#N/A", M49_Code="#N/A"))
    assert chad(staged)["total"].tolist() == [1010]
    assert staged.rejected["check_name"].tolist() == ["unknown_state"]


def test_july_2003_dated_both_the_30th_and_the_31st_is_one_month() -> None:
    staged = stage_hub(hub(Last_Reporting_Date="30-Jul-03"), hub(Last_Reporting_Date="31-Jul-03"))
    assert chad(staged)["month_end"].tolist() == [pd.Timestamp(2003, 7, 31)]
    assert staged.merged["rule"].tolist() == ["identical_row"]


def test_codebook_swaps_the_codes_and_we_read_isocode3_as_iso() -> None:
    # The hub's codebook describes isocode3 as the numeric code; the data hold letters there.
    assert chad(stage_hub(hub(Contributing_Country="")))["contributor_iso3"].tolist() == ["TCD"]


def test_the_hub_fills_only_months_without_a_monthly_report() -> None:
    report = Vintage("a" * 64, date(2020, 12, 1), stage_printed(printed(month_end="2020-11-30")))
    newer_hub = stage_hub(hub(Male_Personnel=1), hub(Last_Reporting_Date="31-Oct-20"))
    table = replace_periods(
        [report, Vintage("b" * 64, date(2024, 1, 1), newer_hub)], "month_end", "series", ["monthly_report", "data_hub"]
    )
    rows = table[table["contributor_iso3"] == "TCD"]
    rows = rows.set_index(rows["month_end"].dt.strftime("%Y-%m"))
    assert rows.loc["2020-11", "total"] == 1010
    assert rows.loc["2020-11", "series"] == "monthly_report" and rows.loc["2020-10", "series"] == "data_hub"


def test_a_newer_report_replaces_its_own_months_alone() -> None:
    old = stage_printed(printed(), printed(month_end="2015-04-30"))
    new = stage_printed(printed(male=5, female=0, total=5))
    table = replace_periods(
        [Vintage("a" * 64, date(2015, 6, 1), old), Vintage("b" * 64, date(2016, 6, 1), new)],
        "month_end", "series", ["monthly_report", "data_hub"],
    )  # fmt: skip
    rows = table[table["contributor_iso3"] == "TCD"].set_index("month_end")["total"]
    assert rows.to_dict() == {pd.Timestamp(2015, 4, 30): 1010, pd.Timestamp(2015, 5, 31): 5}


@pytest.mark.parametrize(
    ("changes", "check", "reason"),
    [
        ({"male": "many"}, "not_a_whole", "got 'many'"),
        ({"male": "3.7"}, "not_a_whole", "got '3.7'"),
        ({"male": -5, "total": 5}, "not_below_minimum", "got -5"),
        ({"total": 1011}, "sum_of_sexes", "got 10 + 1000 and 1011"),
        ({"male": 90000, "total": 90010}, "not_above_maximum", "up to 20,000"),
        ({"month_end": "2099-01-31"}, "not_above_maximum", "got 2099-01-31"),
        ({"month_end": "1900-01-31"}, "not_below_minimum", "got 1900-01-31"),
        ({"month_end": "2015-02-30"}, "not_a_day", "got '2015-02-30'"),
        ({"contributor_as_printed": "Atlantis"}, "unknown_state", "got 'Atlantis'"),
        ({"personnel_type_as_printed": "Robots"}, "unknown_personnel_type", "got 'Robots'"),
    ],
)
def test_a_bad_cell_rejects_its_row_alone_with_the_reason(changes: dict[str, Any], check: str, reason: str) -> None:
    staged = stage_printed(printed(**changes))
    assert staged.rejected["check_name"].tolist()[0] == check and staged.rows_rejected == 1
    assert reason in staged.rejected["reason"].iloc[0]
    assert len(staged.rows) == 60


def test_a_blank_total_is_the_sum_of_the_sexes() -> None:
    assert chad(stage_printed(printed(total="")))["total"].tolist() == [1010]


def test_unknown_mission_keeps_its_people() -> None:
    assert chad(stage_printed(printed(mission="UNNEW")))["mission"].tolist() == ["UNNEW"]


def test_a_contradicting_duplicate_is_rejected_and_the_first_row_is_kept() -> None:
    staged = stage_printed(printed(), printed(male=7, female=0, total=7))
    assert chad(staged)["total"].tolist() == [1010]
    assert staged.rejected["check_name"].tolist() == ["doubled_key"]
    assert "contradicting row 1" in staged.rejected["reason"].iloc[0]


def test_a_missing_column_stops_the_source_and_names_it() -> None:
    rows = [{name: value for name, value in printed().items() if name != "total"}]
    with pytest.raises(ContractError, match="needs the column total"):
        stage_bytes("uniformed_personnel", to_csv(rows))


def test_an_identical_and_a_zero_row_beside_one_real_row_are_both_merged() -> None:
    staged = stage_printed(printed(), printed(), printed(male=0, female=0, total=0))
    assert chad(staged)["total"].tolist() == [1010]
    assert sorted(staged.merged[["row_number", "rule", "into_row"]].values.tolist()) == [
        [2, "identical_row", 1],
        [3, "zero_row_beside_real_row", 1],
    ]
