"""The Prefect server of a run or of `serve`: one that answers already, else one of our own.

Prefect's ephemeral server would do for a single run, but it starts only after the imports of this process, which adds
three seconds, and it goes on running when this process is killed. If ours does not start, Prefect's steps in. Nothing
here imports Prefect, so that ours starts meanwhile.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

PROBE_SECONDS = 1.0
START_SECONDS = 120.0
STOP_SECONDS = 20.0

# Called with a refresh's summary when its steps are done and its server is gone; the command sets it.
ON_SERVER_GONE: ContextVar[Callable[[Any], None] | None] = ContextVar("on_server_gone", default=None)


def server_version(api_url: str) -> str | None:
    """The version of the Prefect server at the address; None when none answers."""
    if not api_url.startswith(("http://", "https://")):
        return None
    try:  # S310, B310: the address is http or https
        with urllib.request.urlopen(f"{api_url.rstrip('/')}/admin/version", timeout=PROBE_SECONDS) as reply:  # noqa: S310 # nosec B310
            return str(json.load(reply))
    except (urllib.error.URLError, OSError, ValueError):
        return None


def answers(api_url: str) -> bool:
    """Whether a Prefect server answers at the address."""
    return (server_version(api_url) or "").startswith("3.")


def paused_schedules(api_url: str) -> list[str]:
    """The names of this project's deployments on the server that have schedules of which none runs now."""
    body = json.dumps({"deployments": {"tags": {"all_": ["peacekeeping"]}}}).encode()
    request = urllib.request.Request(  # the address has answered as a Prefect server's  # noqa: S310
        f"{api_url.rstrip('/')}/deployments/filter", body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=PROBE_SECONDS) as reply:  # noqa: S310 # nosec B310
            deployments = json.load(reply)
    except (urllib.error.URLError, OSError, ValueError):
        return []
    return sorted(
        one["name"]
        for one in deployments
        if one["schedules"] and (one["paused"] or not any(schedule["active"] for schedule in one["schedules"]))
    )


def local_api() -> str:
    """The address of a server on this machine's port."""
    return f"http://127.0.0.1:{os.environ['PREFECT_SERVER_API_PORT']}/api"


def running_server() -> str | None:
    """The address of PREFECT_API_URL, or of a server on this machine's port, if it answers."""
    addresses = (os.environ.get("PREFECT_API_URL", "").rstrip("/"), local_api())
    return next((url for url in addresses if url and answers(url)), None)


def exit_now(code: int) -> None:
    """End the process without its exit handlers.

    With a dead server Prefect's would go on for minutes to deliver the last events, and with a hanging thread Python's
    would wait for it.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class OwnServer:
    """A server on loopback, in a process of its own; on a free port and without the UI by default."""

    def __init__(self, port: int | None = None, ui: bool = False) -> None:
        self.port = port or _free_port()
        self.ui = ui
        self.process: subprocess.Popen[bytes] | None = None
        self.stopped = False

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def start(self) -> None:
        """Start it and return at once. It is stopped at exit, after Prefect has sent its last events."""
        environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
        if self.process is None:
            atexit.register(self.stop)
        self.process = subprocess.Popen(  # this interpreter and a port  # noqa: S603 # nosec B603
            [sys.executable, "-m", __name__, str(self.port)],
            env=environment | {"PREFECT_UI_ENABLED": str(int(self.ui)), "PREFECT_UI_API_URL": self.api_url},
            stdin=subprocess.PIPE,  # the server ends when this pipe is closed, by whatever ends this process
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C goes to a process group, and the server must outlive the run's last events
        )

    def wait(self, seconds: float = START_SECONDS) -> bool:
        """Whether it answers within `seconds`; one that does not is stopped."""
        deadline = time.monotonic() + seconds
        while self.process is not None and self.process.poll() is None and time.monotonic() < deadline:
            if answers(self.api_url):
                return True
            time.sleep(0.05)
        self._end()
        return False

    def stop(self) -> None:
        """Stop it, after it has written its last records."""
        self.stopped = True
        self._end()

    def _end(self) -> None:
        if self.process is None:
            return
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _end_with_input() -> None:
    """End this process, a server, when its standard input ends."""
    sys.stdin.buffer.read()
    signal.raise_signal(signal.SIGTERM)


if __name__ == "__main__":  # the server's own process
    import prefect
    import uvicorn

    # No setting leaves the newer UI out, which contacts amplitude.com; the dashboard would promote it.
    prefect.__ui_v2_static_path__ = Path(os.devnull, "none")
    threading.Thread(target=_end_with_input, daemon=True).start()
    uvicorn.run(
        "prefect.server.api.server:create_app", factory=True, port=int(sys.argv[1]), log_level="error", lifespan="on"
    )
