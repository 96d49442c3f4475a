"""What every flow of this project is: its parameters validated, its end told to the webhook, its log short."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect import Flow, flow

from flows import hooks, log_filters

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def our_flow(
    name: str, run_name: Callable[[], str], **more: Any
) -> Callable[[Callable[Parameters, Result]], Flow[Parameters, Result]]:
    """Prefect's `flow` with what all of them share.

    run_name  gives a run's name, within the run
    more  whatever else `flow` takes
    """
    log_filters.quieten()
    made: Callable[[Callable[Parameters, Result]], Flow[Parameters, Result]] = flow(
        name=name,
        flow_run_name=run_name,
        persist_result=False,
        validate_parameters=True,
        on_completion=[hooks.at_end],
        on_failure=[hooks.at_end],
        on_crashed=[hooks.at_end],
        **more,
    )
    return made
