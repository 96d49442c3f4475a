"""Simulated years of operation, for a few seeds; `make soak` plays ten years of many."""

from __future__ import annotations

import pytest
from soak.simulation import play

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

# Ten years of a seed take a minute of a core; `make soak` plays all of them.
DAYS = 1000


@pytest.mark.parametrize("seed", [1, 2])
def test_years_of_operation_lose_nothing_and_never_publish_half(seed: int) -> None:
    result = play(seed, days=DAYS)
    assert not result.violation, f"step {result.step}: {result.violation}"
    assert result.counts["builds"] > 3


def test_a_seed_is_replayed_exactly() -> None:
    first, again = play(3, days=300), play(3, days=300)
    assert not first.violation + again.violation
    assert first.trace == again.trace
    assert first.trace != play(4, days=300).trace
