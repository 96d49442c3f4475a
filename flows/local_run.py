"""The flow `refresh` run in this process, for the command: on a Prefect server that answers, else on one of our own."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flows.server import ON_STEPS_DONE, NoServer, OwnServer, answers, exit_now, running_server
from flows.steps import settings
from schemas.errors import ProjectError, UsageError

if TYPE_CHECKING:
    from flows.steps.summary import Summary

log = logging.getLogger("peacekeeping.run")

TERMINATED = 143  # 128 and the number of SIGTERM


def run_refresh(finish: Callable[[Summary], int], **parameters: Any) -> Summary:
    """Run the flow and return its summary, failures included.

    Raises KeyboardInterrupt, SystemExit, and UsageError for a wrong setting.

    finish  reports a summary and returns the exit code. It is called here when the server is gone at the end: Prefect
            would try for minutes to record the run's end, and the process ends at once instead.
    parameters  those of the flow
    """
    from flows.steps.summary import Summary

    _prepare()
    done: list[Summary] = []
    try:
        url, own = _choose_server()
        import flows.refresh  # noqa: F401 - meanwhile our own server starts

        if own and not own.wait():
            raise NoServer(own.why())
    except UsageError:
        raise
    except ProjectError as error:
        return Summary(failures=[str(error)])

    def steps_done(summary: Summary) -> None:
        done.append(summary)
        if not answers(url):
            log.warning("The Prefect server went away during the run, and has no full record of it.")
            exit_now(finish(summary))

    token = ON_STEPS_DONE.set(steps_done)
    try:
        return _run(url, ui=own is None, parameters=parameters)
    except Exception as error:  # Prefect's own: its server can't write the database
        reason = " ".join(str(error).split()).partition(" - For more information")[0][:300] or type(error).__name__
        reason = f"{own.last_error() or reason}; its database is {own.database()}" if own else reason
        if done:  # only the record of the end is missing
            log.warning("The Prefect server has no full record of this run (%s).", reason)
            return done[0]
        return Summary(failures=[f"Prefect could not run the flow ({reason}). The published warehouse is intact."])
    finally:
        ON_STEPS_DONE.reset(token)


def _prepare() -> None:
    """Set up Prefect's settings, the logs and the signals of a run in this process."""
    settings.apply_prefect_defaults()
    # The run's log goes to the server; on the terminal the command shows the pipeline's own lines only.
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_DEBUG_LEVEL", "CRITICAL")
    logging.raiseExceptions = False
    with contextlib.suppress(ValueError):  # not on the main thread
        signal.signal(signal.SIGTERM, _terminate)
        on_hangup(_terminate)


def _run(url: str, ui: bool, parameters: dict[str, Any]) -> Summary:
    """Run the flow on the server at the address; `ui`: whether that has a UI."""
    from prefect import settings as prefect_settings
    from prefect import tags

    from flows.artifacts import summary_of
    from flows.refresh import refresh

    # Heartbeats are for the rules of automations.yaml, which leave a command alone; here they would cost a second.
    values: dict[Any, Any] = {prefect_settings.PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}
    values |= {prefect_settings.PREFECT_API_URL: url}
    values |= {} if ui else {prefect_settings.PREFECT_UI_ENABLED: False}
    with (
        prefect_settings.temporary_settings(updates=values),
        tags("peacekeeping", "command", *parameters.get("sources") or []),
    ):
        return summary_of(refresh(**parameters, return_state=True))


def _choose_server() -> tuple[str, OwnServer | None]:
    """The address of a server that answers, or of our own, still starting. Raises ProjectError where that can't start.

    A profile can configure a server, which only Prefect can read, and importing it takes a second: our own server is
    started before, and stopped in the rare case that it is not needed.
    """
    url = running_server()
    own, problem = None if url else OwnServer(), None
    if own:
        try:
            own.start()
        except ProjectError as error:
            problem = error
    from prefect.settings import PREFECT_API_URL

    configured = (PREFECT_API_URL.value() or "").rstrip("/")
    if configured and configured != url:
        if answers(configured):
            if own:
                own.stop()
            return configured, None
        log.warning("The Prefect server at %s does not answer; this run uses another.", urlsplit(configured).netloc)
    if problem:
        raise problem
    return url or (own.api_url if own else ""), own


def on_hangup(handler: Callable[..., None]) -> None:
    """Handle the closing of the terminal, unless it is ignored (nohup). Windows has no such signal."""
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, handler)


def _terminate(*_: Any) -> None:
    """The end by SIGTERM, called after Prefect has recorded it."""
    print("terminated; the published warehouse is intact", file=sys.stderr, flush=True)
    raise SystemExit(TERMINATED)
