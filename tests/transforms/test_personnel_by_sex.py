"""IPI's figures by sex: a column for each type and sex becomes a row a type; blank is unknown, and kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from tests_shared import bundled_rows, stage_bytes, to_csv

from transforms.staging import Staged

FILE = "uniformed_personnel_by_sex_2009-11_2014-08.csv.gz"
TYPES = {
    "Individual_Police": "Individual Police", "Formed_Police_Units": "Formed Police Units",
    "Experts_on_Mission": "Experts on Mission", "Troops": "Troops",
}  # fmt: skip
PARTS = ("Male", "Female", "Total")


@pytest.fixture(scope="module")
def by_sex(bundled: Callable[[str], Staged]) -> Staged:
    return bundled(FILE)


def printed(**cells: Any) -> dict[str, Any]:
    """A row of the file without figures, but for these."""
    row = {"Date": "2013-06-30", "Contributor": "Chad", "Contributor_ISO-3": "TCD", "Mission": "MINUSMA"}
    row |= {f"{name}_{part}": "NA" for name in (*TYPES, "Total") for part in PARTS}
    return row | cells


def test_every_row_of_the_file_is_accounted_for(by_sex: Staged) -> None:
    """Of 43,255 printed rows 6,085 are totals; each other row becomes one row for each type that it prints."""
    rows = bundled_rows(FILE)
    assert (len(rows), sum(row["Mission"] == "all" for row in rows)) == (43_255, 6_085)
    detail = [row for row in rows if row["Mission"] != "all"]
    blank = [row for row in detail if not row["Total_Total"]]
    assert len(blank) == 248 and not any(row[f"{name}_{part}"] for row in blank for name in TYPES for part in PARTS)
    figures = sum(bool(row[f"{name}_Total"]) for row in detail for name in TYPES)
    assert by_sex.rows_in == figures + 4 * 248 == len(by_sex.rows) + len(by_sex.merged)
    assert set(by_sex.merged["rule"]) == {"identical_row"} and by_sex.rows_rejected == 0 and by_sex.signals.empty
    into = by_sex.rows.loc[by_sex.merged["into_row"], "month_end"]
    assert set(into.dt.year) == {2014}


def test_the_rows_are_months_of_a_series_of_their_own(by_sex: Staged) -> None:
    rows = by_sex.rows
    assert set(rows["series"]) == {"ipi_by_sex"} and rows["month_end"].nunique() == 58
    assert (rows["month_end"].min(), rows["month_end"].max()) == (pd.Timestamp(2009, 11, 30), pd.Timestamp(2014, 8, 31))
    assert rows.loc[rows["includes_staff_officers"], "personnel_type"].unique().tolist() == ["Troops"]
    assert not rows.duplicated(["month_end", "mission", "contributor_iso3", "personnel_type"]).any()
    # The column Total_Total of the row 2009-11-30, all, all, less the 84 of the United States.
    assert rows.loc[rows["month_end"] == pd.Timestamp(2009, 11, 30), "total"].sum() == 98_113 - 84


def test_a_stray_apostrophe_is_no_part_of_a_name(by_sex: Staged) -> None:
    march = by_sex.rows[by_sex.rows["month_end"] == pd.Timestamp(2014, 3, 31)]
    assert "MINUSMA" in set(march["mission"]) and not by_sex.rows["mission"].str.contains("'").any()
    assert by_sex.rows["contributor_iso3"].str.fullmatch("[A-Z]{3}").all()


def test_blank_is_unknown_and_a_zero_is_zero(by_sex: Staged) -> None:
    blank = by_sex.rows[by_sex.rows["total"].isna()]
    assert blank[["female", "male"]].isna().all(axis=None)
    months = blank.groupby("contributor_iso3")["month_end"].agg(["min", "max", "nunique"])
    assert months.loc["USA"].tolist() == [pd.Timestamp(2009, 11, 30), pd.Timestamp(2012, 12, 31), 38]
    assert months.loc["MDA"].tolist() == [pd.Timestamp(2014, 1, 31), pd.Timestamp(2014, 1, 31), 1]
    assert months.loc["BLR"].tolist() == [pd.Timestamp(2014, 2, 28), pd.Timestamp(2014, 2, 28), 1]
    belarus = by_sex.rows[(by_sex.rows["contributor_iso3"] == "BLR") & (by_sex.rows["mission"] == "UNMISS")]
    assert belarus.loc[belarus["month_end"] == pd.Timestamp(2014, 3, 31), "total"].tolist() == [0]


def test_sexes_that_do_not_add_up_are_kept_as_printed(by_sex: Staged) -> None:
    rows = by_sex.rows
    odd = rows[(rows["female"] + rows["male"] != rows["total"]).fillna(False)]
    assert len(odd) == 17 and set(odd["contributor_iso3"]) == {"EGY", "ETH"}
    first = odd[odd["month_end"] == pd.Timestamp(2009, 11, 30)].iloc[0]
    assert (first["mission"], first["male"], first["female"], first["total"]) == ("UNMIS", 1220, 15, 1234)


def test_a_row_is_as_many_rows_as_it_has_types_and_four_where_it_has_none() -> None:
    police = {"Individual_Police_Male": 3, "Individual_Police_Female": 1, "Individual_Police_Total": 4}
    troops = {"Troops_Male": 60, "Troops_Female": 0, "Troops_Total": 60}
    rows = [
        printed(Mission="all", **police),
        printed(**police, **troops, Total_Total=64),
        printed(**{"Mission": "UNMIL'", "Contributor": "Chad'", "Contributor_ISO-3": "TCD'"}),
    ]
    staged = stage_bytes("uniformed_personnel", to_csv(rows), "2013-06-30")
    assert (staged.rows_read, staged.rows_out_of_scope, len(staged.rows)) == (7, 1, 6)
    figures = staged.rows[["mission", "personnel_type", "total", "snapshot_row"]].astype(object)
    assert figures.where(figures.notna(), None).to_numpy().tolist() == [
        ["MINUSMA", "Individual Police", 4, 2],
        ["MINUSMA", "Troops", 60, 2],
        *(["UNMIL", name, None, 3] for name in TYPES.values()),
    ]


def test_a_blank_total_of_a_monthly_report_is_rejected() -> None:
    row = {
        "month_end": "2015-05-31", "mission": "MINUSMA", "personnel_type_as_printed": "Troops", "male": 1, "female": 1,
        "total": 2,
    }  # fmt: skip
    states = ("Chad", "Togo", "Mali", "Niger", "Benin", "Ghana", "Kenya", "Nepal", "India", "Italy", "Japan", "Spain")
    rows = [row | {"contributor_as_printed": name} for name in states] * 2
    rows = [one | {"mission": "UNMISS"} if place >= len(states) else one for place, one in enumerate(rows)]
    faulty = row | {"contributor_as_printed": "Peru", "male": "", "female": "", "total": ""}
    staged = stage_bytes("uniformed_personnel", to_csv([*rows, faulty]))
    assert staged.rejected["column_name"].tolist() == ["total"] and len(staged.rows) == 24
