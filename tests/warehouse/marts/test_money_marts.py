"""The marts on money, on a few rows made by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from marts_shared import Connection, put, select

Money = Decimal
Y18 = {"peacekeeping_year": "2018-19", "period_start": "2018-07-01", "period_end": "2019-06-30"}
Y19 = {"peacekeeping_year": "2019-20", "period_start": "2019-07-01", "period_end": "2020-06-30"}
Y20 = {"peacekeeping_year": "2020-21", "period_start": "2020-07-01", "period_end": "2021-06-30"}


def fatality(number: int, day: str, mission: str, state: str | None, kind: str) -> tuple[Any, ...]:
    return (f"{mission}-{number}", day, mission, state, "known" if state else "undetermined", kind)


def _people(empty: Connection) -> None:
    put(
        empty, "main.uniformed_personnel", "month_end mission contributor_iso3 total",
        ("2018-06-30", "MINUSMA", "FRA", 1000),
        ("2018-07-31", "MINUSMA", "FRA", 7), ("2018-07-31", "UNAMA", "FRA", 3), ("2018-07-31", "MINUSMA", "IND", 30),
        ("2018-09-30", "MINUSMA", "FRA", 20), ("2018-09-30", "MINUSMA", "MLI", 40),
        ("2019-07-31", "MINUSMA", "IND", 5),
        personnel_type="Troops", series="monthly_report", includes_staff_officers=False,
    )  # fmt: skip
    put(
        empty, "main.fatalities",
        "casualty_id incident_date mission nationality_iso3 nationality_status personnel_type",
        fatality(1, "2018-07-01", "MINUSMA", "FRA", "Military"),
        fatality(2, "2019-06-30", "MINUSMA", "MLI", "Local"),
        fatality(3, "2019-01-01", "MINUSMA", None, "Other"),
        fatality(4, "2019-02-02", "UNMISS", "SOM", "Police"),
        fatality(5, "2019-07-01", "MINUSMA", "FRA", "Military"),
        fatality(6, "2018-06-30", "MINUSMA", "FRA", "Military"),
        incident_type="Illness", first_seen="2019-12-31", last_seen="2019-12-31",
    )  # fmt: skip
    put(empty, "meta.snapshots", "source vintage", ("fatalities", "2019-12-31"))


@pytest.fixture
def made(empty: Connection) -> Connection:
    """Two years of assessments, the first over two scales; two months of personnel; a few deaths and payments."""
    names = {"BGD": "Bangladesh", "CIV": "Côte d'Ivoire", "FRA": "France", "IND": "India", "MLI": "Mali"}
    every = {**names, "SOM": "Somalia"}
    put(empty, "main.countries", "iso3 name", *every.items(), kind="current")
    put(
        empty,
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
        empty, "main.assessed_contributions", paid,
        ("FRA", 1000.01), ("IND", 300.00), ("BGD", 99.99), ("CIV", 10.00), **Y18,
    )  # fmt: skip
    put(empty, "main.assessed_contributions", paid, ("FRA", 500.00), ("BGD", 500.00), **Y19)
    put(
        empty, "main.peacekeeping_levels", "scale_period contributor_iso3 level regular_rate_pct",
        ("2016-2018", "FRA", "A", 5.0), ("2016-2018", "IND", "H|I", 1.0), ("2016-2018", "CIV", "J", 0.1),
        ("2019-2021", "FRA", "B", 4.0), ("2019-2021", "IND", "D", 2.0), ("2019-2021", "CIV", "J", 0.3),
        **Y18, fit="ok",
    )  # fmt: skip
    put(
        empty, "main.scale_of_assessments", "period_from period_to contributor_iso3 rate_pct",
        (2016, 2018, "FRA", 5.0), (2019, 2021, "FRA", 4.0), (2016, 2018, "CIV", 0.1), (2019, 2021, "CIV", 0.3),
        (2019, 2019, "BGD", 0.01), (2020, 2021, "BGD", 0.03),
    )  # fmt: skip
    put(
        empty, "main.regular_budget_payments",
        "year contributor_iso3 regular_rate_pct payment_status honour_roll_as_of",
        (2019, "BGD", 0.01, "paid_late", "2019-12-27"), (2020, "BGD", 0.03, "paid_on_time", "2021-01-04"),
        (2021, "BGD", 0.03, "paid_late", "2021-12-31"), (2026, "BGD", 0.03, "paid_on_time", "2026-08-18"),
        (2026, "MLI", 0.01, "not_paid_in_full", "2026-08-18"),
        (2020, "SOM", 0.01, "not_paid_in_full", "2020-12-30"),
    )  # fmt: skip
    _people(empty)
    return empty


def burden(connection: Connection, columns: str, year: str = "2018-19") -> dict[str, tuple[Any, ...]]:
    rows = select(
        connection, f"SELECT contributor_iso3, {columns} FROM marts.burden_sharing WHERE peacekeeping_year = '{year}'"
    )
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0]: row[1:] for row in rows}


def test_a_straddling_year_counts_half_at_each_level(made: Connection) -> None:
    columns = "level_group, assessed_usd, states, scale_period_first_half, scale_period_second_half"
    rows = select(made, f"SELECT {columns} FROM marts.funding_by_level WHERE peacekeeping_year = '2018-19' ORDER BY 1")
    scales = ("2016-2018", "2019-2021")
    assert rows == [
        ("A", Money("500.01"), 1, *scales),  # the odd cent of 1000.01 goes to the first half, and is in one group only
        ("B", Money("500.00"), 1, *scales),
        ("D-G", Money("150.00"), 1, *scales),
        ("H|I", Money("150.00"), 1, *scales),
        ("J", Money("10.00"), 1, *scales),
        ("unknown", Money("99.99"), 1, *scales),
    ]


def test_a_year_within_one_scale_counts_whole(made: Connection) -> None:
    columns = "level_group, assessed_usd, share_pct, states"
    rows = select(made, f"SELECT {columns} FROM marts.funding_by_level WHERE peacekeeping_year = '2019-20' ORDER BY 1")
    assert rows == [("B", Money("500.00"), 50.0, 1), ("unknown", Money("500.00"), 50.0, 1)]


def test_a_straddling_year_has_two_levels_and_the_average_rate(made: Connection) -> None:
    columns = (
        "level, level_first_half, level_second_half, regular_rate_pct, owed_at_regular_rate_usd, "
        "assessed_above_regular_rate_usd"
    )
    rows = burden(made, columns)
    # Of 1,410.00 in all: 4.5 % is 63.45, 0.2 % is 2.82.
    assert rows["FRA"] == (None, "A", "B", 4.5, Money("63.45"), Money("936.56"))
    assert rows["CIV"] == ("J", "J", "J", pytest.approx(0.2), Money("2.82"), Money("7.18"))
    assert rows["BGD"] == (None,) * 6  # no rate of 2018 is held
    assert burden(made, columns, "2019-20")["BGD"] == (None, None, None, 0.02, Money("0.20"), Money("499.80"))
    assert burden(made, columns, "2019-20")["FRA"] == ("B", "B", "B", 4.0, Money("40.00"), Money("460.00"))


def test_person_months_are_of_the_months_that_have_a_report(made: Connection) -> None:
    columns = "months_covered, person_months, person_month_share_pct, person_month_rank"
    rows = burden(made, columns)
    assert rows["FRA"] == (2, 30, 30.0, 2)
    assert rows["IND"] == (2, 30, 30.0, 2)
    assert rows["MLI"] == (2, 40, 40.0, 1)
    assert rows["BGD"] == (2, None, None, None)
    assert burden(made, columns, "2019-20")["IND"] == (1, 5, 100.0, 1)


def test_a_state_with_one_of_the_three_has_its_row(made: Connection) -> None:
    columns = "assessed_usd, assessed_share_pct, assessed_rank, person_months, deaths, owed_at_regular_rate_usd"
    rows = burden(made, columns)
    assert set(rows) == {"BGD", "CIV", "FRA", "IND", "MLI", "SOM"}
    assert rows["MLI"] == (None, None, None, 40, 1, None)  # personnel, not assessed
    assert rows["SOM"] == (None, None, None, None, 1, None)  # neither
    assert rows["CIV"][:4] == (Money("10.00"), pytest.approx(100 * 10 / 1410), 4, None)
    assert burden(made, columns, "2019-20")["IND"] == (None, None, None, 5, 0, None)


def test_deaths_are_of_the_year_and_of_all_staff(made: Connection) -> None:
    columns = "deaths, uniformed_deaths, death_share_pct, deaths_known_to"
    rows, known = burden(made, columns), date(2019, 6, 30)
    assert rows["FRA"] == (1, 1, 25.0, known)
    assert rows["MLI"] == (1, 0, 25.0, known)
    assert rows["IND"] == (0, 0, 0.0, known)
    assert burden(made, columns, "2019-20")["FRA"] == (1, 1, 100.0, date(2019, 12, 31))


@pytest.mark.parametrize("how", ["DELETE FROM meta.snapshots", "UPDATE meta.snapshots SET vintage = DATE '2018-06-30'"])
def test_a_year_that_the_fatalities_cannot_know_has_no_deaths(made: Connection, how: str) -> None:
    made.execute(how)
    rows = burden(made, "deaths, uniformed_deaths, death_share_pct, deaths_known_to")
    assert set(rows.values()) == {(None, None, None, None)}


def test_payment_records_count_years_that_have_ended(made: Connection) -> None:
    columns = "contributor_iso3, years_on_time, years_late, years_not_in_full, years_covered, first_year, last_year"
    assert select(made, f"SELECT {columns}, status_2026_mid_year FROM marts.payment_record ORDER BY 1") == [
        ("BGD", 1, 2, 0, 3, 2019, 2021, "paid_on_time"),
        ("MLI", None, None, None, 0, None, None, "not_paid_in_full"),
        ("SOM", 0, 0, 1, 1, 2020, 2020, None),
    ]


@pytest.fixture
def with_budgets(made: Connection) -> Connection:
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
    rows = select(connection, f"SELECT mission, {columns} FROM marts.mission_cost WHERE peacekeeping_year = '2020-21'")
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0]: row[1:] for row in rows}


def test_each_measure_of_a_mission_s_cost_has_its_column(with_budgets: Connection) -> None:
    assert cost(with_budgets, "approved_usd, spent_usd, accounts_usd, assessed_gross_usd") == {
        "MINUSMA": (900_000, 1_200_000, 1_300_000, 1_100_000),
        "UNAMA": (None, 50, None, None),  # two approved amounts: none is chosen
        "UNMISS": (None, None, None, 8),
        "UNSOS": (None, 60, None, None),  # approved for six months only
    }
    assert cost(with_budgets, "approved_stages")["UNSOS"] == (["initial approval"],)
    assert cost(with_budgets, "approved_stages, approved_amounts_usd")["UNAMA"] == (
        ["as revised", "initial approval"],
        [45, 40],
    )
    assert cost(with_budgets, "approved_stages, approved_amounts_usd")["UNMISS"] == (None, None)


def test_person_years_and_spending_by_them(with_budgets: Connection) -> None:
    columns = "months_covered, months_with_personnel, uniformed_person_years, spent_per_person_year_usd"
    assert cost(with_budgets, columns) == {
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
def test_a_month_without_missions_leaves_no_spending_per_person_year(with_budgets: Connection, how: str) -> None:
    with_budgets.execute(how)
    columns = "months_covered, months_with_personnel, uniformed_person_years, spent_per_person_year_usd"
    assert cost(with_budgets, columns)["MINUSMA"] == (11, 11, (120 * 12 - 140) / 12, None)


def test_a_mission_s_deaths_are_given_beside_its_cost_without_a_ratio(with_budgets: Connection) -> None:
    # UNMISS had one earlier; the register never names UNSOS and UNAMA here.
    assert cost(with_budgets, "deaths, deaths_known_to") == {
        "MINUSMA": (0, date(2021, 6, 30)),
        "UNAMA": (None, date(2021, 6, 30)),
        "UNMISS": (0, date(2021, 6, 30)),
        "UNSOS": (None, date(2021, 6, 30)),
    }
    columns = [name for (name, *_) in select(with_budgets, "DESCRIBE marts.mission_cost")]
    assert not [name for name in columns if "per_death" in name or "per_casualty" in name]
