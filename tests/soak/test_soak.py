"""Ten simulated years of operation, for a few seeds; `make soak` plays many."""

from __future__ import annotations

import pytest
from soak.simulation import play

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

# A seed takes 30 to 45 s of a core.
SEEDS = range(1, 3)


@pytest.mark.parametrize("seed", SEEDS)
def test_ten_years_lose_nothing_and_never_publish_half(seed: int) -> None:
    result = play(seed)
    assert not result.violation, f"step {result.step}: {result.violation}"
    assert result.counts["builds"] > 5


def test_a_seed_is_replayed_exactly() -> None:
    first, again = play(1, days=600), play(1, days=600)
    assert first.trace == again.trace
    assert first.trace != play(2, days=600).trace
