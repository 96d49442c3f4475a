"""The marts' numbers on the small warehouse, worked out by hand from the rows of conftest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse.query import Answer, connect

APRIL_2017, MAY_2017, SEPTEMBER_2023 = date(2017, 4, 30), date(2017, 5, 31), date(2023, 9, 30)


@pytest.fixture(scope="module")
def connection(small: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(small) as connection:
        yield connection


def select(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return Answer(connection, sql).rows()


# Fatalities


def test_casualties_are_counted_by_mission_and_incident_type(connection: duckdb.DuckDBPyConnection) -> None:
    rows = select(
        connection,
        "SELECT mission, mission_kind, incident_type, casualties, uniformed_casualties, first_incident, last_incident "
        "FROM marts.fatalities_by_mission_and_incident_type ORDER BY mission, incident_type::VARCHAR",
    )
    tbd = "To Be Determined"
    assert rows == [
        ("MINUSMA", "peacekeeping", "Illness", 1, 1, date(2018, 5, 5), date(2018, 5, 5)),
        ("MINUSMA", "peacekeeping", "Malicious Act", 3, 2, date(2013, 7, 6), date(2019, 1, 20)),
        ("MINUSMA", "peacekeeping", tbd, 2, 1, date(2020, 3, 3), date(2021, 4, 4)),
        ("UNAMA", "special_political", "Accident", 1, 0, date(2010, 1, 1), date(2010, 1, 1)),
        ("UNOSOM I", "peacekeeping", tbd, 1, 1, date(1992, 9, 14), date(1992, 9, 14)),
    ]


def test_pending_is_the_mission_s_number_still_to_be_determined_beside_every_type(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    rows = select(
        connection, "SELECT mission, incident_type, pending FROM marts.fatalities_by_mission_and_incident_type"
    )
    assert sorted(rows) == [
        ("MINUSMA", "Illness", 2),
        ("MINUSMA", "Malicious Act", 2),
        ("MINUSMA", "To Be Determined", 2),
        ("UNAMA", "Accident", 0),
        ("UNOSOM I", "To Be Determined", 1),
    ]


def test_no_casualty_is_lost_or_counted_twice(connection: duckdb.DuckDBPyConnection) -> None:
    assert select(connection, "SELECT sum(casualties) FROM marts.fatalities_by_mission_and_incident_type") == [(8,)]


# Contributions


def test_shares_and_ranks_of_a_year(connection: duckdb.DuckDBPyConnection) -> None:
    rows = select(
        connection,
        "SELECT contributor_iso3, contributor, amount_usd, round(share_pct, 9), rank_in_year "
        "FROM marts.assessment_shares WHERE peacekeeping_year = '2018-19' ORDER BY contributor_iso3",
    )
    assert rows == [
        ("BGD", "Bangladesh", Decimal("3000000000.00"), 30.0, 1),
        ("CIV", "Côte d'Ivoire", Decimal("2000000000.00"), 20.0, 3),
        ("FRA", "France", Decimal("3000000000.00"), 30.0, 1),
        ("IND", "India", Decimal("1000000000.00"), 10.0, 4),
        ("MLI", "Mali", Decimal("1000000000.00"), 10.0, 4),
    ]


def test_shares_are_of_the_year_s_own_sum(connection: duckdb.DuckDBPyConnection) -> None:
    rows = select(
        connection,
        "SELECT contributor_iso3, round(share_pct, 9), rank_in_year FROM marts.assessment_shares "
        "WHERE peacekeeping_year = '2019-20' ORDER BY contributor_iso3",
    )
    assert rows == [("BGD", 27.5, 1), ("CIV", 17.5, 4), ("FRA", 27.5, 1), ("IND", 27.5, 1)]


def test_the_shares_of_each_year_add_up_to_a_hundred(connection: duckdb.DuckDBPyConnection) -> None:
    rows = select(
        connection,
        "SELECT peacekeeping_year, sum(share_pct) FROM marts.assessment_shares GROUP BY ALL ORDER BY ALL",
    )
    assert rows == [("2018-19", pytest.approx(100)), ("2019-20", pytest.approx(100))]


# Personnel

COUNTS = "contributor_iso3, uniformed_personnel, troops, staff_officers, experts_on_mission, police"


def month(connection: duckdb.DuckDBPyConnection, day: date, columns: str) -> list[tuple[Any, ...]]:
    return select(
        connection,
        f"SELECT {columns} FROM marts.personnel_by_contributor_and_month "
        f"WHERE month_end = DATE '{day}' ORDER BY contributor_iso3",
    )


def test_personnel_is_added_over_missions_and_types(connection: duckdb.DuckDBPyConnection) -> None:
    assert month(connection, APRIL_2017, COUNTS) == [
        ("BGD", 110, 110, 0, 0, 0),
        ("CIV", 0, 0, 0, 0, 0),  # a published zero is a row
        ("FRA", 25, 0, 0, 0, 25),
        ("IND", 110, 100, 0, 5, 5),
    ]
    assert month(connection, MAY_2017, COUNTS) == [("FRA", 4, 0, 4, 0, 0), ("IND", 100, 97, 3, 0, 0)]
    assert month(connection, SEPTEMBER_2023, COUNTS) == [("FRA", 7, 3, 0, 0, 4), ("IND", 57, 50, 0, 0, 7)]


def test_the_columns_by_type_add_up_to_the_whole(connection: duckdb.DuckDBPyConnection) -> None:
    assert select(
        connection,
        "SELECT count(*) FROM marts.personnel_by_contributor_and_month "
        "WHERE uniformed_personnel <> troops + staff_officers + experts_on_mission + police",
    ) == [(0,)]


def test_a_contributor_has_its_name(connection: duckdb.DuckDBPyConnection) -> None:
    assert month(connection, MAY_2017, "contributor") == [("France",), ("India",)]


def test_women_and_men_are_added_where_every_row_prints_them(connection: duckdb.DuckDBPyConnection) -> None:
    assert month(connection, APRIL_2017, "contributor_iso3, women, men") == [
        ("BGD", 0, 110),
        ("CIV", 0, 0),
        ("FRA", 5, 20),
        ("IND", 13, 97),
    ]


def test_women_and_men_are_null_where_any_row_prints_no_sex(connection: duckdb.DuckDBPyConnection) -> None:
    assert month(connection, SEPTEMBER_2023, "contributor_iso3, women, men") == [
        ("FRA", None, None),  # one of its two rows has them: their sum would pass for the whole
        ("IND", None, None),
    ]


def test_ties_share_a_rank_and_the_next_is_skipped(connection: duckdb.DuckDBPyConnection) -> None:
    assert month(connection, APRIL_2017, "contributor_iso3, rank_in_month") == [
        ("BGD", 1),
        ("CIV", 4),
        ("FRA", 3),
        ("IND", 1),
    ]


def test_ranks_are_of_each_month_apart(connection: duckdb.DuckDBPyConnection) -> None:
    assert month(connection, MAY_2017, "contributor_iso3, rank_in_month") == [("FRA", 2), ("IND", 1)]


def test_troops_include_staff_officers_until_april_2017(connection: duckdb.DuckDBPyConnection) -> None:
    rows = select(
        connection,
        "SELECT DISTINCT month_end, troops_include_staff_officers FROM marts.personnel_by_contributor_and_month "
        "ORDER BY month_end",
    )
    assert rows == [(APRIL_2017, True), (MAY_2017, False), (SEPTEMBER_2023, False)]


def test_the_break_of_the_mart_is_the_one_of_the_rows(connection: duckdb.DuckDBPyConnection) -> None:
    assert select(
        connection,
        "SELECT count(*) FROM main.uniformed_personnel JOIN marts.personnel_by_contributor_and_month "
        "USING (month_end, contributor_iso3) "
        "WHERE personnel_type = 'Troops' AND includes_staff_officers <> troops_include_staff_officers",
    ) == [(0,)]


# The dictionary


def test_the_dictionary_has_the_publisher_s_columns_beside_ours(connection: duckdb.DuckDBPyConnection) -> None:
    rows = select(
        connection,
        "SELECT table_name, column_name, publisher_dataset, publisher_column, publisher_definition, publisher_format "
        "FROM marts.dictionary WHERE publisher_dataset IS NOT NULL ORDER BY ALL",
    )
    dataset = "DPPADPOSS-FATALITIES"
    assert rows == [
        ("fatalities", "gender", dataset, "gender", None, None),  # named in the data, defined nowhere
        (
            "fatalities",
            "incident_type",
            dataset,
            "type_of_incident",
            "What the death\nwas caused by | or not.",
            "String",
        ),
        ("fatalities", "nationality_iso3", dataset, "casualty_nationality", None, "String"),
        ("fatalities", "nationality_iso3", dataset, "isocode3", "Code of the nationality.", None),
    ]


def test_the_dictionary_has_every_column_with_our_description_and_unit(connection: duckdb.DuckDBPyConnection) -> None:
    ours = "schema_name, table_name, column_name, description, unit"
    assert select(connection, f"SELECT DISTINCT {ours} FROM marts.dictionary ORDER BY ALL") == select(
        connection, f"SELECT {ours} FROM meta.columns ORDER BY ALL"
    )
    assert select(connection, "SELECT count(*) FROM marts.dictionary WHERE publisher_dataset IS NULL") == select(
        connection, "SELECT count(*) - 3 FROM meta.columns"
    )
