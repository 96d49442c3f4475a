"""The flow `brief`: it writes the pages into the data folder, and tells a foreseeable fault in one sentence."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from flows.settings import Paths


@pytest.fixture
def brief(prefect_api: str, where: Paths) -> Any:
    """Run the flow; gives its final state."""
    from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    from flows.brief import brief

    def run_flow(**parameters: Any) -> Any:
        with temporary_settings({PREFECT_API_URL: prefect_api, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            return brief(**parameters, return_state=True)

    return run_flow


@pytest.mark.server
def test_the_pages_are_written_into_the_data_folder_and_named_in_an_artifact(
    run: Any, brief: Any, where: Paths, prefect_api: str
) -> None:
    run(offline=True)
    state = brief(mission="MINUSMA", up_to=date(2019, 1, 25))
    assert (state.is_completed(), state.message) == (True, f"wrote 1 page to {where.data / 'briefings'}")
    names = sorted(file.name for file in (where.data / "briefings").iterdir())
    assert names == ["MINUSMA_up-to-2019-01-25.html", "index.html"]

    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: prefect_api}), get_client(sync_client=True) as client:
        found = [artifact.data for artifact in client.read_artifacts() if artifact.key == "briefings"]
    assert len(found) == 1 and str(where.data / "briefings" / names[0]) in str(found[0])

    wrong = brief(mission="MINUSMAA")
    assert wrong.is_failed() and str(wrong.message).startswith("No mission is called 'MINUSMAA'. Near: MINUSMA, ")


@pytest.mark.server
def test_what_can_be_foreseen_ends_in_a_failed_state_with_a_sentence(brief: Any, where: Paths) -> None:
    state = brief(mission="MINUSMA")
    assert state.is_failed() and str(state.message).startswith("There is no warehouse at ")
    state = brief(up_to=date(2999, 1, 1))
    assert state.is_failed() and state.message == "up_to is a day that has been, got 2999-01-01. No page was written."
    assert not (where.data / "briefings").exists()
