"""The panels with every month: zeros, what is not reported or printed, and the keys to join with."""

from __future__ import annotations

from datetime import date

import pytest
from marts_shared import Connection, add_ipi_strength, add_personnel, one, put, select

CODES = "state_iso3, gw_code, cow_code"


@pytest.mark.parametrize(
    ("state", "month", "codes"),
    [
        ("RUS", "1991-11-30", ("SUN", 365, 365)), ("RUS", "1991-12-31", ("RUS", 365, 365)),
        ("CZE", "1992-12-31", ("CSK", 315, 315)), ("CZE", "1993-01-31", ("CZE", 316, 316)),
        ("SRB", "2003-01-31", ("YUG", 345, 345)), ("SRB", "2006-05-31", ("SCG", 345, 345)),
        ("SRB", "2006-06-30", ("SRB", 340, 345)), ("DEU", "2012-03-31", ("DEU", 260, 255)),
        ("YEM", "2012-03-31", ("YEM", 678, 679)), ("BMU", "2017-05-31", ("BMU", None, None)),
    ],
)  # fmt: skip
def test_a_contributor_has_the_codes_of_the_month(
    real: Connection, state: str, month: str, codes: tuple[object, ...]
) -> None:
    where = f"WHERE contributor_iso3 = '{state}' AND month_end = '{month}'"
    assert one(real, f"SELECT {CODES} FROM marts.contributor_month_panel {where}") == codes


def test_a_state_that_no_report_lists_has_a_zero_and_only_while_it_exists(real: Connection) -> None:
    sql = "SELECT {} FROM marts.contributor_month_panel WHERE contributor_iso3 = '{}'"
    # Rwanda's figures begin later than the panel; Timor-Leste and Montenegro begin with the state.
    assert one(real, sql.format("min(month_end)", "TLS")) == (date(2002, 5, 31),)
    assert one(real, sql.format("min(month_end)", "MNE")) == (date(2006, 6, 30),)
    first = "coverage, is_listed, uniformed_personnel, series"
    rwanda = sql.format(first, "RWA") + " AND month_end = '1990-11-30'"
    assert one(real, rwanda) == ("reported", False, 0, "contributor_strength")
    missing = sql.format(first, "RWA") + " AND month_end = '2014-10-31'"
    assert one(real, missing) == ("not_reported", False, None, None)
    usa = sql.format(first, "USA") + " AND month_end = '2012-03-31'"
    assert one(real, usa) == ("reported", True, 131, "contributor_strength")


def test_the_panels_have_the_sums_of_the_figures(real: Connection) -> None:
    """408 of the 417 months from 1990-11 to 2025-07 have contributors: 2014-09 to 2014-12 and five later have none."""
    panel = "SELECT sum(uniformed_personnel), count(*) FILTER (is_listed) FROM marts.contributor_month_panel"
    assert one(real, panel) == one(real, "SELECT sum(uniformed_personnel), count(*) FROM marts.contributor_months")
    months = (
        "SELECT count(DISTINCT month_end), count(DISTINCT month_end) FILTER (coverage = 'not_reported') FROM marts."
    )
    assert one(real, months + "contributor_month_panel") == (417, 9)
    assert one(real, months + "mission_month_panel") == (417, 2)
    by_state = "SELECT count(*) FROM (SELECT gw_code, month_end FROM marts.contributor_month_panel "
    assert one(real, by_state + "WHERE gw_code IS NOT NULL GROUP BY ALL HAVING count(*) > 1)") == (0,)


@pytest.mark.parametrize(
    ("mission", "month", "expected"),
    [
        ("MINUSMA", "2013-04-30", ("reported", False, 0)),  # established on 25 April, deployed in July
        ("MINUSMA", "2018-02-28", ("reported", True, 13_532)),
        ("MINUSMA", "2019-01-31", ("not_printed", False, None)),
        ("UNIFIL", "2020-06-30", ("not_reported", False, None)),
        ("IPTF", "1997-01-31", ("not_printed", False, None)),  # counted in UNMIBH
        ("UNSMIL", "2012-03-31", ("not_printed", False, None)),  # political; the publications begin with it in 2017
    ],
)
def test_a_month_of_a_mission_says_what_is_known(
    real: Connection, mission: str, month: str, expected: tuple[object, ...]
) -> None:
    sql = "SELECT coverage, is_listed, uniformed_personnel FROM marts.mission_month_panel"
    assert one(real, f"{sql} WHERE mission = '{mission}' AND month_end = '{month}'") == expected


def test_an_umbrella_and_its_parts_are_in_the_months_that_name_them(real: Connection) -> None:
    sql = "SELECT mission, min(month_end), max(month_end), bool_and(is_listed) FROM marts.mission_month_panel"
    assert select(real, f"{sql} WHERE mission LIKE 'UNOSOM%' GROUP BY ALL ORDER BY 2") == [
        ("UNOSOM", date(1992, 8, 31), date(1994, 5, 31), True),
        ("UNOSOM II", date(1994, 6, 30), date(1995, 1, 31), True),
    ]


def test_missions_have_their_places(real: Connection) -> None:
    sql = "SELECT host_iso3, gw_code, hosts, regions FROM marts.mission_month_panel WHERE month_end = '2015-01-31'"
    assert one(real, sql + " AND mission = 'MINUSMA'") == ("MLI", 432, ["MLI"], ["Africa"])
    assert one(real, sql + " AND mission = 'UNDOF'") == (None, None, ["ISR", "LBN", "SYR"], ["Asia"])


