"""The marts on who pays, who serves, what a mission costs and who is behind.

First on the bundled figures, against numbers read elsewhere; then on a few rows made by hand, worked out by hand.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pandas as pd
import pytest
from marts_shared import Connection, asked, fill, one, put

from transforms.staging import Staged
from warehouse import load

MARTS = ["arrears_timeline", "burden_sharing", "funding_by_level", "mission_cost", "payment_record"]
FILES = {
    "assessed_contributions": ["assessed_contributions_2013-2024.csv.gz"],
    "uniformed_personnel": ["uniformed_personnel_2015-01_2025-07.csv.gz"],
    "fatalities": ["fatalities_2025-04.csv.gz"],
    "peacekeeping_levels": ["peacekeeping_levels_2013-2024.csv.gz"],
    "regular_budget_payments": ["regular_budget_payments_2019-2026.csv.gz"],
    "scale_of_assessments": ["scale_of_assessments_1946-2027.csv.gz"],
    "dated_facts": ["dated_facts_arrears.csv.gz", "dated_facts_cash.csv.gz", "dated_facts_minusma.csv.gz"],
    "mission_assessments": ["mission_assessments_2022-23_2025-26.csv.gz"],
    "mission_budgets": [
        "mission_budgets_approved_2009-10_2025-26.csv.gz",
        "mission_budgets_approved_more.csv.gz",
        "mission_budgets_expenditure_2018-19_2024-25.csv.gz",
        "mission_budgets_accounts_2023-24_2024-25.csv.gz",
    ],
}  # fmt: skip
Money = Decimal


# The bundled figures


@pytest.fixture(scope="module")
def real(bundled: Callable[[str], Staged]) -> Iterator[Connection]:
    """The tables that the marts read, of the bundled snapshots; no number in them is this file's."""
    with duckdb.connect() as connection:
        fill(connection, bundled, FILES)
        yield connection


def test_the_three_largest_contributors_of_2018_19(real: Connection) -> None:
    found = asked(
        real,
        "SELECT contributor_iso3, round(assessed_usd / 1e6), round(assessed_share_pct, 2), assessed_rank "
        "FROM marts.burden_sharing WHERE peacekeeping_year = '2018-19' AND assessed_rank <= 3 ORDER BY assessed_rank",
    )
    assert found == [("USA", 1971, 28.17, 1), ("CHN", 889, 12.71, 2), ("JPN", 639, 9.13, 3)]


def test_the_united_states_and_china_pay_a_premium_over_their_regular_rates(real: Connection) -> None:
    found = asked(
        real,
        "SELECT contributor_iso3, level, round(regular_rate_pct, 4), round(owed_at_regular_rate_usd / 1e6, 1), "
        "round(assessed_above_regular_rate_usd / 1e6, 1) FROM marts.burden_sharing "
        "WHERE peacekeeping_year = '2018-19' AND contributor_iso3 IN ('USA', 'CHN') ORDER BY ALL",
    )
    # 6,998,394,001 x 22 % = 1,539.6 million; China's rates 7.921 and 12.005 average 9.963 %: 697.2 million.
    assert found == [("CHN", "A", 9.963, 697.2, 191.9), ("USA", "A", 22.0, 1539.6, 431.5)]


def test_a_year_before_the_derived_levels_has_its_rate_all_the_same(real: Connection) -> None:
    found = asked(
        real,
        "SELECT contributor_iso3, round(regular_rate_pct, 4), level, level_first_half, level_second_half "
        "FROM marts.burden_sharing WHERE peacekeeping_year = '2012-13' AND contributor_iso3 IN ('USA', 'CHN') ORDER BY 1",
    )
    # China: 3.189 in the scale of 2010-2012 and 5.148 in that of 2013-2015.
    assert found == [("CHN", 4.1685, None, None, "A"), ("USA", 22.0, None, None, "A")]


