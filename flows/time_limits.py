"""No step runs for ever. How long each may take, and what happens to one that takes longer.

Prefect's own timeout interrupts a step on the main thread at its next line of Python (a pause and a DuckDB query are
interrupted at once), which ends it in a failed state and the run with one sentence. What waits in a library's own
code, or in a worker thread, Prefect can't interrupt: it would wait for it, and the run would hold the writer's lock. So
a second clock runs beside the first: when a step is still there that much later, it says so to the server and ends the
process. Nothing is half published by that, because publishing is one rename, and the lock goes with the process.
"""

from __future__ import annotations

import contextvars
import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

log = logging.getLogger("peacekeeping.refresh")

# Seconds. Each is a few hundred times what the step takes with the data of today on two cores, so that only a step that
# hangs meets it, also on a slow disk or a machine with much else to do; FETCH is more than what the client gives a
# publisher for all of a source (sources.client.WHOLE_SECONDS).
LOAD = 300.0
FETCH = 900.0
STAGE = 900.0
BUILD = 900.0
CHECK = 900.0
PUBLISH = 300.0
GRACE = 60.0

TIMED_OUT = "TimedOut"  # Prefect's name of the state


def overran(what: str, seconds: float) -> str:
    """What to tell of a step that took too long."""
    return f"{what}: not done after {seconds:g} s, so it was given up. Nothing is half published."


@contextmanager
def bounded(what: str, seconds: float) -> Iterator[None]:
    """End the process when the block is still running GRACE after `seconds`, having told the server and the terminal.

    Call it inside a flow run.
    """
    from prefect import runtime

    context = contextvars.copy_context()  # which server it is stands in Prefect's settings, and they in the context
    clock = threading.Timer(seconds + GRACE, context.run, (_give_up, overran(what, seconds), runtime.flow_run.id))
    clock.daemon = True
    clock.start()
    try:
        yield
    finally:
        clock.cancel()


def _give_up(told: str, run_id: Any) -> None:
    """The end of a run that can't be ended otherwise."""
    try:
        print(f"error: {told}", file=sys.stderr, flush=True)
        _record(told, run_id)
    finally:
        os._exit(1)


def _record(told: str, run_id: Any) -> None:
    """Give the run its final state, as the flow itself no longer can; tell who wants to be told."""
    from prefect import get_client
    from prefect.states import Failed

    from flows import hooks

    name = "refresh"
    try:
        with get_client(sync_client=True) as client:
            name = client.read_flow_run(run_id).name
            client.set_flow_run_state(run_id, Failed(message=told), force=True)
    except Exception as error:  # no server to tell
        log.warning("The Prefect server could not be told: %s.", type(error).__name__)
    hooks.tell("FAILED", told, name, run_id)
