"""`peacekeeping serve`: one command brings up the server, its UI and the schedules; stopping it stops all of it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from end_to_end.conftest import COMMAND, Shell, as_in_a_terminal, send
from filelock import FileLock
from processes import alive
from server_api import api

pytestmark = pytest.mark.slow

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
        """Start an offline run of a deployment, once it is there; returns its id."""
        deployment_id = self.until(self.deployments)[deployment]["id"]
        body = {"parameters": {"offline": True} | parameters}
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


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Its folder is gone, as after a new release; each test on its runs shows that they begin elsewhere."""
    served = Served(tmp_path_factory.mktemp("serve"))
    served.until(served.deployments)
    served.release.rmdir()
    yield served
    if served.process.poll() is None:
        served.stop()


def test_one_command_brings_up_the_ui_and_every_schedule(serving: Served) -> None:
    deployments = serving.until(serving.deployments)
    schedules = {
        name: [s["schedule"]["cron"] for s in one["schedules"] if s["active"]] for name, one in deployments.items()
    }
    assert schedules == {
        "refresh-fatalities": ["20 5 * * *"], "refresh-personnel": ["20 6 5-20 * *"],
        "refresh-contributions": ["20 7 * * 1"], "refresh-all": ["20 3 * * 0"], "brief": [], "backfill": [],
    }  # fmt: skip
    assert not any(one["paused"] for one in deployments.values())
    with urllib.request.urlopen(f"http://127.0.0.1:{serving.port}/", timeout=10) as page:
        assert page.status == 200 and b"<html" in page.read().lower()
    serving.until(lambda: f"The UI: http://127.0.0.1:{serving.port}" in serving.log())


def test_a_second_one_is_refused_and_leaves_the_schedules_alone(serving: Served, tmp_path: Path) -> None:
    serving.until(serving.deployments)
    for port in (serving.port, 4999):  # the server of the first one, and one of its own
        again = Shell(tmp_path, serving.shell.environment() | {"PREFECT_SERVER_API_PORT": str(port)})
        done = again("serve", code=1)
        assert f"(process {serving.process.pid}, since " in done.stderr and "Stop it first" in done.stderr
    assert not any(one["paused"] for one in serving.deployments().values())
    # With a Prefect home of its own it finds out from the server, when the runner has looked for runs.
    serving.until(lambda: all(one["status"] == "READY" for one in serving.deployments().values()))
    stranger = Shell(tmp_path, serving.shell.environment() | {"PREFECT_HOME": str(tmp_path / "home")})
    assert "are served already by a worker or by another machine's" in stranger("serve", code=1).stderr
    assert not any(one["paused"] for one in serving.deployments().values())


def test_status_and_doctor_name_paused_schedules(serving: Served, built: Shell) -> None:
    shell = Shell(built.folder, {"PREFECT_SERVER_API_PORT": str(serving.port)})
    brief, fatalities = (serving.until(serving.deployments)[name]["id"] for name in ("brief", "refresh-fatalities"))
    assert json.loads(shell("status", "--json").stdout)["schedules_paused"] == []
    serving.api(f"deployments/{fatalities}/pause_deployment", {})
    serving.api(f"deployments/{brief}/pause_deployment", {})  # has no schedule
    assert json.loads(shell("status", "--json").stdout)["schedules_paused"] == ["refresh-fatalities"]
    assert "Schedules are paused: refresh-fatalities." in shell("status").stderr
    lines = {one["what"]: one for one in json.loads(shell("doctor", "--json").stdout)}
    assert (lines["schedules"]["state"], lines["schedules"]["found"]) == ("warn", "paused: refresh-fatalities")
    for one in (fatalities, brief):
        serving.api(f"deployments/{one}/resume_deployment", {})
    assert json.loads(built("status", "--json").stdout)["schedules_paused"] is None  # no server answers


def test_the_views_of_the_runs_page_are_there(serving: Served) -> None:
    serving.until(lambda: "Stop with Ctrl-C" in serving.log())
    views = serving.until(lambda: serving.api("saved_searches/filter", {}))
    states = {view["name"]: view["filters"][0]["value"] for view in views}
    assert states["peacekeeping: needs attention, past week"] == [
        "KeptLastGood", "Refused", "Failed", "Crashed", "PublishedWithWarnings", "Late",
    ]  # fmt: skip


def test_the_server_listens_on_loopback_only(serving: Served) -> None:
    serving.until(lambda: serving.api("health"))
    listening = [
        line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if line.split()[3] == "0A"
    ]
    mine = [address for address in listening if int(address.split(":")[1], 16) == serving.port]
    assert mine == [f"0100007F:{serving.port:04X}"]


