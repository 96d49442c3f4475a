"""A vintage is held against those published just before and after it; worked out by hand on a few rows."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.validate import ContractError
from transforms.drift import Neighbour, require_like_neighbours

BOUNDS = {"min": 0.5, "max": 2.0}
EARLIER, LATER = date(2021, 6, 30), date(2025, 4, 4)


def people(*ids: str) -> pd.DataFrame:
    return pd.DataFrame({"casualty_id": pd.Series(ids, dtype="str")})


def months(*rows: tuple[str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["month_end", "mission"])
    return frame.assign(month_end=pd.to_datetime(frame["month_end"]))


def judge(rows: pd.DataFrame, before: pd.DataFrame | None = None, after: pd.DataFrame | None = None) -> list[str]:
    periodic = "month_end" in rows
    return require_like_neighbours(
        rows,
        None if before is None else Neighbour(EARLIER, before),
        None if after is None else Neighbour(LATER, after),
        key=["month_end", "mission"] if periodic else ["casualty_id"],
        period="month_end" if periodic else None,
        bounds=BOUNDS,
    )


def test_a_first_vintage_has_nothing_to_be_held_against() -> None:
    assert judge(people("A")) == []


def test_what_both_neighbours_have_must_be_there() -> None:
    with pytest.raises(ContractError) as caught:
        judge(people("A", "C", "D"), people("A", "B", "C"), people("A", "B", "C", "D"))
    assert str(caught.value) == (
        "1 rows are not in it that the vintages of 2021-06-30 and 2025-04-04 both have (B). "
        "Part of it is missing; get it again."
    )


def test_what_only_the_vintage_before_has_is_told_and_taken() -> None:
    assert judge(people("B", "C"), people("A", "B", "C"), people("B", "C", "D")) == [
        "1 rows of the vintage of 2021-06-30 are not in it (A)"
    ]
    assert judge(people("E"), people("E", "A")) == ["1 rows of the vintage of 2021-06-30 are not in it (A)"]


def test_what_only_the_vintage_after_has_is_no_news() -> None:
    assert judge(people("A", "B"), people("A", "B"), people("A", "B", "C")) == []


def test_many_missing_rows_are_counted_and_three_of_them_named() -> None:
    assert judge(people("E", "F", "G", "H"), people("A", "B", "C", "D", "E", "F", "G", "H")) == [
        "4 rows of the vintage of 2021-06-30 are not in it (A; B; C; …)"
    ]


@pytest.mark.parametrize(("mine", "theirs", "gone"), [(5, 10, 5), (10, 10, 0), (20, 10, 0)])
def test_a_list_may_shrink_and_grow_within_its_bounds(mine: int, theirs: int, gone: int) -> None:
    rows, before = (people(*(f"P{n}" for n in range(count))) for count in (mine, theirs))
    told = judge(rows, before)
    assert [line.partition(" rows")[0] for line in told] == ([str(gone)] if gone else [])


@pytest.mark.parametrize(("mine", "theirs"), [(4, 10), (21, 10), (0, 3)])
def test_a_list_that_shrinks_or_grows_beyond_its_bounds_is_refused(mine: int, theirs: int) -> None:
    rows, other = (people(*(f"P{n}" for n in range(count))) for count in (mine, theirs))
    with pytest.raises(ContractError, match=f"It has {mine} rows, the vintage of 2021-06-30 has {theirs}: .*0.5 to 2"):
        judge(rows, other)


def test_the_bounds_hold_towards_the_vintage_after_too() -> None:
    with pytest.raises(ContractError, match="It has 9 rows, the vintage of 2025-04-04 has 4"):
        judge(people(*"ABCDEFGHI"), after=people(*"ABCD"))
    assert judge(people(*"ABCD"), after=people(*"ABCDEFGH")) == []


def test_only_months_that_both_cover_are_compared() -> None:
    before = months(("2019-01-31", "MINUSMA"), ("2019-01-31", "UNMISS"), ("2019-02-28", "MINUSMA"))
    assert judge(months(("2019-01-31", "MINUSMA"), ("2019-01-31", "UNMISS")), before) == []
    assert judge(months(("2020-01-31", "MINUSMA")), before) == []
    with pytest.raises(ContractError, match="It has 5 rows in the month ends that both cover"):
        judge(months(*(("2019-02-28", f"M{n}") for n in range(5))), before)


def test_a_row_of_a_month_that_both_neighbours_have_must_be_there() -> None:
    before = months(("2019-01-31", "MINUSMA"), ("2019-01-31", "UNMISS"))
    with pytest.raises(ContractError, match=r"1 rows are not in it .*\(2019-01-31, UNMISS\)"):
        judge(months(("2019-01-31", "MINUSMA")), before, before)


@settings(max_examples=100, deadline=None)
@given(*[st.sets(st.sampled_from("ABCDEFGH"), min_size=4)] * 3)
def test_refused_if_and_only_if_something_of_both_is_missing(mine: set[str], before: set[str], after: set[str]) -> None:
    """From four to eight rows each, so that the numbers are always within the bounds."""
    missing = (before & after) - mine
    try:
        told = judge(people(*mine), people(*before), people(*after))
    except ContractError as error:
        assert missing and str(error).startswith(f"{len(missing)} rows are not in it")
    else:
        assert not missing and bool(told) == bool(before - mine)
