"""Freshness, computed by hand from the covered days and the bounds, and the declared bounds."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from flows.cli.status import Bounds, Freshness, declared_bounds, judge
from sources.catalogue import load_catalogue
from sources.errors import CatalogueError

# Covered to the end of January 2023, a year without a 29 February: day 28 after it is the last of February.
COVERED = date(2023, 1, 31)
BOUNDS = Bounds(late_after_days=28, stale_after_days=59)


@pytest.mark.parametrize(
    ("today", "state", "since"),
    [
        (date(2023, 1, 30), "current", COVERED),  # the publisher is ahead of our clock
        (date(2023, 1, 31), "current", COVERED),
        (date(2023, 2, 28), "current", COVERED),  # exactly 28 days after
        (date(2023, 3, 1), "late", date(2023, 3, 1)),
        (date(2023, 3, 31), "late", date(2023, 3, 1)),  # exactly 59 days after
        (date(2023, 4, 1), "stale", date(2023, 4, 1)),
        (date(2033, 1, 1), "stale", date(2023, 4, 1)),
    ],
)
def test_the_day_of_the_bound_is_still_the_better_state_and_the_next_is_not(
    today: date, state: str, since: date
) -> None:
    assert judge(COVERED, BOUNDS, today) == Freshness(state, since)  # type: ignore[arg-type]


def test_a_source_without_rows_or_without_bounds_is_not_judged() -> None:
    assert judge(None, BOUNDS, date(2033, 1, 1)) == Freshness(None, None)
    assert judge(COVERED, None, date(2033, 1, 1)) == Freshness(None, None)


def test_every_regular_source_has_bounds_in_order_and_the_irregular_have_none() -> None:
    bounds, catalogue = declared_bounds(), load_catalogue()
    assert list(bounds) == list(catalogue)
    for name, source in catalogue.items():
        declared = bounds[name]
        assert (declared is None) == (source.cadence == "irregular"), name
        assert declared is None or 0 < declared.late_after_days < declared.stale_after_days, name
    assert bounds["fatalities"] == Bounds(60, 120)


@pytest.mark.parametrize(
    "text",
    ["freshness: [", "freshness: {late_after_days: 3}", "freshness: {late_after_days: x, stale_after_days: 4}", ""],
)
def test_a_declaration_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "dragons.yaml").write_text(text)
    with pytest.raises(CatalogueError, match=r"dragons\.yaml: freshness"):
        declared_bounds(tmp_path)
