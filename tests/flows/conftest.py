"""A Prefect server of the tests' own, a data folder, and the flow run against both."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.server import OwnServer
from flows.steps import settings
from flows.steps.settings import Paths
from flows.steps.summary import Summary

settings.apply_prefect_defaults()


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Prefect server with an empty database of its own."""
    os.environ["PREFECT_HOME"] = str(tmp_path_factory.mktemp("prefect"))
    server = OwnServer()
    server.start()
    assert server.wait(120), "the Prefect server did not come up"
    yield server.api_url
    # What Prefect still has to say it would say to a server that is gone, over and over, for more than a minute.
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=10)
    EventsWorker.drain_all(timeout=10)
    server.stop()


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """An empty data folder, in force."""
    monkeypatch.setenv("PEACEKEEPING_DATA", str(tmp_path / "data"))
    # Nobody listens there: the publishers are out of reach at once, whatever network there is.
    monkeypatch.setenv("PEACEKEEPING_PSDATA_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("PEACEKEEPING_CEB_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("PEACEKEEPING_CONTRIBUTIONS_URL", "http://127.0.0.1:9")
    return settings.paths()


Run = Callable[..., tuple[Any, Summary]]


@pytest.fixture
def run(prefect_api: str, where: Paths) -> Run:
    """Run the flow; gives its final state and its summary."""
    from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    from flows.artifacts import summary_of
    from flows.refresh import refresh

    def run_flow(**parameters: Any) -> tuple[Any, Summary]:
        with temporary_settings({PREFECT_API_URL: prefect_api, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            state = refresh(**parameters, return_state=True)
        return state, summary_of(state)

    return run_flow
