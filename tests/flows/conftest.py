"""A Prefect server per worker, data folders, and the flow run against both."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.steps import settings
from flows.steps.settings import Paths
from flows.steps.summary import Summary

settings.apply_prefect_defaults()


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> Iterator[str]:
    """The API's address of the Prefect server that flows in this process use."""
    os.environ["PREFECT_HOME"] = str(tmp_path_factory.mktemp("client"))
    yield prefect_server
    # Prefect would go on sending to a server that is gone, for more than a minute.
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=10)
    EventsWorker.drain_all(timeout=10)


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """An empty data folder, set as PEACEKEEPING_DATA."""
    monkeypatch.setenv("PEACEKEEPING_DATA", str(tmp_path / "data"))
    # Nobody listens there, so the publishers are unreachable at once, with or without a network.
    monkeypatch.setenv("PEACEKEEPING_PSDATA_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("PEACEKEEPING_CEB_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("PEACEKEEPING_CONTRIBUTIONS_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("PEACEKEEPING_REPORTS_URL", "http://127.0.0.1:9")
    return settings.paths()


@pytest.fixture
def built(where: Paths, built_folder: Path) -> Paths:
    """The data folder after an offline refresh."""
    shutil.copytree(built_folder / "data", where.data)
    return where


@pytest.fixture
def on_server(prefect_api: str) -> Iterator[str]:
    """Flows of the test run on the server, without heartbeats, which would cost a second each."""
    from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with temporary_settings({PREFECT_API_URL: prefect_api, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield prefect_api


Run = Callable[..., tuple[Any, Summary]]


@pytest.fixture
def run(on_server: str, where: Paths) -> Run:
    """Run the flow; returns its final state and its summary."""
    from flows.artifacts import summary_of
    from flows.refresh import refresh

    def run_flow(**parameters: Any) -> tuple[Any, Summary]:
        state = refresh(**parameters, return_state=True)
        return state, summary_of(state)

    return run_flow
