"""Telling a webhook how a run ended. Off unless the environment names one:

    PEACEKEEPING_NOTIFY_URL  an http(s) address that takes a JSON POST: {text, state, run, url} (Slack reads `text`)
    PEACEKEEPING_NOTIFY_ON   failures (default), warnings (and failures), or always

The address is a secret, because whoever has it can post: no log line, artifact or error text has any part of it. That
nobody could be told is a warning and never fails a run.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from flows.steps.settings import Settings

log = logging.getLogger("peacekeeping.notify")

URL, ON = "PEACEKEEPING_NOTIFY_URL", "PEACEKEEPING_NOTIFY_ON"
WHEN = ("failures", "warnings", "always")
WITH_WARNINGS = "with warnings"  # what the final message of a run that warned begins with
CONNECT_SECONDS, READ_SECONDS = 5.0, 10.0

# A server that is brought up for one run is gone when somebody follows the link.
server_stays = True


def at_end(flow: Any, flow_run: Any, state: Any) -> None:  # noqa: ARG001
    """A flow's hook for each way in which a run can end."""
    tell(state.type.value, state.message or state.name or "", flow_run.name, flow_run.id)


def tell(state: str, message: str, run: str, run_id: Any = None) -> None:
    """Post how a run ended, where the environment asks for it; never raises.

    state  COMPLETED, FAILED or CRASHED
    """
    address = Settings.read().notify_url
    if not address or not _wanted(state, message):
        return
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        log.warning("%s is no http or https address; nobody was told how this run ended.", URL)
        return
    text = f"peacekeeping: {run}: {state.lower()}: {message}"
    problem = _post(address, {"text": text, "state": state, "run": run, "url": _link(run_id)})
    if problem:
        log.warning("%s could not be told how this run ended: %s.", URL, problem)


def _wanted(state: str, message: str) -> bool:
    when = Settings.read().notify_on
    if when not in WHEN:
        log.warning("%s is one of %s, got %r; failures are told.", ON, ", ".join(WHEN), when)
    if when == "always" or state != "COMPLETED":
        return True
    return when == "warnings" and message.startswith(WITH_WARNINGS)


def _link(run_id: Any) -> str | None:
    """The run's page in the UI, where there is one."""
    if run_id is None or not server_stays:
        return None
    from prefect.utilities.urls import url_for

    try:
        return url_for("flow-run", obj_id=run_id)
    except Exception:  # no more than a link
        return None


def _post(address: str, body: dict[str, Any]) -> str | None:
    """Post; gives what went wrong, in words that have nothing of the address (the texts of `requests` do)."""
    import requests

    try:
        with _silent():
            reply = requests.post(
                address, json=body, timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False, stream=True
            )
            reply.close()
    except requests.Timeout:
        return "it did not answer in time"
    except Exception as error:
        return f"it can't be reached ({type(error).__name__})"
    return None if reply.ok and not reply.is_redirect else f"it answered {reply.status_code}"


@contextmanager
def _silent() -> Iterator[None]:
    """Keep urllib3 from logging the address, which it does at the level DEBUG."""
    talker = logging.getLogger("urllib3.connectionpool")
    before, talker.disabled = talker.disabled, True
    try:
        yield
    finally:
        talker.disabled = before
