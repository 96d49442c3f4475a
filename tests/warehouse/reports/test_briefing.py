"""The briefing's figures, charts and pages, on the small warehouse whose rows can be counted by hand."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from briefing_shared import briefed, changed, queries, rendered, section

from warehouse.reports import charts, drawings, formats, page
from warehouse.reports.people import people_of
from warehouse.reports.scope import BriefingError, WrongMission, known_missions, scope_of
from warehouse.reports.toll import toll_of


def casualty(number: int, day: str, mission: str = "MINUSMA", cause: str = "Malicious Act") -> str:
    """SQL for one more casualty, military, Indian."""
    return (
        "INSERT INTO main.fatalities BY NAME SELECT * EXCLUDE (is_uniformed) REPLACE ("
        f"'X-{number}' AS casualty_id, DATE '{day}' AS incident_date, '{mission}' AS mission, "
        f"'{cause}' AS incident_type) FROM main.fatalities WHERE casualty_id = 'MINUSMA-2013-07-00001'"
    )


# Whom and when


@pytest.mark.parametrize("asked", ["UNOSOM I", "unosom i", " UNOSOM-I "])
def test_a_mission_is_found_by_its_name_in_any_case_and_by_an_alias(small: Path, asked: str) -> None:
    assert briefed(small, asked).scope.mission == "UNOSOM I"


def test_an_unknown_mission_is_refused_with_those_near_to_it(small: Path) -> None:
    with (
        queries(small) as query,
        pytest.raises(WrongMission, match=r"No mission is called 'MINUSMAA'. Close to it: MINUSMA\."),
    ):
        scope_of(query, "MINUSMAA")


def test_a_mission_of_which_nothing_is_held_is_refused_and_its_umbrella_named(small: Path) -> None:
    with (
        queries(small) as query,
        pytest.raises(WrongMission, match="no deaths and no uniformed personnel of UNOSOM II .* counted under UNOSOM"),
    ):
        scope_of(query, "UNOSOM II")


def test_a_day_before_anything_is_known_is_refused(small: Path) -> None:
    with queries(small) as query:
        with pytest.raises(WrongMission, match="Nothing is known of MINUSMA by 2013-04-24: .* on 2013-04-25"):
            scope_of(query, "MINUSMA", date(2013, 4, 24))
        assert scope_of(query, "MINUSMA", date(2013, 4, 25)).day == date(2013, 4, 25)


def test_the_index_lists_the_missions_with_deaths_or_personnel_and_no_others(small: Path) -> None:
    with queries(small) as query:
        assert [row["mission"] for row in known_missions(query)] == ["MINUSMA", "UNAMA", "UNOSOM I"]


def test_a_page_up_to_a_day_does_not_know_that_the_mission_ended_later(small: Path) -> None:
    assert not briefed(small, "MINUSMA", "2023-12-31").scope.over
    assert briefed(small, "MINUSMA", "2024-01-01").scope.over
    html = rendered(small, "MINUSMA", "2019-01-20")
    assert "31 December 2023" not in html and "since 25 April 2013" in html


def test_an_end_known_to_the_month_is_read_as_late_as_it_can_mean(built: Path) -> None:
    file = changed(
        built,
        "UPDATE main.missions SET end_date = DATE '2023-12-01', end_date_precision = 'first_of_month' "
        "WHERE mission = 'MINUSMA'",
    )
    assert not briefed(file, "MINUSMA", "2023-12-31").scope.over
    assert "25 April 2013 to December 2023" in rendered(file, "MINUSMA", "2024-01-01")


def test_a_mission_without_dates_is_over_only_when_the_reports_no_longer_name_it(built: Path) -> None:
    without = "UPDATE main.missions SET start_date = NULL, end_date = NULL, is_active = NULL"
    file = changed(built, without)
    assert briefed(file, "MINUSMA").scope.over is False  # in the newest report that prints missions, of 2017-05
    assert briefed(file, "UNOSOM I").scope.over is False  # no report ever: not known
    assert briefed(file, "UNAMA").scope.over is True  # the report of 2017-05 does not name it
    assert "Its full name is not held" not in rendered(file, "MINUSMA")


def test_the_head_says_up_to_when_and_as_published_when(small: Path) -> None:
    html = rendered(small, "MINUSMA", "2019-01-20")
    head = html.partition("<dl")[2].partition("</dl>")[0]
    assert re.findall(r'datetime="([\d-]+)"', head) == ["2019-01-20", "2025-04-30"]
    assert "the newest vintages held" in head
    head = rendered(small, "MINUSMA", "2019-01-20", "2025-05-01").partition("<dl")[2].partition("</dl>")[0]
    assert re.findall(r'datetime="([\d-]+)"', head) == ["2019-01-20", "2025-05-01", "2025-04-30"]
    assert "As published by" in head
    assert "later than anything held" not in head


def test_the_head_names_the_month_that_the_missions_figures_are_of(small: Path) -> None:
    head = rendered(small, "MINUSMA", "2023-10-31").partition("<dl")[2].partition("</dl>")[0]
    assert "personnel in the report of 31 May 2017" in head  # that of September 2023 prints no mission
    head = rendered(small, "MINUSMA", "2017-04-15").partition("<dl")[2].partition("</dl>")[0]
    assert "personnel, the sum alone, of 31 March 2017" in head


def test_a_day_later_than_all_that_is_held_is_told_on_the_page(small: Path) -> None:
    head = rendered(small, "UNAMA", "2025-05-01").partition("<dl")[2].partition("</dl>")[0]
    assert "later than anything held: of deaths and personnel nothing is known after 30 April 2025" in head
    assert "later than anything held" not in rendered(small, "UNAMA", "2025-04-30")


# The toll


@pytest.mark.parametrize(
    ("up_to", "deaths", "malicious", "uniformed", "pending"),
    [("2019-01-19", 3, 2, 2, 0), ("2019-01-20", 4, 3, 3, 0), (None, 6, 3, 4, 2)],
)
def test_the_headline_counts_what_happened_by_the_day(
    small: Path, up_to: str | None, deaths: int, malicious: int, uniformed: int, pending: int
) -> None:
    toll = briefed(small, "MINUSMA", up_to).toll
    assert toll is not None
    found = [toll.totals[name] for name in ("deaths", "malicious", "uniformed", "pending")]
    assert found == [deaths, malicious, uniformed, pending]


def test_every_year_of_the_mission_has_its_row_also_without_a_death(small: Path) -> None:
    toll = briefed(small, "MINUSMA", "2019-06-30").toll
    assert toll is not None
    assert {row["year"]: row["deaths"] for row in toll.years} == {
        2013: 1, 2014: 0, 2015: 0, 2016: 1, 2017: 0, 2018: 1, 2019: 1,
    }  # fmt: skip
    assert [row["cause"] for row in toll.causes] == ["Malicious Act", "Illness"]


def test_years_end_with_the_mission_or_with_what_is_known(small: Path) -> None:
    ended, running = briefed(small, "MINUSMA").toll, briefed(small, "UNAMA").toll
    assert ended is not None and running is not None
    assert ended.years[-1]["year"] == 2023  # it ended on 2023-12-31
    assert running.years[-1]["year"] == 2025  # the vintage is of 2025-04-30


def test_a_worse_day_to_come_does_not_lower_a_days_rank(built: Path) -> None:
    rows = [casualty(n, "2018-05-05") for n in (1, 2)] + [casualty(n, "2022-02-02") for n in (3, 4, 5)]
    file = changed(built, *rows)
    by_then, now = briefed(file, "MINUSMA", "2019-01-01").toll, briefed(file, "MINUSMA").toll
    assert by_then is not None and now is not None
    told = [
        (str(row["incident_date"]), row["deaths"], row["malicious_deaths"], row["rank_malicious"]) for row in now.days
    ]
    assert told == [("2018-05-05", 3, 2, 2), ("2022-02-02", 3, 3, 1)][::-1]
    assert [(str(row["incident_date"]), row["rank_malicious"]) for row in by_then.days] == [("2018-05-05", 1)]
    assert by_then.days[0]["nationalities"] == "India 2, France 1"
    assert by_then.single_days == 2


def test_a_long_list_of_nationalities_is_shortened_and_says_by_how_much() -> None:
    from warehouse.reports.toll import shortened

    states = [f"State {n}" for n in range(9)]
    assert shortened(states) == "State 0, State 1, State 2, State 3, State 4, State 5, and 3 more states"
    assert shortened(states[:7]) == ", ".join(states[:7])


def test_the_ladder_tells_all_time_from_then_active_and_keeps_the_missions_own_place(built: Path) -> None:
    file = changed(built, *[casualty(n, "1993-06-05", "UNOSOM I") for n in range(5)])
    toll = briefed(file, "MINUSMA", "2019-01-20").toll
    assert toll is not None
    malicious, every = toll.ladders
    assert (malicious.cause, malicious.own and malicious.own["rank"], malicious.rank_active) == ("Malicious Act", 2, 1)
    assert (every.cause, every.own and every.own["rank"], every.rank_active) == (None, 2, 1)
    assert [row["mission"] for row in malicious.rows] == ["UNOSOM I", "MINUSMA"]


def test_the_ladder_says_what_counts_can_not_tell_and_where_the_list_may_be_incomplete(built: Path) -> None:
    early = "Missions that began before 2000 are among them"
    told = section(rendered(built, "MINUSMA", "2019-01-20"), "toll")
    assert "counts and no rates" in told and "Special political missions and other offices are ranked too" in told
    assert early in told  # UNOSOM I, though this page's own mission began in 2013
    file = changed(built, "DELETE FROM main.fatalities WHERE mission = 'UNOSOM I'")
    assert early not in section(rendered(file, "MINUSMA", "2019-01-20"), "toll")


@pytest.mark.parametrize(("pairs", "shown", "hidden"), [(3, 3, 0), (8, 8, 0), (11, 11, 0), (23, 20, 3)])
def test_days_that_tie_with_the_last_shown_are_shown_and_all_are_counted(
    built: Path, pairs: int, shown: int, hidden: int
) -> None:
    days = [f"2014-{1 + n // 27:02}-{1 + n % 27:02}" for n in range(pairs)]
    file = changed(built, *[casualty(2 * n + m, day) for n, day in enumerate(days) for m in (0, 1)])
    toll = briefed(file, "MINUSMA").toll
    assert toll is not None
    assert (len(toll.days), toll.many_days, toll.tied_days) == (shown, pairs, hidden)
    told = section(rendered(file, "MINUSMA"), "days")
    assert (f"All {pairs} days with two or more deaths" in told) == (not hidden)
    assert ("20 of 23 days with two or more deaths" in told) == bool(hidden)
    assert ("3 more days have 2 deaths, like the last shown" in told) == bool(hidden)
    assert "shared by" in told and "On 6 other days one person died" in told


def test_days_worse_than_the_ninth_cut_it_off(built: Path) -> None:
    days = [casualty(10 * n + m, f"2014-01-{n:02}") for n in range(1, 10) for m in range(3 if n < 9 else 2)]
    file = changed(built, *days)
    toll = briefed(file, "MINUSMA").toll
    assert toll is not None
    assert (len(toll.days), toll.many_days, toll.tied_days) == (8, 9, 0)
    assert "8 of 9 days with two or more deaths" in section(rendered(file, "MINUSMA"), "days")


def test_a_mission_below_the_first_ten_stands_last_on_the_ladder(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warehouse.reports.toll.LADDER_LENGTH", 2)
    toll = briefed(changed(built, casualty(1, "1993-06-05", "UNOSOM I")), "UNAMA").toll
    assert toll is not None
    assert [(row["mission"], row["rank"]) for row in toll.ladders[1].rows] == [("MINUSMA", 1), ("UNAMA", 3)]
    assert toll.ladders[0].own is None  # no malicious act


def test_a_mission_that_the_fatalities_never_name_has_no_zero(built: Path) -> None:
    file = changed(built, "DELETE FROM main.fatalities WHERE mission = 'UNAMA'")
    briefing = briefed(file, "UNAMA")
    assert briefing.toll is None
    told = section(page.render(briefing), "toll")
    assert "name no death in UNAMA" in told and not re.search(r"\b0\b", told)


def test_an_unpublished_sex_is_not_said_to_be_a_mans(built: Path) -> None:
    assert "8 were women" not in rendered(built, "MINUSMA")
    assert "One was a woman; of 1 the sex is not published" in rendered(built, "MINUSMA")
    file = changed(built, "UPDATE main.fatalities SET gender = NULL")
    assert "Their sex had not been published" in rendered(file, "MINUSMA")


# The people


def test_the_month_shown_is_the_latest_by_the_day_and_the_next_one_stands_beside_it(small: Path) -> None:
    people = briefed(small, "MINUSMA", "2017-05-30").people
    assert people.reported and str(people.reported["month_end"]) == "2017-04-30"
    assert (people.reported["strength"], str(people.next_month), people.next_strength) == (240, "2017-05-31", 104)
    found = [(row["contributor"], row["uniformed_personnel"], row["next_uniformed_personnel"]) for row in people.named]
    assert found == [("Bangladesh", 110, None), ("India", 105, 100), ("France", 25, 4)]
    html = rendered(small, "MINUSMA", "2017-05-30")
    assert "110 → –" in html and "105 → 100" in html  # the next report has no Bangladeshi: no row is no zero
    told = section(html, "people")
    assert "1 Bangladesh 110 45.8 % – 2 India 105" in told
    assert "“–”: the report of 31 May 2017 has nobody of the state" in told
    assert "the next one, 31 May 2017 , after the day of this page," in told.replace("2017,", "2017 ,")
    assert "after the day of this page" not in section(rendered(small, "MINUSMA"), "people")


@pytest.mark.parametrize(
    ("extra", "month_end", "strength"),
    [(0, "2017-04-30", 240), (111, "2017-04-30", 240), (112, "2017-05-31", 216)],  # nine tenths of 240 are 216
)
def test_a_mission_that_is_over_shows_the_last_month_near_its_greatest_strength_and_says_so(
    built: Path, extra: int, month_end: str, strength: int
) -> None:
    troops = "contributor_iso3 = 'IND' AND mission = 'MINUSMA' AND personnel_type = 'Troops'"
    file = changed(
        built,
        f"UPDATE main.uniformed_personnel SET total = total + {extra}, male = male + {extra} "
        f"WHERE {troops} AND month_end = '2017-05-31'",
    )
    people = briefed(file, "MINUSMA").people
    assert people.greatest and people.greatest["strength"] == 240
    assert people.reported and (str(people.reported["month_end"]), people.reported["strength"]) == (month_end, strength)
    told = section(rendered(file, "MINUSMA"), "people")
    assert "at least nine tenths of its greatest strength in the monthly reports held (240 on 30 April 2017)" in told
    assert briefed(file, "MINUSMA", "2023-12-31").people.greatest is None  # not over by then: its latest month


def test_a_known_defect_that_names_the_mission_stands_beside_its_figures(built: Path) -> None:
    text = "MINUSMA, Chad: 39 (2017-05), 1,455 (2017-06); an error"
    defect = "INSERT INTO meta.known_defects BY NAME SELECT * REPLACE ('uniformed_personnel' AS source,"
    file = changed(
        built,
        f"{defect} 'one' AS defect_id, '{text}' AS description) FROM meta.known_defects LIMIT 1",
        f"{defect} 'two' AS defect_id, 'UNMINUSMA and MINUSMAS: another' AS description) FROM meta.known_defects LIMIT 1",
    )
    assert briefed(file, "MINUSMA").people.defects == [text]
    assert f"Known defect: {text}" in section(rendered(file, "MINUSMA", "2017-05-31"), "people")
    assert briefed(file, "MINUSMA", "2017-04-30").people.defects == []  # of months to come
    assert briefed(file, "UNAMA").people.defects == []


def test_months_of_two_series_are_told_apart_and_none_is_counted_twice(built: Path) -> None:
    file = changed(
        built,
        "INSERT INTO main.mission_strength BY NAME SELECT * REPLACE (DATE '2017-04-30' AS month_end, 999 AS total) "
        "FROM main.mission_strength",
    )
    months = briefed(file, "MINUSMA", "2017-05-31").people.months
    assert [(str(row["month_end"]), row["strength"], row["series"]) for row in months] == [
        ("2017-03-31", 13, "ipi"), ("2017-04-30", 240, "monthly_report"), ("2017-05-31", 104, "monthly_report"),
    ]  # fmt: skip


def test_months_that_print_no_mission_are_a_gap_and_never_a_zero(small: Path) -> None:
    people = briefed(small, "MINUSMA", "2023-09-30").people  # that month's report prints no mission
    assert [(str(first), str(last)) for first, last in people.gaps] == [("2017-06-30", "2023-09-30")]
    assert all(row["strength"] for row in people.months)
    assert "No figure: June 2017 to September 2023" in section(rendered(small, "MINUSMA", "2023-09-30"), "people")


def test_a_level_that_sends_nobody_is_a_zero_and_a_year_without_levels_is_none(small: Path, built: Path) -> None:
    people = briefed(small, "MINUSMA", "2017-04-30").people
    assert {row["level_group"]: row["uniformed_personnel"] for row in people.levels.rows} == {"A": 25, "unknown": 215}
    file = changed(built, "UPDATE main.peacekeeping_levels SET scale_period = '2013-2015'")
    later = briefed(file, "MINUSMA", "2017-04-30")
    assert later.people.levels.rows == []
    assert "The levels of 2017 are not held" in section(page.render(later), "people")


def test_women_are_not_counted_where_the_report_prints_no_sex(built: Path) -> None:
    women = briefed(built, "MINUSMA", "2017-04-30").people.women.total
    assert women is not None and (women["women"], women["total"]) == (16, 240)
    file = changed(
        built, "UPDATE main.uniformed_personnel SET female = NULL, male = NULL WHERE contributor_iso3 = 'FRA'"
    )
    people = briefed(file, "MINUSMA", "2017-04-30").people
    assert people.women.total is None
    assert "does not print the sex" in section(rendered(file, "MINUSMA", "2017-04-30"), "people")


def test_a_mission_without_personnel_says_no_data(small: Path) -> None:
    briefing = briefed(small, "UNOSOM I")
    assert briefing.people.months == [] and briefing.people.reported is None
    html = rendered(small, "UNOSOM I")
    assert "That is no data, not nobody." in section(html, "people")
    assert "<svg" not in html.partition('<section aria-labelledby="people">')[2].partition("</section>")[0]


# The money


@pytest.mark.parametrize(
    ("up_to", "wanted", "shown"),
    [
        ("2018-06-30", "2017-18", None),
        ("2018-07-01", "2018-19", "2018-19"),
        ("2019-06-30", "2018-19", "2018-19"),
        ("2021-01-01", "2020-21", "2019-20"),
    ],
)
def test_the_money_is_of_the_days_peacekeeping_year_or_the_last_held_before_it(
    small: Path, up_to: str, wanted: str, shown: str | None
) -> None:
    briefing = briefed(small, "MINUSMA", up_to)
    assert (briefing.payers.wanted, briefing.payers.year) == (wanted, shown)
    told = section(page.render(briefing), "pay")
    if shown is None:
        assert "begin with the peacekeeping year 2018-19" in told and "not to say that nobody paid" in told
    else:
        assert "for all peacekeeping missions together" in told and (wanted == shown) == (
            "is the last before" not in told
        )


def test_the_money_of_a_mission_that_is_over_is_of_its_last_year(small: Path) -> None:
    assert briefed(small, "MINUSMA").payers.wanted == "2023-24"
    assert briefed(small, "UNOSOM I").payers.wanted == "1992-93"  # the coarse end, March 1993, lies in it


def test_a_special_political_mission_is_paid_by_the_regular_budget(small: Path) -> None:
    told = section(rendered(small, "UNAMA", "2019-01-25"), "pay")
    assert "special political mission: the regular budget" in told
    assert "No scale of assessments of 2019 is held" in told


def test_what_is_not_held_of_a_years_cost_is_no_zero(small: Path) -> None:
    briefing = briefed(small, "MINUSMA", "2019-01-25")
    assert [(row["peacekeeping_year"], row["approved_usd"], row["under_way"]) for row in briefing.costs] == [
        ("2018-19", None, True)
    ]
    told = section(page.render(briefing), "cost")
    assert "2018-19 under way on the day no data 1,000.0 no data 5.0" in told


def approved(stage: str, amount: float, precision: str) -> str:
    """SQL for one approved amount of MINUSMA in 2018-19."""
    return (
        f"INSERT INTO main.mission_budgets BY NAME SELECT * REPLACE ('approved' AS measure, '{stage}' AS stage, "
        f"{amount}::DECIMAL(18, 2) AS amount_usd, '{precision}' AS precision, 'approved' AS publication, "
        "snapshot_row + 100 AS snapshot_row) FROM main.mission_budgets LIMIT 1"
    )


def test_an_approved_amount_has_its_stage_and_no_decimal_that_was_not_printed(built: Path) -> None:
    file = changed(built, approved("initial approval", 998_800_000, "million, 1 decimal"))
    told = section(rendered(file, "MINUSMA", "2019-01-25"), "cost")
    assert "2018-19 under way on the day 998.8 1,000.0 no data 5.0 approved: initial approval" in told
    assert "an amount spent above it is not overspent" in told
    file = changed(file, "DELETE FROM main.mission_budgets WHERE measure = 'approved'")
    file = changed(file, approved("approved", 1_180_000_000, "billion, 2 decimals"))
    told = section(rendered(file, "MINUSMA", "2019-01-25"), "cost")
    assert "under way on the day 1,180 1,000.0 no data 5.0 approved, printed rounded to 10 million" in told


def test_two_approved_amounts_stand_apart_with_their_stages(built: Path) -> None:
    file = changed(
        built,
        approved("initial approval", 366_770_000, "million, 2 decimals"),
        approved("later", 602_000_000, "million").replace("+ 100", "+ 200"),
    )
    told = section(rendered(file, "MINUSMA", "2019-01-25"), "cost")
    assert "see below 1,000.0 no data 5.0 366.8: initial approval 602: later, printed rounded to 1 million" in told


def test_the_two_measures_called_assessed_are_told_apart(small: Path) -> None:
    html = rendered(small, "MINUSMA", "2019-01-25")
    assert "were assessed $10.00 billion before credits for all peacekeeping missions" in section(html, "pay")
    cost = section(html, "cost")
    assert "Assessed, after credits" in cost and "those under “Who pays” are before credits" in cost
    assert formats.measure("assessed_gross_usd") == "assessed, after credits"


@pytest.mark.parametrize("halves", [1, 2])
def test_states_can_be_added_unless_the_year_has_two_scales(small: Path, halves: int) -> None:
    briefing = briefed(small, "MINUSMA", "2019-01-25")
    scales = ["2016-2018", "2019-2021"][:halves]
    told = section(page.render(replace(briefing, payers=replace(briefing.payers, scales=scales))), "pay")
    assert ("so the states can’t be added; 5 were assessed" in told) == (halves == 2)
    assert ("5 states were assessed." in told) == (halves == 1)


def test_a_cash_shortfall_stands_under_cash_and_not_among_the_arrears(built: Path) -> None:
    file = changed(
        built,
        "INSERT INTO main.dated_facts BY NAME SELECT * REPLACE (DATE '2018-12-31' AS as_of_from, DATE '2018-12-31' AS "
        "as_of_to, 'all' AS subject, 'regular' AS fund, 323000000 AS value, 'year-end CASH SHORTFALL (not arrears)' AS "
        "statement, snapshot_row + 1 AS snapshot_row) FROM main.dated_facts LIMIT 1",
    )
    owed = briefed(file, "MINUSMA", "2019-01-25").owed
    assert [row["debtor"] for row in owed.arrears] == ["USA"] and len(owed.cash) == 1
    told = section(rendered(file, "MINUSMA", "2019-01-25"), "owed")
    assert "31 December 2018 Regular budget: year-end CASH SHORTFALL (not arrears), $323 million" in told
    assert "What was stated on arrears in the mission’s time by 25 January 2019" in told


def test_costs_of_years_to_come_are_left_out(small: Path) -> None:
    briefing = briefed(small, "MINUSMA", "2018-06-30")
    assert briefing.costs == []
    assert "No budget, expenditure or assessment of MINUSMA is held" in section(page.render(briefing), "cost")


def test_statements_are_of_the_missions_time_up_to_the_day(small: Path) -> None:
    assert briefed(small, "MINUSMA", "2018-12-31").owed.arrears == []
    assert [row["amount_usd"] for row in briefed(small, "MINUSMA", "2019-01-01").owed.arrears] == [7.76e8]
    assert briefed(small, "UNOSOM I").owed.arrears == []


def test_the_payment_record_of_a_year_not_over_also_says_who_had_paid_by_the_day(small: Path) -> None:
    assert [briefed(small, "MINUSMA", day).owed.paid_by_day for day in ("2019-01-29", "2019-01-30")] == [0, 1]
    assert briefed(small, "MINUSMA", "2019-12-27").owed.paid_by_day is None  # the roll itself tells
    told = section(rendered(small, "MINUSMA", "2018-05-05"), "owed")
    assert "The honour rolls held here are of 2019 to 2019; of 2018 there are no data." in told


# Claims and sources


def test_claims_stand_on_the_page_of_the_mission_that_they_are_about_and_not_before_they_were_printed(
    small: Path,
) -> None:
    assert len(briefed(small, "MINUSMA", "2019-01-25").claims) > 1
    assert briefed(small, "MINUSMA", "2019-01-24").claims == []
    assert briefed(small, "UNAMA").claims == []
    html = rendered(small, "MINUSMA", "2019-01-25")
    assert 'id="claims"' in html and "25 January 2019" in section(html, "claims")
    later = "figures of all time and of days after 25 January 2019"
    assert later in section(html, "claims")  # a page up to a day has them only there
    assert "figures of all time and of days after" not in section(rendered(small, "MINUSMA"), "claims")
    assert 'id="claims"' not in rendered(small, "UNAMA")


def test_a_warehouse_without_claims_gives_a_page_without_them(built: Path) -> None:
    file = changed(built, "DROP TABLE meta.claim_figures", "DROP TABLE meta.claims")
    assert 'id="claims"' not in rendered(file, "MINUSMA")


def test_every_snapshot_behind_the_page_is_named_with_its_hash_and_its_defects(small: Path) -> None:
    html = rendered(small, "UNOSOM I")
    told = section(html, "sources")
    assert "a" * 64 in told and "d" * 64 in told  # fatalities, missions
    assert "c" * 64 not in told  # no money of it is held
    assert "Fatalities since 1948 The data hub. Licence: CC BY. example.org" in told
    assert "Dates a month coarse." in told
    assert "c" * 64 in section(rendered(small, "MINUSMA"), "sources")


def test_a_section_without_figures_names_no_source(built: Path) -> None:
    costs = "INSERT INTO meta.snapshots BY NAME SELECT * REPLACE ('mission_budgets' AS source) FROM meta.snapshots "
    file = changed(built, f"{costs} WHERE source = 'assessed_contributions'")
    assert "mission_budgets" in [source.name for source in briefed(file, "MINUSMA").sources]
    assert "mission_budgets" not in [source.name for source in briefed(file, "UNAMA").sources]


# The page


def test_published_text_is_escaped_on_the_page_and_in_the_charts(built: Path) -> None:
    bad = "<script>alert(1)</script> & 'co'"
    file = changed(
        built,
        f"UPDATE main.missions SET name = '{bad.replace(chr(39), chr(39) * 2)}'",
        "UPDATE main.countries SET name = '<b>Bangladesh</b> & sons' WHERE iso3 = 'BGD'",
    )
    html = rendered(file, "MINUSMA", "2017-05-30")
    assert "<script" not in html and "<b>" not in html
    assert html.count("&lt;b&gt;Bangladesh&lt;/b&gt; &amp; sons") >= 3


def test_an_older_warehouse_says_what_to_do(built: Path) -> None:
    file = changed(built, "DROP VIEW marts.deadliest_days")
    with pytest.raises(BriefingError, match="built by older code.*Run `peacekeeping refresh`"):
        briefed(file, "MINUSMA")


def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page.write(tmp_path, "A.html", "before")

    def full(_self: Path, _to: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        with pytest.raises(BriefingError, match="A.html can't be written: No space left"):
            page.write(tmp_path, "A.html", "after")
    assert (tmp_path / "A.html").read_text() == "before"
    assert [file.name for file in tmp_path.iterdir()] == ["A.html"]


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BriefingError, match="can't be written.*--output DIR"):
        page.write(tmp_path / "file", "A.html", "text")


def test_the_index_links_the_pages_that_lie_beside_it_and_no_others(small: Path, tmp_path: Path) -> None:
    for name in ("UNOSOM-I.html", "MINUSMA_up-to-2019-01-25.html", "MINUSMA_up-to-2019-01-25_as-of-2022-01-31.html"):
        (tmp_path / name).write_text("")
    with queries(small) as query:
        html = page.render_index(query, tmp_path, None)
    links = dict(re.findall(r'<a href="([^"#]+)">([^<]+)</a>', html))
    assert links == {
        "UNOSOM-I.html": "UNOSOM I",
        "MINUSMA_up-to-2019-01-25.html": "MINUSMA up to 25 January 2019",
        "MINUSMA_up-to-2019-01-25_as-of-2022-01-31.html": "MINUSMA up to 25 January 2019, as of 31 January 2022",
    }


def test_a_pages_name_tells_its_two_days(small: Path) -> None:
    scope = briefed(small, "UNOSOM I").scope
    assert scope.stem == "UNOSOM-I"
    day = date(1993, 1, 1)
    assert replace(scope, up_to=day, as_of=date(2022, 1, 31)).stem == "UNOSOM-I_up-to-1993-01-01_as-of-2022-01-31"


# Charts and words


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_and_marks_stand_out_from_the_page(scheme: int) -> None:
    shades = {name: pair[scheme] for name, pair in charts.COLOURS.items()}
    for name in ("ink", "soft", "accent", "malicious"):
        assert contrast(shades[name], shades["paper"]) >= 4.5, name
    for name in ("malicious", "accident", "illness", "self", "unknown", "accent", "quiet"):
        assert contrast(shades[name], shades["paper"]) >= 3, name
    # What is pale has an edge in another colour: that of pending in `soft`, that of ended missions in `quiet`.
    assert len({pair[scheme] for pair in charts.COLOURS.values()}) == len(charts.COLOURS)


def test_a_cause_has_one_colour_everywhere(small: Path) -> None:
    briefing = briefed(small, "MINUSMA")
    drawn = drawings.draw(briefing)["years"][0]
    html = page.render(briefing)
    for cause in ("Malicious Act", "Illness", "To Be Determined"):
        name = drawings.CAUSE_COLOURS[cause]
        assert charts.LIGHT[name] in drawn and f"background: var(--{name})" in html


def test_a_chart_is_drawn_wide_and_narrow_and_says_what_it_shows(small: Path) -> None:
    drawn = drawings.draw(briefed(small, "MINUSMA", "2017-05-30"))
    wide, narrow = drawn["contributors"]
    for svg, width in ((wide, charts.WIDE), (narrow, charts.NARROW)):
        assert abs(float(re.findall(r' width="([\d.]+)"', svg)[0]) - width) < 12
        assert re.search(r'viewBox="0 0 [\d.]+ [\d.]+" role="img" aria-labelledby="contributors-', svg)
        assert "<desc" in svg and "Bangladesh: 110 → –; India: 105 → 100; France: 25 → 4" in svg
        assert svg.count("role=") == 1  # the drawing inside has none of its own
    assert 'class="chart wide"' in wide and 'class="chart narrow"' in narrow


def test_a_charts_words_are_escaped() -> None:
    rows = [{"label": "<b>", "value": 1, "text": "1", "group": "this"}]
    drawn = charts.chart("k", "<i>&", "<u>&", lambda width: charts.bars(rows, width))
    for svg in drawn:
        assert "&lt;i&gt;&amp;</title>" in svg and "&lt;u&gt;&amp;</desc>" in svg
        assert not re.search("<[biu]>", svg)


def test_a_line_breaks_where_months_are_missing(built: Path) -> None:
    file = changed(
        built,
        *[
            f"INSERT INTO main.uniformed_personnel BY NAME SELECT * REPLACE (DATE '2017-{day}' AS month_end) "
            "FROM main.uniformed_personnel WHERE month_end = DATE '2017-05-31' AND contributor_iso3 = 'IND'"
            for day in ("08-31", "09-30")
        ],
    )
    svg = drawings.draw(briefed(file, "MINUSMA", "2017-12-31"))["strength"][0]
    lines = re.findall(r'class="mark-line[^>]*><path d="([^"]*)"', svg)
    assert [line.count("L") for line in lines] == [0, 2, 1]  # IPI's month, three months to May, August to September
    with queries(file) as query:
        people = people_of(query, scope_of(query, "MINUSMA", date(2017, 12, 31)))
    assert [(str(first), str(last)) for first, last in people.gaps] == [("2017-06-30", "2017-07-31")]


@pytest.mark.parametrize(
    ("value", "told"), [(None, "no data"), (0.0, "0 %"), (0.01, "< 0.1 %"), (0.05, "0.1 %"), (93.37, "93.4 %")]
)
def test_a_share_of_nothing_next_to_nothing_and_no_data_are_three_things(value: float | None, told: str) -> None:
    assert formats.percent(value) == told


def test_dates_are_as_exact_as_they_are_known() -> None:
    day = date(2018, 3, 1)
    told = [formats.dated(day, precision) for precision in ("day", "first_of_month", "month", "year", None)]
    assert told == ["1 March 2018", "March 2018", "March 2018", "2018", "1 March 2018"]


def test_ranks_are_written_as_ordinals() -> None:
    ranks = (1, 2, 3, 4, 11, 12, 13, 21, 22, 101, 111)
    told = ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "101st", "111th"]
    assert [formats.ordinal(rank) for rank in ranks] == told


def test_units_are_one_or_many() -> None:
    told = [formats.units(unit, figure) for unit, figure in (("person", "10"), ("person", "1"), ("state", "159"))]
    assert told == ["persons", "person", "states"]
    unchanged = [("percent", "55.1"), ("rank", "2"), ("USD", "7"), ("year", "2013")]
    assert [formats.units(*pair) for pair in unchanged] == ["percent", "rank", "USD", "year"]
    assert formats.units("person", "0") == "persons" and formats.units("person", "10, on 2019-01-21") == "persons"


@pytest.mark.parametrize(
    ("precision", "amount", "told"),
    [
        ("billion, 2 decimals", "1,180", "printed rounded to 10 million"),
        ("billion, 1 decimal", "1,180", "printed rounded to 100 million"),
        ("million", "1,180", "printed rounded to 1 million"),
        ("million, 1 decimal", "1,180.0", None),
        ("million, 2 decimals", "1,180.0", None),
        ("exact dollars", "1,180.0", None),
        (None, "1,180.0", None),
    ],
)
def test_an_amount_has_no_decimal_that_was_not_printed(precision: str | None, amount: str, told: str | None) -> None:
    assert (formats.approved(1.18e9, precision), formats.rounded(precision)) == (amount, told)


def test_no_other_command_waits_for_the_charts() -> None:
    heavy = "{'vl_convert', 'jinja2', 'duckdb', 'pandas'}"
    code = f"import sys, flows.cli.main; sys.exit(', '.join({heavy} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_toll_needs_a_vintage(built: Path) -> None:
    file = changed(built, "DELETE FROM meta.snapshots WHERE source = 'fatalities'")
    with queries(file) as query:
        assert toll_of(query, scope_of(query, "MINUSMA", date(2019, 1, 20))) is None
