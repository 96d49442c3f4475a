"""The project's forms of Prefect's `flow` and `task`: the options, errors and log levels that all flows share."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from prefect import Flow, Task, flow, task
from prefect.cache_policies import NO_CACHE
from prefect.exceptions import FailedRun
from prefect.states import Failed

from flows import hooks
from schemas.errors import FORESEEABLE, message_of

logging.getLogger("peacekeeping").setLevel(logging.INFO)

# The errors that end a run as Failed with their message; FailedRun has the message of a task's error.
RUN_ERRORS = (FailedRun, *FORESEEABLE)

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

# Prefect logs the state of each task and hook at INFO, and with a traceback each moment without a server.
LEVELS = {
    "prefect.flow_runs": logging.WARNING,
    "prefect.task_runs": logging.WARNING,
    "prefect.FlowRunCancellingObserver": logging.CRITICAL,
    "prefect.FlowRunSuspendingObserver": logging.CRITICAL,
}


def _is_no_failed_run(record: logging.LogRecord) -> bool:
    """False for the traceback of a failed run, and for that of a failed task, which is empty."""
    return not (record.exc_info and isinstance(record.exc_info[1], FailedRun | None))


def set_log_levels() -> None:
    """Keep out of the logs what repeats a run's final state, tracebacks of failed runs included."""
    for name, level in LEVELS.items():
        logging.getLogger(name).setLevel(level)
    for name in ("prefect.flow_runs", "prefect.task_runs", "prefect.engine"):
        logging.getLogger(name).addFilter(_is_no_failed_run)


def pipeline_flow(
    name: str, run_name: Callable[[], str], **options: Any
) -> Callable[[Callable[Parameters, Result]], Flow[Parameters, Result]]:
    """Prefect's `flow`, with the webhook called at its end.

    run_name  returns a run's name, called within the run
    options  further options of `flow`
    """
    set_log_levels()
    decorator: Callable[[Callable[Parameters, Result]], Flow[Parameters, Result]] = flow(
        name=name,
        flow_run_name=run_name,
        persist_result=False,
        validate_parameters=True,
        on_completion=[hooks.on_end],
        on_failure=[hooks.on_end],
        on_crashed=[hooks.on_end],
        **options,
    )
    return decorator


def pipeline_task(
    run_name: str | Callable[[], str], **options: Any
) -> Callable[[Callable[Parameters, Result]], Task[Parameters, Result]]:
    """Prefect's `task`, without caching and stored results; a foreseeable error ends it as Failed with one sentence.

    Raised, the error would leave a traceback in the run's log. Call the task with `return_state=True`: the state's
    `result()` raises FailedRun with the sentence, while a plain call returns the state itself.
    """

    def decorate(function: Callable[Parameters, Result]) -> Task[Parameters, Result]:
        @wraps(function)
        def step(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Any:
            try:
                return function(*args, **kwargs)
            except FORESEEABLE as error:
                return Failed(message=message_of(error))
            except RuntimeError as error:  # DuckDB replaces the KeyboardInterrupt of a Ctrl-C within a query by its own
                if "interrupted" in str(error).lower():
                    raise KeyboardInterrupt from None
                raise

        made = task(task_run_name=run_name, cache_policy=NO_CACHE, persist_result=False, **options)(step)
        return cast(Task[Parameters, Result], made)

    return decorate
