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
