"""What flows and tasks share: errors in one sentence, and logs without what only repeats a run's final state."""

from __future__ import annotations

import logging

import pytest
from prefect.exceptions import FailedRun
from prefect.states import State

from flows.artifacts import RefreshEnded
from flows.decorators import pipeline_task, set_log_levels
from flows.steps.summary import Summary
from sources.errors import SourceError


@pytest.mark.parametrize(
    ("level", "error", "kept"),
    [
        (logging.INFO, None, False),
        (logging.WARNING, None, True),
        (logging.ERROR, FailedRun("x"), False),
        (logging.ERROR, RefreshEnded(Summary()), False),
        (logging.ERROR, ValueError("x"), True),
    ],
)
def test_the_log_leaves_out_states_of_tasks_and_tracebacks_of_failed_runs(
    level: int, error: Exception | None, kept: bool
) -> None:
    set_log_levels()
    logger = logging.getLogger("prefect.flow_runs")
    exc_info = (type(error), error, None) if error else None
    record = logging.LogRecord(logger.name, level, __file__, 1, "Finished in state Completed()", None, exc_info)
    assert (logger.isEnabledFor(level) and bool(logger.filter(record))) is kept


def test_a_task_turns_a_known_error_into_a_failed_state_and_an_interrupted_query_into_ctrl_c() -> None:
    @pipeline_task("step")
    def step(error: Exception) -> None:
        raise error

    state = step.fn(SourceError("The publisher does not answer."))  # type: ignore[func-returns-value]
    assert isinstance(state, State) and state.is_failed() and state.message == "The publisher does not answer."
    with pytest.raises(KeyboardInterrupt):
        step.fn(RuntimeError("Query interrupted"))
    with pytest.raises(ValueError, match="unexpected"):
        step.fn(ValueError("unexpected"))
