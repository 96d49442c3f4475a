"""A vintage is compared with those published just before and after it; expected values are computed by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.problems import Problem
from transforms import neighbours
from transforms.neighbours import Comparison, Neighbour

BOUNDS = {"rows": {"min": 0.5, "max": 2.0}}
EARLIER, LATER = date(2021, 6, 30), date(2025, 4, 4)


def people(*ids: str) -> pd.DataFrame:
    return pd.DataFrame({"casualty_id": pd.Series(ids, dtype="str")})


def months(*rows: tuple[str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["month_end", "mission"])
    return frame.assign(month_end=pd.to_datetime(frame["month_end"]))


def comparison(rows: pd.DataFrame, **bounds: Any) -> Comparison:
    periodic = "month_end" in rows
    return Comparison(
        key=["month_end", "mission"] if periodic else ["casualty_id"],
        period="month_end" if periodic else None,
        measures=["total"] if "total" in rows else ["rows"],
        groups=[name for name in ("nationality", "mission") if name in rows],
        bounds={**BOUNDS, **bounds},
    )


def problems_of(rows: pd.DataFrame, before: pd.DataFrame | None, after: pd.DataFrame | None) -> list[Problem]:
    """What the checks on rows and keys find, against both neighbours."""
    how = comparison(rows)
    one = None if before is None else Neighbour(EARLIER, before)
    other = None if after is None else Neighbour(LATER, after)
    problems = neighbours.number_of_rows(rows, one, how, later=False) if one else []
    problems += neighbours.number_of_rows(rows, other, how, later=True) if other else []
    return problems + neighbours.missing_keys(rows, one, other, how)


def judge(rows: pd.DataFrame, before: pd.DataFrame | None = None, after: pd.DataFrame | None = None) -> list[str]:
    """The warnings; raises with the first refusal."""
    problems = problems_of(rows, before, after)
    for problem in problems:
        if problem.refuses:
            raise ValueError(problem.text)
    return [problem.text for problem in problems]


def test_a_first_vintage_has_no_neighbour_to_compare() -> None:
    assert judge(people("A")) == []


def test_what_both_neighbours_have_must_be_there() -> None:
    with pytest.raises(ValueError) as caught:
        judge(people("A", "C", "D"), people("A", "B", "C"), people("A", "B", "C", "D"))
    assert str(caught.value) == (
        "1 rows are not in it that the vintages of 2021-06-30 and 2025-04-04 both have (B). "
        "Part of it is missing; get it again."
    )


def test_rows_of_the_earlier_vintage_alone_are_a_warning() -> None:
    assert judge(people("B", "C"), people("A", "B", "C"), people("B", "C", "D")) == [
        "1 rows of the vintage of 2021-06-30 are not in it (A)"
    ]
    assert judge(people("E"), people("E", "A")) == ["1 rows of the vintage of 2021-06-30 are not in it (A)"]


def test_rows_that_only_the_vintage_after_has_are_not_reported() -> None:
    assert judge(people("A", "B"), people("A", "B"), people("A", "B", "C")) == []


def test_many_missing_rows_are_counted_and_three_of_them_named() -> None:
    assert judge(people("E", "F", "G", "H"), people("A", "B", "C", "D", "E", "F", "G", "H")) == [
        "4 rows of the vintage of 2021-06-30 are not in it (A; B; C; …)"
    ]


@pytest.mark.parametrize(("mine", "theirs", "missing"), [(5, 10, 5), (10, 10, 0), (20, 10, 0)])
def test_a_list_may_shrink_and_grow_within_its_bounds(mine: int, theirs: int, missing: int) -> None:
    rows, before = (people(*(f"P{n}" for n in range(count))) for count in (mine, theirs))
    problems = judge(rows, before)
    assert [line.partition(" rows")[0] for line in problems] == ([str(missing)] if missing else [])


@pytest.mark.parametrize(("mine", "theirs"), [(4, 10), (21, 10), (0, 3)])
def test_a_list_that_shrinks_or_grows_beyond_its_bounds_is_refused(mine: int, theirs: int) -> None:
    rows, other = (people(*(f"P{n}" for n in range(count))) for count in (mine, theirs))
    with pytest.raises(ValueError, match=f"It has {mine} rows, the vintage of 2021-06-30 has {theirs}: .*0.5 to 2"):
        judge(rows, other)


def test_the_bounds_hold_towards_the_vintage_after_too() -> None:
    with pytest.raises(ValueError, match="It has 9 rows, the vintage of 2025-04-04 has 4"):
        judge(people(*"ABCDEFGHI"), after=people(*"ABCD"))
    assert judge(people(*"ABCD"), after=people(*"ABCDEFGH")) == []


def test_only_months_that_both_cover_are_compared() -> None:
    before = months(("2019-01-31", "MINUSMA"), ("2019-01-31", "UNMISS"), ("2019-02-28", "MINUSMA"))
    assert judge(months(("2019-01-31", "MINUSMA"), ("2019-01-31", "UNMISS")), before) == []
    assert judge(months(("2020-01-31", "MINUSMA")), before) == []
    with pytest.raises(ValueError, match="It has 5 rows in the month ends that both cover"):
        judge(months(*(("2019-02-28", f"M{n}") for n in range(5))), before)


def test_a_row_of_a_month_that_both_neighbours_have_must_be_there() -> None:
    before = months(("2019-01-31", "MINUSMA"), ("2019-01-31", "UNMISS"))
    with pytest.raises(ValueError, match=r"1 rows are not in it .*\(2019-01-31, UNMISS\)"):
        judge(months(("2019-01-31", "MINUSMA")), before, before)


@settings(max_examples=100)
@given(*[st.sets(st.sampled_from("ABCDEFGH"), min_size=4)] * 3)
def test_refused_if_and_only_if_something_of_both_is_missing(mine: set[str], before: set[str], after: set[str]) -> None:
    """Each vintage has four to eight rows, so that its number of rows is always within the bounds."""
    missing = (before & after) - mine
    try:
        problems = judge(people(*mine), people(*before), people(*after))
    except ValueError as error:
        assert missing and str(error).startswith(f"{len(missing)} rows are not in it")
    else:
        assert not missing and bool(problems) == bool(before - mine)


def deaths(*rows: tuple[str, str, str | None]) -> pd.DataFrame:
    """Casualties with the day, the cause and the nationality."""
    columns = ["casualty_id", "incident_type", "nationality"]
    frame = pd.DataFrame([(name, kind, state) for name, kind, state in rows], columns=columns)
    return frame.assign(day=pd.Timestamp("2020-01-31"))


CAUSES = {"any": {"warn": 0.4, "refuse": 0.6}, "settled": {"warn": 0, "refuse": 0.3}, "pending": ["To Be Determined"]}
OLD = deaths(
    ("A", "To Be Determined", "Mali"), ("B", "Illness", "Mali"), ("C", "Illness", "Chad"), ("D", "Accident", None)
)


def revised(new: pd.DataFrame, old: pd.DataFrame, *, later: bool = False, **options: Any) -> list[Problem]:
    how = comparison(new, revised={"incident_type": CAUSES, "nationality": {"settled": {"warn": 0, "refuse": 0.3}}})
    absent = options.get("absent", ())
    neighbour = Neighbour(LATER if later else EARLIER, old, options.get("theirs_absent", ()))
    return neighbours.revised_values(new, neighbour, how, absent, later=later)


def test_a_cause_that_was_pending_may_change_without_a_warning() -> None:
    assert revised(OLD.assign(incident_type=["Illness", "Illness", "Illness", "Accident"]), OLD) == []


def test_one_settled_cause_that_changes_is_a_warning_with_both_values() -> None:
    (problem,) = revised(OLD.assign(incident_type=["To Be Determined", "Accident", "Illness", "Accident"]), OLD)
    assert (problem.check, problem.refuses) == ("revised.incident_type", False)
    assert "1 of 4 values (25.00%)" in problem.text and "B: Illness → Accident" in problem.text


def test_many_settled_causes_that_change_are_refused() -> None:
    (problem,) = revised(OLD.assign(incident_type=["To Be Determined", "Accident", "Accident", "Accident"]), OLD)
    assert problem.refuses and "2 of them settled ones" in problem.text


def test_a_blank_that_becomes_known_was_not_settled_and_one_that_becomes_blank_was() -> None:
    assert revised(OLD.assign(nationality=["Mali", "Mali", "Chad", "Niger"]), OLD) == []
    (problem,) = revised(OLD.assign(nationality=["Mali", None, "Chad", None]), OLD)
    assert problem.check == "revised.nationality" and "B: Mali → nothing" in problem.text


def test_the_later_vintage_is_the_one_whose_values_were_revised() -> None:
    """A file loaded between two vintages is older than the later one, where its pending values may be settled."""
    file = OLD.assign(incident_type=["Illness", "Illness", "Illness", "Accident"])
    assert revised(OLD, file, later=True) == []  # pending in the file, settled afterwards
    (problem,) = revised(file, OLD, later=True)  # settled in the file, pending afterwards
    assert problem.check == "revised.incident_type" and "A: Illness → To Be Determined" in problem.text


def test_a_column_that_one_of_them_does_not_print_is_not_compared() -> None:
    blank = OLD.assign(incident_type=None)
    assert len(revised(blank, OLD)) == 1
    assert revised(blank, OLD, absent=("incident_type",)) == []
    assert revised(OLD, blank, theirs_absent=("incident_type",)) == []


def test_totals_that_change_are_named_with_both_figures() -> None:
    old = months(("2019-01-31", "MINUSMA"), ("2019-01-31", "UNMISS")).assign(total=[1000, 9000])
    how = comparison(old, totals={"warn": 0.01, "refuse": 0.10})
    assert neighbours.revised_totals(old.assign(total=[1000, 9080]), Neighbour(EARLIER, old), how) == []
    (problem,) = neighbours.revised_totals(old.assign(total=[1100, 9000]), Neighbour(EARLIER, old), how)
    assert not problem.refuses and "2019-01-31 MINUSMA total 1,000 → 1,100" in problem.text
    (problem,) = neighbours.revised_totals(old.assign(total=[1000, 900]), Neighbour(EARLIER, old), how)
    assert problem.refuses and "2019-01-31 total 10,000 → 1,900" in problem.text


def test_new_casualties_are_no_changed_totals_but_late_ones_are_counted() -> None:
    new = pd.concat([OLD, deaths(("E", "Illness", "Mali"), ("F", "Illness", "Mali"))])
    how = comparison(new, totals={"warn": 0.01, "refuse": 0.1}, late_rows={"column": "day", "warn": 1, "refuse": 3})
    assert neighbours.revised_totals(new, Neighbour(EARLIER, OLD), how) == []
    (problem,) = neighbours.late_rows(new, Neighbour(EARLIER, OLD), how)
    assert not problem.refuses and problem.text.startswith("2 of its 2 new rows are of days")
    recent = new.assign(day=pd.Timestamp("2021-07-01"))
    assert neighbours.late_rows(recent, Neighbour(EARLIER, OLD), how) == []


def test_rows_that_neither_neighbour_has_are_reported() -> None:
    how = comparison(OLD, unknown_to_both={"warn": 0, "refuse": 0.5})
    one, other = Neighbour(EARLIER, OLD.head(2)), Neighbour(LATER, OLD.head(3))
    (problem,) = neighbours.unknown_to_both(OLD, one, other, how)
    assert not problem.refuses and "1 rows are in it that neither" in problem.text and "(D)" in problem.text
    assert neighbours.unknown_to_both(OLD.head(3), one, other, how) == []
