"""The figures of a briefing, on the small warehouse whose rows can be counted by hand."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from briefing_shared import briefed, changed, queries, rendered, section

from warehouse.reports import page
from warehouse.reports.people import people_of
from warehouse.reports.scope import WrongMission, known_missions, scope_of
from warehouse.reports.toll import Toll, shortened, toll_of


def casualty(number: int, day: str, mission: str = "MINUSMA", cause: str = "Malicious Act") -> str:
    """SQL for one more casualty, military, Indian."""
    return (
        "INSERT INTO main.fatalities BY NAME SELECT * EXCLUDE (is_uniformed) REPLACE ("
        f"'X-{number}' AS casualty_id, DATE '{day}' AS incident_date, '{mission}' AS mission, "
        f"'{cause}' AS incident_type) FROM main.fatalities WHERE casualty_id = 'MINUSMA-2013-07-00001'"
    )


def toll(file: Path, mission: str, up_to: str | None = None) -> Toll:
    figures = briefed(file, mission, up_to).toll
    assert figures is not None
    return figures


# The mission and the day


def test_a_mission_is_found_by_its_name_in_any_case_and_by_an_alias(small: Path) -> None:
    for text in ("UNOSOM I", "unosom i", " UNOSOM-I "):
        assert briefed(small, text).scope.mission == "UNOSOM I"


def test_a_mission_or_day_without_data_is_refused(small: Path) -> None:
    with queries(small) as query:
        for mission, up_to, message in (
            ("MINUSMAA", None, r"No mission is called 'MINUSMAA'. Close to it: MINUSMA\."),
            ("UNOSOM II", None, "no deaths and no uniformed personnel of UNOSOM II .* counted under UNOSOM"),
            ("MINUSMA", date(2013, 4, 24), "Nothing is known of MINUSMA by 2013-04-24: .* on 2013-04-25"),
        ):
            with pytest.raises(WrongMission, match=message):
                scope_of(query, mission, up_to)
        assert scope_of(query, "MINUSMA", date(2013, 4, 25)).day == date(2013, 4, 25)
        assert [row["mission"] for row in known_missions(query)] == ["MINUSMA", "UNAMA", "UNOSOM I"]


def test_a_page_up_to_a_day_does_not_say_that_the_mission_ended_later(small: Path) -> None:
    assert not briefed(small, "MINUSMA", "2023-12-31").scope.over
    assert briefed(small, "MINUSMA", "2024-01-01").scope.over
    html = rendered(small, "MINUSMA", "2019-01-20")
    assert "31 December 2023" not in html and "since 25 April 2013" in html


def test_an_end_known_to_the_month_is_read_as_late_as_possible(built: Path) -> None:
    end = "end_date = DATE '2023-12-01', end_date_precision = 'first_of_month'"
    file = changed(built, f"UPDATE main.missions SET {end} WHERE mission = 'MINUSMA'")
    assert not briefed(file, "MINUSMA", "2023-12-31").scope.over
    assert "25 April 2013 to December 2023" in rendered(file, "MINUSMA", "2024-01-01")


def test_a_mission_without_dates_is_over_only_when_the_reports_no_longer_name_it(built: Path) -> None:
    file = changed(built, "UPDATE main.missions SET start_date = NULL, end_date = NULL, is_active = NULL")
    # The newest report with missions, of 2017-05, names MINUSMA and not UNAMA; none ever named UNOSOM I.
    for mission, over in (("MINUSMA", False), ("UNOSOM I", False), ("UNAMA", True)):
        assert briefed(file, mission).scope.over is over, mission


# Deaths


@pytest.mark.parametrize(
    ("up_to", "figures"), [("2019-01-19", [3, 2, 2, 0]), ("2019-01-20", [4, 3, 3, 0]), (None, [6, 3, 4, 2])]
)
def test_the_totals_are_of_what_happened_by_the_day(small: Path, up_to: str | None, figures: list[int]) -> None:
    totals = toll(small, "MINUSMA", up_to).totals
    assert [totals[name] for name in ("deaths", "malicious", "uniformed", "pending")] == figures


def test_every_year_of_the_mission_has_its_row_also_without_a_death(small: Path) -> None:
    figures = toll(small, "MINUSMA", "2019-06-30")
    assert {row["year"]: row["deaths"] for row in figures.years} == {
        2013: 1, 2014: 0, 2015: 0, 2016: 1, 2017: 0, 2018: 1, 2019: 1,
    }  # fmt: skip
    assert [row["cause"] for row in figures.causes] == ["Malicious Act", "Illness"]
    assert toll(small, "MINUSMA").years[-1]["year"] == 2023  # it ended on 2023-12-31
    assert toll(small, "UNAMA").years[-1]["year"] == 2025  # the vintage is of 2025-04-30


def test_a_worse_day_after_the_day_of_the_page_does_not_lower_a_rank(built: Path) -> None:
    rows = [casualty(n, "2018-05-05") for n in (1, 2)] + [casualty(n, "2022-02-02") for n in (3, 4, 5)]
    file = changed(built, *rows)
    by_then, now = toll(file, "MINUSMA", "2019-01-01"), toll(file, "MINUSMA")
    names = ("deaths", "malicious_deaths", "rank_malicious")
    assert [(str(row["incident_date"]), *(row[name] for name in names)) for row in now.days] == [
        ("2022-02-02", 3, 3, 1),
        ("2018-05-05", 3, 2, 2),
    ]
    assert [(str(row["incident_date"]), row["rank_malicious"]) for row in by_then.days] == [("2018-05-05", 1)]
    assert (by_then.days[0]["nationalities"], by_then.single_days) == ("India 2, France 1", 2)


def test_a_long_list_of_nationalities_is_shortened() -> None:
    states = [f"State {n}" for n in range(9)]
    assert shortened(states) == "State 0, State 1, State 2, State 3, State 4, State 5, and 3 more states"
    assert shortened(states[:7]) == ", ".join(states[:7])


def test_the_ranks_are_among_all_missions_and_among_the_active_ones(built: Path) -> None:
    file = changed(built, *[casualty(n, "1993-06-05", "UNOSOM I") for n in range(5)])
    malicious, every = toll(file, "MINUSMA", "2019-01-20").ladders
    for ladder, cause in ((malicious, "Malicious Act"), (every, None)):
        assert (ladder.cause, ladder.own and ladder.own["rank"], ladder.rank_active) == (cause, 2, 1)
    assert [row["mission"] for row in malicious.rows] == ["UNOSOM I", "MINUSMA"]
    text = section(rendered(file, "MINUSMA", "2019-01-20"), "toll")
    assert "ranked 2nd of all missions ever and 1st of the missions active on 20 January 2019" in text
    assert "counts, not rates" in text and "include special political missions and other offices" in text
    early = "They also include missions that began before 2000"  # UNOSOM I; this page's own mission began in 2013
    assert early in text
    file = changed(file, "DELETE FROM main.fatalities WHERE mission = 'UNOSOM I'")
    assert early not in section(rendered(file, "MINUSMA", "2019-01-20"), "toll")


@pytest.mark.parametrize(("pairs", "shown", "hidden"), [(3, 3, 0), (8, 8, 0), (11, 11, 0), (23, 20, 3)])
def test_days_that_tie_with_the_last_shown_are_shown_up_to_twenty(
    built: Path, pairs: int, shown: int, hidden: int
) -> None:
    days = [f"2014-{1 + n // 27:02}-{1 + n % 27:02}" for n in range(pairs)]
    file = changed(built, *[casualty(2 * n + m, day) for n, day in enumerate(days) for m in (0, 1)])
    figures = toll(file, "MINUSMA")
    assert (len(figures.days), figures.many_days, figures.tied_days) == (shown, pairs, hidden)
    text = section(rendered(file, "MINUSMA"), "days")
    assert (f"All {pairs} days with two or more deaths" in text) == (not hidden)
    assert ("20 of 23 days with two or more deaths" in text) == bool(hidden)
    assert ("3 more days have 2 deaths, like the last one shown" in text) == bool(hidden)
    assert "shared by" in text and "On 6 other days one person died" in text


def test_a_day_below_the_eighth_is_not_shown(built: Path) -> None:
    days = [casualty(10 * n + m, f"2014-01-{n:02}") for n in range(1, 10) for m in range(3 if n < 9 else 2)]
    file = changed(built, *days)
    figures = toll(file, "MINUSMA")
    assert (len(figures.days), figures.many_days, figures.tied_days) == (8, 9, 0)
    assert "8 of 9 days with two or more deaths" in section(rendered(file, "MINUSMA"), "days")


def test_a_mission_below_the_first_ten_is_last_in_the_ranking(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warehouse.reports.toll.LADDER_LENGTH", 2)
    malicious, every = toll(changed(built, casualty(1, "1993-06-05", "UNOSOM I")), "UNAMA").ladders
    assert [(row["mission"], row["rank"]) for row in every.rows] == [("MINUSMA", 1), ("UNAMA", 3)]
    assert malicious.own is None  # no malicious act


def test_a_mission_without_deaths_in_the_list_has_no_zero(built: Path) -> None:
    briefing = briefed(changed(built, "DELETE FROM main.fatalities WHERE mission = 'UNAMA'"), "UNAMA")
    text = section(page.render(briefing), "toll")
    assert briefing.toll is None and "names no death in UNAMA" in text and not re.search(r"\b0\b", text)
    file = changed(built, "DELETE FROM meta.snapshots WHERE source = 'fatalities'")
    with queries(file) as query:
        assert toll_of(query, scope_of(query, "MINUSMA", date(2019, 1, 20))) is None


def test_a_person_without_a_published_sex_is_not_counted_as_a_man(built: Path) -> None:
    assert "One was a woman; the sex of 1 is not published" in rendered(built, "MINUSMA")
    assert "Their sex is not published" in rendered(
        changed(built, "UPDATE main.fatalities SET gender = NULL"), "MINUSMA"
    )


# Personnel


def test_the_month_shown_is_the_latest_by_the_day_with_the_next_report_beside_it(small: Path) -> None:
    people = briefed(small, "MINUSMA", "2017-05-30").people
    assert people.reported and str(people.reported["month_end"]) == "2017-04-30"
    assert (people.reported["strength"], str(people.next_month), people.next_strength) == (240, "2017-05-31", 104)
    names = ("contributor", "uniformed_personnel", "next_uniformed_personnel")
    assert [tuple(row[name] for name in names) for row in people.named] == [
        ("Bangladesh", 110, None),
        ("India", 105, 100),
        ("France", 25, 4),
    ]
    html = rendered(small, "MINUSMA", "2017-05-30")
    assert "110 → –" in html and "105 → 100" in html  # a state without a row in the next report is no zero
    text = section(html, "people")
    assert "1 Bangladesh 110 45.8 % – 2 India 105" in text
    assert "“–”: the report of 31 May 2017 has nobody from that state" in text
    assert "In the next report that names it, of 31 May 2017 (after the day of this page), there were 104" in text
    assert "after the day of this page" not in section(rendered(small, "MINUSMA"), "people")


@pytest.mark.parametrize(
    ("extra", "month_end", "strength"),
    [(0, "2017-04-30", 240), (111, "2017-04-30", 240), (112, "2017-05-31", 216)],  # nine tenths of 240 are 216
)
def test_a_mission_that_is_over_shows_the_last_month_near_its_greatest_strength(
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
    text = "at least nine tenths of its greatest strength in the monthly reports (240 on 30 April 2017)"
    assert text in section(rendered(file, "MINUSMA"), "people")
    assert briefed(file, "MINUSMA", "2023-12-31").people.greatest is None  # not over by then: its latest month


def test_a_known_defect_that_names_the_mission_is_shown_with_its_figures(built: Path) -> None:
    texts = ["MINUSMA, Chad: 39 (2017-05), 1,455 (2017-06); an error", "May 2017: MINUSMA again"]
    for name, description in zip("abc", [*texts, "UNMINUSMA and MINUSMAS: another"], strict=True):
        changed(
            built,
            "INSERT INTO meta.known_defects BY NAME SELECT * REPLACE ('uniformed_personnel' AS source, "
            f"'{name}' AS defect_id, '{description}' AS description) FROM meta.known_defects LIMIT 1",
        )
    assert briefed(built, "MINUSMA").people.defects == texts
    assert f"Known defect: {texts[0]}" in section(rendered(built, "MINUSMA", "2017-05-31"), "people")
    assert briefed(built, "MINUSMA", "2017-04-30").people.defects == []  # of later months
    assert briefed(built, "UNAMA").people.defects == []


def test_a_month_in_two_series_is_counted_once(built: Path) -> None:
    file = changed(
        built,
        "INSERT INTO main.mission_strength BY NAME SELECT * REPLACE (DATE '2017-04-30' AS month_end, 999 AS total) "
        "FROM main.mission_strength",
    )
    months = briefed(file, "MINUSMA", "2017-05-31").people.months
    assert [(str(row["month_end"]), row["strength"], row["series"]) for row in months] == [
        ("2017-03-31", 13, "ipi"), ("2017-04-30", 240, "monthly_report"), ("2017-05-31", 104, "monthly_report"),
    ]  # fmt: skip


def test_months_without_a_figure_are_a_gap_and_no_zero(built: Path) -> None:
    people = briefed(built, "MINUSMA", "2023-09-30").people  # that month's report has no missions
    assert [(str(first), str(last)) for first, last in people.gaps] == [("2017-06-30", "2023-09-30")]
    assert all(row["strength"] for row in people.months)
    assert "No figure: June 2017 to September 2023" in section(rendered(built, "MINUSMA", "2023-09-30"), "people")
    later = [
        f"INSERT INTO main.uniformed_personnel BY NAME SELECT * REPLACE (DATE '2017-{day}' AS month_end) "
        "FROM main.uniformed_personnel WHERE month_end = DATE '2017-05-31' AND contributor_iso3 = 'IND'"
        for day in ("08-31", "10-31")
    ]
    with queries(changed(built, *later)) as query:
        people = people_of(query, scope_of(query, "MINUSMA", date(2017, 12, 31)))
    runs = [("2017-06-30", "2017-07-31"), ("2017-09-30", "2017-09-30")]
    assert [(str(first), str(last)) for first, last in people.gaps] == runs


def test_a_level_that_sends_nobody_is_a_zero_and_a_year_without_levels_has_none(built: Path) -> None:
    rows = briefed(built, "MINUSMA", "2017-04-30").people.levels.rows
    assert {row["level_group"]: row["uniformed_personnel"] for row in rows} == {"A": 25, "unknown": 215}
    later = briefed(
        changed(built, "UPDATE main.peacekeeping_levels SET scale_period = '2013-2015'"), "MINUSMA", "2017-04-30"
    )
    assert later.people.levels.rows == []
    assert "There are no levels for 2017 in the data" in section(page.render(later), "people")


def test_women_are_not_counted_where_the_report_prints_no_sex(built: Path) -> None:
    women = briefed(built, "MINUSMA", "2017-04-30").people.women.total
    assert women is not None and (women["women"], women["total"]) == (16, 240)
    no_sex = "UPDATE main.uniformed_personnel SET female = NULL, male = NULL WHERE contributor_iso3 = 'FRA'"
    assert briefed(changed(built, no_sex), "MINUSMA", "2017-04-30").people.women.total is None
    assert "does not print the sex" in section(rendered(built, "MINUSMA", "2017-04-30"), "people")


def test_a_mission_without_personnel_says_that_there_are_no_data(small: Path) -> None:
    people = briefed(small, "UNOSOM I").people
    assert people.months == [] and people.reported is None
    html = rendered(small, "UNOSOM I")
    assert "That does not mean that it had nobody." in section(html, "people")
    assert "<svg" not in html.partition('<section aria-labelledby="people">')[2].partition("</section>")[0]


# Money


@pytest.mark.parametrize(
    ("up_to", "wanted", "shown"),
    [
        ("2018-06-30", "2017-18", None),
        ("2018-07-01", "2018-19", "2018-19"),
        ("2019-06-30", "2018-19", "2018-19"),
        ("2021-01-01", "2020-21", "2019-20"),
    ],
)
def test_the_payers_are_of_the_days_peacekeeping_year_or_the_last_one_with_data(
    small: Path, up_to: str, wanted: str, shown: str | None
) -> None:
    briefing = briefed(small, "MINUSMA", up_to)
    assert (briefing.payers.wanted, briefing.payers.year) == (wanted, shown)
    text = section(page.render(briefing), "pay")
    if shown is None:
        assert "begin with the peacekeeping year 2018-19" in text and "does not mean that nobody paid" in text
    else:
        assert "were assessed $" in text and "before credits for all peacekeeping missions together" in text
        assert (wanted == shown) == ("is the last year before it" not in text)


def test_the_money_is_of_the_missions_time_up_to_the_day(small: Path) -> None:
    assert briefed(small, "MINUSMA").payers.wanted == "2023-24"
    assert briefed(small, "UNOSOM I").payers.wanted == "1992-93"  # the coarse end, March 1993, is in it
    early = briefed(small, "MINUSMA", "2018-06-30")
    assert early.costs == []
    assert "There are no data on budgets, spending or assessments" in section(page.render(early), "cost")
    for mission, up_to, amounts in (
        ("MINUSMA", "2018-12-31", []),
        ("MINUSMA", "2019-01-01", [7.76e8]),
        ("UNOSOM I", None, []),
    ):
        assert [row["amount_usd"] for row in briefed(small, mission, up_to).owed.arrears] == amounts


def test_a_special_political_mission_is_paid_by_the_regular_budget(small: Path) -> None:
    text = section(rendered(small, "UNAMA", "2019-01-25"), "pay")
    assert "special political mission: it is paid from the regular budget" in text
    assert "There is no scale of assessments for 2019" in text


def approved(stage: str, amount: float, precision: str, row: int = 100) -> str:
    """SQL for one approved amount of MINUSMA in 2018-19."""
    return (
        f"INSERT INTO main.mission_budgets BY NAME SELECT * REPLACE ('approved' AS measure, '{stage}' AS stage, "
        f"{amount}::DECIMAL(18, 2) AS amount_usd, '{precision}' AS precision, 'approved' AS publication, "
        f"snapshot_row + {row} AS snapshot_row) FROM main.mission_budgets LIMIT 1"
    )


@pytest.mark.parametrize(
    ("amounts", "text"),
    [
        ([], "2018-19 under way on the day no data 1,000.0 no data 5.0"),
        (
            [("initial approval", 998_800_000, "million, 1 decimal")],
            "under way on the day 998.8 1,000.0 no data 5.0 approved: initial approval",
        ),
        (
            [("approved", 1_180_000_000, "billion, 2 decimals")],
            "under way on the day 1,180 1,000.0 no data 5.0 approved, printed rounded to 10 million",
        ),
        (
            [("initial approval", 366_770_000, "million, 2 decimals"), ("later", 602_000_000, "million", 200)],
            "see below 1,000.0 no data 5.0 366.8: initial approval 602: later, printed rounded to 1 million",
        ),
    ],
)
def test_an_approved_amount_has_its_stage_and_no_decimal_that_was_not_printed(
    built: Path, amounts: list[tuple[str, float, str]], text: str
) -> None:
    cost = section(rendered(changed(built, *(approved(*one) for one in amounts)), "MINUSMA", "2019-01-25"), "cost")
    assert text in cost and "spending above it is not overspending" in cost
    assert "Assessed, after credits" in cost and "assessments under “Who pays” are before credits" in cost


def test_states_are_counted_once_where_the_year_has_two_scales(small: Path) -> None:
    briefing = briefed(small, "MINUSMA", "2019-01-25")
    for scales, text in (
        (["2016-2018"], "5 states were assessed."),
        (["2016-2018", "2019-2021"], "so the numbers of states can’t be added; 5 were assessed"),
    ):
        changed_scales = replace(briefing, payers=replace(briefing.payers, scales=scales))
        assert text in section(page.render(changed_scales), "pay")


def test_a_cash_shortfall_is_listed_with_cash_and_not_with_arrears(built: Path) -> None:
    file = changed(
        built,
        "INSERT INTO main.dated_facts BY NAME SELECT * REPLACE (DATE '2018-12-31' AS as_of_from, DATE '2018-12-31' AS "
        "as_of_to, 'all' AS subject, 'regular' AS fund, 323000000 AS value, 'year-end CASH SHORTFALL (not arrears)' AS "
        "statement, snapshot_row + 1 AS snapshot_row) FROM main.dated_facts LIMIT 1",
    )
    owed = briefed(file, "MINUSMA", "2019-01-25").owed
    assert [row["debtor"] for row in owed.arrears] == ["USA"] and len(owed.cash) == 1
    text = section(rendered(file, "MINUSMA", "2019-01-25"), "owed")
    assert "31 December 2018 Regular budget: year-end CASH SHORTFALL (not arrears), $323 million" in text
    assert "Statements on arrears from the mission’s time up to 25 January 2019" in text


def test_a_later_honour_roll_also_says_who_had_paid_by_the_day(small: Path) -> None:
    paid = {"2019-01-29": 0, "2019-01-30": 1, "2019-12-27": None}  # the roll is of 2019-12-27
    assert {day: briefed(small, "MINUSMA", day).owed.paid_by_day for day in paid} == paid
    text = section(rendered(small, "MINUSMA", "2018-05-05"), "owed")
    assert "The honour rolls in the data are of 2019 to 2019; there is none of 2018." in text
