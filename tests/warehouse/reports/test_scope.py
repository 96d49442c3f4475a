"""What a page can be made of: a mission, or a state for the missions in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from warehouse.query import connect
from warehouse.reports.scope import Queries, WrongMission, missions_called


@pytest.mark.parametrize(
    ("text", "missions"),
    [
        ("minusma", ["MINUSMA"]),
        ("UNOSOM-I", ["UNOSOM I"]),
        ("Mali", ["MINUSMA"]),  # and not the regional offices
        (" somalia ", ["UNOSOM I"]),  # the only one with data
        ("Malia", ["Malia"]),
    ],
)
def test_a_mission_is_called_by_its_name_or_by_its_state(small: Path, text: str, missions: list[str]) -> None:
    with connect(small) as connection:
        assert missions_called(Queries(connection), text) == missions


def test_a_state_without_a_mission_is_refused(small: Path) -> None:
    with connect(small) as connection, pytest.raises(WrongMission, match=r"is or was in France \(FRA\)\."):
        missions_called(Queries(connection), "France")
