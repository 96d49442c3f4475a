"""The panels from 1990 to now: contributor and mission by month, each figure with its series."""

from __future__ import annotations

from datetime import date

import pytest
from marts_shared import Connection, add_ipi_strength, add_personnel, one, put, select

MARCH_2012 = [("BGD", 10_245), ("PAK", 9_401), ("IND", 8_134)]


def contributors(connection: Connection, *rows: tuple[object, ...]) -> None:
    columns = "month_end contributor_iso3 troops police experts_on_mission total"
    put(connection, "main.contributor_strength", columns, *rows, reported_on=rows[0][0])


def test_in_march_2012_bangladesh_pakistan_and_india_are_first_of_117(real: Connection) -> None:
    sql = "SELECT {} FROM marts.top_contributors(on_date := '2012-03-31')"
    first = select(real, sql.format("contributor_iso3, uniformed_personnel") + " LIMIT 3")
    assert first == MARCH_2012
    assert one(real, sql.format("count(*), sum(uniformed_personnel), bool_or(is_incomplete)")) == (117, 98_989, False)
    assert select(real, sql.format("contributor_iso3, series, uniformed_personnel") + " WHERE is_filled") == [
        ("USA", "contributor_strength", 131)
    ]
    newest = "SELECT contributor_iso3, uniformed_personnel FROM marts.contributor_months WHERE month_end = '2012-03-31'"
    assert select(real, newest + " ORDER BY uniformed_personnel DESC LIMIT 3") == MARCH_2012


def test_each_month_has_one_series_and_missing_months_stay_missing(real: Connection) -> None:
    rows = select(
        real,
        "SELECT series, is_filled, min(month_end), max(month_end), count(DISTINCT month_end) "
        "FROM marts.contributor_months GROUP BY ALL ORDER BY min(month_end), is_filled",
    )
    assert rows == [
        ("contributor_strength", False, date(1990, 11, 30), date(2009, 10, 31), 228),
        ("ipi_by_sex", False, date(2009, 11, 30), date(2014, 8, 31), 58),
        ("contributor_strength", True, date(2009, 11, 30), date(2014, 2, 28), 40),
        ("monthly_report", False, date(2015, 1, 31), date(2025, 7, 31), 122),
    ]
    rows = select(
        real,
        "SELECT series, min(month_end), max(month_end), count(DISTINCT month_end) FROM marts.mission_months "
        "GROUP BY ALL ORDER BY ALL",
    )
    assert rows == [
        ("ipi", date(1990, 11, 30), date(2017, 3, 31), 293),  # 290 to 2014-12, and March of 2015, 2016 and 2017
        ("monthly_report", date(2015, 1, 31), date(2025, 7, 31), 122),
    ]


def test_contributors_and_missions_add_up_to_the_same_in_every_month_that_both_have(real: Connection) -> None:
    sql = """
        SELECT count(*), count(*) FILTER (of_contributors <> of_missions), min(month_end)
        FROM (SELECT month_end, sum(uniformed_personnel) AS of_contributors FROM marts.contributor_months GROUP BY ALL)
        JOIN (SELECT month_end, sum(uniformed_personnel) AS of_missions FROM marts.mission_months GROUP BY ALL)
            USING (month_end)
    """
    assert one(real, sql) == (228 + 58 + 122, 0, date(1990, 11, 30))


def test_the_seams_are_named_in_the_month_in_which_they_begin(real: Connection) -> None:
    sql = "SELECT DISTINCT month_end, seam FROM marts.{} WHERE seam IS NOT NULL ORDER BY 1"
    seams = dict(select(real, sql.format("contributor_months")))
    assert seams[date(2009, 11, 30)] == "contributor_strength until 2009-10-31"
    assert seams[date(2015, 1, 31)] == "ipi_by_sex until 2014-08-31; no figures since 2014-08-31"
    assert seams[date(2017, 5, 31)] == "staff officers are counted apart from here"
    breaks = {day: text for day, text in seams.items() if "mission" in text}
    assert breaks == {
        date(2018, 3, 31): "no mission is printed", date(2019, 9, 30): "missions are printed again",
        date(2023, 9, 30): "no mission is printed", date(2023, 10, 31): "missions are printed again",
    }  # fmt: skip
    assert len(seams) == 12 and date(2014, 12, 31) not in seams
    missions = dict(select(real, sql.format("mission_months")))
    assert missions[date(2015, 1, 31)] == "ipi until 2014-12-31"
    assert {day: text for day, text in missions.items() if "printed" in text} == breaks


def test_totals_of_missions_with_blank_cells_say_that_they_are_incomplete(real: Connection) -> None:
    """The United States had personnel in UNMIL in March 2012, and none in UNIFIL."""
    for mart in ("women_in_uniform", "personnel_by_level"):
        sql = f"SELECT bool_and(is_incomplete), any_value(series) FROM marts.{mart} WHERE month_end = '2012-03-31'"
        assert one(real, sql + " AND mission = 'UNIFIL'") == (False, "ipi_by_sex")
        marked = f"SELECT bool_or(is_incomplete) FROM marts.{mart} WHERE month_end = '2012-03-31' AND mission = 'UNMIL'"
        assert one(real, marked) == (True,)
    sql = "SELECT DISTINCT is_incomplete FROM marts.top_contributors('{}', '2012-03-31')"
    assert [one(real, sql.format(mission)) for mission in ("UNMIL", "UNIFIL")] == [(True,), (False,)]
    sql = "SELECT {} FROM marts.personnel_by_contributor_and_month WHERE month_end = '2012-03-31'"
    assert one(real, sql.format("bool_and(is_incomplete)")) == (True,)
    blank = sql.format("uniformed_personnel, troops, women, rank_in_month") + " AND contributor_iso3 = 'USA'"
    assert one(real, blank) == (None, None, None, None)


