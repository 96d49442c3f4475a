"""A corruption that changes a published total is refused or named in a warning (a few of tests/corruptions.py)."""

from __future__ import annotations

import pytest
from corruptions import KINDS, cases, outcomes, possible


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_harmful_corruption_is_accepted_without_a_warning() -> None:
    judged = list(outcomes(2 * len(cases()), 5 * len(cases())))
    assert [one for one in judged if one.harmful and one.came == "accepted"] == []
    assert sum(one.harmful for one in judged) > len(judged) / 2


def test_each_kind_of_corruption_is_tried() -> None:
    assert {kind for case in cases() for kind in possible(case)} == set(KINDS)
