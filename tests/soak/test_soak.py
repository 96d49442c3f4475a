"""Simulated years of operation, the first 300 days of twenty seeds; `make soak` plays ten years of each."""

from __future__ import annotations

from collections import Counter

import pytest
from soak.simulation import play

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

DAYS = 300


@pytest.mark.parametrize("seeds", [range(first, first + 5) for first in (1, 6, 11, 16)], ids=str)
def test_years_of_operation_lose_nothing_and_publish_no_incomplete_build(seeds: range) -> None:
    results = [play(seed, days=DAYS) for seed in seeds]
    failed = [result for result in results if result.violation]
    assert not failed, [f"seed {result.seed}, step {result.step}: {result.violation}" for result in failed]
    happened = sum((result.counts for result in results), Counter[str]())
    assert happened["builds"] > len(seeds) and happened["trouble"] and happened["killed"]


def test_a_seed_is_replayed_exactly() -> None:
    first, again = play(3, days=300), play(3, days=300)
    assert not first.violation + again.violation
    assert first.trace == again.trace
    assert first.trace != play(4, days=60).trace