@pytest.fixture
def blank(made: Connection) -> Connection:
    """A month by sex in which France's cell is blank, and the month before it by contributor alone."""
    put(
        made, "main.uniformed_personnel", "month_end mission contributor_iso3 personnel_type total",
        ("2012-03-31", "A", "FRA", "Troops", None), ("2012-03-31", "A", "FRA", "Individual Police", None),
        ("2012-03-31", "B", "FRA", "Troops", 5), ("2012-03-31", "A", "IND", "Troops", 7),
        series="ipi_by_sex", includes_staff_officers=True,
    )  # fmt: skip
    return made


def test_a_blank_cell_is_unknown_until_the_other_series_has_it(blank: Connection) -> None:
    sql = "SELECT contributor_iso3, uniformed_personnel, troops, series, is_filled, is_incomplete FROM marts.contributor_months"
    known = ("IND", 7, 7, "ipi_by_sex", False, False)
    assert select(blank, sql + " ORDER BY 1") == [("FRA", None, None, "ipi_by_sex", False, True), known]
    contributors(blank, ("2012-03-31", "FRA", 8, 3, 0, 11), ("2012-03-31", "IND", 7, 0, 0, 7))
    assert select(blank, sql + " ORDER BY 1") == [("FRA", 11, 8, "contributor_strength", True, False), known]


def test_a_state_that_only_the_other_series_has_is_in_the_panel(blank: Connection) -> None:
    contributors(blank, ("2012-03-31", "MLI", 1, 0, 0, 1), ("2012-02-29", "MLI", 2, 0, 0, 2))
    sql = (
        "SELECT month_end, uniformed_personnel, is_filled FROM marts.contributor_months WHERE contributor_iso3 = 'MLI'"
    )
    assert select(blank, sql + " ORDER BY 1") == [(date(2012, 2, 29), 2, False), (date(2012, 3, 31), 1, True)]


def test_missions_by_sex_are_used_only_without_ipi_s_missions(blank: Connection) -> None:
    sql = "SELECT mission, uniformed_personnel, series, is_incomplete FROM marts.mission_months ORDER BY ALL"
    assert select(blank, sql) == [("A", 7, "ipi_by_sex", True), ("B", 5, "ipi_by_sex", False)]
    add_ipi_strength(blank, "A", "2012-03-31", "2012-03-31", 18)
    assert select(blank, sql) == [("A", 18, "ipi", False)]


def test_a_report_of_the_un_is_preferred_to_ipi_s_whole_month(blank: Connection) -> None:
    add_ipi_strength(blank, "A", "2012-03-31", "2012-05-31", 18)
    add_personnel(blank, ("2012-04-30", "B", "FRA", "Troops", 0, 4, 4))
    contributors(blank, ("2012-04-30", "MLI", 1, 0, 0, 1))
    rows = select(blank, "SELECT month_end, mission, series FROM marts.mission_months WHERE month_end > '2012-03-31'")
    assert sorted(rows) == [(date(2012, 4, 30), "B", "monthly_report"), (date(2012, 5, 31), "A", "ipi")]
    sql = "SELECT contributor_iso3 FROM marts.contributor_months WHERE month_end = '2012-04-30'"
    assert select(blank, sql) == [("FRA",)]


def test_ipi_s_figures_by_mission_are_used_only_in_months_that_nothing_else_has(blank: Connection) -> None:
    for day in ("2005-06-30", "2014-10-31"):
        rows = [(day, "A", "FRA", "Troops", None, None, 30), (day, "A", "IND", "Individual Police", None, None, 4)]
        add_personnel(blank, *rows, series="ipi_by_mission")
    contributors(blank, ("2005-06-30", "FRA", 31, 0, 0, 31))
    add_ipi_strength(blank, "A", "2005-06-30", "2005-06-30", 35)
    of_states = "SELECT month_end, contributor_iso3, uniformed_personnel, police, series FROM marts.contributor_months "
    assert select(blank, of_states + "WHERE month_end <> '2012-03-31' ORDER BY ALL") == [
        (date(2005, 6, 30), "FRA", 31, 0, "contributor_strength"),
        (date(2014, 10, 31), "FRA", 30, 0, "ipi_by_mission"),
        (date(2014, 10, 31), "IND", 4, 4, "ipi_by_mission"),
    ]
    of_missions = "SELECT month_end, uniformed_personnel, series FROM marts.mission_months "
    assert select(blank, of_missions + "WHERE month_end <> '2012-03-31' ORDER BY ALL") == [
        (date(2005, 6, 30), 35, "ipi"),
        (date(2014, 10, 31), 34, "ipi_by_mission"),
    ]
    assert one(blank, "SELECT count(*) FROM marts.fatality_rates WHERE series = 'monthly_report'") == (0,)
    of_a_mission = "SELECT contributor_iso3, uniformed_personnel, series FROM marts.top_contributors('A', '2005-06-30')"
    assert select(blank, of_a_mission)[0] == ("FRA", 30, "ipi_by_mission")