def test_months_covered_tells_which_years_lack_reports(real: Connection) -> None:
    found = asked(real, "SELECT DISTINCT peacekeeping_year, months_covered FROM marts.burden_sharing ORDER BY 1")
    assert dict(found) == {
        "2012-13": 0, "2013-14": 0, "2014-15": 5, "2015-16": 11, "2016-17": 11, "2017-18": 12, "2018-19": 12,
        "2019-20": 11, "2020-21": 12, "2021-22": 12, "2022-23": 11, "2023-24": 12,
    }  # fmt: skip
    assert one(real, "SELECT count(person_months) FROM marts.burden_sharing WHERE months_covered = 0") == (0,)


def test_person_months_and_deaths_lose_nobody(real: Connection) -> None:
    found = one(
        real,
        "SELECT sum(person_months), sum(deaths), round(sum(person_month_share_pct), 6), round(sum(death_share_pct), 6) "
        "FROM marts.burden_sharing WHERE peacekeeping_year = '2018-19'",
    )
    # 1,075,004: the twelve printed month totals of July 2018 to June 2019 added.
    assert found == (1_075_004, 98, 100, 100)


def test_ten_chadians_died_in_one_attack_of_2018_19(real: Connection) -> None:
    sql = "SELECT deaths, uniformed_deaths, level FROM marts.burden_sharing"
    deaths, uniformed, level = one(real, f"{sql} WHERE peacekeeping_year = '2018-19' AND contributor_iso3 = 'TCD'")
    assert deaths >= uniformed >= 10 and level == "J"


def test_one_death_of_2015_16_is_of_no_known_nationality(real: Connection) -> None:
    sql = "SELECT sum(deaths), round(sum(death_share_pct), 2) FROM marts.burden_sharing"
    assert one(real, f"{sql} WHERE peacekeeping_year = '2015-16'") == (134, round(100 * 134 / 135, 2))


def test_the_levels_of_each_year_are_its_total_to_the_cent(real: Connection) -> None:
    assert one(real, "SELECT sum(assessed_usd) FROM marts.funding_by_level WHERE peacekeeping_year = '2018-19'") == (
        Money("6998394001.00"),
    )
    assert (
        asked(
            real,
            "SELECT peacekeeping_year FROM (SELECT peacekeeping_year, sum(assessed_usd) AS levels "
            "FROM marts.funding_by_level GROUP BY ALL) FULL JOIN (SELECT peacekeeping_year, sum(amount_usd) AS total "
            "FROM main.assessed_contributions GROUP BY ALL) USING (peacekeeping_year) "
            "WHERE levels IS DISTINCT FROM total",
        )
        == []
    )


def test_a_straddling_year_names_both_scale_periods(real: Connection) -> None:
    found = asked(
        real,
        "SELECT DISTINCT peacekeeping_year, scale_period_first_half, scale_period_second_half "
        "FROM marts.funding_by_level WHERE peacekeeping_year IN ('2012-13', '2017-18', '2018-19') ORDER BY ALL",
    )
    assert found == [
        ("2012-13", None, "2013-2015"),
        ("2017-18", "2016-2018", "2016-2018"),
        ("2018-19", "2016-2018", "2019-2021"),
    ]


def test_the_five_permanent_members_pay_the_premium(real: Connection) -> None:
    found = asked(
        real,
        "SELECT peacekeeping_year, states, round(share_pct, 1) FROM marts.funding_by_level "
        "WHERE level_group = 'A' AND peacekeeping_year IN ('2018-19', '2023-24') ORDER BY ALL",
    )
    assert found == [("2018-19", 5, 56.1), ("2023-24", 5, 58.6)]


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
    found = asked(
        real,
        "SELECT peacekeeping_year, approved_usd, accounts_usd FROM marts.mission_cost "
        "WHERE mission = 'MINURSO' AND peacekeeping_year IN ('2021-22', '2024-25') ORDER BY ALL",
    )
    assert found == [("2021-22", None, None), ("2024-25", None, Money("68791100.00"))]


def test_spending_per_person_year_is_given_for_years_covered_whole(real: Connection) -> None:
    found = asked(
        real,
        "SELECT DISTINCT peacekeeping_year, months_covered FROM marts.mission_cost "
        "WHERE spent_per_person_year_usd IS NOT NULL ORDER BY ALL",
    )
    assert found == [("2020-21", 12), ("2021-22", 12), ("2024-25", 12)]


