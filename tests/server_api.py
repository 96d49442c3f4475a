"""Requests to a Prefect server's API, repeated while it is busy, as Prefect's client does."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any

BUSY = 503  # its SQLite database is locked by another write


def api(url: str, path: str, body: Any = None) -> Any:
    """The reply to a GET, or to a POST where there is a body. Raises urllib's errors, and AssertionError after 15 s."""
    request = urllib.request.Request(f"{url}/{path}")  # noqa: S310
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    for seconds in (0, 1, 2, 4, 8):
        time.sleep(seconds)
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310
                content = reply.read()
                return json.loads(content) if content else None
        except urllib.error.HTTPError as error:
            if error.code != BUSY:
                raise
    raise AssertionError(f"The Prefect server was busy for 15 s: {path}")


def task_runs(url: str, flow_run_id: str, ended: int) -> list[Any]:
    """The task runs of a flow run, once so many have ended: the server writes them in batches, after the run itself.

    Raises AssertionError after 15 s.
    """
    body = {"flow_runs": {"id": {"any_": [flow_run_id]}}}
    for _ in range(75):
        tasks: list[Any] = api(url, "task_runs/filter", body)
        if sum(task["end_time"] is not None for task in tasks) >= ended:
            return tasks
        time.sleep(0.2)
    raise AssertionError(f"Fewer than {ended} tasks have ended after 15 s: {[task['name'] for task in tasks]}")
