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

from flows.server import ON_SERVER_GONE, OwnServer, answers, exit_now, running_server
from flows.steps import settings

if TYPE_CHECKING:
    from flows.steps.summary import Summary

log = logging.getLogger("peacekeeping.run")

TERMINATED = 143  # 128 and the number of SIGTERM


def run_refresh(finish: Callable[[Summary], int], **parameters: Any) -> Summary:
    """Run the flow and return its summary, failures included; raises KeyboardInterrupt and SystemExit only.

    finish  reports a summary and returns the exit code. It is called here when the server is gone at the end: Prefect
            would try for minutes to record the run's end, and the process ends at once instead.
    parameters  those of the flow
    """
    settings.apply_prefect_defaults()
    # The run's log goes to the server; on the terminal the command shows the pipeline's own lines only.
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_DEBUG_LEVEL", "CRITICAL")
    logging.raiseExceptions = False
    with contextlib.suppress(ValueError):  # not on the main thread
        signal.signal(signal.SIGTERM, _terminate)
        on_hangup(_terminate)
    url, own = _choose_server()
    from prefect import settings as prefect_settings
    from prefect import tags

    from flows.artifacts import summary_of
    from flows.refresh import refresh
    from flows.steps.summary import Summary

    if own:
        url = own.api_url if own.wait() else None
    # Heartbeats are for the rules of automations.yaml, which leave a command alone; here they would cost a second.
    values: dict[Any, Any] = {prefect_settings.PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}
    values |= {prefect_settings.PREFECT_API_URL: url} if url else {}
    values |= {prefect_settings.PREFECT_UI_ENABLED: False} if own or not url else {}
    defaults = None if url else {prefect_settings.PREFECT_API_URL}  # without an address Prefect starts its own server

    def leave(summary: Summary) -> None:
        log.warning("The Prefect server went away during the run, and has no full record of it.")
        exit_now(finish(summary))

    token = ON_SERVER_GONE.set(leave)
    try:
        with (
            prefect_settings.temporary_settings(updates=values, restore_defaults=defaults),
            tags("peacekeeping", "command", *parameters.get("sources") or []),
        ):
            return summary_of(refresh(**parameters, return_state=True))
    except Exception as error:  # Prefect's own: no server starts, its database can't be written
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        return Summary(failures=[f"Prefect could not run the flow ({reason}). The published warehouse is intact."])
    finally:
        ON_SERVER_GONE.reset(token)


def _choose_server() -> tuple[str | None, OwnServer | None]:
    """A server that answers, else our own, still starting.

    A profile can configure a server, which only Prefect can read, and importing it takes a second: our own server is
    started before, and stopped in the rare case that it is not needed.
    """
    url = running_server()
    own = None if url else OwnServer()
    if own:
        own.start()
    from prefect.settings import PREFECT_API_URL

    configured = (PREFECT_API_URL.value() or "").rstrip("/")
    if not configured or configured == url:
        return url, own
    if not answers(configured):
        log.warning("The Prefect server at %s does not answer; this run uses another.", urlsplit(configured).netloc)
        return url, own
    if own:
        own.stop()
    return configured, None


def on_hangup(handler: Callable[..., None]) -> None:
    """Handle the closing of the terminal, unless it is ignored (nohup). Windows has no such signal."""
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, handler)


def _terminate(*_: Any) -> None:
    """The end by SIGTERM, called after Prefect has recorded it."""
    print("terminated; the published warehouse is intact", file=sys.stderr, flush=True)
    raise SystemExit(TERMINATED)
