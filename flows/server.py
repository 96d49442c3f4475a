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
LIVED_SECONDS = 5.0  # a server that ends sooner would end again
PR_SET_PDEATHSIG = 1


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end_with_parent(parent: int) -> None:
    """Ask Linux to end this process, a server, when the one that started it is killed, so that none is left behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # gone already
            sys.exit(1)


class OwnServer:
    """A server on loopback; a free port and no UI unless told otherwise."""

    def __init__(self, port: int | None = None, ui: bool = False) -> None:
        self.port = port or _free_port()
        self.ui = ui
        self.process: subprocess.Popen[bytes] | None = None
        self.stopped = False

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def start(self) -> None:
        """Start it and return at once. It is stopped at exit, after Prefect has sent its last events.

        It ends with the thread that calls this: call it from one that lives as long as the server is wanted.
        """
        environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
        arguments = ["--factory", "prefect.server.api.server:create_app", "--host", "127.0.0.1", "--lifespan", "on"]
        arguments += ["--port", str(self.port), "--log-level", "error"]
        if self.process is None:
            atexit.register(self.stop)
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", __name__, str(os.getpid()), *arguments],
            env={**environment, "PREFECT_UI_ENABLED": str(int(self.ui)), "PREFECT_UI_API_URL": self.api_url},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C in a terminal goes to every process of its group: the server must outlive what is still told to it.
            start_new_session=True,
        )

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
        self._end()
        return False

    def keep_up(self) -> bool:
        """Wait for its end, and start it anew where nobody stopped it: the same database at the same address.

        Whether it was stopped: False when it can't be kept up, because it ends at once or does not come up.
        """
        while self.process is not None:
            began = time.monotonic()
            code = self.process.wait()
            if self.stopped:
                return True
            if time.monotonic() - began < LIVED_SECONDS:
                return False
            print(f"warning: the Prefect server ended ({code}); it is started anew.", file=sys.stderr, flush=True)
            self.start()
            if self.stopped:  # meanwhile
                self._end()
            if not self.wait():
                return self.stopped
        return False

    def stop(self) -> None:
        """End it, letting it write its last records."""
        self.stopped = True
        self._end()

    def _end(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


if __name__ == "__main__":  # the server's own process: the number of its parent, then uvicorn's arguments
    import uvicorn

    _end_with_parent(int(sys.argv.pop(1)))
    uvicorn.main()