def test_the_arrears_are_those_of_the_collection_and_one_is_none(real: Connection) -> None:
    assert one(real, "SELECT count(*), count(*) FILTER (NOT is_arrears) FROM marts.arrears_timeline") == (23, 1)
    assert asked(real, "SELECT as_of_to, amount_usd, fund FROM marts.arrears_timeline WHERE NOT is_arrears") == [
        (date(2018, 12, 31), Money("323000000.00"), "regular")
    ]
    days = [day for (day,) in asked(real, "SELECT as_of_to FROM marts.arrears_timeline")]
    assert days == sorted(days) and (days[0], days[-1]) == (date(2005, 4, 30), date(2024, 4, 30))
    assert asked(
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


@pytest.mark.parametrize("mart", MARTS)
def test_a_mart_answers_at_once(real: Connection, mart: str) -> None:
    took = []
    for _ in range(5):
        start = time.perf_counter()
        asked(real, f"FROM marts.{mart}")
        took.append(time.perf_counter() - start)
    assert min(took) < 0.25  # a fifth of it on an idle machine


# Rows made by hand

Y18 = {"peacekeeping_year": "2018-19", "period_start": "2018-07-01", "period_end": "2019-06-30"}
Y19 = {"peacekeeping_year": "2019-20", "period_start": "2019-07-01", "period_end": "2020-06-30"}
Y20 = {"peacekeeping_year": "2020-21", "period_start": "2020-07-01", "period_end": "2021-06-30"}


def fatality(number: int, day: str, mission: str, state: str | None, kind: str) -> tuple[Any, ...]:
    return (f"{mission}-{number}", day, mission, state, "known" if state else "undetermined", kind)


@pytest.fixture
def made() -> Iterator[Connection]:
    """Two years of assessments, the first over two scales; two months of personnel; a few deaths and payments."""
    with duckdb.connect() as connection:
        load.create_empty(connection)
        names = {"BGD": "Bangladesh", "CIV": "Côte d'Ivoire", "FRA": "France", "IND": "India", "MLI": "Mali"}
        every = {**names, "SOM": "Somalia"}
        put(connection, "main.countries", "iso3 name", *every.items(), kind="current")
        put(
            connection,
            "main.missions",
            "mission kind",
            ("MINUSMA", "peacekeeping"),
            ("UNAMA", "special_political"),
            ("UNMISS", "peacekeeping"),
            ("UNSOS", "support"),
            ("UNSPECIFIED", "unspecified"),
            in_published_list=True,
        )
        paid = "contributor_iso3 amount_usd"
        put(
            connection, "main.assessed_contributions", paid,
            ("FRA", 1000.01), ("IND", 300.00), ("BGD", 99.99), ("CIV", 10.00), **Y18,
        )  # fmt: skip
        put(connection, "main.assessed_contributions", paid, ("FRA", 500.00), ("BGD", 500.00), **Y19)
        put(
            connection, "main.peacekeeping_levels", "scale_period contributor_iso3 level regular_rate_pct",
            ("2016-2018", "FRA", "A", 5.0), ("2016-2018", "IND", "H|I", 1.0), ("2016-2018", "CIV", "J", 0.1),
            ("2019-2021", "FRA", "B", 4.0), ("2019-2021", "IND", "D", 2.0), ("2019-2021", "CIV", "J", 0.3),
            **Y18, fit="ok",
        )  # fmt: skip
        put(
            connection, "main.scale_of_assessments", "period_from period_to contributor_iso3 rate_pct",
            (2016, 2018, "FRA", 5.0), (2019, 2021, "FRA", 4.0), (2016, 2018, "CIV", 0.1), (2019, 2021, "CIV", 0.3),
            (2019, 2019, "BGD", 0.01), (2020, 2021, "BGD", 0.03),
        )  # fmt: skip
        put(
            connection, "main.regular_budget_payments",
            "year contributor_iso3 regular_rate_pct payment_status honour_roll_as_of",
            (2019, "BGD", 0.01, "paid_late", "2019-12-27"), (2020, "BGD", 0.03, "paid_on_time", "2021-01-04"),
            (2021, "BGD", 0.03, "paid_late", "2021-12-31"), (2026, "BGD", 0.03, "paid_on_time", "2026-08-18"),
            (2026, "MLI", 0.01, "not_paid_in_full", "2026-08-18"),
            (2020, "SOM", 0.01, "not_paid_in_full", "2020-12-30"),
        )  # fmt: skip
        put(
            connection, "main.uniformed_personnel", "month_end mission contributor_iso3 total",
            ("2018-06-30", "MINUSMA", "FRA", 1000),
            ("2018-07-31", "MINUSMA", "FRA", 7), ("2018-07-31", "UNAMA", "FRA", 3), ("2018-07-31", "MINUSMA", "IND", 30),
            ("2018-09-30", "MINUSMA", "FRA", 20), ("2018-09-30", "MINUSMA", "MLI", 40),
            ("2019-07-31", "MINUSMA", "IND", 5),
            personnel_type="Troops", series="monthly_report", includes_staff_officers=False,
        )  # fmt: skip
        put(
            connection, "main.fatalities",
            "casualty_id incident_date mission nationality_iso3 nationality_status personnel_type",
            fatality(1, "2018-07-01", "MINUSMA", "FRA", "Military"),
            fatality(2, "2019-06-30", "MINUSMA", "MLI", "Local"),
            fatality(3, "2019-01-01", "MINUSMA", None, "Other"),
            fatality(4, "2019-02-02", "UNMISS", "SOM", "Police"),
            fatality(5, "2019-07-01", "MINUSMA", "FRA", "Military"),
            fatality(6, "2018-06-30", "MINUSMA", "FRA", "Military"),
            incident_type="Illness", first_seen="2019-12-31", last_seen="2019-12-31",
        )  # fmt: skip
        put(connection, "meta.snapshots", "source vintage", ("fatalities", "2019-12-31"))
        yield connection


def burden(connection: Connection, columns: str, year: str = "2018-19") -> dict[str, tuple[Any, ...]]:
    rows = asked(
        connection, f"SELECT contributor_iso3, {columns} FROM marts.burden_sharing WHERE peacekeeping_year = '{year}'"
    )
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0]: row[1:] for row in rows}


