"""The marts on who dies, who serves and where: tolls, ladders, days, rates, contributors, levels, women.

First on the bundled figures, against numbers read elsewhere; then on a few rows made by hand, worked out by hand.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import duckdb
import pandas as pd
import pytest
from marts_shared import Connection, asked, fill, one, put

from transforms.staging import Staged
from warehouse import load

VIEWS = [
    "contributor_toll", "deadliest_days", "fatality_rates", "mission_toll", "mission_toll_by_year",
    "personnel_by_level", "women_in_uniform",
]  # fmt: skip
MACROS = ["deadliest_missions()", "top_contributors()", "top_contributors('MINUSMA', '2019-01-25')"]
FILES = {
    "fatalities": ["fatalities_2025-04.csv.gz"],
    "uniformed_personnel": ["uniformed_personnel_2015-01_2025-07.csv.gz"],
    "mission_strength": ["mission_strength_1990-11_2017-03.csv.gz"],
    "peacekeeping_levels": ["peacekeeping_levels_2013-2024.csv.gz"],
    "missions": ["missions_2024-02.csv.gz"],
}
DEATHS = "casualty_id incident_date mission nationality_iso3 personnel_type incident_type"


# The bundled figures


@pytest.fixture(scope="module")
def real(bundled: Callable[[str], Staged]) -> Iterator[Connection]:
    with duckdb.connect() as connection:
        fill(connection, bundled, FILES)
        yield connection


def ladder(connection: Connection, *arguments: str, columns: str = "rank, mission, deaths") -> list[tuple[Any, ...]]:
    return asked(connection, f"SELECT {columns} FROM marts.deadliest_missions({', '.join(arguments)})")


def test_by_malicious_acts_minusma_was_second_of_all_time_on_25_january_2019(real: Connection) -> None:
    assert ladder(real, "'2019-01-25'", "'Malicious Act'")[:4] == [
        (1, "ONUC", 135),
        (2, "MINUSMA", 118),
        (3, "UNOSOM", 114),
        (4, "UNIFIL", 93),
    ]


def test_and_first_of_the_missions_then_active(real: Connection) -> None:
    columns = "rank, mission, deaths, is_active"
    found = ladder(real, "'2019-01-25'", "'Malicious Act'", "true", columns=columns)
    assert found[:2] == [(1, "MINUSMA", 118, True), (2, "UNIFIL", 93, True)]
    assert {row[3] for row in found} == {True}


def test_and_seventh_of_all_causes(real: Connection) -> None:
    found = ladder(real, "'2019-01-25'", columns="rank, mission, deaths, pending, last_incident")
    assert [row[:3] for row in found[:3]] == [(1, "UNIFIL", 313), (2, "UNAMID", 270), (3, "ONUC", 249)]
    assert found[6] == (7, "MINUSMA", 190, 4, date(2019, 1, 25))


def test_minusma_became_first_of_all_time_on_13_january_2021(real: Connection) -> None:
    assert ladder(real, "'2021-01-12'", "'Malicious Act'")[0][1] == "ONUC"
    assert ladder(real, "'2021-01-13'", "'Malicious Act'")[0][1] == "MINUSMA"


def test_minusma_is_active_to_its_last_day_and_unmil_through_the_month_printed(real: Connection) -> None:
    def active(day: str, mission: str) -> bool:
        sql = f"SELECT is_active FROM marts.deadliest_missions('{day}') WHERE mission = '{mission}'"
        return bool(one(real, sql)[0])

    assert active("2023-12-31", "MINUSMA") and not active("2024-01-01", "MINUSMA")
    # The list prints the 1st of March 2018, as it does where it knows the month only: UNMIL closed on the 30th.
    assert active("2018-03-30", "UNMIL") and not active("2018-04-01", "UNMIL")


def test_a_mission_whose_first_day_no_list_has_is_active_where_reports_name_it(real: Connection) -> None:
    sql = "SELECT is_active, start_date FROM marts.deadliest_missions({}) WHERE mission = '{}'"
    assert one(real, sql.format("'2019-01-25'", "UNAMA")) == (True, None)
    assert one(real, sql.format("", "OSESyria")) == (None, None)  # no dates and no report: not known


def test_the_attack_of_20_january_2019_has_two_ranks_each_shared_by_three(real: Connection) -> None:
    columns = "malicious_deaths, nationalities, rank_malicious, rank_uniformed_malicious, sharing_rank, pending"
    sql = f"SELECT {columns} FROM marts.deadliest_days WHERE mission = 'MINUSMA' AND incident_date = '2019-01-20'"
    assert one(real, sql) == (10, "TCD 10", 8, 7, 3, 0)
    ranked = "SELECT mission, rank_uniformed_malicious FROM marts.deadliest_days WHERE {} = {} ORDER BY 1"
    assert asked(real, ranked.format("rank_malicious", 8)) == [("MINUSMA", 7), ("ONUC", 7), ("UNAMIR", 7)]
    assert asked(real, ranked.format("rank_malicious", 2)) == [("UNOHCI", None), ("UNOSOM", 2)]


def test_every_casualty_is_in_every_toll_once(real: Connection) -> None:
    # 4,429 rows in the file, six of them one casualty under two nationalities.
    for mart in ("mission_toll", "mission_toll_by_year", "contributor_toll", "deadliest_days"):
        assert one(real, f"SELECT sum(deaths) FROM marts.{mart}") == (4423,)
    causes = "malicious_act + accident + illness + self_inflicted + unknown + to_be_determined"
    for mart in ("mission_toll", "contributor_toll"):
        assert one(real, f"SELECT count(*) FROM marts.{mart} WHERE deaths <> {causes}") == (0,)
    assert one(real, "SELECT sum(pending) FROM marts.deadliest_missions()") == one(
        real, "SELECT sum(to_be_determined) FROM marts.mission_toll"
    )


def test_dissolved_states_stay_and_undetermined_is_a_row(real: Connection) -> None:
    found = asked(
        real,
        "SELECT nationality_iso3, contributor, deaths FROM marts.contributor_toll "
        "WHERE nationality_iso3 IS NULL OR nationality_iso3 IN ('SCG', 'YUG') ORDER BY 1",
    )
    # Fourteen of "ZZ [Undetermined]" and one blank.
    assert found == [("SCG", "Serbia and Montenegro", 6), ("YUG", "Yugoslavia", 14), (None, "Undetermined", 15)]


@pytest.mark.parametrize(
    ("day", "month_end", "strength", "after"),
    [
        ("2019-01-25", "2018-02-28", 13_532, "2019-09-30"),
        ("2019-08-31", "2018-02-28", 13_532, "2019-09-30"),
        ("2019-09-30", "2019-09-30", 13_997, "2019-10-31"),
        ("2018-02-28", "2018-02-28", 13_532, "2019-09-30"),
    ],
)
def test_minusma_s_strength_around_the_months_that_print_no_mission(
    real: Connection, day: str, month_end: str, strength: int, after: str
) -> None:
    found = one(
        real,
        "SELECT month_end, sum(uniformed_personnel), next_month_end, round(sum(share_pct), 6) "
        f"FROM marts.top_contributors('MINUSMA', '{day}') GROUP BY ALL",
    )
    assert found == (date.fromisoformat(month_end), strength, date.fromisoformat(after), 100)


def test_the_contributors_of_minusma_before_and_after_that_gap(real: Connection) -> None:
    columns = "rank, contributor_iso3, uniformed_personnel, level_group, next_rank, next_uniformed_personnel"
    found = asked(real, f"SELECT {columns} FROM marts.top_contributors('MINUSMA', '2019-01-25') WHERE rank <= 3")
    assert found == [
        (1, "BFA", 1890, "J", 2, 1540),
        (2, "BGD", 1674, "J", 1, 1621),
        (3, "TCD", 1467, "J", 3, 1446),
    ]


def test_nepal_is_first_over_all_missions_in_july_2025(real: Connection) -> None:
    columns = "rank, contributor_iso3, month_end, uniformed_personnel, level_group, next_month_end, next_rank"
    assert asked(real, f"SELECT {columns} FROM marts.top_contributors() LIMIT 1") == [
        (1, "NPL", date(2025, 7, 31), 6039, "unknown", None, None)
    ]


def test_levels_lose_nobody_and_none_is_held_after_2024(real: Connection) -> None:
    sql = "SELECT month_end, mission, sum({}) FROM {} GROUP BY ALL ORDER BY ALL"
    assert asked(real, sql.format("uniformed_personnel", "marts.personnel_by_level")) == asked(
        real, sql.format("total", "main.uniformed_personnel")
    )
    assert asked(
        real, "SELECT DISTINCT level_group FROM marts.personnel_by_level WHERE month_end > DATE '2024-12-31'"
    ) == [("unknown",)]


def test_no_share_of_women_where_the_report_prints_no_sex(real: Connection) -> None:
    found = asked(real, "SELECT DISTINCT month_end FROM marts.women_in_uniform WHERE women IS NULL OR men IS NULL")
    assert found == [(date(2023, 9, 30),)]
    sql = "SELECT count(women_share_pct), sum(total) > 0 FROM marts.women_in_uniform WHERE month_end = '2023-09-30'"
    assert one(real, sql) == (0, True)


def test_rates_are_given_for_whole_years_only(real: Connection) -> None:
    # Missing: 2015-03, 2016-03, 2017-03, 2020-06, 2022-07; without missions: 2018-03 to 2019-08, 2023-09.
    whole = "SELECT DISTINCT year FROM marts.fatality_rates WHERE rate_per_1000 IS NOT NULL AND months_expected = 12 "
    assert asked(real, f"{whole} AND series = 'monthly_report' ORDER BY 1") == [(2021,), (2024,)]
    assert [year for (year,) in asked(real, f"{whole} AND series = 'ipi' ORDER BY 1")] == list(range(1991, 2016))
    # In 2015 March is missing from the reports held, and IPI has it.
    sql = "SELECT count(*) FROM marts.fatality_rates WHERE year = 2015 AND rate_per_1000 IS NOT NULL AND series = '{}'"
    assert (one(real, sql.format("monthly_report")), one(real, sql.format("ipi"))) == ((0,), (18,))
    assert one(
        real,
        "SELECT months_expected, months_covered, uniformed_deaths, deaths_known_to, rate_per_1000, refused "
        "FROM marts.fatality_rates WHERE mission = 'MINUSMA' AND year = 2019",
    ) == (12, 4, 28, date(2019, 12, 31), None, "8 of 12 months without a report of the mission")


def test_no_rate_of_deaths_without_the_people_they_died_among(real: Connection) -> None:
    def told(mission: str, year: int) -> tuple[Any, ...]:
        columns = "months_expected, months_covered, uniformed_deaths, rate_per_1000, refused"
        return one(real, f"SELECT {columns} FROM marts.fatality_rates WHERE mission = '{mission}' AND year = {year}")

    among = "{} deaths in months without strength of the mission"
    silent = "{0} of {1} months without a report of the mission, {0} of them silent in a report"
    # December 2011 is five months after UNMIS; UNTAET ended on 20 May 2002, before the month-end.
    assert told("UNMIS", 2011) == (6, 6, 3, None, among.format("1 of 3"))
    assert told("UNTAET", 2002) == (4, 4, 2, None, among.format("1 of 2"))
    # January to May under IPTF; named to August 2000 only; begun on 26 September 2017, first named in October.
    assert told("UNMIBH", 1996) == (12, 7, 3, None, silent.format(5, 12))
    assert told("BONUCA", 2000) == (11, 7, 0, None, silent.format(4, 11))
    assert told("UNVMC", 2017) == (4, 3, 1, None, silent.format(1, 4))


def test_every_mission_of_2015_has_a_rate_from_the_series_that_is_whole(real: Connection) -> None:
    sql = "SELECT series, count(*), count(rate_per_1000) FROM marts.fatality_rates WHERE year = 2015 GROUP BY ALL"
    assert asked(real, sql) == [("ipi", 18, 18)]  # the monthly report of March 2015 is missing


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
    found = one(real, f"SELECT {columns} FROM marts.fatality_rates WHERE mission = 'MINUSMA' AND year = 2021")
    # Of 30: 20.24 to 42.83 (tables of the Poisson distribution).
    assert found == (
        "monthly_report", months / 12, 30,
        round(360_000 / months, 3), round(20.24 * 12_000 / months, 2), round(42.83 * 12_000 / months, 2),
    )  # fmt: skip


def test_unosom_is_one_mission_in_deaths_and_in_strength(real: Connection) -> None:
    # IPI prints UNOSOM to May 1994 and UNOSOM II from June; the fatalities print the umbrella only.
    assert one(real, "SELECT count(*) FROM marts.fatality_rates WHERE mission LIKE 'UNOSOM %'") == (0,)
    sql = "SELECT months_covered, uniformed_deaths FROM marts.fatality_rates WHERE mission = 'UNOSOM' AND year = 1994"
    assert one(real, sql) == (12, 44)


@pytest.mark.parametrize("mart", [*VIEWS, *MACROS])
def test_a_mart_answers_at_once(real: Connection, mart: str) -> None:
    took = []
    for _ in range(5):
        start = time.perf_counter()
        asked(real, f"FROM marts.{mart}")
        took.append(time.perf_counter() - start)
    assert min(took) < 0.25  # a fifth of it on an idle machine


# Rows made by hand


def person(number: int, day: str, mission: str, state: str | None, who: str, how: str) -> tuple[Any, ...]:
    return (f"{mission}-{number}", day, mission, state, who, how)


def bury(connection: Connection, *rows: tuple[Any, ...]) -> None:
    known = pd.Series([row[3] for row in rows]).notna().map({True: "known", False: "undetermined"})
    seen = {"first_seen": "2024-12-31", "last_seen": "2024-12-31"}
    put(connection, "main.fatalities", DEATHS, *rows, nationality_status=known, **seen)


def deploy(connection: Connection, *rows: tuple[Any, ...], **same: Any) -> None:
    columns = "month_end mission contributor_iso3 personnel_type female male total"
    how = {"series": "monthly_report", "includes_staff_officers": False, **same}
    put(connection, "main.uniformed_personnel", columns, *rows, **how)


def count_ipi(connection: Connection, mission: str, first: str, last: str, total: int) -> None:
    months = pd.date_range(first, last, freq="ME").strftime("%Y-%m-%d")
    rows = [(month, mission, total, total) for month in months]
    put(connection, "main.mission_strength", "month_end mission troops total", *rows, reported_on=months)


@pytest.fixture
def empty() -> Iterator[Connection]:
    with duckdb.connect() as connection:
        load.create_empty(connection)
        yield connection


@pytest.fixture
def made(empty: Connection) -> Connection:
    """States and missions, and the newest vintage of the fatalities; whoever needs them adds the dead and the months."""
    names = {"BGD": "Bangladesh", "FRA": "France", "IND": "India", "MLI": "Mali", "SCG": "Serbia and Montenegro"}
    put(empty, "main.countries", "iso3 name", *names.items(), kind="current")
    put(
        empty, "main.missions",
        "mission name kind is_active start_date start_date_precision end_date end_date_precision part_of",
        ("A", "Mission A", "peacekeeping", True, "2010-02-10", "day", None, None, None),
        ("B", "Mission B", "peacekeeping", False, "2010-01-01", "first_of_month", "2012-03-01", "first_of_month", None),
        ("P", None, "special_political", None, None, None, None, None, None),
        ("Q", None, "special_political", None, None, None, None, None, None),
        ("U", "Umbrella", "peacekeeping", False, "2000-01-01", "year", "2001-12-31", "day", None),
        ("U I", "A part", "peacekeeping", False, "2000-01-01", "year", "2000-06-30", "day", "U"),
        ("UNSPECIFIED", None, "unspecified", None, None, None, None, None, None),
        in_published_list=True,
    )  # fmt: skip
    put(empty, "meta.snapshots", "source vintage", ("fatalities", "2024-12-31"))
    return empty


@pytest.fixture
def fallen(made: Connection) -> Connection:
    """Nine dead of A, two of B and one of P."""
    bury(
        made,
        person(1, "2011-05-05", "A", "FRA", "Military", "Malicious Act"),
        person(2, "2011-05-05", "A", "FRA", "Police", "Malicious Act"),
        person(3, "2011-05-05", "A", "BGD", "Local", "Malicious Act"),
        person(4, "2011-05-05", "A", "IND", "Military Observer", "To Be Determined"),
        person(5, "2011-05-06", "A", None, "Other", "Malicious Act"),
        person(6, "2012-01-01", "A", "SCG", "Military", "Accident"),
        person(7, "2012-01-02", "A", "SCG", "International Civilian", "Illness"),
        person(8, "2012-01-03", "A", "MLI", "Local", "Self-Inflicted"),
        person(9, "2012-01-04", "A", "MLI", "Local", "Unknown"),
        person(1, "2011-05-05", "B", "FRA", "Local", "Malicious Act"),
        person(2, "2012-01-01", "B", "BGD", "Military", "Malicious Act"),
        person(1, "2011-06-01", "P", "MLI", "Local", "Illness"),
    )
    return made


def test_up_to_means_happened_by_that_day(fallen: Connection) -> None:
    columns = "rank, mission, deaths, uniformed_deaths, pending, last_incident"
    assert ladder(fallen, "'2011-05-05'", columns=columns) == [
        (1, "A", 4, 3, 1, date(2011, 5, 5)),
        (2, "B", 1, 0, 0, date(2011, 5, 5)),
    ]
    assert ladder(fallen, columns=columns) == [
        (1, "A", 9, 4, 1, date(2012, 1, 4)),
        (2, "B", 2, 1, 0, date(2012, 1, 1)),
        (3, "P", 1, 0, 0, date(2011, 6, 1)),
    ]


def test_of_one_cause_pending_may_still_come_to_it(fallen: Connection) -> None:
    columns = "rank, mission, deaths, uniformed_deaths, pending, last_incident"
    assert ladder(fallen, "NULL", "'Malicious Act'", columns=columns) == [
        (1, "A", 4, 2, 1, date(2011, 5, 6)),
        (2, "B", 2, 1, 0, date(2012, 1, 1)),
    ]


def test_missions_that_tie_share_a_rank(fallen: Connection) -> None:
    assert ladder(fallen, "'2012-01-01'", "'Illness'") == [(1, "P", 1)]
    assert ladder(fallen, "'2012-01-02'", "'Illness'") == [(1, "A", 1), (1, "P", 1)]


def test_ranks_of_active_missions_are_among_themselves(fallen: Connection) -> None:
    columns = "rank, mission, is_active"
    assert ladder(fallen, "'2012-03-31'", columns=columns) == [(1, "A", True), (2, "B", True), (3, "P", None)]
    assert ladder(fallen, "'2012-04-01'", columns=columns) == [(1, "A", True), (2, "B", False), (3, "P", None)]
    # Without a day it is the newest vintage's. What is not known to be active is left out.
    assert ladder(fallen, "active_only := true", columns=columns) == [(1, "A", True)]


@pytest.mark.parametrize(
    ("precision", "last", "after"),
    [
        ("day", "2012-03-01", "2012-03-02"),
        ("month", "2012-03-31", "2012-04-01"),
        ("first_of_month", "2012-03-31", "2012-04-01"),
        ("year", "2012-12-31", "2013-01-01"),
    ],
)
def test_a_mission_is_active_to_the_last_day_that_its_end_can_mean(
    fallen: Connection, precision: str, last: str, after: str
) -> None:
    fallen.execute(f"UPDATE main.missions SET end_date_precision = '{precision}' WHERE mission = 'B'")
    sql = "SELECT is_active, end_date FROM marts.deadliest_missions('{}') WHERE mission = 'B'"
    assert one(fallen, sql.format(last)) == (True, date(2012, 3, 1))
    assert one(fallen, sql.format(after)) == (False, date(2012, 3, 1))


def test_reports_stand_for_a_date_that_is_not_known(fallen: Connection) -> None:
    # P is named in May and June 2011, A in the newest month.
    deploy(
        fallen,
        ("2011-05-31", "P", "FRA", "Troops", 0, 1, 1),
        ("2011-06-30", "P", "FRA", "Troops", 0, 1, 1),
        ("2011-07-31", "A", "FRA", "Troops", 0, 1, 1),
    )
    sql = "SELECT is_active FROM marts.deadliest_missions('{}') WHERE mission = 'P'"
    found = [one(fallen, sql.format(day))[0] for day in ("2011-06-01", "2011-06-30", "2011-07-01")]
    assert found == [True, True, False]
    deploy(fallen, ("2011-08-31", "P", "FRA", "Troops", 0, 1, 1))  # now the newest month names it: it runs
    assert one(fallen, sql.format("2019-01-01")) == (True,)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("'2011-05-04'", "up_to is 2011-05-04, but the fatalities begin on 2011-05-05"),
        ("'1947-01-01'", "give that day or a later one"),
        (
            "incident_type := 'malicious'",
            "'malicious' is no incident type; they are: Malicious Act, Illness, Accident, Self-Inflicted, "
            "To Be Determined, Unknown.",
        ),
        ("active_only := NULL", "active_only is true or false"),
    ],
)
def test_a_question_that_has_no_answer_is_an_error_and_never_zero_rows(
    fallen: Connection, arguments: str, told: str
) -> None:
    for what in ("*", "count(*)"):
        with pytest.raises(duckdb.Error) as error:
            asked(fallen, f"SELECT {what} FROM marts.deadliest_missions({arguments})")
        assert told in str(error.value)


def test_a_mission_s_toll(fallen: Connection) -> None:
    fallen.execute("UPDATE main.fatalities SET gender = 'M' WHERE mission = 'A' AND nationality_iso3 <> 'FRA'")
    fallen.execute("UPDATE main.fatalities SET gender = 'F' WHERE casualty_id = 'A-9'")
    columns = (
        "mission, mission_name, kind, start_date, end_date, deaths, malicious_act, accident, illness, self_inflicted, "
        "unknown, to_be_determined, uniformed_deaths, civilian_deaths, women, first_incident, last_incident, "
        "nationalities, rejected_rows"
    )
    found = asked(fallen, "FROM marts.mission_toll ORDER BY mission")
    assert [row[0] for row in asked(fallen, "DESCRIBE marts.mission_toll")] == columns.split(", ")
    starts = (date(2010, 2, 10), None)
    # One of the nine is of the type Other: neither uniformed nor civilian. Of five states one is undetermined.
    assert found[0] == (
        "A", "Mission A", "peacekeeping", *starts, 9, 4, 1, 1, 1, 1, 1, 4, 4, 1, date(2011, 5, 5), date(2012, 1, 4), 5, 0,
    )  # fmt: skip
    assert found[2][:5] == ("P", None, "special_political", None, None)
    assert found[2][14] is None  # no gender of anybody: women are not known, and not none


def test_a_toll_by_year_counts_calendar_years_and_only_what_happened(fallen: Connection) -> None:
    assert asked(
        fallen,
        "SELECT mission, year, incident_type::VARCHAR, deaths, uniformed_deaths FROM marts.mission_toll_by_year "
        "WHERE mission <> 'A' OR year = 2011 ORDER BY ALL",
    ) == [
        ("A", 2011, "Malicious Act", 4, 2),
        ("A", 2011, "To Be Determined", 1, 1),
        ("B", 2011, "Malicious Act", 1, 0),
        ("B", 2012, "Malicious Act", 1, 1),
        ("P", 2011, "Illness", 1, 0),
    ]


def test_a_day_is_one_mission_s_and_ranked_by_malicious_acts(fallen: Connection) -> None:
    found = asked(fallen, "FROM marts.deadliest_days WHERE year(incident_date) = 2011 ORDER BY mission, incident_date")
    assert found == [
        ("A", date(2011, 5, 5), 4, 3, 2, 1, "FRA 2, BGD 1", 1, 1, 1, 0),
        ("A", date(2011, 5, 6), 1, 1, 0, 0, "undetermined 1", 2, None, 3, 0),
        ("B", date(2011, 5, 5), 1, 1, 0, 0, "FRA 1", 2, None, 3, 0),
        ("P", date(2011, 6, 1), 1, 0, 0, 0, None, None, None, None, 0),
    ]
    assert asked(
        fallen, "SELECT rank_malicious, rank_uniformed_malicious, sharing_rank FROM marts.deadliest_days "
        "WHERE mission = 'B' AND year(incident_date) = 2012",
    ) == [(2, 2, 3)]  # fmt: skip


def test_the_toll_of_a_nationality(fallen: Connection) -> None:
    columns = "contributor, deaths, malicious_act, uniformed_deaths, civilian_deaths, missions, nationality_iso3"
    assert asked(fallen, f"SELECT {columns} FROM marts.contributor_toll ORDER BY contributor") == [
        ("Bangladesh", 2, 2, 1, 1, 2, "BGD"),
        ("France", 3, 3, 2, 1, 2, "FRA"),
        ("India", 1, 0, 1, 0, 1, "IND"),
        ("Mali", 3, 0, 0, 3, 2, "MLI"),
        ("Serbia and Montenegro", 2, 0, 1, 1, 1, "SCG"),
        ("Undetermined", 1, 1, 0, 0, 1, None),
    ]


def test_a_nationality_that_no_list_knows_keeps_its_published_name(fallen: Connection) -> None:
    fallen.execute(
        "UPDATE main.fatalities SET nationality_iso3 = NULL, nationality_status = 'unresolved', "
        "nationality_as_published = 'Atlantis' WHERE casualty_id = 'A-4'"
    )
    sql = "SELECT contributor, deaths FROM marts.contributor_toll WHERE nationality_iso3 IS NULL ORDER BY 1"
    assert asked(fallen, sql) == [("Atlantis", 1), ("Undetermined", 1)]


@pytest.fixture
def deployed(made: Connection) -> Connection:
    """A in January, March and May, nobody printed a mission in February, and its zeros in May; P beside it."""
    put(
        made, "main.peacekeeping_levels", "scale_period contributor_iso3 level",
        ("2016-2018", "FRA", "A"), ("2016-2018", "BGD", "J"), ("2016-2018", "IND", "E"), ("2016-2018", "MLI", "D"),
        ("2019-2021", "FRA", "B"),
        peacekeeping_year="2018-19", period_start="2018-07-01", period_end="2019-06-30", fit="ok", regular_rate_pct=1.0,
    )  # fmt: skip
    deploy(
        made,
        ("2018-01-31", "A", "FRA", "Troops", 10, 50, 60),
        ("2018-01-31", "A", "FRA", "Staff Officer", 0, 5, 5),
        ("2018-01-31", "A", "FRA", "Individual Police", 1, 2, 3),
        ("2018-01-31", "A", "FRA", "Formed Police Units", 0, 7, 7),
        ("2018-01-31", "A", "BGD", "Experts on Mission", 5, 15, 20),
        ("2018-01-31", "A", "IND", "Troops", 0, 20, 20),
        ("2018-01-31", "A", "MLI", "Troops", 0, 0, 0),
        ("2018-01-31", "P", "IND", "Troops", 0, 100, 100),
        ("2018-02-28", "UNSPECIFIED", "IND", "Troops", None, None, 300),
        ("2019-03-31", "A", "FRA", "Troops", 1, 4, 5),
        ("2019-03-31", "A", "MLI", "Troops", 2, 6, 8),
        ("2019-05-31", "A", "FRA", "Troops", 0, 0, 0),
        ("2019-05-31", "P", "FRA", "Troops", 1, 2, 3),
    )
    return made


def test_the_contributors_of_a_mission_and_where_they_stood_next(deployed: Connection) -> None:
    month, after, whole = date(2018, 1, 31), date(2019, 3, 31), (False, False)
    for day in ("2018-01-31", "2018-02-28", "2019-03-30"):
        found = asked(deployed, f"FROM marts.top_contributors('A', '{day}')")
        share = [pytest.approx(100 * people / 115) for people in (75, 20)]
        assert found == [
            (1, "FRA", "France", month, 75, 60, 5, 0, 10, share[0], "A", after, 2, 5, *whole),
            (2, "BGD", "Bangladesh", month, 20, 0, 0, 20, 0, share[1], "J", after, None, None, *whole),
            (2, "IND", "India", month, 20, 20, 0, 0, 0, share[1], "D-G", after, None, None, *whole),
        ]


def test_a_month_of_zeros_has_no_contributors_and_the_one_before_is_the_newest(deployed: Connection) -> None:
    columns = "contributor_iso3, month_end, uniformed_personnel, level_group, next_month_end"
    assert asked(deployed, f"SELECT {columns} FROM marts.top_contributors('A')") == [
        ("MLI", date(2019, 3, 31), 8, "unknown", None),
        ("FRA", date(2019, 3, 31), 5, "B", None),
    ]


def test_over_all_missions_every_month_counts(deployed: Connection) -> None:
    columns = "rank, contributor_iso3, month_end, uniformed_personnel, next_month_end, next_rank"
    january, february, march = date(2018, 1, 31), date(2018, 2, 28), date(2019, 3, 31)
    assert asked(deployed, f"SELECT {columns} FROM marts.top_contributors(NULL, '2018-02-27')")[:2] == [
        (1, "IND", january, 120, february, 1),
        (2, "FRA", january, 75, february, None),
    ]
    sql = f"SELECT {columns} FROM marts.top_contributors(on_date := '2018-02-28')"
    assert asked(deployed, sql) == [(1, "IND", february, 300, march, None)]
    assert asked(deployed, f"SELECT {columns} FROM marts.top_contributors()") == [
        (1, "FRA", date(2019, 5, 31), 3, None, None)
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("'B'", "no report of uniformed personnel held here names a mission 'B'; they name: A, P."),
        ("'UNSPECIFIED'", "names a mission 'UNSPECIFIED'; they name: A, P."),
        ("'A', '2018-01-30'", "the reports held here that name A begin with 2018-01-31, after 2018-01-30"),
        ("NULL, '2018-01-30'", "the reports held here begin with 2018-01-31, after 2018-01-30"),
    ],
)
def test_contributors_that_cannot_be_told_are_an_error(deployed: Connection, arguments: str, told: str) -> None:
    for what in ("*", "count(*)"):
        with pytest.raises(duckdb.Error) as error:
            asked(deployed, f"SELECT {what} FROM marts.top_contributors({arguments})")
        assert told in str(error.value)


def test_personnel_by_level(deployed: Connection) -> None:
    sql = "SELECT level_group, uniformed_personnel, share_pct, states FROM marts.personnel_by_level"
    found = asked(deployed, f"{sql} WHERE mission = 'A' AND month_end = '2018-01-31' ORDER BY 1")
    # India is E and Mali D: together. Mali's published zero is no state that serves.
    assert found == [
        ("A", 75, pytest.approx(100 * 75 / 115), 1),
        ("D-G", 20, pytest.approx(100 * 20 / 115), 1),
        ("J", 20, pytest.approx(100 * 20 / 115), 1),
    ]
    later = asked(deployed, f"{sql} WHERE mission = 'A' AND month_end = '2019-03-31' ORDER BY 1")
    assert [row[:2] for row in later] == [("B", 5), ("unknown", 8)]
    assert asked(deployed, f"{sql} WHERE mission = 'A' AND month_end = '2019-05-31'") == [("B", 0, None, 0)]


def test_women_in_uniform(deployed: Connection) -> None:
    columns = "personnel_type::VARCHAR, women, men, total, women_share_pct"
    sql = f"SELECT {columns} FROM marts.women_in_uniform"
    assert asked(deployed, f"{sql} WHERE mission = 'A' AND month_end = '2018-01-31' ORDER BY 1") == [
        ("Experts on Mission", 5, 15, 20, 25.0),
        ("Formed Police Units", 0, 7, 7, 0.0),
        ("Individual Police", 1, 2, 3, pytest.approx(100 / 3)),
        ("Staff Officer", 0, 5, 5, 0.0),
        ("Troops", 10, 70, 80, 12.5),
    ]
    assert asked(deployed, f"{sql} WHERE mission = 'UNSPECIFIED'") == [("Troops", None, None, 300, None)]
    assert asked(deployed, f"{sql} WHERE mission = 'A' AND month_end = '2019-05-31'") == [("Troops", 0, 0, 0, None)]


# Rates


def rate(connection: Connection, columns: str, mission: str = "A") -> dict[int, tuple[Any, ...]]:
    rows = asked(connection, f"SELECT year, {columns} FROM marts.fatality_rates WHERE mission = '{mission}'")
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
def test_the_interval_of_a_rate_is_the_exact_one(made: Connection, deaths: int, low: float, high: float) -> None:
    count_ipi(made, "A", "2013-01-31", "2013-12-31", 500)
    if deaths:
        bury(made, *soldiers("A", 2013, deaths))
    found = rate(made, "series, person_years, uniformed_deaths, rate_per_1000, rate_low, rate_high, refused")[2013]
    assert found[:4] == ("ipi", 500.0, deaths, pytest.approx(2 * deaths)) and found[6] is None
    assert found[4:6] == (pytest.approx(2 * low, abs=0.002), pytest.approx(2 * high, abs=0.002))


def test_only_uniformed_deaths_are_in_a_rate_and_pending_ones_too(made: Connection) -> None:
    count_ipi(made, "A", "2013-01-31", "2013-12-31", 1000)
    bury(
        made,
        person(1, "2013-01-01", "A", "FRA", "Military", "Illness"),
        person(2, "2013-12-31", "A", "FRA", "Police", "To Be Determined"),
        person(3, "2013-12-31", "A", "FRA", "Local", "To Be Determined"),
        person(4, "2013-12-31", "A", "FRA", "Other", "Malicious Act"),
        person(5, "2014-01-01", "A", "FRA", "Military Observer", "Malicious Act"),
    )
    found = rate(made, "uniformed_deaths, pending, rate_per_1000, deaths_known_to")
    assert found == {2013: (2, 1, 2.0, date(2013, 12, 31))}


def test_the_series_that_is_whole_is_taken_and_the_two_are_never_mixed(made: Connection) -> None:
    count_ipi(made, "A", "2013-01-31", "2014-12-31", 600)
    deploy(made, ("2014-01-31", "A", "FRA", "Troops", 0, 12, 12))
    columns = "series, months_expected, months_covered, person_years, refused"
    assert rate(made, columns) == {2013: ("ipi", 12, 12, 600.0, None), 2014: ("ipi", 12, 12, 600.0, None)}
    made.execute("DELETE FROM main.mission_strength WHERE month_end = DATE '2014-06-30'")  # now neither is
    refused = "11 of 12 months without a report of the mission"
    assert rate(made, columns)[2014] == ("monthly_report", 12, 1, 1.0, refused)


def test_deaths_in_a_month_without_strength_refuse_the_rate(made: Connection) -> None:
    # B ended in March 2012; somebody died in it in November.
    count_ipi(made, "B", "2012-01-31", "2012-02-29", 120)
    bury(made, person(1, "2012-01-05", "B", "FRA", "Military", "Illness"))
    assert rate(made, "uniformed_deaths, refused", "B")[2012] == (1, None)
    bury(made, person(2, "2012-11-05", "B", "FRA", "Military", "Illness"))
    refused = "1 of 2 deaths in months without strength of the mission"
    assert rate(made, "uniformed_deaths, rate_per_1000, refused", "B")[2012] == (2, None, refused)


def test_one_missing_month_refuses_the_rate(made: Connection) -> None:
    count_ipi(made, "A", "2013-01-31", "2013-12-31", 600)
    made.execute("DELETE FROM main.mission_strength WHERE month_end = DATE '2013-06-30'")
    columns = "months_expected, months_covered, person_years, rate_per_1000, rate_low, rate_high, refused"
    refused = "1 of 12 months without a report of the mission"
    assert rate(made, columns) == {2013: (12, 11, 550.0, None, None, None, refused)}
    count_ipi(made, "B", "2013-06-30", "2013-06-30", 1)  # a report of that month, which leaves A out
    silent = f"{refused}, 1 of them silent in a report"
    assert rate(made, columns)[2013] == (12, 11, 550.0, None, None, None, silent)


def test_a_month_that_prints_no_mission_covers_none(made: Connection) -> None:
    months = pd.date_range("2021-01-31", "2021-12-31", freq="ME").strftime("%Y-%m-%d")
    deploy(
        made,
        *[(month, "A" if i else "UNSPECIFIED", "FRA", "Troops", 0, 1, 1) for i, month in enumerate(reversed(months))],
    )
    assert rate(made, "months_expected, months_covered")[2021] == (12, 11)


def test_a_mission_s_first_and_last_months_are_expected_by_its_dates(made: Connection) -> None:
    # A began on 10 February 2010; B ended in March 2012, on no known day, so that no month-end of March is expected.
    count_ipi(made, "A", "2010-04-30", "2012-12-31", 120)
    count_ipi(made, "B", "2010-01-31", "2012-02-29", 120)
    # February and March of A have a report, which does not name it yet: its people may go under another name.
    refused = "2 of 11 months without a report of the mission, 2 of them silent in a report"
    assert rate(made, "months_expected, months_covered, person_years, refused")[2010] == (11, 9, 90.0, refused)
    assert rate(made, "months_expected, months_covered, person_years, refused", "B")[2012] == (2, 2, 20.0, None)


def test_strength_outside_of_the_dates_counts_but_a_year_of_it_has_no_rate(made: Connection) -> None:
    count_ipi(made, "B", "2012-01-31", "2013-12-31", 120)
    bury(made, *soldiers("B", 2012, 3), *soldiers("B", 2013, 3))
    assert rate(made, "months_expected, months_covered, person_years, rate_per_1000, refused", "B") == {
        2012: (2, 2, 120.0, 25.0, None),
        2013: (0, 0, 120.0, None, "outside of the mission's dates"),
    }


def test_the_namings_stand_for_dates_that_are_not_known(made: Connection) -> None:
    count_ipi(made, "P", "2012-11-30", "2013-02-28", 12)
    count_ipi(made, "A", "2012-01-31", "2014-12-31", 12)
    assert rate(made, "months_expected, months_covered", "P") == {2012: (2, 2), 2013: (2, 2)}
    # Named in the newest month it still runs, and the rest of that year is missing.
    count_ipi(made, "P", "2015-01-31", "2015-01-31", 12)
    assert rate(made, "months_expected, months_covered", "P")[2015] == (12, 1)


def test_parts_stand_under_their_umbrella(made: Connection) -> None:
    count_ipi(made, "U I", "2000-01-31", "2000-06-30", 100)
    count_ipi(made, "U", "2000-07-31", "2000-12-31", 300)
    bury(made, *soldiers("U", 2000, 2), *soldiers("U I", 2000, 3))
    assert rate(made, "months_covered, person_years, uniformed_deaths, rate_per_1000", "U") == {
        2000: (12, 200.0, 5, 25.0)
    }
    assert rate(made, "months_covered", "U I") == {}


def test_nobody_there_is_no_rate(made: Connection) -> None:
    count_ipi(made, "A", "2013-01-31", "2013-12-31", 0)
    bury(made, *soldiers("A", 2013, 1))
    found = rate(made, "person_years, uniformed_deaths, rate_per_1000, refused")[2013]
    assert found == (0.0, 1, None, "no uniformed personnel in the year")


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
    count_ipi(made, "A", "2013-01-31", "2013-12-31", 1000)
    bury(made, *soldiers("A", 2013, 2))
    made.execute("DELETE FROM meta.snapshots")
    if vintage:
        put(made, "meta.snapshots", "source vintage", ("fatalities", vintage), ("missions", "2024-01-01"))
    found = rate(made, "uniformed_deaths, deaths_known_to, rate_per_1000, refused")[2013]
    assert found == (deaths, known_to, None if refused else 2.0, refused)


# All of them


def test_without_rows_the_views_have_none_and_the_macros_say_so(empty: Connection) -> None:
    assert [asked(empty, f"FROM marts.{view}") for view in VIEWS] == [[]] * len(VIEWS)
    for macro, told in (("deadliest_missions", "no fatalities"), ("top_contributors", "no uniformed personnel")):
        with pytest.raises(duckdb.Error, match=f"{told} are held"):
            asked(empty, f"FROM marts.{macro}()")


@pytest.mark.parametrize("mart", VIEWS)
def test_every_column_says_what_it_holds(empty: Connection, mart: str) -> None:
    told = asked(empty, f"SELECT comment FROM duckdb_columns() WHERE schema_name = 'marts' AND table_name = '{mart}'")
    assert told and all((comment or "").strip() for (comment,) in told)
