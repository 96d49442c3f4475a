"""The time limit of a run, so that none holds the writer's lock for ever.

Prefect's `timeout_seconds` can't interrupt a library's own code, nor a worker thread: the run would wait for it. This
clock ends the process instead. Publishing is one rename, and the lock ends with the process.
"""

from __future__ import annotations

import contextvars
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prefect import get_client, runtime
from prefect.states import Failed

from flows import hooks
from flows.server import exit_now

log = logging.getLogger("peacekeeping.run")

# A refresh takes seconds. Fetching can take 40 minutes at worst: eight sources, four at a time, each tried twice for
# sources.client.WHOLE_SECONDS.
RUN_SECONDS = 3600.0


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """End the process when the block takes longer, after setting the run's state to Failed. Call it in a flow run."""
    context = contextvars.copy_context()  # Prefect's settings, which name the server, are context variables
    clock = threading.Timer(seconds, context.run, (_stop_run, seconds, runtime.flow_run.id, runtime.flow_run.name))
    clock.daemon = True
    clock.start()
    try:
        yield
    finally:
        clock.cancel()


def _stop_run(seconds: float, run_id: Any, name: str) -> None:
    message = f"The run was not done after {seconds:g} s and was stopped. Nothing was published by it."
    try:
        print(f"error: {message}", file=sys.stderr, flush=True)
        hooks.notify("FAILED", message, name, run_id)  # first: no sign of life may follow the final state
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(run_id, Failed(message=message), force=True)
    except Exception as error:
        log.warning("The Prefect server has no record of this: %s.", type(error).__name__)
    finally:
        exit_now(1)
