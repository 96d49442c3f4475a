"""What is sent at the end of a run: the event `peacekeeping.run-ended`, and a webhook if the environment names one:

    PEACEKEEPING_NOTIFY_URL  an http(s) address that takes a JSON POST: {text, state, run, url} (Slack reads `text`)
    PEACEKEEPING_NOTIFY_ON   failures (default), warnings (and failures), or always

The address is a secret, because whoever has it can post: no log line, artifact or message contains any part of it. A
webhook that can't be called is a warning and never fails a run.
"""

from __future__ import annotations

import json
import logging
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flows.steps.settings import Settings
from flows.steps.summary import WITH_WARNINGS

log = logging.getLogger("peacekeeping.notify")

URL, ON = "PEACEKEEPING_NOTIFY_URL", "PEACEKEEPING_NOTIFY_ON"
ENDED = "peacekeeping.run-ended"
LAST_SIGN = timedelta(seconds=5)  # within which the final state is recorded
WHEN = ("failures", "warnings", "always")
TIMEOUT_SECONDS = 10.0


def on_end(flow: Any, flow_run: Any, state: Any) -> None:  # noqa: ARG001
    """The hook of each flow for every end of a run."""
    report_end(flow_run.id, flow_run.deployment_id)
    notify(state.type.value, state.message or state.name or "", flow_run.name, flow_run.id)


def report_end(run_id: Any, deployment_id: Any) -> None:
    """Send the event that a deployment's run has ended, dated after its last sign of life (flows/automations.yaml).

    A sign of life can be sent while the server records the final state, or seem later by a clock that is ahead of it.
    """
    from prefect.events import emit_event

    if deployment_id:
        related = [
            {"prefect.resource.id": f"prefect.deployment.{deployment_id}", "prefect.resource.role": "deployment"},
            {"prefect.resource.id": "prefect.tag.peacekeeping", "prefect.resource.role": "tag"},
        ]
        resource = {"prefect.resource.id": f"prefect.flow-run.{run_id}"}
        emit_event(ENDED, resource, occurred=datetime.now(UTC) + LAST_SIGN, related=related)


def notify(state: str, message: str, run: str, run_id: Any = None) -> None:
    """Post how a run ended, if the environment names a webhook for it; never raises.

    state  COMPLETED, CANCELLED (the last good snapshot is kept), FAILED or CRASHED
    """
    address = Settings.read().notify_url
    if not address or not _is_wanted(state, message):
        return
    text = f"peacekeeping: {run}: {state.lower()}: {message}"
    problem = _post(address, {"text": text, "state": state, "run": run, "url": _link(run_id)})
    if problem:
        log.warning("The webhook of %s was not called: %s.", URL, problem)


def _is_wanted(state: str, message: str) -> bool:
    when = Settings.read().notify_on
    if when not in WHEN:
        log.warning("%s is one of %s, got %r; the webhook is called for failures.", ON, ", ".join(WHEN), when)
    if when == "always" or state not in ("COMPLETED", "CANCELLED"):
        return True
    return when == "warnings" and message.startswith(WITH_WARNINGS)


def _link(run_id: Any) -> str | None:
    """The run's page in the UI; None where there is no UI, as on the server of a single run."""
    from prefect.settings import PREFECT_UI_ENABLED
    from prefect.utilities.urls import url_for

    if run_id is None or not PREFECT_UI_ENABLED.value():
        return None
    try:
        return url_for("flow-run", obj_id=run_id)
    except Exception:  # the message matters more than its link
        return None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Refuse redirects: the message is for the configured host only."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _post(address: str, body: dict[str, Any]) -> str | None:
    """Post; returns what went wrong. `requests` is not used: urllib3 logs the address, its errors contain it."""
    try:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return "it is no http or https address"
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(address, json.dumps(body).encode(), headers)  # noqa: S310
        urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT_SECONDS).close()
    except urllib.error.HTTPError as error:
        return f"it answered {error.code}"
    except ValueError:
        return "it is no http or https address"
    except Exception as error:
        return f"it can't be reached ({type(error).__name__})"
    return None
