"""A month that is new is compared with the nearest known month; the expected values are computed by hand."""

from __future__ import annotations

from typing import Any

import pandas as pd

from schemas.problems import Problem
from transforms.adjacent_periods import against_nearest_period
from transforms.neighbours import Comparison

DECLARED: dict[str, Any] = {
    "near_days": 95,
    "far": {"min": 0.5, "max": 2},
    "measures": {
        "total": {
            "sum": {"warn": {"min": 0.9, "max": 1.1}, "refuse": {"min": 0.5, "max": 2}},
            "typical": {"refuse": {"min": 0.5, "max": 2}},
            "moved": {"warn": 0.1, "refuse": 0.4},
            "unchanged": {"warn": 0.9},
            "state": {"moved": 0.05, "gone_or_new": 20},
        }
    },
}
JUNE = {"BGD": 1000, "NPL": 1005, "IND": 980, "FJI": 15}


def month(end: str, **totals: int) -> pd.DataFrame:
    rows = [{"month_end": pd.Timestamp(end), "state": state, "mission": "X", "total": n} for state, n in totals.items()]
    return pd.DataFrame(rows)


def compared(new: pd.DataFrame, known: pd.DataFrame | None, **changes: Any) -> list[Problem]:
    bounds = {"next_period": {**DECLARED, **changes}}
    how = Comparison(["month_end", "state", "mission"], "month_end", ["total"], ["state"], bounds, {"mission": "NONE"})
    return against_nearest_period(new, known, how)


def checks(problems: list[Problem]) -> list[tuple[str, bool]]:
    return [(problem.check, problem.refuses) for problem in problems]


def test_a_month_like_the_one_before_has_no_problem() -> None:
    assert compared(month("2025-07-31", BGD=1010, NPL=1000, IND=985, FJI=14), month("2025-06-30", **JUNE)) == []


def test_a_changed_sum_is_a_warning_and_a_large_change_is_refused_with_its_factor() -> None:
    june = month("2025-06-30", **JUNE)
    fewer = compared(month("2025-07-31", BGD=850, NPL=860, IND=880, FJI=15), june)
    assert ("next_period.total", False) in checks(fewer) and "0.868 times" in fewer[0].text
    thousands = compared(month("2025-07-31", BGD=1, NPL=1, IND=1, FJI=0), june)
    assert ("next_period.total", True) in checks(thousands) and "1e+03 times less" in thousands[0].text


def test_figures_under_other_states_are_refused() -> None:
    june = month("2025-06-30", BGD=3000, NPL=50, IND=40)
    problems = compared(month("2025-07-31", BGD=50, NPL=40, IND=3000), june)
    assert any(problem.refuses and "has other keys" in problem.text for problem in problems)


def test_a_state_that_leaves_or_comes_with_many_is_named() -> None:
    problems = compared(month("2025-07-31", BGD=1010, NPL=1000, PAK=985, FJI=14), month("2025-06-30", **JUNE))
    (named,) = [problem for problem in problems if problem.check == "next_period.state"]
    assert not named.refuses and "PAK 0 → 985" in named.text and "IND 980 → 0" in named.text
    small = compared(month("2025-07-31", BGD=1010, NPL=1000, IND=985), month("2025-06-30", **JUNE))
    assert small == []  # Fiji's 15 are fewer than 20


def test_the_same_figures_under_another_date_are_a_warning() -> None:
    (problem,) = compared(month("2025-07-31", **JUNE), month("2025-06-30", **JUNE))
    assert not problem.refuses and "100.0% of the values of total" in problem.text


def test_a_known_month_is_not_compared_with_its_neighbours() -> None:
    assert compared(month("2025-06-30", BGD=1), month("2025-06-30", **JUNE)) == []


def test_the_later_month_serves_where_there_is_no_earlier_one_and_the_earlier_comes_first() -> None:
    later = compared(month("2025-05-31", BGD=1, NPL=1, IND=1), month("2025-06-30", **JUNE))
    assert "in 2025-05-31 and 3,000 in 2025-06-30" in later[0].text
    known = pd.concat([month("2025-05-31", BGD=9000, NPL=1000), month("2025-07-31", BGD=10, NPL=2)])
    between = compared(month("2025-06-30", BGD=9010, NPL=1001), known)
    assert between == []


def test_of_a_distant_month_only_the_size_is_compared() -> None:
    june = month("2023-06-30", **JUNE)
    assert compared(month("2025-07-31", BGD=2000, PAK=1500), june) == []
    (problem,) = compared(month("2025-07-31", BGD=20, PAK=15), june)
    assert problem.refuses


def test_a_column_that_one_month_does_not_print_is_left_out_of_the_key() -> None:
    june = month("2025-06-30", **JUNE)
    july = month("2025-07-31", BGD=1010, NPL=1000, IND=985, FJI=14).assign(mission="NONE")
    assert compared(july, june) == []


def test_a_declared_exception_silences_its_check_for_that_new_month_and_no_other() -> None:
    new, june = month("2025-07-31", BGD=1010, NPL=1000, PAK=985, FJI=14), month("2025-06-30", **JUNE)
    known = [{"period": "2025-07-31", "checks": ["next_period.state"], "why": "a contingent was replaced"}]
    assert "next_period.state" not in [check for check, _ in checks(compared(new, june, exceptions=known))]
    assert "next_period.total" in [check for check, _ in checks(compared(new, june, exceptions=known))]
    other = [{**known[0], "period": "2025-06-30"}]
    assert "next_period.state" in [check for check, _ in checks(compared(new, june, exceptions=other))]


def test_a_month_that_skips_one_is_a_warning() -> None:
    june = month("2025-06-30", **JUNE)
    august = month("2025-08-31", BGD=1010, NPL=1000, IND=985, FJI=14)
    assert compared(august, june) == []
    (problem,) = compared(august, june, gap_days={"warn": 31})
    assert problem.check == "next_period.gap" and "2025-08-31 is new, and the nearest known period" in problem.text


def test_figures_that_change_otherwise_than_the_others_are_named() -> None:
    measures = {"total": {"most_times": 2}}
    june = month("2025-06-30", **JUNE)
    doubled = month("2025-07-31", BGD=2100, NPL=2000, IND=1950, FJI=31)
    assert compared(doubled, june, measures=measures) == []
    (problem,) = compared(month("2025-07-31", BGD=1000, NPL=450, IND=980, FJI=15), june, measures=measures)
    assert problem.check == "next_period.values" and "NPL, X 1,005 → 450" in problem.text


def test_persons_with_keys_that_only_one_month_has_are_counted() -> None:
    june = month("2025-06-30", **JUNE)
    july = june.assign(month_end=pd.Timestamp("2025-07-31"), mission=["X", "X", "Y", "X"])
    (problem,) = compared(july, june, measures={"total": {"keys": {"warn": 0.2}}})
    assert problem.check == "next_period.keys"
    assert "980 total of 2025-06-30" in problem.text and "980 of 2025-07-31" in problem.text
    assert compared(july, june, measures={"total": {"keys": {"warn": 0.4}}}) == []
