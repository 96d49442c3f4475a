"""The marts on deaths, on a few rows made by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb
import pytest
from marts_shared import Connection, add_deaths, add_personnel, one, person, select


def ladder(connection: Connection, *arguments: str, columns: str = "rank, mission, deaths") -> list[tuple[Any, ...]]:
    return select(connection, f"SELECT {columns} FROM marts.deadliest_missions({', '.join(arguments)})")


@pytest.fixture
def with_deaths(made: Connection) -> Connection:
    """Nine dead of A, two of B and one of P."""
    add_deaths(
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


def test_up_to_counts_what_happened_by_that_day(with_deaths: Connection) -> None:
    columns = "rank, mission, deaths, uniformed_deaths, pending, last_incident"
    assert ladder(with_deaths, "'2011-05-05'", columns=columns) == [
        (1, "A", 4, 3, 1, date(2011, 5, 5)),
        (2, "B", 1, 0, 0, date(2011, 5, 5)),
    ]
    assert ladder(with_deaths, columns=columns) == [
        (1, "A", 9, 4, 1, date(2012, 1, 4)),
        (2, "B", 2, 1, 0, date(2012, 1, 1)),
        (3, "P", 1, 0, 0, date(2011, 6, 1)),
    ]


def test_pending_deaths_are_given_beside_those_of_one_cause(with_deaths: Connection) -> None:
    columns = "rank, mission, deaths, uniformed_deaths, pending, last_incident"
    assert ladder(with_deaths, "NULL", "'Malicious Act'", columns=columns) == [
        (1, "A", 4, 2, 1, date(2011, 5, 6)),
        (2, "B", 2, 1, 0, date(2012, 1, 1)),
    ]


def test_missions_that_tie_share_a_rank(with_deaths: Connection) -> None:
    assert ladder(with_deaths, "'2012-01-01'", "'Illness'") == [(1, "P", 1)]
    assert ladder(with_deaths, "'2012-01-02'", "'Illness'") == [(1, "A", 1), (1, "P", 1)]


def test_ranks_of_active_missions_are_among_themselves(with_deaths: Connection) -> None:
    columns = "rank, mission, is_active"
    assert ladder(with_deaths, "'2012-03-31'", columns=columns) == [(1, "A", True), (2, "B", True), (3, "P", None)]
    assert ladder(with_deaths, "'2012-04-01'", columns=columns) == [(1, "A", True), (2, "B", False), (3, "P", None)]
    # Without a day it is the newest vintage's. What is not known to be active is left out.
    assert ladder(with_deaths, "active_only := true", columns=columns) == [(1, "A", True)]


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
    with_deaths: Connection, precision: str, last: str, after: str
) -> None:
    with_deaths.execute(f"UPDATE main.missions SET end_date_precision = '{precision}' WHERE mission = 'B'")
    sql = "SELECT is_active, end_date FROM marts.deadliest_missions('{}') WHERE mission = 'B'"
    assert one(with_deaths, sql.format(last)) == (True, date(2012, 3, 1))
    assert one(with_deaths, sql.format(after)) == (False, date(2012, 3, 1))


def test_reports_replace_a_date_that_is_not_known(with_deaths: Connection) -> None:
    # P is named in May and June 2011, A in the newest month.
    add_personnel(
        with_deaths,
        ("2011-05-31", "P", "FRA", "Troops", 0, 1, 1),
        ("2011-06-30", "P", "FRA", "Troops", 0, 1, 1),
        ("2011-07-31", "A", "FRA", "Troops", 0, 1, 1),
    )
    sql = "SELECT is_active FROM marts.deadliest_missions('{}') WHERE mission = 'P'"
    active = [one(with_deaths, sql.format(day))[0] for day in ("2011-06-01", "2011-06-30", "2011-07-01")]
    assert active == [True, True, False]
    add_personnel(with_deaths, ("2011-08-31", "P", "FRA", "Troops", 0, 1, 1))  # now the newest month names it: it runs
    assert one(with_deaths, sql.format("2019-01-01")) == (True,)


@pytest.mark.parametrize(
    ("arguments", "message"),
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
    with_deaths: Connection, arguments: str, message: str
) -> None:
    for what in ("*", "count(*)"):
        with pytest.raises(duckdb.Error) as error:
            select(with_deaths, f"SELECT {what} FROM marts.deadliest_missions({arguments})")
        assert message in str(error.value)


def test_a_mission_s_toll(with_deaths: Connection) -> None:
    with_deaths.execute("UPDATE main.fatalities SET gender = 'M' WHERE mission = 'A' AND nationality_iso3 <> 'FRA'")
    with_deaths.execute("UPDATE main.fatalities SET gender = 'F' WHERE casualty_id = 'A-9'")
    columns = (
        "mission, mission_name, kind, start_date, end_date, deaths, malicious_act, accident, illness, self_inflicted, "
        "unknown, to_be_determined, uniformed_deaths, civilian_deaths, women, first_incident, last_incident, "
        "nationalities, rejected_rows"
    )
    rows = select(with_deaths, "FROM marts.mission_toll ORDER BY mission")
    assert [row[0] for row in select(with_deaths, "DESCRIBE marts.mission_toll")] == columns.split(", ")
    starts = (date(2010, 2, 10), None)
    # One of the nine is of the type Other: neither uniformed nor civilian. Of five states one is undetermined.
    assert rows[0] == (
        "A", "Mission A", "peacekeeping", *starts, 9, 4, 1, 1, 1, 1, 1, 4, 4, 1, date(2011, 5, 5), date(2012, 1, 4), 5, 0,
    )  # fmt: skip
    assert rows[2][:5] == ("P", None, "special_political", None, None)
    assert rows[2][14] is None  # no gender of anybody: women are not known, and not none


def test_a_toll_by_year_counts_calendar_years_and_only_what_happened(with_deaths: Connection) -> None:
    assert select(
        with_deaths,
        "SELECT mission, year, incident_type::VARCHAR, deaths, uniformed_deaths FROM marts.mission_toll_by_year "
        "WHERE mission <> 'A' OR year = 2011 ORDER BY ALL",
    ) == [
        ("A", 2011, "Malicious Act", 4, 2),
        ("A", 2011, "To Be Determined", 1, 1),
        ("B", 2011, "Malicious Act", 1, 0),
        ("B", 2012, "Malicious Act", 1, 1),
        ("P", 2011, "Illness", 1, 0),
    ]


def test_a_day_is_one_mission_s_and_ranked_by_malicious_acts(with_deaths: Connection) -> None:
    rows = select(
        with_deaths, "FROM marts.deadliest_days WHERE year(incident_date) = 2011 ORDER BY mission, incident_date"
    )
    assert rows == [
        ("A", date(2011, 5, 5), 4, 3, 2, 1, "FRA 2, BGD 1", 1, 1, 1, 0),
        ("A", date(2011, 5, 6), 1, 1, 0, 0, "undetermined 1", 2, None, 3, 0),
        ("B", date(2011, 5, 5), 1, 1, 0, 0, "FRA 1", 2, None, 3, 0),
        ("P", date(2011, 6, 1), 1, 0, 0, 0, None, None, None, None, 0),
    ]
    assert select(
        with_deaths, "SELECT rank_malicious, rank_uniformed_malicious, sharing_rank FROM marts.deadliest_days "
        "WHERE mission = 'B' AND year(incident_date) = 2012",
    ) == [(2, 2, 3)]  # fmt: skip


def test_the_toll_of_a_nationality(with_deaths: Connection) -> None:
    columns = "contributor, deaths, malicious_act, uniformed_deaths, civilian_deaths, missions, nationality_iso3"
    assert select(with_deaths, f"SELECT {columns} FROM marts.contributor_toll ORDER BY contributor") == [
        ("Bangladesh", 2, 2, 1, 1, 2, "BGD"),
        ("France", 3, 3, 2, 1, 2, "FRA"),
        ("India", 1, 0, 1, 0, 1, "IND"),
        ("Mali", 3, 0, 0, 3, 2, "MLI"),
        ("Serbia and Montenegro", 2, 0, 1, 1, 1, "SCG"),
        ("Undetermined", 1, 1, 0, 0, 1, None),
    ]


def test_a_nationality_that_no_list_knows_keeps_its_published_name(with_deaths: Connection) -> None:
    with_deaths.execute(
        "UPDATE main.fatalities SET nationality_iso3 = NULL, nationality_status = 'unresolved', "
        "nationality_as_published = 'Atlantis' WHERE casualty_id = 'A-4'"
    )
    sql = "SELECT contributor, deaths FROM marts.contributor_toll WHERE nationality_iso3 IS NULL ORDER BY 1"
    assert select(with_deaths, sql) == [("Atlantis", 1), ("Undetermined", 1)]
