"""The Prefect server of a run or of `serve`: one that answers already, else one of our own.

Prefect's ephemeral server would do for a single run, but it starts only after the imports of this process, which adds
three seconds, it goes on running when this process is killed, and it does not say why it does not start. Nothing here
imports Prefect, so that ours starts meanwhile.
"""

from __future__ import annotations

import atexit
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from flows import ports
from flows.steps import prefect_database, proxies
from schemas.errors import ProjectError, UsageError

PROBE_SECONDS = 1.0
START_SECONDS = 120.0
KEPT_LINES = 200

_ERROR = re.compile(r"[\w.]*(Error|Exception)\b|\[Errno")  # the last line of a traceback, or uvicorn's own
STOP_SECONDS = 20.0

# Called with a refresh's summary when its steps are done, before its end is recorded; the command sets it.
ON_STEPS_DONE: ContextVar[Callable[[Any], None] | None] = ContextVar("on_steps_done", default=None)


class NoServer(ProjectError):
    """No Prefect server answers, and none can be started."""


def server_version(api_url: str) -> str | None:
    """The version of the Prefect server at the address; None when none answers."""
    if not api_url.startswith(("http://", "https://")):
        return None
    answer = _ask(f"{api_url.rstrip('/')}/admin/version")
    return None if answer is None else str(answer)


def _ask(url: str, body: Any = None) -> Any:
    """The JSON reply to a GET, or to a POST where there is a body; None for any fault."""
    data = None if body is None else json.dumps(body).encode()
    try:
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310
        proxy = proxies.proxy_for(url)
        handler = urllib.request.ProxyHandler({"http": proxy, "https": proxy} if proxy else {})
        with urllib.request.build_opener(handler).open(request, timeout=PROBE_SECONDS) as reply:
            return json.load(reply)
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError):
        return None


def answers(api_url: str) -> bool:
    """Whether a Prefect server answers at the address."""
    return (server_version(api_url) or "").startswith("3.")


def local_port() -> int:
    """The port of a server on this machine. Raises UsageError where the setting is none."""
    value = os.environ["PREFECT_SERVER_API_PORT"]
    if not value.isascii() or not value.isdigit() or not 0 < int(value) < 1 << 16:
        raise UsageError(f"PREFECT_SERVER_API_PORT is {value!r}; expected a port number, 1 to 65535.")
    return int(value)


def paused_schedules(api_url: str) -> list[str]:
    """The names of this project's deployments on the server that have schedules of which none runs now."""
    body = {"deployments": {"tags": {"all_": ["peacekeeping"]}}}
    deployments = _ask(f"{api_url.rstrip('/')}/deployments/filter", body) or []
    return sorted(
        one["name"]
        for one in deployments
        if one["schedules"] and (one["paused"] or not any(schedule["active"] for schedule in one["schedules"]))
    )


def local_api() -> str:
    """The address of a server on this machine's port."""
    return f"http://127.0.0.1:{local_port()}/api"


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


class OwnServer:
    """A server on loopback, in a process of its own; on a free port and without the UI by default.

    process  the server's process, once it is started
    stopped  whether it was stopped on purpose
    """

    def __init__(self, port: int | None = None, ui: bool = False) -> None:
        self.port = port or ports.free_port()
        self.ui = ui
        self.process: subprocess.Popen[bytes] | None = None
        self.stopped = False
        self._folder = Path.cwd()
        self._said: deque[str] = deque(maxlen=KEPT_LINES)  # its last lines on standard error
        self._listening = threading.Thread()

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def start(self) -> None:
        """Start it and return at once. It is stopped at exit, after Prefect has sent its last events.

        Raises PortTaken, and DatabaseFault for a database that Prefect can't use.
        """
        prefect_database.require_usable(prefect_database.database_file())
        ports.require_free(self.port)
        environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
        if self.process is None:
            atexit.register(self.stop)
        self._said.clear()
        self.process = subprocess.Popen(  # this interpreter and a port  # noqa: S603 # nosec B603
            [sys.executable, "-m", __name__, str(self.port)],
            env=environment | {"PREFECT_UI_ENABLED": str(int(self.ui)), "PREFECT_UI_API_URL": self.api_url},
            stdin=subprocess.PIPE,  # the server ends when this pipe is closed, by whatever ends this process
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=self._folder if self._folder.exists() else self._folder.anchor,  # it may be removed meanwhile
            start_new_session=True,  # Ctrl-C goes to a process group, and the server must outlive the run's last events
        )
        self._listening = threading.Thread(target=self._listen, args=(self.process,), daemon=True)
        self._listening.start()

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        if process.stderr:
            with process.stderr:
                self._said.extend(line.decode(errors="replace").rstrip() for line in process.stderr)

    def wait(self, seconds: float = START_SECONDS) -> bool:
        """Whether it answers within `seconds`; one that does not is stopped."""
        deadline = time.monotonic() + seconds
        while self.process is not None and self.process.poll() is None and time.monotonic() < deadline:
            if answers(self.api_url):
                return True
            time.sleep(0.05)
        self._end()
        return False

    def why(self) -> str:
        """Why it did not come up, in sentences; after `wait`."""
        if self._listening.is_alive():
            self._listening.join(1)
        reason = self.last_error() or f"its process ended with {self.process and self.process.returncode}"
        return (
            f"The Prefect server did not come up on 127.0.0.1:{self.port}: {reason}. Its database is {self.database()}."
        )

    @staticmethod
    def database() -> str:
        """The database that it uses, for a message."""
        return str(prefect_database.database_file() or "the one that PREFECT_SERVER_DATABASE_CONNECTION_URL names")

    def last_error(self) -> str:
        """The last error that it printed, else its last line; empty where it has printed nothing."""
        lines = [line.strip() for line in list(self._said) if line.strip()]
        errors = [line for line in lines if _ERROR.match(line)]
        return (errors or lines or [""])[-1][:300]

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
    while os.read(0, 1024):  # sys.stdin has a lock, with which the interpreter could not end
        pass
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
