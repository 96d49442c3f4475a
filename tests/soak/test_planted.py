"""Faults planted in the code are found by the simulation."""

from __future__ import annotations

import pytest
from soak.planted import FAULTS, first_found

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

# Those that are found early, with the seed; `python -m soak.planted` looks for all of them.
SEEDS = {
    "refused replies are not kept": 1,
    "no writer's lock": 1,
    "published before it is checked": 2,
}


@pytest.mark.parametrize("name", SEEDS)
def test_a_planted_fault_is_found(name: str) -> None:
    seed = SEEDS[name]
    assert first_found(FAULTS[name], range(seed, seed + 2))
