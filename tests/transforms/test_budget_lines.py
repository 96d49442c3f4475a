"""Budget lines: thousands become dollars, totals are flagged, and implausible amounts are rejected or signals.

No reply of DPO-PKBUDGET was ever recorded: the rows here have the columns of the publisher's codebook, and amounts made
up for what is tested.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from tests_shared import stage_bytes, to_csv, to_json

from schemas.validate import ContractError
from transforms.reference_lists import DATA
from transforms.staging import Staged

VINTAGE = "2023-11-24"
SOURCE = "mission_budget_lines"


def line(**changes: Any) -> dict[str, Any]:
    row = {
        "Mission_acronym": "MINUSMA", "Start_date": "2018-07-01", "End_date": "2019-06-30",
        "Budget_class": "Operational costs", "Budget_subclass": "Air operations", "Apportionment": "1074.5",
        "Expenditure": "1105.6", "Variance": "-31.1", "Document_symbol": "A/74/736",
    }  # fmt: skip
    return row | changes


def lines(*rows: dict[str, Any]) -> Staged:
    """Stage the rows with enough valid ones that only the invalid rows are rejected."""
    return stage_bytes(SOURCE, to_csv([*(line(Mission_acronym=f"UNX{n}") for n in range(40)), *rows]), VINTAGE)


def own(staged: Staged) -> pd.DataFrame:
    """The rows of the test, without the valid ones added."""
    return staged.rows[~staged.rows["mission"].str.startswith("UNX")]


def signals(staged: Staged) -> list[tuple[str, str, int]]:
    return list(staged.signals.itertuples(index=False, name=None))


# What a line becomes


def test_thousands_become_dollars_and_a_year_its_label() -> None:
    staged = lines(line())
    (row,) = own(staged).drop(columns="snapshot_row").to_dict("records")
    assert row == {
        "peacekeeping_year": "2018-19", "period_start": pd.Timestamp("2018-07-01"),
        "period_end": pd.Timestamp("2019-06-30"), "mission": "MINUSMA", "mission_as_published": "MINUSMA",
        "budget_class": "Operational costs", "budget_subclass": "Air operations", "apportionment_usd": 1_074_500,
        "expenditure_usd": 1_105_600, "variance_usd": -31_100, "document_symbol": "A/74/736", "is_total": False,
        "publication": "data_hub",
    }  # fmt: skip
    assert (staged.rows_in, staged.rows_rejected, signals(staged)) == (41, 0, [])


def test_an_amount_is_the_thousandfold_to_the_cent() -> None:
    printed = {"1.005": 1005, "0.1": 100, "1074718.9": 1_074_718_900, "0": 0}
    rows = [line(Budget_subclass=amount, Expenditure=amount, Variance="") for amount in printed]
    assert own(lines(*rows))["expenditure_usd"].tolist() == list(printed.values())


def test_names_in_either_case_and_dates_in_either_form_give_the_same_rows() -> None:
    plain = [line(Mission_acronym=f"UNX{n}") for n in range(3)]
    as_json = [
        {name.lower(): value for name, value in row.items()}
        | {"start_date": 1_530_403_200_000, "end_date": 1_561_852_800_000, "apportionment": 1074.5}
        for row in plain
    ]
    files = {
        "pkbudget-csv": to_csv(plain),
        "pkbudget-json": to_json(as_json),
    }
    staged = {name: stage_bytes(SOURCE, payload, VINTAGE) for name, payload in files.items()}
    assert {name: staged_file.dialect for name, staged_file in staged.items()} == {name: name for name in files}
    pd.testing.assert_frame_equal(staged["pkbudget-csv"].rows, staged["pkbudget-json"].rows)


def test_no_figure_is_missing_and_a_zero_is_a_zero() -> None:
    rows = own(lines(line(Apportionment="", Variance=""), line(Budget_subclass="Fuel", Expenditure="0", Variance="")))
    assert rows["apportionment_usd"].isna().tolist() == [True, False]
    assert rows["expenditure_usd"].tolist() == [1_105_600, 0]


def test_unknown_classes_and_missions_are_kept_as_printed() -> None:
    staged = lines(line(Mission_acronym="RSCE Entebbe", Budget_class="Moon", Budget_subclass="Cheese"))
    (row,) = own(staged).to_dict("records")
    assert (row["mission"], row["mission_as_published"]) == ("RSCE", "RSCE Entebbe")
    assert (row["budget_class"], row["budget_subclass"], row["is_total"]) == ("Moon", "Cheese", False)
    assert "UNX1" in set(staged.rows["mission"]) and signals(staged) == []


def test_a_line_twice_is_merged_and_one_that_contradicts_is_rejected() -> None:
    staged = lines(line(), line(), line(Expenditure="1"))
    assert staged.merged.to_numpy().tolist() == [[42, "identical_row", 41]]
    assert staged.rejected["reason"].tolist() == [
        "peacekeeping_year, mission, period_start, period_end, budget_class, budget_subclass, publication: expected each "
        "once, got a second, contradicting row 41"
    ]


# Totals and their parts

REPORT = [  # as a performance report lays a budget out; the sum of the parts is the gross
    ("Military and police personnel", "Military contingents", 300), ("Military and police personnel", "Subtotal", 300),
    ("Civilian personnel", "International staff", 120), ("Civilian personnel", "National staff", 30),
    ("Civilian personnel", "", 150),
    ("Operational costs", "Official travel", 5), ("Operational costs", "Air operations", 95),
    ("OPERATIONAL COSTS", "Operational costs", 100),
    ("Gross requirements", "", 550), ("Staff assessment income", "", 14), ("Net requirements", "", 536),
    ("Total requirements", "", 550),
]  # fmt: skip


def report(**changes: Any) -> list[dict[str, Any]]:
    return [
        line(Budget_class=name, Budget_subclass=part, Apportionment=str(amount * 1000), Expenditure="", Variance="")
        | changes
        for name, part, amount in REPORT
    ]


def test_the_parts_of_a_report_sum_to_its_gross_and_no_subtotal_is_among_them() -> None:
    rows = own(lines(*report()))
    parts = rows[~rows["is_total"]]
    assert parts["apportionment_usd"].sum() == 550_000_000
    assert parts["budget_subclass"].tolist() == [
        "Military contingents", "International staff", "National staff", "Official travel", "Air operations",
    ]  # fmt: skip
    assert len(rows) == len(REPORT)  # all are kept


def test_totals_are_recognised_by_their_words_in_any_case() -> None:
    is_total = {
        ("Total requirements", ""): True,
        ("TOTAL REQUIREMENTS", ""): True,
        ("Civilian personnel", "Sub-total"): True,
        ("Civilian personnel", "SUBTOTAL, category II"): True,
        ("Total, civilian personnel", "International staff"): True,
        ("Requirements (gross)", ""): True,
        ("net requirements", ""): True,
        ("Staff assessment income", ""): True,
        ("Operational costs", ""): False,  # a class without parts
        ("Information technology", "Internet and networks"): False,
        ("New services", "Totally new services"): False,
        ("Voluntary contributions in kind", "Budgeted"): False,
    }
    rows = own(lines(*(line(Budget_class=name, Budget_subclass=part) for name, part in is_total)))
    assert rows["is_total"].tolist() == list(is_total.values())


def test_every_word_of_a_total_is_listed_once_with_its_reason() -> None:
    table = pd.read_csv(DATA / "words_of_totals.csv", dtype=str)
    assert list(table.columns) == ["words", "why"] and table.notna().all(axis=None)
    assert table["words"].is_unique and (table["words"] == table["words"].str.strip().str.casefold()).all()


def test_a_class_without_subclass_is_a_total_only_beside_parts_of_its_own_mission_and_period() -> None:
    of_class = line(Budget_class="Civilian personnel", Budget_subclass="")
    part = line(Budget_class="Civilian personnel", Budget_subclass="National staff")
    elsewhere = [part | {"Mission_acronym": "UNIFIL"}, part | {"Start_date": "2017-07-01", "End_date": "2018-06-30"}]
    alone = own(lines(of_class, *elsewhere))
    assert alone.loc[alone["budget_subclass"] == "", "is_total"].tolist() == [False]
    beside = own(lines(of_class, part))
    assert beside["is_total"].tolist() == [True, False]
    subtotal = own(lines(of_class, part | {"Budget_subclass": "Subtotal"}))  # two totals are no part of each other
    assert subtotal["is_total"].tolist() == [False, True]


# A peacekeeping year, or a part of one


def test_a_period_within_one_peacekeeping_year_is_kept_under_its_label() -> None:
    periods = [
        ("2018-07-01", "2019-06-30", "2018-19"),
        ("2018-07-01", "2018-12-31", "2018-19"),  # six months
        ("2014-01-01", "2014-06-30", "2013-14"),
        ("2019-06-30", "2019-06-30", "2018-19"),
        ("2010-07-01", "2011-06-30", "2010-11"),
    ]
    rows = own(lines(*(line(Start_date=start, End_date=end) for start, end, _ in periods)))
    columns = rows[["period_start", "period_end", "peacekeeping_year"]].astype("str")
    assert list(columns.itertuples(index=False, name=None)) == periods


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [
        (
            "2018-07-01",
            "2018-06-30",
            "from 2018-07-01 to the end of that peacekeeping year, 2019-06-30, got 2018-06-30",
        ),
        (
            "2018-07-01",
            "2020-06-30",
            "from 2018-07-01 to the end of that peacekeeping year, 2019-06-30, got 2020-06-30",
        ),
        (
            "2018-01-01",
            "2018-12-31",
            "from 2018-01-01 to the end of that peacekeeping year, 2018-06-30, got 2018-12-31",
        ),
        (
            "2018-06-30",
            "2019-06-30",
            "from 2018-06-30 to the end of that peacekeeping year, 2018-06-30, got 2019-06-30",
        ),
        ("2009-07-01", "2010-06-30", "period_start: expected a date from 2010-07-01 up to 2023-11-24, got 2009-07-01"),
        ("2024-07-01", "2025-06-30", "period_start: expected a date from 2010-07-01 up to 2023-11-24, got 2024-07-01"),
        ("2018/07/01", "2019-06-30", "got '2018/07/01'"),
        ("2018-07-01", "", "period_end: expected a date, got nothing"),
    ],
)
def test_a_period_over_two_years_or_none_is_rejected_with_what_was_expected(start: str, end: str, reason: str) -> None:
    staged = lines(line(Start_date=start, End_date=end))
    assert (len(staged.rows), staged.rows_rejected) == (40, 1)
    assert reason in staged.rejected["reason"].iloc[0]


def test_the_halves_of_a_year_are_two_lines() -> None:
    halves = own(lines(line(End_date="2018-12-31"), line(Start_date="2019-01-01")))
    assert halves["peacekeeping_year"].tolist() == ["2018-19", "2018-19"]


# Magnitudes


@pytest.mark.parametrize("amount", ["Apportionment", "Expenditure", "Variance"])
def test_dollars_in_a_line_are_rejected_with_thousands_in_the_reason(amount: str) -> None:
    staged = lines(line(**{amount: "1074718900"}))
    assert staged.rows_rejected == 1
    (reason,) = staged.rejected["reason"]
    assert reason.startswith(f"{amount.lower()}_usd: expected an amount in USD (published in thousands) from ")
    assert reason.endswith(" up to 3,000,000,000, got 1074718900000")


def test_a_file_in_dollars_is_refused() -> None:
    """Most lines are small enough to be in thousands; the large ones are rejected, and their share refuses the file."""
    missions = [f"UNX{n}" for n in range(15)]
    dollars = [("Air operations", 95e6), *((f"Item {n}", 2e5) for n in range(10))]
    rows = [
        line(Mission_acronym=mission, Budget_subclass=part, Apportionment=amount, Expenditure=amount, Variance=0)
        for mission in missions
        for part, amount in dollars
    ]
    with pytest.raises(ContractError, match=r"15 of 165 rows .* up to 3,000,000,000, got 95000000000"):
        stage_bytes(SOURCE, to_csv(rows), VINTAGE)


def test_a_file_in_dollars_is_refused_also_where_no_line_is_too_large() -> None:
    rows = [
        line(
            Mission_acronym=f"UNX{n % 15}", Budget_subclass=f"Item {n}", Apportionment=2e6, Expenditure=2e6, Variance=0
        )
        for n in range(300)
    ]
    with pytest.raises(ContractError, match="15 of 15 mission-years have apportionment_usd above 3,000,000,000 in sum"):
        stage_bytes(SOURCE, to_csv(rows), VINTAGE)


def test_a_mission_year_of_an_odd_size_is_a_signal_and_kept() -> None:
    parts = [line(Budget_subclass=f"Item {n}", Apportionment="2000000", Variance="1998894.4") for n in range(2)]
    small = line(Mission_acronym="UNIFIL", Apportionment="999.9", Expenditure="1000.0", Variance="-0.1")
    total = small | {"Mission_acronym": "UNMISS", "Budget_class": "Total requirements", "Budget_subclass": ""}
    staged = lines(*parts, small, total)
    assert len(own(staged)) == 4
    assert signals(staged) == [
        ("mission_year_sum", "MINUSMA 2018-19: apportionment_usd 4,000,000,000", 1),
        ("mission_year_sum", "UNIFIL 2018-19: apportionment_usd 999,900", 1),
        ("mission_year_sum", "UNMISS 2018-19: apportionment_usd 999,900", 1),
    ]


def test_totals_are_not_added_when_a_mission_year_is_judged() -> None:
    """Parts of 1.1 billion would be 5.5 with their totals; of a mission-year with totals alone the largest counts."""
    parts = [row | {"Apportionment": str(int(row["Apportionment"]) * 2)} for row in report()]
    alone = [line(Mission_acronym="UNIFIL", Budget_class=name, Budget_subclass="", Apportionment="1600000", Variance="")
             for name in ("Gross requirements", "Total requirements")]  # fmt: skip
    assert signals(lines(*parts, *alone)) == []


# The variance


@pytest.mark.parametrize(
    ("apportionment", "expenditure", "variance", "odd"),
    [
        ("1074.5", "1105.6", "-31.1", False),
        ("1105.6", "1074.5", "31.1", False),
        ("1074.5", "1105.6", "-31.2", False),  # one decimal each: three roundings of 0.05
        ("1074.5", "1105.6", "-31.3", True),
        ("1074.5", "1105.6", "31.1", True),  # overspending is negative
        ("1074.5", "1105.6", "-31.100000000000001", False),  # what a program prints of a binary fraction
        ("1074.5", "1105.6", "-31100", True),
        ("1074.5", "1105.6", "", False),
        ("", "1105.6", "-31.1", False),
    ],
)
def test_a_variance_that_is_not_the_difference_is_a_signal_and_its_line_is_kept(
    apportionment: str, expenditure: str, variance: str, odd: bool
) -> None:
    staged = lines(line(Apportionment=apportionment, Expenditure=expenditure, Variance=variance))
    assert len(own(staged)) == 1 and staged.rows_rejected == 0
    assert signals(staged) == ([("variance_is_not_the_difference", "MINUSMA 2018-19", 1)] if odd else [])


@pytest.mark.parametrize(("variance", "odd"), [("-31", False), ("-32", False), ("-33", True)])
def test_where_no_amount_has_a_decimal_rounding_is_of_whole_thousands(variance: str, odd: bool) -> None:
    plain = [
        line(Mission_acronym=f"UNX{n}", Apportionment="1075", Expenditure="1106", Variance="-31") for n in range(9)
    ]
    odd_one = line(Apportionment="1075", Expenditure="1106", Variance=variance)
    odd_signals = signals(stage_bytes(SOURCE, to_csv([*plain, odd_one]), VINTAGE))
    assert odd_signals == ([("variance_is_not_the_difference", "MINUSMA 2018-19", 1)] if odd else [])


# Another form


def test_a_missing_column_is_named() -> None:
    for name in line():
        if name != "Document_symbol":
            rows = [{other: value for other, value in line().items() if other != name}]
            with pytest.raises(ContractError, match=f"needs the column {name}"):
                stage_bytes(SOURCE, to_csv(rows), VINTAGE)


def test_a_new_column_is_a_signal_and_dropped() -> None:
    staged = stage_bytes(SOURCE, to_csv([line(Fund="20MMA")]), VINTAGE)
    assert signals(staged) == [("new_column", "Fund", 1)] and "Fund" not in staged.rows


def test_a_text_that_is_not_a_number_is_rejected() -> None:
    amounts = ["1,074.5", "(31.1)", "1e3", "-", "n/a", "USD 5"]
    # 100 valid lines keep the share of rejected rows within bounds.
    valid = [line(Mission_acronym="UNY", Budget_subclass=f"Item {n}") for n in range(100)]
    staged = lines(*valid, *(line(Variance=amount) for amount in amounts))
    assert staged.rows_rejected == len(amounts)
    for amount, reason in zip(amounts, staged.rejected["reason"], strict=True):
        assert f"got '{amount}'" in reason


def test_an_apportionment_is_never_negative_and_spending_can_be_where_credits_exceed_it() -> None:
    staged = lines(line(Apportionment="-1.0"), line(Budget_subclass="Fuel", Expenditure="-12.5", Variance="1087.0"))
    assert staged.rejected["column_name"].tolist() == ["apportionment_usd"]
    assert own(staged)["expenditure_usd"].tolist() == [-12_500]