def test_a_schedule_that_is_due_starts_a_run_by_itself(serving: Served) -> None:
    deployments = serving.until(serving.deployments)["backfill"]
    soon = datetime.now(UTC) + timedelta(seconds=20)  # the server looks for new schedules every few seconds
    # Nothing had been published by then: the run ends quickly.
    given = {"first": "2000-01-01", "last": "2000-01-31", "every": "month"}
    schedule = {"schedule": {"interval": 86_400, "anchor_date": soon.isoformat()}, "active": True, "parameters": given}
    serving.api(f"deployments/{deployments['id']}/schedules", [schedule])
    (ran,) = serving.until(lambda: serving.runs("backfill", ("COMPLETED", "FAILED", "CRASHED")))
    assert ran["auto_scheduled"] and ran["name"].startswith("backfill every month 2000-01-01 to 2000-01-31 · ")
    assert abs(datetime.fromisoformat(ran["expected_start_time"]) - soon) < timedelta(seconds=1)
    # The runner takes a run some seconds ahead, and its process begins when it has come up.
    assert datetime.fromisoformat(ran["start_time"]) > soon - timedelta(seconds=10)
    assert ran["state"]["message"].startswith("No snapshot in the archive had been published by 2000-01-31")


def test_a_refresh_that_publishes_is_followed_by_the_briefings(serving: Served) -> None:
    serving.begin("refresh-all")
    (ran,) = serving.until(lambda: serving.runs("refresh", ("COMPLETED", "FAILED", "CRASHED")))
    assert ran["state_type"] == "COMPLETED" and ran["state"]["message"].startswith("published build"), ran["state"]
    (briefed,) = serving.until(lambda: serving.runs("brief", ("COMPLETED", "FAILED", "CRASHED")))
    assert briefed["state_type"] == "COMPLETED", briefed["state"]
    assert (serving.shell.data / "briefings" / "MINUSMA.html").exists()
    asked = {"filter": {"event": {"name": ["peacekeeping.published"]}}}
    (event,) = serving.until(lambda: serving.api("events/filter", asked)["events"])
    assert event["resource"]["peacekeeping.data"] == event["payload"]["data"] == str(serving.shell.data)
    assert event["payload"]["changes"] is None  # the first build
    serving.begin("refresh-all", force=False)  # the deployment's own default is to build in any case
    serving.until(lambda: len(serving.runs("refresh", ("COMPLETED", "FAILED", "CRASHED"))) == 2)
    messages = {run["state"]["message"] for run in serving.runs("refresh", ("COMPLETED",))}
    assert any("nothing new" in message for message in messages)
    time.sleep(3)
    assert (
        len(serving.runs("brief", ("COMPLETED", "RUNNING", "PENDING", "SCHEDULED"))) == 1
    )  # nothing new, nothing to write


def test_stopping_it_stops_all_of_it_and_starting_it_again_resumes_the_schedules(serving: Served) -> None:
    serving.until(serving.deployments)
    begun = serving.children()
    assert begun
    assert serving.stop() == 0, serving.log()
    assert not [pid for pid in begun if alive(pid)]
    assert "Traceback" not in serving.log(), serving.log()
    again = Served(serving.shell.folder)
    try:
        deployments = again.until(again.deployments)
        again.until(lambda: not any(one["paused"] for one in again.deployments().values()))
        assert all(s["active"] for one in deployments.values() for s in one["schedules"])
        assert again.stop(signal.SIGINT) in (0, 130), again.log()
        assert "Traceback" not in again.log()
    finally:
        if again.process.poll() is None:
            again.process.kill()


def test_a_server_that_dies_is_started_again_and_gets_the_end_of_the_run_that_was_on(serving: Served) -> None:
    """After the one before, whose server is stopped: with one of its own, on the same data."""
    served = Served(serving.shell.folder)
    try:
        served.until(served.deployments)
        time.sleep(6)  # a server that ends at once is not started again
        with FileLock(served.shell.data / ".writer.lock"):  # the run waits here
            run = served.begin("refresh-all")
            served.until(lambda: served.run(run)["state_type"] == "RUNNING")
            os.kill(served.child("flows.server"), signal.SIGKILL)
            served.until(lambda: "the Prefect server ended (-9) and is started again" in served.log())
            served.until(lambda: served.api("health"))
        served.until(lambda: served.run(run)["state_type"] == "COMPLETED")
        assert served.stop() == 0 and "Traceback" not in served.log(), served.log()
    finally:
        if served.process.poll() is None:
            served.process.kill()


def test_a_port_that_is_taken_is_reported(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        shell = Shell(tmp_path, {"PREFECT_SERVER_API_PORT": str(taken.getsockname()[1])})
        done = shell("serve", code=1)
    assert f"is taken by process {os.getpid()} (" in done.stderr and "PREFECT_SERVER_API_PORT" in done.stderr


def test_a_configured_server_that_does_not_answer_is_reported(tmp_path: Path) -> None:
    shell = Shell(tmp_path, {"PREFECT_API_URL": "http://127.0.0.1:9/api"})
    done = shell("serve", code=1)
    assert "No Prefect server answers at http://127.0.0.1:9/api" in done.stderr
