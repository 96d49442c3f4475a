"""Where mapped tasks run: in threads of the flow's own process, or on a Dask cluster. One setting decides.

    PEACEKEEPING_TASK_RUNNER   threads (default) or dask
    PEACEKEEPING_DASK_ADDRESS  a Dask scheduler's address; without it a local cluster, a process a core

The setting is read when a flow runs, not when it is imported: the same deployment runs here or there by its worker's
environment. A task that is mapped gets names and paths and gives back small values; frames and connections stay where
they were made.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from prefect import Task, unmapped
from prefect.client.schemas.objects import State
from prefect.states import Failed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.steps.settings import Settings

RUNNER, ADDRESS = "PEACEKEEPING_TASK_RUNNER", "PEACEKEEPING_DASK_ADDRESS"
RUNNERS = ("threads", "dask")
ADDRESS_FORM = re.compile(r"(tcp|tls|ucx|ws|wss)://\S+")


class RunnerError(Exception):
    """The task runner that was asked for can't be had; the text says why and what to do."""


def task_runner() -> TaskRunner[Any]:
    """The task runner that the environment names. Raises RunnerError."""
    settings = Settings.read()
    asked, address = settings.task_runner, settings.dask_address
    if asked not in RUNNERS:
        raise RunnerError(f"{RUNNER} is one of {', '.join(RUNNERS)}; got {asked!r}.")
    if asked == "threads":
        return ThreadPoolTaskRunner(max_workers=os.cpu_count() or 1)
    if address and not ADDRESS_FORM.fullmatch(address):
        raise RunnerError(f"{ADDRESS} is a scheduler's address such as tcp://10.0.0.5:8786; got {address!r}.")
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as error:
        raise RunnerError(
            f"{RUNNER} is dask, and {error.name or 'prefect-dask'} is not installed. Install it with "
            f"`pip install peacekeeping[dask]`, or set {RUNNER}=threads."
        ) from None
    if address:
        return DaskTaskRunner(address=address)
    # Without a dashboard: it would listen on a port of its own for the time of the run.
    local = {"n_workers": os.cpu_count() or 1, "threads_per_worker": 1, "dashboard_address": None}
    return DaskTaskRunner(cluster_kwargs=local)


def mapped(step: Task[..., Any], over: Mapping[str, Sequence[Any]], **same: Any) -> list[State[Any]]:
    """Run a task once for each element of `over`'s sequences, with `same` each time; the final states, in order.

    Call it inside a flow run. Raises RunnerError, also where no scheduler answers.
    """
    parameters: dict[str, Any] = {**over, **{name: unmapped(value) for name, value in same.items()}}
    try:
        with task_runner() as runner:
            futures = runner.map(step, parameters)
            futures.wait()
            return [_final(future) for future in futures]
    except RuntimeError as error:  # a process of a local cluster that does not come up
        raise RunnerError(f"No task runner could be started here: {' '.join(str(error).split())[:200]}") from error
    except OSError as error:  # TimeoutError too: whatever a scheduler out of reach is told by
        where = Settings.read().dask_address or "of this machine's own"
        raise RunnerError(f"No Dask scheduler answers at {where}: {' '.join(str(error).split())[:200]}") from error


def _final(future: Any) -> State[Any]:
    """A future's final state; failed where its worker was lost before it could say one."""
    state: State[Any] = future.state
    if state.is_final():
        return state
    try:
        future.result()
    except Exception as error:  # a lost worker, a task that could not be sent: Dask's own words
        return Failed(message=f"A task was lost: {' '.join(str(error).split())[:200] or type(error).__name__}")
    return future.state  # type: ignore[no-any-return]
