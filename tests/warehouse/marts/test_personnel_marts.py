"""The marts on contributors, levels and women, on a few rows made by hand."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest
from marts_shared import Connection, add_personnel, put, select


@pytest.fixture
def with_personnel(made: Connection) -> Connection:
    """A and P: in February no mission is printed, in May A has only zeros."""
    put(
        made, "main.peacekeeping_levels", "scale_period contributor_iso3 level",
        ("2016-2018", "FRA", "A"), ("2016-2018", "BGD", "J"), ("2016-2018", "IND", "E"), ("2016-2018", "MLI", "D"),
        ("2019-2021", "FRA", "B"),
        peacekeeping_year="2018-19", period_start="2018-07-01", period_end="2019-06-30", fit="ok", regular_rate_pct=1.0,
    )  # fmt: skip
    add_personnel(
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


def test_the_contributors_of_a_mission_and_their_next_rank_and_number(with_personnel: Connection) -> None:
    month, after = date(2018, 1, 31), date(2019, 3, 31)
    whole = ("monthly_report", False, "monthly_report", False, False)
    for day in ("2018-01-31", "2018-02-28", "2019-03-30"):
        rows = select(with_personnel, f"FROM marts.top_contributors('A', '{day}')")
        share = [pytest.approx(100 * people / 115) for people in (75, 20)]
        assert rows == [
            (1, "FRA", "France", month, 75, 60, 5, 0, 10, share[0], "A", after, 2, 5, *whole),
            (2, "BGD", "Bangladesh", month, 20, 0, 0, 20, 0, share[1], "J", after, None, None, *whole),
            (2, "IND", "India", month, 20, 20, 0, 0, 0, share[1], "D-G", after, None, None, *whole),
        ]


def test_a_month_of_zeros_has_no_contributors_and_the_one_before_is_the_newest(with_personnel: Connection) -> None:
    columns = "contributor_iso3, month_end, uniformed_personnel, level_group, next_month_end"
    assert select(with_personnel, f"SELECT {columns} FROM marts.top_contributors('A')") == [
        ("MLI", date(2019, 3, 31), 8, "unknown", None),
        ("FRA", date(2019, 3, 31), 5, "B", None),
    ]


def test_over_all_missions_every_month_counts(with_personnel: Connection) -> None:
    columns = "rank, contributor_iso3, month_end, uniformed_personnel, next_month_end, next_rank"
    january, february, march = date(2018, 1, 31), date(2018, 2, 28), date(2019, 3, 31)
    assert select(with_personnel, f"SELECT {columns} FROM marts.top_contributors(NULL, '2018-02-27')")[:2] == [
        (1, "IND", january, 120, february, 1),
        (2, "FRA", january, 75, february, None),
    ]
    sql = f"SELECT {columns} FROM marts.top_contributors(on_date := '2018-02-28')"
    assert select(with_personnel, sql) == [(1, "IND", february, 300, march, None)]
    assert select(with_personnel, f"SELECT {columns} FROM marts.top_contributors()") == [
        (1, "FRA", date(2019, 5, 31), 3, None, None)
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("'B'", "no report of uniformed personnel held here names a mission 'B'; they name: A, P."),
        ("'UNSPECIFIED'", "names a mission 'UNSPECIFIED'; they name: A, P."),
        ("'A', '2018-01-30'", "the reports held here that name A begin with 2018-01-31, after 2018-01-30"),
        ("NULL, '2018-01-30'", "the reports held here begin with 2018-01-31, after 2018-01-30"),
    ],
)
def test_a_question_about_contributors_without_an_answer_is_an_error(
    with_personnel: Connection, arguments: str, message: str
) -> None:
    for what in ("*", "count(*)"):
        with pytest.raises(duckdb.Error) as error:
            select(with_personnel, f"SELECT {what} FROM marts.top_contributors({arguments})")
        assert message in str(error.value)


def test_personnel_by_level(with_personnel: Connection) -> None:
    sql = "SELECT level_group, uniformed_personnel, share_pct, states FROM marts.personnel_by_level"
    rows = select(with_personnel, f"{sql} WHERE mission = 'A' AND month_end = '2018-01-31' ORDER BY 1")
    # India is E and Mali D: together. Mali's published zero is no state that serves.
    assert rows == [
        ("A", 75, pytest.approx(100 * 75 / 115), 1),
        ("D-G", 20, pytest.approx(100 * 20 / 115), 1),
        ("J", 20, pytest.approx(100 * 20 / 115), 1),
    ]
    later = select(with_personnel, f"{sql} WHERE mission = 'A' AND month_end = '2019-03-31' ORDER BY 1")
    assert [row[:2] for row in later] == [("B", 5), ("unknown", 8)]
    assert select(with_personnel, f"{sql} WHERE mission = 'A' AND month_end = '2019-05-31'") == [("B", 0, None, 0)]


def test_women_in_uniform(with_personnel: Connection) -> None:
    columns = "personnel_type::VARCHAR, women, men, total, women_share_pct"
    sql = f"SELECT {columns} FROM marts.women_in_uniform"
    assert select(with_personnel, f"{sql} WHERE mission = 'A' AND month_end = '2018-01-31' ORDER BY 1") == [
        ("Experts on Mission", 5, 15, 20, 25.0),
        ("Formed Police Units", 0, 7, 7, 0.0),
        ("Individual Police", 1, 2, 3, pytest.approx(100 / 3)),
        ("Staff Officer", 0, 5, 5, 0.0),
        ("Troops", 10, 70, 80, 12.5),
    ]
    assert select(with_personnel, f"{sql} WHERE mission = 'UNSPECIFIED'") == [("Troops", None, None, 300, None)]
    assert select(with_personnel, f"{sql} WHERE mission = 'A' AND month_end = '2019-05-31'") == [
        ("Troops", 0, 0, 0, None)
    ]


def test_without_rows_the_macros_raise_an_error(empty: Connection) -> None:
    for macro, message in (("deadliest_missions", "no fatalities"), ("top_contributors", "no uniformed personnel")):
        with pytest.raises(duckdb.Error, match=f"{message} are held"):
            select(empty, f"FROM marts.{macro}()")
