"""Simulated years of operation, the first 500 days of twenty seeds; `make soak` plays ten years of each."""

from __future__ import annotations

from collections import Counter

import pytest
from soak.simulation import INTERRUPTIONS, play

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SEEDS, DAYS = range(1, 21), 500


def test_years_of_operation_lose_nothing_and_never_publish_half() -> None:
    results = [play(seed, days=DAYS) for seed in SEEDS]
    assert not [f"seed {result.seed}, step {result.step}: {result.violation}" for result in results if result.violation]
    happened = sum((result.counts for result in results), Counter[str]())
    faults = {*INTERRUPTIONS, "trouble", "developed", "clock", "cache"}
    assert min(happened[kind] for kind in faults) > 0
    assert happened["builds"] > 2 * len(SEEDS)


def test_a_seed_is_replayed_exactly() -> None:
    first, again = play(3, days=300), play(3, days=300)
    assert not first.violation + again.violation
    assert first.trace == again.trace
    assert first.trace != play(4, days=300).trace
