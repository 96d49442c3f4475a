"""A Prefect server of our own: for the time of one run, brought up beside our own imports, or with its UI for `serve`.

Prefect's ephemeral mode does the same, but imports the whole server in this process first and starts the other
process only then: five seconds of waiting, one after the other. If ours doesn't come up, Prefect's own steps in.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

START_SECONDS = 120.0
STOP_SECONDS = 20.0
PR_SET_PDEATHSIG = 1


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end_with_parent() -> None:
    """Ask Linux to end the server when this process is killed, so that none is left behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class OwnServer:
    """A server on loopback; a free port and no UI unless told otherwise. `start` it from the main thread."""

    def __init__(self, port: int | None = None, ui: bool = False) -> None:
        self.port = port or _free_port()
        self.ui = ui
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def start(self) -> None:
        """Start it and return at once. It is stopped at exit, after Prefect has sent its last events."""
        environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
        arguments = ["--factory", "prefect.server.api.server:create_app", "--host", "127.0.0.1", "--lifespan", "on"]
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "uvicorn", *arguments, "--port", str(self.port), "--log-level", "error"],
            env={**environment, "PREFECT_UI_ENABLED": str(int(self.ui)), "PREFECT_UI_API_URL": self.api_url},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=_end_with_parent,  # noqa: PLW1509  (no thread is running yet)
        )
        atexit.register(self.stop)

    def wait(self, seconds: float = START_SECONDS) -> bool:
        """Whether it answers within `seconds`."""
        deadline = time.monotonic() + seconds
        while self.process is not None and self.process.poll() is None and time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.api_url}/health", timeout=1) as reply:  # noqa: S310
                    if reply.status == 200:
                        return True
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        self.stop()
        return False

    def stop(self) -> None:
        """End it, letting it write its last records."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