def test_a_straddling_year_counts_half_at_each_level(made: Connection) -> None:
    columns = "level_group, assessed_usd, states, scale_period_first_half, scale_period_second_half"
    found = asked(made, f"SELECT {columns} FROM marts.funding_by_level WHERE peacekeeping_year = '2018-19' ORDER BY 1")
    scales = ("2016-2018", "2019-2021")
    assert found == [
        ("A", Money("500.01"), 1, *scales),  # the odd cent of 1000.01 goes to the first half, and is in one group only
        ("B", Money("500.00"), 1, *scales),
        ("D-G", Money("150.00"), 1, *scales),
        ("H|I", Money("150.00"), 1, *scales),
        ("J", Money("10.00"), 1, *scales),
        ("unknown", Money("99.99"), 1, *scales),
    ]


def test_a_year_within_one_scale_counts_whole(made: Connection) -> None:
    columns = "level_group, assessed_usd, share_pct, states"
    found = asked(made, f"SELECT {columns} FROM marts.funding_by_level WHERE peacekeeping_year = '2019-20' ORDER BY 1")
    assert found == [("B", Money("500.00"), 50.0, 1), ("unknown", Money("500.00"), 50.0, 1)]


def test_a_straddling_year_has_two_levels_and_the_average_rate(made: Connection) -> None:
    columns = (
        "level, level_first_half, level_second_half, regular_rate_pct, owed_at_regular_rate_usd, "
        "assessed_above_regular_rate_usd"
    )
    found = burden(made, columns)
    # Of 1,410.00 in all: 4.5 % is 63.45, 0.2 % is 2.82.
    assert found["FRA"] == (None, "A", "B", 4.5, Money("63.45"), Money("936.56"))
    assert found["CIV"] == ("J", "J", "J", pytest.approx(0.2), Money("2.82"), Money("7.18"))
    assert found["BGD"] == (None,) * 6  # no rate of 2018 is held
    assert burden(made, columns, "2019-20")["BGD"] == (None, None, None, 0.02, Money("0.20"), Money("499.80"))
    assert burden(made, columns, "2019-20")["FRA"] == ("B", "B", "B", 4.0, Money("40.00"), Money("460.00"))