def test_a_host_has_its_missions_and_shares_others(real: Connection) -> None:
    sql = "SELECT missions, coverage, personnel_here, personnel_shared, without_figure, gw_code FROM marts.host_month_panel"
    strength = "SELECT mission, uniformed_personnel FROM marts.mission_months WHERE month_end = '2015-01-31'"
    known = dict(select(real, strength))
    lebanon = one(real, sql + " WHERE host_iso3 = 'LBN' AND month_end = '2015-01-31'")
    assert lebanon == (
        ["UNDOF", "UNIFIL", "UNTSO"], "reported", known["UNIFIL"], known["UNDOF"] + known["UNTSO"], [], 660,
    )  # fmt: skip
    assert one(real, sql + " WHERE host_iso3 = 'MLI' AND month_end = '2019-01-31'")[1:4] == ("not_printed", None, None)
    bosnia = one(real, sql + " WHERE host_iso3 = 'BIH' AND month_end = '1997-01-31'")
    assert bosnia[1] == "reported" and bosnia[4] == ["IPTF"]
    assert one(real, "SELECT min(month_end) FROM marts.host_month_panel WHERE host_iso3 = 'SSD'") == (
        date(2011, 7, 31),
    )
    yugoslavia = (
        "SELECT state_iso3, gw_code FROM marts.host_month_panel WHERE host_iso3 = 'SRB' AND month_end = '1993-01-31'"
    )
    assert one(real, yugoslavia) == ("YUG", 345)


def test_a_peacekeeping_year_says_how_many_of_its_months_are_known(real: Connection) -> None:
    sql = (
        "SELECT months, months_reported, coverage, person_months FROM marts.contributor_year_panel "
        "WHERE contributor_iso3 = 'BGD' AND peacekeeping_year = '{}'"
    )
    whole = "SELECT sum(uniformed_personnel) FROM marts.contributor_months WHERE contributor_iso3 = 'BGD' AND "
    (of_2011,) = one(real, whole + "month_end BETWEEN '2011-07-01' AND '2012-06-30'")
    assert one(real, sql.format("2011-12")) == (12, 12, "reported", of_2011)
    (of_2014,) = one(real, whole + "month_end BETWEEN '2014-07-01' AND '2015-06-30'")
    assert one(real, sql.format("2014-15")) == (
        12,
        7,
        "partly_reported",
        of_2014,
    )  # without September to December, and March
    assert one(real, sql.format("1999-00"))[:3] == (12, 12, "reported")


@pytest.fixture
def months(made: Connection) -> Connection:
    """February by mission, March without missions, no report of April, and May by mission."""
    add_personnel(
        made, ("2018-02-28", "A", "FRA", "Troops", 0, 4, 4), ("2018-03-31", "UNSPECIFIED", "FRA", "Troops", 0, 5, 5)
    )
    add_personnel(made, ("2018-05-31", "A", "IND", "Troops", 0, 6, 6))
    codes = [(state, "2000-01-01") for state in ("BGD", "FRA", "IND", "MLI")]
    put(made, "main.state_codes", "iso3 valid_from code", *((*row, 1 + place) for place, row in enumerate(codes)),
        system="gw", is_microstate=False)  # fmt: skip
    return made


def test_zeros_are_inferred_from_a_report_and_from_nothing_else(months: Connection) -> None:
    sql = "SELECT month_end::VARCHAR, coverage, uniformed_personnel FROM marts.{} WHERE {} ORDER BY 1"
    assert select(months, sql.format("contributor_month_panel", "contributor_iso3 = 'IND'")) == [
        ("2018-02-28", "reported", 0), ("2018-03-31", "reported", 0), ("2018-04-30", "not_reported", None),
        ("2018-05-31", "reported", 6),
    ]  # fmt: skip
    of_a = sql.format("mission_month_panel", "mission = 'A' AND month_end > '2018-02-01'")
    assert select(months, of_a) == [
        ("2018-02-28", "reported", 4), ("2018-03-31", "not_printed", None), ("2018-04-30", "not_reported", None),
        ("2018-05-31", "reported", 6),
    ]  # fmt: skip


def test_a_report_with_rejected_rows_gives_no_zero(months: Connection) -> None:
    put(months, "meta.incomplete_periods", "source period", ("uniformed_personnel", "2018-02-28"), rows_rejected=1)
    sql = "SELECT coverage, uniformed_personnel FROM marts.contributor_month_panel WHERE month_end = '2018-02-28'"
    assert select(months, sql + " ORDER BY contributor_iso3") == [("reported", 4), ("not_printed", None)]


def test_a_mission_is_expected_to_the_last_day_that_its_end_can_mean(months: Connection) -> None:
    add_ipi_strength(months, "B", "2012-01-31", "2012-02-29", 3)
    sql = "SELECT month_end::VARCHAR, coverage, uniformed_personnel FROM marts.mission_month_panel WHERE mission = 'B'"
    assert select(months, sql + " ORDER BY 1") == [
        ("2012-01-31", "reported", 3), ("2012-02-29", "reported", 3), ("2012-03-31", "not_reported", None),
    ]  # fmt: skip
