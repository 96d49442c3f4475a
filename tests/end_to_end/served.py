"""A `peacekeeping serve` in a process of its own, for the tests that need its server, UI and runner."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from end_to_end.conftest import COMMAND, Shell, as_in_a_terminal, send
from server_api import api

NAMES = ["refresh-fatalities", "refresh-personnel", "refresh-contributions", "refresh-all", "brief", "backfill"]


class Served:
    """A `peacekeeping serve` in a process of its own, started in the folder `release`, and its API."""

    def __init__(self, folder: Path) -> None:
        self.release = folder / "release"
        self.release.mkdir(exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.shell = Shell(folder, {"PREFECT_SERVER_API_PORT": str(self.port), "PEACEKEEPING_MINUTE": "20"})
        self.said = (folder / "serve.log").open("w+")
        self.process = subprocess.Popen(
            [COMMAND, "serve"], cwd=self.release, env=self.shell.environment(), stdin=subprocess.DEVNULL,
            stdout=self.said, stderr=subprocess.STDOUT, text=True, start_new_session=True, preexec_fn=as_in_a_terminal,
        )  # fmt: skip

    def api(self, path: str, body: Any = None) -> Any:
        return api(f"http://127.0.0.1:{self.port}/api", path, body)

    def until(self, condition: Callable[[], Any]) -> Any:
        """The condition's value, once it is true; pytest-timeout ends a wait that is too long."""
        while True:
            assert self.process.poll() is None, self.log()
            try:
                if value := condition():
                    return value
            except (urllib.error.URLError, OSError):
                pass
            time.sleep(0.3)

    def deployments(self) -> dict[str, Any]:
        """The deployments by name, once all are there."""
        by_name = {deployment["name"]: deployment for deployment in self.api("deployments/filter", {})}
        return by_name if set(by_name) == set(NAMES) else {}

    def begin(self, deployment: str, **parameters: Any) -> str:
        """Start a run of a deployment, once it is there, a refresh offline; returns its id."""
        deployment_id = self.until(self.deployments)[deployment]["id"]
        offline = {"offline": True} if deployment.startswith("refresh") else {}
        body = {"parameters": offline | parameters}
        return str(self.api(f"deployments/{deployment_id}/create_flow_run", body)["id"])

    def run(self, run: str) -> Any:
        return self.api(f"flow_runs/{run}")

    def runs(self, name: str, states: tuple[str, ...]) -> list[Any]:
        query = {"flows": {"name": {"any_": [name]}}, "flow_runs": {"state": {"type": {"any_": list(states)}}}}
        return list(self.api("flow_runs/filter", query))

    def log(self) -> str:
        self.said.flush()
        return Path(self.said.name).read_text()

    def children(self) -> list[int]:
        return [child.pid for child in psutil.Process(self.process.pid).children(recursive=True)]

    def child(self, name: str) -> int:
        """The only child process with this in its command line."""
        (pid,) = [pid for pid in self.children() if name in " ".join(psutil.Process(pid).cmdline())]
        return pid

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        send(self.process, how)
        return self.process.wait(60)
