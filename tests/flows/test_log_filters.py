"""What is left out of a run's log: what says nothing, and never what somebody must see."""

from __future__ import annotations

import logging

import pytest

from flows import log_filters


class FailedRun(Exception):
    """Named as Prefect's own."""


class RefreshFailed(Exception):
    """Named as ours."""


@pytest.mark.parametrize(
    ("message", "raised", "told"),
    [
        ("Finished in state Completed()", None, False),
        ("Finished in state Completed('published build 0123')", None, True),
        ("Finished in state Failed('1 check(s) failed')", None, True),
        ('Finished in state Unreachable("un.org can\'t be looked up", type=COMPLETED)', None, False),
        ("Hook 'at_end' finished running successfully", None, False),
        ("An error was encountered while running hook 'at_end'", None, True),
        ("Engine execution exited with unexpected exception", FailedRun("x"), False),
        ("Engine execution exited with unexpected exception", RefreshFailed("x"), False),
        ("Engine execution exited with unexpected exception", ValueError("x"), True),
        ("Something else", FailedRun("x"), True),
    ],
)
def test_what_a_run_log_leaves_out(message: str, raised: Exception | None, told: bool) -> None:
    log_filters.quieten()
    exc_info = (type(raised), raised, None) if raised else None
    record = logging.LogRecord("prefect.flow_runs", logging.INFO, __file__, 1, message, None, exc_info)  # type: ignore[arg-type]
    assert bool(logging.getLogger("prefect.flow_runs").filter(record)) is told