def test_person_months_are_of_the_months_that_have_a_report(made: Connection) -> None:
    columns = "months_covered, person_months, person_month_share_pct, person_month_rank"
    found = burden(made, columns)
    assert found["FRA"] == (2, 30, 30.0, 2)
    assert found["IND"] == (2, 30, 30.0, 2)
    assert found["MLI"] == (2, 40, 40.0, 1)
    assert found["BGD"] == (2, None, None, None)
    assert burden(made, columns, "2019-20")["IND"] == (1, 5, 100.0, 1)


def test_a_state_with_one_of_the_three_has_its_row(made: Connection) -> None:
    columns = "assessed_usd, assessed_share_pct, assessed_rank, person_months, deaths, owed_at_regular_rate_usd"
    found = burden(made, columns)
    assert set(found) == {"BGD", "CIV", "FRA", "IND", "MLI", "SOM"}
    assert found["MLI"] == (None, None, None, 40, 1, None)  # personnel, not assessed
    assert found["SOM"] == (None, None, None, None, 1, None)  # neither
    assert found["CIV"][:4] == (Money("10.00"), pytest.approx(100 * 10 / 1410), 4, None)
    assert burden(made, columns, "2019-20")["IND"] == (None, None, None, 5, 0, None)


def test_deaths_are_of_the_year_and_of_all_staff(made: Connection) -> None:
    columns = "deaths, uniformed_deaths, death_share_pct, deaths_known_to"
    found, known = burden(made, columns), date(2019, 6, 30)
    assert found["FRA"] == (1, 1, 25.0, known)
    assert found["MLI"] == (1, 0, 25.0, known)
    assert found["IND"] == (0, 0, 0.0, known)
    assert burden(made, columns, "2019-20")["FRA"] == (1, 1, 100.0, date(2019, 12, 31))


@pytest.mark.parametrize("how", ["DELETE FROM meta.snapshots", "UPDATE meta.snapshots SET vintage = DATE '2018-06-30'"])
def test_a_year_that_the_fatalities_cannot_know_has_no_deaths(made: Connection, how: str) -> None:
    made.execute(how)
    found = burden(made, "deaths, uniformed_deaths, death_share_pct, deaths_known_to")
    assert set(found.values()) == {(None, None, None, None)}


def test_payment_records_count_years_that_have_ended(made: Connection) -> None:
    columns = "contributor_iso3, years_on_time, years_late, years_not_in_full, years_covered, first_year, last_year"
    assert asked(made, f"SELECT {columns}, status_2026_mid_year FROM marts.payment_record ORDER BY 1") == [
        ("BGD", 1, 2, 0, 3, 2019, 2021, "paid_on_time"),
        ("MLI", None, None, None, 0, None, None, "not_paid_in_full"),
        ("SOM", 0, 0, 1, 1, 2020, 2020, None),
    ]


@pytest.fixture
def costed(made: Connection) -> Connection:
    """A year with strength in all its months, and one budget row of each kind."""
    months = pd.date_range("2020-07-31", "2021-06-30", freq="ME").strftime("%Y-%m-%d")
    put(
        made, "main.uniformed_personnel", "month_end mission contributor_iso3 total",
        *[(month, "MINUSMA", "FRA", 100 if i % 2 else 60) for i, month in enumerate(months)],
        *[(month, "MINUSMA", "IND", 40) for month in months],
        *[(month, mission, "IND", 6) for month in months[:3] for mission in ("UNAMA", "UNSOS")],
        personnel_type="Troops", series="monthly_report", includes_staff_officers=False,
    )  # fmt: skip
    put(
        made, "main.mission_budgets", "mission measure stage amount_usd publication note",
        ("MINUSMA", "approved", "approved", 900_000, "approved", None),
        ("MINUSMA", "spent", "performance report", 1_200_000, "performance", None),
        ("MINUSMA", "accounts", "accounts", 1_300_000, "accounts", None),
        ("UNAMA", "approved", "initial approval", 40, "approved", None),
        ("UNAMA", "approved", "as revised", 45, "approved", None),
        ("UNAMA", "spent", "performance report", 50, "performance", None),
        ("UNSOS", "approved", "initial approval", 7, "approved", "six months to 31 December only"),
        ("UNSOS", "spent", "performance report", 60, "performance", None),
        **Y20,
    )  # fmt: skip
    put(made, "main.mission_assessments", "mission assessed_gross_usd", ("MINUSMA", 1_100_000), ("UNMISS", 8), **Y20)
    made.execute("UPDATE meta.snapshots SET vintage = DATE '2025-04-04'")
    return made


