"""The setting that says where mapped tasks run: what it gives, and what is told when it can't be had."""

from __future__ import annotations

import builtins
import os
from pathlib import Path
from typing import Any

import pytest
from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner

from flows import task_runners
from flows.task_runners import RunnerError, mapped, task_runner


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(task_runners.RUNNER, raising=False)
    monkeypatch.delenv(task_runners.ADDRESS, raising=False)


@pytest.mark.parametrize("said", [None, "", "  ", "threads"])
def test_threads_are_the_default(said: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if said is not None:
        monkeypatch.setenv(task_runners.RUNNER, said)
    monkeypatch.setenv(task_runners.ADDRESS, "tcp://127.0.0.1:9")  # of no concern to threads
    assert type(task_runner()) is ThreadPoolTaskRunner


def test_dask_without_an_address_is_a_process_a_core_and_no_dashboard(monkeypatch: pytest.MonkeyPatch) -> None:
    dask = pytest.importorskip("prefect_dask")
    monkeypatch.setenv(task_runners.RUNNER, "dask")
    found = task_runner()
    assert isinstance(found, dask.DaskTaskRunner) and found.address is None
    assert found.cluster_kwargs == {
        "n_workers": os.cpu_count(), "threads_per_worker": 1, "dashboard_address": None,
    }  # fmt: skip


def test_an_address_is_the_scheduler_that_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("prefect_dask")
    monkeypatch.setenv(task_runners.RUNNER, "dask")
    monkeypatch.setenv(task_runners.ADDRESS, " tcp://10.0.0.5:8786 ")
    found: Any = task_runner()
    assert (found.address, found.cluster_kwargs) == ("tcp://10.0.0.5:8786", {})


def test_an_unknown_runner_is_told_with_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(task_runners.RUNNER, "ray")
    with pytest.raises(RunnerError, match="PEACEKEEPING_TASK_RUNNER is one of threads, dask; got 'ray'"):
        task_runner()


def test_an_address_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(task_runners.RUNNER, "dask")
    monkeypatch.setenv(task_runners.ADDRESS, "10.0.0.5")
    with pytest.raises(RunnerError, match=r"such as tcp://10\.0\.0\.5:8786; got '10\.0\.0\.5'"):
        task_runner()


def test_a_missing_prefect_dask_is_told_with_the_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("prefect_dask"):
            raise ModuleNotFoundError("No module named 'prefect_dask'", name="prefect_dask")
        return real(name, *rest, **more)

    monkeypatch.setenv(task_runners.RUNNER, "dask")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(RunnerError, match=r"pip install peacekeeping\[dask\]"):
        task_runner()


@task
def where_am_i(number: int, added: int) -> tuple[int, int]:
    if number == 3:
        raise ValueError("three is too many")
    return number + added, os.getpid()


@flow
def counting() -> list[Any]:
    return mapped(where_am_i, {"number": [1, 2, 3]}, added=10)


def told(states: list[Any]) -> list[Any]:
    return [state.result()[0] if state.is_completed() else state.type.value for state in states]


@pytest.mark.server
def test_a_mapped_task_gives_a_final_state_for_each_element_also_where_one_fails(prefect_api: str) -> None:
    from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with temporary_settings({PREFECT_API_URL: prefect_api, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        states = counting(return_state=True).result(raise_on_failure=False)
    assert told(states) == [11, 12, "FAILED"]
    assert {state.result()[1] for state in states[:2]} == {os.getpid()}


@pytest.mark.server
def test_on_dask_the_tasks_run_in_other_processes(prefect_api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("prefect_dask")
    from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    monkeypatch.setenv(task_runners.RUNNER, "dask")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    with temporary_settings({PREFECT_API_URL: prefect_api, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        states = counting(return_state=True).result(raise_on_failure=False)
    assert told(states) == [11, 12, "FAILED"]
    assert os.getpid() not in {state.result()[1] for state in states[:2]}


@pytest.mark.server
def test_a_scheduler_out_of_reach_is_told(prefect_api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("prefect_dask")
    import dask
    from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    monkeypatch.setenv(task_runners.RUNNER, "dask")
    monkeypatch.setenv(task_runners.ADDRESS, "tcp://127.0.0.1:9")
    with (
        temporary_settings({PREFECT_API_URL: prefect_api, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(RunnerError, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:9"),
    ):
        counting()
