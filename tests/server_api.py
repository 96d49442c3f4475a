"""Asking a Prefect server over its API, as its own client does: one that is busy for a moment is asked again."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any

BUSY = 503  # its SQLite database is locked by another write


def api(url: str, path: str, body: Any = None) -> Any:
    """The reply to a GET, or with a body to a POST. Raises urllib's errors, and AssertionError when it stays busy."""
    request = urllib.request.Request(f"{url}/{path}")  # noqa: S310
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    for seconds in (0, 1, 2, 4, 8):
        time.sleep(seconds)
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310
                said = reply.read()
                return json.loads(said) if said else None
        except urllib.error.HTTPError as error:
            if error.code != BUSY:
                raise
    raise AssertionError(f"The Prefect server was busy for 15 s: {path}")
