"""What Prefect's own loggers say and nobody needs: a run's log is read in a minute."""

from __future__ import annotations

import logging
import re

# Of each task and each run that went well; of a publisher out of reach, which the flow tells with what it keeps; and in
# each fetch that its timeout can't interrupt a thread, for which flows.time_limits answers.
SAID_OF_EVERY_RUN = re.compile(
    r"Finished in state (?:Completed\(\)|Unreachable\(.*)"
    r"|Running hook 'at_end' .*|Hook 'at_end' finished running successfully"
    r"|.*the task is running in a worker thread.*",
    re.DOTALL,
)
# What a run that ended in a failed state raises within Prefect, which logs it with a traceback; the state says it all.
RAISED = "Engine execution exited with unexpected exception"
FAILED = ("FailedRun", "RefreshFailed")
# They warn of a server that is gone for a moment, with a traceback, and go on.
OBSERVERS = ("prefect.FlowRunCancellingObserver", "prefect.FlowRunSuspendingObserver")


def _tells(record: logging.LogRecord) -> bool:
    message = record.getMessage()
    raised = record.exc_info[0] if record.exc_info else None
    if raised is not None and message == RAISED:
        return raised.__name__ not in FAILED
    return not SAID_OF_EVERY_RUN.fullmatch(message)


def _without_traceback(record: logging.LogRecord) -> bool:
    record.exc_info = None
    return True


def quieten() -> None:
    """Leave it out, in this process. To call it again changes nothing."""
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).addFilter(_tells)
    for name in OBSERVERS:
        logging.getLogger(name).addFilter(_without_traceback)
