"""Where mapped tasks run: in threads of the flow's own process, or on a Dask cluster.

    PEACEKEEPING_TASK_RUNNER   threads (default) or dask
    PEACEKEEPING_DASK_ADDRESS  a Dask scheduler's address; without it a local cluster, a process a core

The setting is read when a flow runs: the environment of its worker decides. A mapped task gets names and paths and
returns small values.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from prefect import Task, unmapped
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.states import Failed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.steps.settings import Settings
from schemas.errors import ProjectError

RUNNER, ADDRESS = "PEACEKEEPING_TASK_RUNNER", "PEACEKEEPING_DASK_ADDRESS"
RUNNERS = ("threads", "dask")
ADDRESS_FORM = re.compile(r"(tcp|tls|ucx|ws|wss)://\S+")


class RunnerError(ProjectError):
    """The chosen task runner can't be used; the message says why and what to do."""


def task_runner() -> TaskRunner[Any]:
    """The task runner that the environment names. Raises RunnerError."""
    settings = Settings.read()
    name, address = settings.task_runner, settings.dask_address
    if name not in RUNNERS:
        raise RunnerError(f"{RUNNER} is one of {', '.join(RUNNERS)}; got {name!r}.")
    if name == "threads":
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
    # No dashboard: it would listen on a port of its own.
    local = {"n_workers": os.cpu_count() or 1, "threads_per_worker": 1, "dashboard_address": None}
    return DaskTaskRunner(cluster_kwargs=local)


def map_task(task: Task[..., Any], elements: Mapping[str, Sequence[Any]], **constants: Any) -> list[State[Any]]:
    """Run a task once for each element of the sequences, with `constants` each time; returns the final states in order.

    Call it in a flow run. Raises RunnerError, also where no scheduler answers.
    """
    parameters: dict[str, Any] = {**elements, **{name: unmapped(value) for name, value in constants.items()}}
    try:
        with task_runner() as runner:
            futures = runner.map(task, parameters)
            futures.wait()
            return [_final_state(future) for future in futures]
    except RuntimeError as error:  # a process of a local cluster that does not start
        raise RunnerError(f"No task runner could be started here: {' '.join(str(error).split())[:200]}") from error
    except OSError as error:  # TimeoutError as well: a scheduler that can't be reached
        address = Settings.read().dask_address or "of this machine's own"
        raise RunnerError(f"No Dask scheduler answers at {address}: {' '.join(str(error).split())[:200]}") from error


def _final_state(future: PrefectFuture[Any]) -> State[Any]:
    """A future's final state; Failed where its Dask worker was lost before it could report one."""
    if not future.state.is_final():
        try:
            future.result()
        except Exception as error:
            return Failed(message=f"A task was lost: {' '.join(str(error).split())[:200] or type(error).__name__}")
    return future.state
