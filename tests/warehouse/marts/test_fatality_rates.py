"""Rates of deaths: on the bundled figures, and on a few rows made by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest
from marts_shared import Connection, add_deaths, add_ipi_strength, add_personnel, one, person, put, select

# The bundled figures


def test_rates_are_given_for_whole_years_only(real: Connection) -> None:
    # Missing: 2015-03, 2016-03, 2017-03, 2020-06, 2022-07; without missions: 2018-03 to 2019-08, 2023-09.
    whole = "SELECT DISTINCT year FROM marts.fatality_rates WHERE rate_per_1000 IS NOT NULL AND months_expected = 12 "
    assert select(real, f"{whole} AND series = 'monthly_report' ORDER BY 1") == [(2021,), (2024,)]
    assert [year for (year,) in select(real, f"{whole} AND series = 'ipi' ORDER BY 1")] == list(range(1991, 2016))
    # In 2015 March is missing from the reports held, and IPI has it.
    sql = "SELECT count(*) FROM marts.fatality_rates WHERE year = 2015 AND rate_per_1000 IS NOT NULL AND series = '{}'"
    assert (one(real, sql.format("monthly_report")), one(real, sql.format("ipi"))) == ((0,), (18,))
    assert one(
        real,
        "SELECT months_expected, months_covered, uniformed_deaths, deaths_known_to, rate_per_1000, refused "
        "FROM marts.fatality_rates WHERE mission = 'MINUSMA' AND year = 2019",
    ) == (12, 4, 28, date(2019, 12, 31), None, "8 of 12 months without a report of the mission")


def test_a_year_with_months_without_the_mission_s_strength_has_no_rate(real: Connection) -> None:
    def row_of(mission: str, year: int) -> tuple[Any, ...]:
        columns = "months_expected, months_covered, uniformed_deaths, rate_per_1000, refused"
        return one(real, f"SELECT {columns} FROM marts.fatality_rates WHERE mission = '{mission}' AND year = {year}")

    among = "{} deaths in months without strength of the mission"
    silent = "{0} of {1} months without a report of the mission, {0} of them silent in a report"
    # December 2011 is five months after UNMIS; UNTAET ended on 20 May 2002, before the month-end.
    assert row_of("UNMIS", 2011) == (6, 6, 3, None, among.format("1 of 3"))
    assert row_of("UNTAET", 2002) == (4, 4, 2, None, among.format("1 of 2"))
    # January to May under IPTF; named to August 2000 only; begun on 26 September 2017, first named in October.
    assert row_of("UNMIBH", 1996) == (12, 7, 3, None, silent.format(5, 12))
    assert row_of("BONUCA", 2000) == (11, 7, 0, None, silent.format(4, 11))
    assert row_of("UNVMC", 2017) == (4, 3, 1, None, silent.format(1, 4))


def test_every_mission_of_2015_has_a_rate_from_the_series_that_is_complete(real: Connection) -> None:
    sql = "SELECT series, count(*), count(rate_per_1000) FROM marts.fatality_rates WHERE year = 2015 GROUP BY ALL"
    assert select(real, sql) == [("ipi", 18, 18)]  # the monthly report of March 2015 is missing


def test_every_row_has_a_rate_or_says_why_not(real: Connection) -> None:
    wrong = "(rate_per_1000 IS NULL) <> (refused IS NOT NULL) OR (rate_low IS NULL) <> (rate_per_1000 IS NULL)"
    outside = "rate_per_1000 < rate_low OR rate_per_1000 > rate_high"
    doubled = "SELECT count(*) - count(DISTINCT (mission, year)) FROM marts.fatality_rates"
    assert one(real, f"SELECT count(*) FROM marts.fatality_rates WHERE {wrong} OR {outside}") == (0,)
    assert one(real, doubled) == (0,)


def test_the_rate_of_minusma_in_2021(real: Connection) -> None:
    # Twelve month-ends of main.uniformed_personnel added: 174,060; 30 deaths on 14,505 person-years.
    columns = "series, person_years, uniformed_deaths, round(rate_per_1000, 3), round(rate_low, 2), round(rate_high, 2)"
    months = one(
        real, "SELECT sum(total) FROM main.uniformed_personnel WHERE mission = 'MINUSMA' AND year(month_end) = 2021"
    )[0]
    row = one(real, f"SELECT {columns} FROM marts.fatality_rates WHERE mission = 'MINUSMA' AND year = 2021")
    # Of 30: 20.24 to 42.83 (tables of the Poisson distribution).
    assert row == (
        "monthly_report", months / 12, 30,
        round(360_000 / months, 3), round(20.24 * 12_000 / months, 2), round(42.83 * 12_000 / months, 2),
    )  # fmt: skip


def test_unosom_is_one_mission_in_deaths_and_in_strength(real: Connection) -> None:
    # IPI prints UNOSOM to May 1994 and UNOSOM II from June; the fatalities print the umbrella only.
    assert one(real, "SELECT count(*) FROM marts.fatality_rates WHERE mission LIKE 'UNOSOM %'") == (0,)
    sql = "SELECT months_covered, uniformed_deaths FROM marts.fatality_rates WHERE mission = 'UNOSOM' AND year = 1994"
    assert one(real, sql) == (12, 44)


# Rows made by hand


def rate(connection: Connection, columns: str, mission: str = "A") -> dict[int, tuple[Any, ...]]:
    rows = select(connection, f"SELECT year, {columns} FROM marts.fatality_rates WHERE mission = '{mission}'")
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0]: row[1:] for row in rows}


def soldiers(mission: str, year: int, how_many: int, who: str = "Military") -> list[tuple[Any, ...]]:
    return [person(1000 * year + i, f"{year}-07-01", mission, "FRA", who, "Illness") for i in range(how_many)]


@pytest.mark.parametrize(
    ("deaths", "low", "high"),
    [  # exact limits of a Poisson mean, as tables print them (Garwood 1936; Ulm 1990)
        (0, 0.0, 3.689), (1, 0.0253, 5.572), (2, 0.242, 7.225), (5, 1.623, 11.668), (10, 4.795, 18.390),
        (20, 12.217, 30.888), (50, 37.111, 65.918), (100, 81.364, 121.627),
    ],
)  # fmt: skip
def test_the_limits_are_the_published_ones(empty: Connection, deaths: int, low: float, high: float) -> None:
    row = one(empty, f"SELECT low, high FROM meta.poisson_limits WHERE deaths = {deaths}")
    assert row == (pytest.approx(low, abs=0.001), pytest.approx(high, abs=0.001))


def test_the_limits_are_those_of_scipy(empty: Connection) -> None:
    stats = pytest.importorskip("scipy.stats")
    limits = select(empty, "FROM meta.poisson_limits ORDER BY deaths")
    assert [row[0] for row in limits] == list(range(2001))
    for deaths, low, high in limits:
        assert low == pytest.approx(stats.chi2.ppf(0.025, 2 * deaths) / 2 if deaths else 0, abs=1e-9)
        assert high == pytest.approx(stats.chi2.ppf(0.975, 2 * deaths + 2) / 2, abs=1e-9)


# The last one is beyond the table: Byar's approximation, against the exact limits of 2,500 by scipy.
@pytest.mark.parametrize(
    ("deaths", "low", "high"), [(0, 0.0, 3.68888), (10, 4.79539, 18.39036), (2500, 2402.95237, 2599.96148)]
)
def test_a_rate_has_the_limits_of_its_deaths(made: Connection, deaths: int, low: float, high: float) -> None:
    add_ipi_strength(made, "A", "2013-01-31", "2013-12-31", 500)
    if deaths:
        add_deaths(made, *soldiers("A", 2013, deaths))
    row = rate(made, "series, person_years, uniformed_deaths, rate_per_1000, rate_low, rate_high, refused")[2013]
    assert row[:4] == ("ipi", 500.0, deaths, pytest.approx(2 * deaths)) and row[6] is None
    assert row[4:6] == (pytest.approx(2 * low, rel=5e-6), pytest.approx(2 * high, rel=5e-6))


def test_only_uniformed_deaths_are_in_a_rate_and_pending_ones_too(made: Connection) -> None:
    add_ipi_strength(made, "A", "2013-01-31", "2013-12-31", 1000)
    add_deaths(
        made,
        person(1, "2013-01-01", "A", "FRA", "Military", "Illness"),
        person(2, "2013-12-31", "A", "FRA", "Police", "To Be Determined"),
        person(3, "2013-12-31", "A", "FRA", "Local", "To Be Determined"),
        person(4, "2013-12-31", "A", "FRA", "Other", "Malicious Act"),
        person(5, "2014-01-01", "A", "FRA", "Military Observer", "Malicious Act"),
    )
    rates = rate(made, "uniformed_deaths, pending, rate_per_1000, deaths_known_to")
    assert rates == {2013: (2, 1, 2.0, date(2013, 12, 31))}


def test_the_series_that_is_complete_is_used_and_the_two_are_never_mixed(made: Connection) -> None:
    add_ipi_strength(made, "A", "2013-01-31", "2014-12-31", 600)
    add_personnel(made, ("2014-01-31", "A", "FRA", "Troops", 0, 12, 12))
    columns = "series, months_expected, months_covered, person_years, refused"
    assert rate(made, columns) == {2013: ("ipi", 12, 12, 600.0, None), 2014: ("ipi", 12, 12, 600.0, None)}
    made.execute("DELETE FROM main.mission_strength WHERE month_end = DATE '2014-06-30'")  # now neither is complete
    refused = "11 of 12 months without a report of the mission"
    assert rate(made, columns)[2014] == ("monthly_report", 12, 1, 1.0, refused)


def test_a_year_with_deaths_in_a_month_without_strength_has_no_rate(made: Connection) -> None:
    # B ended in March 2012; somebody died in it in November.
    add_ipi_strength(made, "B", "2012-01-31", "2012-02-29", 120)
    add_deaths(made, person(1, "2012-01-05", "B", "FRA", "Military", "Illness"))
    assert rate(made, "uniformed_deaths, refused", "B")[2012] == (1, None)
    add_deaths(made, person(2, "2012-11-05", "B", "FRA", "Military", "Illness"))
    refused = "1 of 2 deaths in months without strength of the mission"
    assert rate(made, "uniformed_deaths, rate_per_1000, refused", "B")[2012] == (2, None, refused)


def test_a_year_with_a_missing_month_has_no_rate(made: Connection) -> None:
    add_ipi_strength(made, "A", "2013-01-31", "2013-12-31", 600)
    made.execute("DELETE FROM main.mission_strength WHERE month_end = DATE '2013-06-30'")
    columns = "months_expected, months_covered, person_years, rate_per_1000, rate_low, rate_high, refused"
    refused = "1 of 12 months without a report of the mission"
    assert rate(made, columns) == {2013: (12, 11, 550.0, None, None, None, refused)}
    add_ipi_strength(made, "B", "2013-06-30", "2013-06-30", 1)  # a report of that month, which leaves A out
    silent = f"{refused}, 1 of them silent in a report"
    assert rate(made, columns)[2013] == (12, 11, 550.0, None, None, None, silent)


def test_a_month_that_prints_no_mission_is_not_covered(made: Connection) -> None:
    months = pd.date_range("2021-01-31", "2021-12-31", freq="ME").strftime("%Y-%m-%d")
    add_personnel(
        made,
        *[(month, "A" if i else "UNSPECIFIED", "FRA", "Troops", 0, 1, 1) for i, month in enumerate(reversed(months))],
    )
    assert rate(made, "months_expected, months_covered")[2021] == (12, 11)


def test_a_mission_s_first_and_last_months_are_expected_by_its_dates(made: Connection) -> None:
    # A began on 10 February 2010; B ended in March 2012, on no known day, so that no month-end of March is expected.
    add_ipi_strength(made, "A", "2010-04-30", "2012-12-31", 120)
    add_ipi_strength(made, "B", "2010-01-31", "2012-02-29", 120)
    # February and March of A have a report, which does not name it yet: its people may go under another name.
    refused = "2 of 11 months without a report of the mission, 2 of them silent in a report"
    assert rate(made, "months_expected, months_covered, person_years, refused")[2010] == (11, 9, 90.0, refused)
    assert rate(made, "months_expected, months_covered, person_years, refused", "B")[2012] == (2, 2, 20.0, None)


def test_strength_outside_of_the_dates_counts_but_a_year_of_it_has_no_rate(made: Connection) -> None:
    add_ipi_strength(made, "B", "2012-01-31", "2013-12-31", 120)
    add_deaths(made, *soldiers("B", 2012, 3), *soldiers("B", 2013, 3))
    assert rate(made, "months_expected, months_covered, person_years, rate_per_1000, refused", "B") == {
        2012: (2, 2, 120.0, 25.0, None),
        2013: (0, 0, 120.0, None, "outside of the mission's dates"),
    }


def test_months_that_name_a_mission_replace_dates_that_are_not_known(made: Connection) -> None:
    add_ipi_strength(made, "P", "2012-11-30", "2013-02-28", 12)
    add_ipi_strength(made, "A", "2012-01-31", "2014-12-31", 12)
    assert rate(made, "months_expected, months_covered", "P") == {2012: (2, 2), 2013: (2, 2)}
    # Named in the newest month it still runs, and the rest of that year is missing.
    add_ipi_strength(made, "P", "2015-01-31", "2015-01-31", 12)
    assert rate(made, "months_expected, months_covered", "P")[2015] == (12, 1)


def test_deaths_and_strength_of_parts_count_for_the_umbrella_mission(made: Connection) -> None:
    add_ipi_strength(made, "U I", "2000-01-31", "2000-06-30", 100)
    add_ipi_strength(made, "U", "2000-07-31", "2000-12-31", 300)
    add_deaths(made, *soldiers("U", 2000, 2), *soldiers("U I", 2000, 3))
    assert rate(made, "months_covered, person_years, uniformed_deaths, rate_per_1000", "U") == {
        2000: (12, 200.0, 5, 25.0)
    }
    assert rate(made, "months_covered", "U I") == {}


def test_a_year_without_personnel_has_no_rate(made: Connection) -> None:
    add_ipi_strength(made, "A", "2013-01-31", "2013-12-31", 0)
    add_deaths(made, *soldiers("A", 2013, 1))
    row = rate(made, "person_years, uniformed_deaths, rate_per_1000, refused")[2013]
    assert row == (0.0, 1, None, "no uniformed personnel in the year")


@pytest.mark.parametrize(
    ("vintage", "deaths", "known_to", "refused"),
    [
        ("2013-12-31", 2, date(2013, 12, 31), None),
        ("2013-12-30", 2, date(2013, 12, 30), "the fatalities held know the year only to 2013-12-30"),
        ("2012-12-31", None, None, "the fatalities held don't know the year"),
        (None, None, None, "the fatalities held don't know the year"),
    ],
)
def test_a_year_that_the_fatalities_do_not_wholly_know_has_no_rate(
    made: Connection, vintage: str | None, deaths: int | None, known_to: date | None, refused: str | None
) -> None:
    add_ipi_strength(made, "A", "2013-01-31", "2013-12-31", 1000)
    add_deaths(made, *soldiers("A", 2013, 2))
    made.execute("DELETE FROM meta.snapshots")
    if vintage:
        put(made, "meta.snapshots", "source vintage", ("fatalities", vintage), ("missions", "2024-01-01"))
    row = rate(made, "uniformed_deaths, deaths_known_to, rate_per_1000, refused")[2013]
    assert row == (deaths, known_to, None if refused else 2.0, refused)
