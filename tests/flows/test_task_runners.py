"""The setting for where mapped tasks run, and the errors when it can't be used."""

from __future__ import annotations

import builtins
import os
from pathlib import Path
from typing import Any

import pytest
from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner

from flows import task_runners
from flows.task_runners import RunnerError, map_task, task_runner


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(task_runners.RUNNER, raising=False)
    monkeypatch.delenv(task_runners.ADDRESS, raising=False)


@pytest.mark.parametrize("value", ["", "  ", "threads"])
def test_threads_are_the_default(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(task_runners.RUNNER, value)
    monkeypatch.setenv(task_runners.ADDRESS, "tcp://127.0.0.1:9")  # threads ignore it
    assert type(task_runner()) is ThreadPoolTaskRunner


def test_dask_without_an_address_is_a_process_a_core_and_no_dashboard(monkeypatch: pytest.MonkeyPatch) -> None:
    dask = pytest.importorskip("prefect_dask")
    monkeypatch.setenv(task_runners.RUNNER, "dask")
    runner = task_runner()
    assert isinstance(runner, dask.DaskTaskRunner) and runner.address is None
    assert runner.cluster_kwargs == {
        "n_workers": os.cpu_count(), "threads_per_worker": 1, "dashboard_address": None,
    }  # fmt: skip


def test_an_address_is_the_scheduler_that_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("prefect_dask")
    monkeypatch.setenv(task_runners.RUNNER, "dask")
    monkeypatch.setenv(task_runners.ADDRESS, " tcp://10.0.0.5:8786 ")
    runner: Any = task_runner()
    assert (runner.address, runner.cluster_kwargs) == ("tcp://10.0.0.5:8786", {})


@pytest.mark.parametrize(
    ("runner", "address", "message"),
    [
        ("ray", "", "PEACEKEEPING_TASK_RUNNER is one of threads, dask; got 'ray'"),
        ("dask", "10.0.0.5", r"such as tcp://10\.0\.0\.5:8786; got '10\.0\.0\.5'"),
    ],
)
def test_a_wrong_setting_is_refused(runner: str, address: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(task_runners.RUNNER, runner)
    monkeypatch.setenv(task_runners.ADDRESS, address)
    with pytest.raises(RunnerError, match=message):
        task_runner()


def test_a_missing_prefect_dask_names_the_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
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
    return map_task(where_am_i, {"number": [1, 2, 3]}, added=10)


def outcomes(states: list[Any]) -> list[Any]:
    return [state.result()[0] if state.is_completed() else state.type.value for state in states]


@pytest.mark.server
def test_a_mapped_task_gives_a_final_state_for_each_element_also_where_one_fails(on_server: str) -> None:
    states = counting(return_state=True).result(raise_on_failure=False)
    assert outcomes(states) == [11, 12, "FAILED"]
    assert {state.result()[1] for state in states[:2]} == {os.getpid()}


@pytest.mark.server
@pytest.mark.slow
def test_on_dask_the_tasks_run_in_other_processes(on_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("prefect_dask")
    monkeypatch.setenv(task_runners.RUNNER, "dask")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    states = counting(return_state=True).result(raise_on_failure=False)
    assert outcomes(states) == [11, 12, "FAILED"]
    assert os.getpid() not in {state.result()[1] for state in states[:2]}


@pytest.mark.server
@pytest.mark.slow
def test_an_unreachable_scheduler_is_an_error(on_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("prefect_dask")
    import dask

    monkeypatch.setenv(task_runners.RUNNER, "dask")
    monkeypatch.setenv(task_runners.ADDRESS, "tcp://127.0.0.1:9")
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(RunnerError, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:9"),
    ):
        counting()