def cost(connection: Connection, columns: str) -> dict[str, tuple[Any, ...]]:
    rows = asked(connection, f"SELECT mission, {columns} FROM marts.mission_cost WHERE peacekeeping_year = '2020-21'")
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0]: row[1:] for row in rows}


def test_each_measure_of_a_mission_s_cost_has_its_column(costed: Connection) -> None:
    assert cost(costed, "approved_usd, spent_usd, accounts_usd, assessed_gross_usd") == {
        "MINUSMA": (900_000, 1_200_000, 1_300_000, 1_100_000),
        "UNAMA": (None, 50, None, None),  # two approved amounts: none is chosen
        "UNMISS": (None, None, None, 8),
        "UNSOS": (None, 60, None, None),  # approved for six months only
    }
    assert cost(costed, "approved_stages")["UNSOS"] == (["initial approval"],)
    assert cost(costed, "approved_stages, approved_amounts_usd")["UNAMA"] == (
        ["as revised", "initial approval"],
        [45, 40],
    )
    assert cost(costed, "approved_stages, approved_amounts_usd")["UNMISS"] == (None, None)


def test_person_years_and_spending_by_them(costed: Connection) -> None:
    columns = "months_covered, months_with_personnel, uniformed_person_years, spent_per_person_year_usd"
    assert cost(costed, columns) == {
        "MINUSMA": (12, 12, 120.0, 10_000.0),
        "UNAMA": (12, 3, 1.5, None),  # no peacekeeping mission
        "UNMISS": (12, None, None, None),
        "UNSOS": (12, 3, 1.5, None),
    }


@pytest.mark.parametrize(
    "how",
    [
        "DELETE FROM main.uniformed_personnel WHERE month_end = DATE '2021-06-30'",
        "UPDATE main.uniformed_personnel SET mission = 'UNSPECIFIED' WHERE month_end = DATE '2021-06-30'",
    ],
)
def test_a_month_without_missions_leaves_no_spending_per_person_year(costed: Connection, how: str) -> None:
    costed.execute(how)
    columns = "months_covered, months_with_personnel, uniformed_person_years, spent_per_person_year_usd"
    assert cost(costed, columns)["MINUSMA"] == (11, 11, (120 * 12 - 140) / 12, None)


def test_a_mission_s_deaths_stand_beside_and_are_divided_by_nothing(costed: Connection) -> None:
    # UNMISS had one earlier; the register never names UNSOS and UNAMA here.
    assert cost(costed, "deaths, deaths_known_to") == {
        "MINUSMA": (0, date(2021, 6, 30)),
        "UNAMA": (None, date(2021, 6, 30)),
        "UNMISS": (0, date(2021, 6, 30)),
        "UNSOS": (None, date(2021, 6, 30)),
    }
    columns = [name for (name, *_) in asked(costed, "DESCRIBE marts.mission_cost")]
    assert not [name for name in columns if "per_death" in name or "per_casualty" in name]


def test_without_rows_the_marts_have_none() -> None:
    with duckdb.connect() as connection:
        load.create_empty(connection)
        assert [asked(connection, f"FROM marts.{mart}") for mart in MARTS] == [[]] * 5


@pytest.mark.parametrize("mart", MARTS)
def test_every_column_says_what_it_holds(made: Connection, mart: str) -> None:
    told = asked(made, f"SELECT comment FROM duckdb_columns() WHERE schema_name = 'marts' AND table_name = '{mart}'")
    assert told and all((comment or "").strip() for (comment,) in told)
