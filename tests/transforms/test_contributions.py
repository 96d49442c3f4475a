"""Pitfalls of CEB's file, one test each."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests_shared import stage_bytes, to_csv

from schemas.validate import ContractError
from transforms import countries
from transforms.periods import peacekeeping_year_ended
from transforms.staging import Staged
from transforms.vintages import Vintage, replace_periods


def assessed(**changes: Any) -> dict[str, Any]:
    row = {
        "government_donor": "Chad",
        "entity": "UN-DPO",
        "rev_type": "Assessed Contributions",
        "calendar_year": "2019",
        "amount": "1 234 567",
    }
    return row | changes


def stage(*rows: dict[str, Any], mark: str = "\ufeff", header: dict[str, str] | None = None) -> Staged:
    names = countries.countries_table().query("kind == 'current' and iso3 != 'TCD'")["name"][:60]
    everything = [*rows, *[assessed(government_donor=name) for name in names]]
    if header:
        everything = [{header.get(name, name): value for name, value in row.items()} for row in everything]
    return stage_bytes("assessed_contributions", to_csv(everything, mark=mark), "2024-12-31")


def chad(staged: Staged) -> pd.DataFrame:
    return staged.rows[staged.rows["contributor_iso3"] == "TCD"]


def test_ceb_year_is_the_peacekeeping_year_that_ended_in_its_june() -> None:
    row = chad(stage(assessed())).iloc[0]
    assert row["peacekeeping_year"] == "2018-19"
    assert (row["period_start"], row["period_end"]) == (pd.Timestamp(2018, 7, 1), pd.Timestamp(2019, 6, 30))


def test_peacekeeping_year_across_a_century_keeps_two_digits() -> None:
    assert peacekeeping_year_ended(pd.Series([2000, 2001, 2010]))["peacekeeping_year"].tolist() == [
        "1999-00",
        "2000-01",
        "2009-10",
    ]


@pytest.mark.parametrize(
    ("printed", "amount"),
    [
        ("4 417 458 884", None),  # above any state's share: rejected by its bound
        ("1 696 825 396", 1_696_825_396.0),
        ("1\u00a0234\u00a0567", 1_234_567.0),
        ("1\u202f234\u202f567", 1_234_567.0),
        ("1,234,567", 1_234_567.0),
        ("32648.0", 32_648.0),
        ("110 254 844.8", 110_254_844.8),
        (" - ", 0.0),
        ("1 234,56", None),  # a decimal comma is refused rather than multiplied
        ("12,34", None),
        ("12 34 5", None),
    ],
)
def test_amounts_with_thousands_separators_and_dashes(printed: str, amount: float | None) -> None:
    staged = stage(assessed(amount=printed))
    assert chad(staged)["amount_usd"].tolist() == ([] if amount is None else [amount])
    assert staged.rows_rejected == (amount is None)


def test_the_kind_is_printed_in_two_ways() -> None:
    staged = stage(assessed(rev_type="Assessed contributions"), assessed(calendar_year="2020"))
    assert sorted(chad(staged)["peacekeeping_year"]) == ["2018-19", "2019-20"]


def test_other_entities_and_kinds_are_out_of_scope_and_counted() -> None:
    staged = stage(assessed(), assessed(entity="WFP"), assessed(rev_type="Revenue from other activities"))
    assert staged.rows_out_of_scope == 2 and len(chad(staged)) == 1
    assert staged.rows_read == 63 and staged.rows_in == 61


def test_a_file_with_nothing_in_scope_is_refused() -> None:
    with pytest.raises(ContractError, match="none in scope"):
        stage_bytes("assessed_contributions", to_csv([assessed(entity="WFP")]), "2024-12-31")


@pytest.mark.parametrize(
    ("broken", "iso3"), [("C\ufffdte d'Ivoire", "CIV"), ("T\ufffdrkiye", "TUR"), ("Cura\ufffdao", "CUW")]
)
def test_broken_accents_are_known(broken: str, iso3: str) -> None:
    assert countries.to_iso3(pd.Series([broken]), "assessed_contributions").tolist() == [iso3]


def test_footnote_marks_after_a_name_are_ignored() -> None:
    assert countries.to_iso3(pd.Series(["Kosovo**"]), "assessed_contributions").tolist() == ["XKX"]


def test_headers_may_be_capitalised_spaced_or_called_usd_amount() -> None:
    header = {"government_donor": "Government Donor", "calendar_year": "Calendar Year", "amount": "USD_Amount"}
    assert chad(stage(assessed(), header=header))["amount_usd"].tolist() == [1_234_567.0]


def test_bundled_years_are_complete_but_for_the_known_holes(contributions: Staged) -> None:
    assert contributions.rows_read == 2653 and len(contributions.rows) == 2309 and contributions.rows_rejected == 0
    by_year = contributions.rows.groupby("peacekeeping_year").size()
    assert by_year["2023-24"] == 193 and by_year["2012-13"] == 191
    missing = {
        year: {"CIV", "MDA", "AFG"} - set(contributions.rows.query("peacekeeping_year == @year")["contributor_iso3"])
        for year in by_year.index
    }
    assert {year for year, absent in missing.items() if "CIV" in absent} == {
        "2012-13", "2013-14", "2014-15", "2015-16", "2016-17",
    }  # fmt: skip
    assert "MDA" in missing["2012-13"] and "AFG" in missing["2013-14"]


def test_shares_of_2018_19(contributions: Staged) -> None:
    year = contributions.rows.query("peacekeeping_year == '2018-19'").set_index("contributor_iso3")["amount_usd"]
    shares = (100 * year / year.sum()).round(2)
    assert shares[["USA", "CHN", "JPN"]].tolist() == [28.17, 12.71, 9.13]


def test_2024_sums_to_the_published_total(contributions: Staged) -> None:
    assert contributions.rows.query("peacekeeping_year == '2023-24'")["amount_usd"].sum() == 6_296_372_833


def test_one_newer_year_does_not_erase_the_others(contributions: Staged) -> None:
    newer = stage(assessed(amount="1"))
    table = replace_periods(
        [Vintage("a" * 64, date(2024, 12, 31), contributions), Vintage("b" * 64, date(2025, 12, 31), newer)],
        "peacekeeping_year",
    )
    assert table["peacekeeping_year"].nunique() == 12
    chosen = table[table["peacekeeping_year"] == "2018-19"]
    assert set(chosen["snapshot_sha256"]) == {"b" * 64} and len(chosen) == 61


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount": "12O"}, "got '12O'"),
        ({"amount": "-5"}, "from 0"),
        ({"amount": ""}, "got nothing"),
        ({"calendar_year": "20l9"}, "expected a year"),
        ({"calendar_year": "2099"}, "up to 2025"),
        ({"government_donor": "Atlantis"}, "got 'Atlantis'"),
    ],
)
def test_a_bad_cell_rejects_its_row_alone_with_the_reason(changes: dict[str, Any], reason: str) -> None:
    staged = stage(assessed(**changes))
    assert staged.rows_rejected == 1 and reason in staged.rejected["reason"].iloc[0] and len(staged.rows) == 60


def test_a_state_printed_twice_in_a_year_is_merged_when_equal_and_rejected_when_not() -> None:
    equal = stage(assessed(), assessed())
    assert len(chad(equal)) == 1 and equal.merged["rule"].tolist() == ["identical_row"]
    different = stage(assessed(), assessed(amount="9"))
    assert chad(different)["amount_usd"].tolist() == [1_234_567.0]
    assert different.rejected["check_name"].tolist() == ["doubled_key"]


@pytest.mark.real
def test_the_verbatim_export_of_2024_gives_the_same_year(published_vintages: Path, contributions: Staged) -> None:
    payload = (published_vintages / "budget" / "ceb_government_donor_revenue_2024.csv").read_bytes()
    staged = stage_bytes("assessed_contributions", payload, "2025-12-31")
    assert staged.rows_read == 8976 and len(staged.rows) == 193 and staged.rows_rejected == 0
    assert staged.rows["amount_usd"].sum() == 6_296_372_833
    ours = contributions.rows.query("peacekeeping_year == '2023-24'").set_index("contributor_iso3")["amount_usd"]
    theirs = staged.rows.set_index("contributor_iso3")["amount_usd"]
    pd.testing.assert_series_equal(ours.sort_index(), theirs.sort_index())
