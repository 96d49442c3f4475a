"""The marts on money on the bundled figures, compared with numbers read elsewhere."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from marts_shared import Connection, one, select

Money = Decimal


def test_the_three_largest_contributors_of_2018_19(real: Connection) -> None:
    rows = select(
        real,
        "SELECT contributor_iso3, round(assessed_usd / 1e6), round(assessed_share_pct, 2), assessed_rank "
        "FROM marts.burden_sharing WHERE peacekeeping_year = '2018-19' AND assessed_rank <= 3 ORDER BY assessed_rank",
    )
    assert rows == [("USA", 1971, 28.17, 1), ("CHN", 889, 12.71, 2), ("JPN", 639, 9.13, 3)]


def test_the_united_states_and_china_pay_a_premium_over_their_regular_rates(real: Connection) -> None:
    rows = select(
        real,
        "SELECT contributor_iso3, level, round(regular_rate_pct, 4), round(owed_at_regular_rate_usd / 1e6, 1), "
        "round(assessed_above_regular_rate_usd / 1e6, 1) FROM marts.burden_sharing "
        "WHERE peacekeeping_year = '2018-19' AND contributor_iso3 IN ('USA', 'CHN') ORDER BY ALL",
    )
    # 6,998,394,001 x 22 % = 1,539.6 million; China's rates 7.921 and 12.005 average 9.963 %: 697.2 million.
    assert rows == [("CHN", "A", 9.963, 697.2, 191.9), ("USA", "A", 22.0, 1539.6, 431.5)]


def test_a_year_before_the_derived_levels_has_its_rate(real: Connection) -> None:
    rows = select(
        real,
        "SELECT contributor_iso3, round(regular_rate_pct, 4), level, level_first_half, level_second_half "
        "FROM marts.burden_sharing WHERE peacekeeping_year = '2012-13' AND contributor_iso3 IN ('USA', 'CHN') ORDER BY 1",
    )
    # China: 3.189 in the scale of 2010-2012 and 5.148 in that of 2013-2015.
    assert rows == [("CHN", 4.1685, None, None, "A"), ("USA", 22.0, None, None, "A")]


def test_months_covered_is_below_12_in_years_that_lack_reports(real: Connection) -> None:
    rows = select(real, "SELECT DISTINCT peacekeeping_year, months_covered FROM marts.burden_sharing ORDER BY 1")
    assert dict(rows) == {
        "2012-13": 12, "2013-14": 12, "2014-15": 7, "2015-16": 11, "2016-17": 11, "2017-18": 12, "2018-19": 12,
        "2019-20": 11, "2020-21": 12, "2021-22": 12, "2022-23": 11, "2023-24": 12,
    }  # fmt: skip
    sql = "SELECT DISTINCT series, is_incomplete FROM marts.burden_sharing WHERE peacekeeping_year = '{}'"
    assert one(real, sql.format("2012-13")) == ("contributor_strength, ipi_by_sex", False)
    assert one(real, sql.format("2014-15")) == ("ipi_by_sex, monthly_report", False)


def test_person_months_and_deaths_add_up_to_all(real: Connection) -> None:
    row = one(
        real,
        "SELECT sum(person_months), sum(deaths), round(sum(person_month_share_pct), 6), round(sum(death_share_pct), 6) "
        "FROM marts.burden_sharing WHERE peacekeeping_year = '2018-19'",
    )
    # 1,075,004: the twelve printed month totals of July 2018 to June 2019 added.
    assert row == (1_075_004, 98, 100, 100)


def test_ten_chadians_died_in_one_attack_of_2018_19(real: Connection) -> None:
    sql = "SELECT deaths, uniformed_deaths, level FROM marts.burden_sharing"
    deaths, uniformed, level = one(real, f"{sql} WHERE peacekeeping_year = '2018-19' AND contributor_iso3 = 'TCD'")
    assert deaths >= uniformed >= 10 and level == "J"


def test_one_death_of_2015_16_is_of_no_known_nationality(real: Connection) -> None:
    sql = "SELECT sum(deaths), round(sum(death_share_pct), 2) FROM marts.burden_sharing"
    assert one(real, f"{sql} WHERE peacekeeping_year = '2015-16'") == (134, round(100 * 134 / 135, 2))


def test_the_levels_of_each_year_add_up_to_its_total_to_the_cent(real: Connection) -> None:
    assert one(real, "SELECT sum(assessed_usd) FROM marts.funding_by_level WHERE peacekeeping_year = '2018-19'") == (
        Money("6998394001.00"),
    )
    assert (
        select(
            real,
            "SELECT peacekeeping_year FROM (SELECT peacekeeping_year, sum(assessed_usd) AS levels "
            "FROM marts.funding_by_level GROUP BY ALL) FULL JOIN (SELECT peacekeeping_year, sum(amount_usd) AS total "
            "FROM main.assessed_contributions GROUP BY ALL) USING (peacekeeping_year) "
            "WHERE levels IS DISTINCT FROM total",
        )
        == []
    )


def test_a_straddling_year_names_both_scale_periods(real: Connection) -> None:
    rows = select(
        real,
        "SELECT DISTINCT peacekeeping_year, scale_period_first_half, scale_period_second_half "
        "FROM marts.funding_by_level WHERE peacekeeping_year IN ('2012-13', '2017-18', '2018-19') ORDER BY ALL",
    )
    assert rows == [
        ("2012-13", None, "2013-2015"),
        ("2017-18", "2016-2018", "2016-2018"),
        ("2018-19", "2016-2018", "2019-2021"),
    ]


def test_the_five_permanent_members_pay_the_premium(real: Connection) -> None:
    rows = select(
        real,
        "SELECT peacekeeping_year, states, round(share_pct, 1) FROM marts.funding_by_level "
        "WHERE level_group = 'A' AND peacekeeping_year IN ('2018-19', '2023-24') ORDER BY ALL",
    )
    assert rows == [("2018-19", 5, 56.1), ("2023-24", 5, 58.6)]


def test_minusma_s_budget_and_spending_of_2018_19_are_two_columns(real: Connection) -> None:
    sql = "FROM marts.mission_cost WHERE mission = 'MINUSMA' AND peacekeeping_year = '2018-19'"
    assert one(real, f"SELECT approved_usd, spent_usd, accounts_usd, assessed_gross_usd {sql}") == (
        Money("1074718900.00"),
        Money("1105667000.00"),
        None,
        None,
    )
    # Every report of that year leaves the missions out: no strength, and nothing divided by it.
    assert one(
        real,
        f"SELECT months_covered, uniformed_person_years, months_with_personnel, spent_per_person_year_usd, deaths {sql}",
    ) == (0, None, None, None, 31)


def test_of_two_approved_stages_neither_is_the_amount(real: Connection) -> None:
    assert one(
        real,
        "SELECT approved_usd, approved_stages, approved_amounts_usd FROM marts.mission_cost "
        "WHERE mission = 'MINUSMA' AND peacekeeping_year = '2013-14'",
    ) == (
        None,
        ["full-year budget adopted later in 68th session", "initial approval (June/July)"],
        [Money("602000000.00"), Money("366770000.00")],
    )


def test_an_amount_with_prorated_shares_is_not_the_mission_s_own(real: Connection) -> None:
    rows = select(
        real,
        "SELECT peacekeeping_year, approved_usd, accounts_usd FROM marts.mission_cost "
        "WHERE mission = 'MINURSO' AND peacekeeping_year IN ('2021-22', '2024-25') ORDER BY ALL",
    )
    assert rows == [("2021-22", None, None), ("2024-25", None, Money("68791100.00"))]


def test_spending_per_person_year_is_given_for_years_covered_whole(real: Connection) -> None:
    rows = select(
        real,
        "SELECT DISTINCT peacekeeping_year, months_covered FROM marts.mission_cost "
        "WHERE spent_per_person_year_usd IS NOT NULL ORDER BY ALL",
    )
    assert rows == [("2020-21", 12), ("2021-22", 12), ("2024-25", 12)]


def test_the_arrears_are_those_of_the_collection_and_one_is_none(real: Connection) -> None:
    assert one(real, "SELECT count(*), count(*) FILTER (NOT is_arrears) FROM marts.arrears_timeline") == (23, 1)
    assert select(real, "SELECT as_of_to, amount_usd, fund FROM marts.arrears_timeline WHERE NOT is_arrears") == [
        (date(2018, 12, 31), Money("323000000.00"), "regular")
    ]
    days = [day for (day,) in select(real, "SELECT as_of_to FROM marts.arrears_timeline")]
    assert days == sorted(days) and (days[0], days[-1]) == (date(2005, 4, 30), date(2024, 4, 30))
    assert select(
        real,
        "SELECT debtor_iso3, debtor, amount_usd, qualifier, precision FROM marts.arrears_timeline "
        "WHERE as_of_to IN ('2019-01-11', '2024-04-30') ORDER BY as_of_to",
    ) == [
        (None, "All member states", Money("2000000000.00"), "about", "day"),
        ("USA", "United States of America", Money("1100000000.00"), "more than", "month"),
    ]


@pytest.mark.parametrize(
    ("state", "record"),
    [  # counted by hand in regular_budget_payment_status_2019-2026.csv
        ("USA", (0, 0, 7, 7, 2019, 2025, "not_paid_in_full")),
        ("CHN", (0, 7, 0, 7, 2019, 2025, "not_paid_in_full")),
        ("JPN", (0, 7, 0, 7, 2019, 2025, "paid_late")),
        ("DEU", (5, 2, 0, 7, 2019, 2025, "paid_on_time")),
        ("BRA", (0, 4, 3, 7, 2019, 2025, "paid_late")),
        ("IND", (7, 0, 0, 7, 2019, 2025, "paid_on_time")),
    ],
)
def test_payment_records(real: Connection, state: str, record: tuple[Any, ...]) -> None:
    columns = "years_on_time, years_late, years_not_in_full, years_covered, first_year, last_year, status_2026_mid_year"
    assert one(real, f"SELECT {columns} FROM marts.payment_record WHERE contributor_iso3 = '{state}'") == record


def test_2026_is_in_no_payment_record(real: Connection) -> None:
    # 193 states x 7 years; the circulars' own counts of states paid on time in 2019 to 2025: 34+35+41+53+53+51+49.
    assert one(
        real,
        "SELECT sum(years_on_time), sum(years_on_time + years_late + years_not_in_full), count(*) "
        "FROM marts.payment_record",
    ) == (316, 193 * 7, 193)
