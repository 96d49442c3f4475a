"""Two hosts on one Prefect server on PostgreSQL, as docs/many-machines.md sets them up; each part a local process.

The hosts are two workers of one work pool with one data folder; the second runs mapped tasks on Dask.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from end_to_end.conftest import Shell
from filelock import FileLock
from prefect import get_client
from prefect.events import AutomationCore
from prefect.settings import PREFECT_API_URL, temporary_settings
from server_api import api

from flows import automations

ROOT, BIN = Path(__file__).parents[2], Path(sys.executable).parent
PG_BIN = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path(shutil.which("pg_ctl") or "/none/pg_ctl").parent)
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not (PG_BIN / "pg_ctl").exists(), reason="PostgreSQL is not installed"),
    pytest.mark.skipif(importlib.util.find_spec("prefect_dask") is None, reason="prefect-dask is not installed"),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], Any]) -> Any:
    """The condition's value, once it is true; pytest-timeout ends a wait that is too long."""
    while True:
        try:
            if value := condition():
                return value
        except (urllib.error.URLError, OSError):  # nothing listens yet
            pass
        time.sleep(0.5)


@pytest.fixture
def database() -> Iterator[str]:
    """The address of a PostgreSQL cluster of its own; run as the user `postgres` where the tests run as root."""
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
    port, folder = free_port(), Path(f"/tmp/many-machines-{os.getpid()}")  # noqa: S108  # `postgres` must get there
    folder.mkdir()
    if as_user:
        shutil.chown(folder, "postgres", "postgres")

    def run(program: str, *arguments: str) -> None:
        command = [*as_user, str(PG_BIN / program), "-D", str(folder / "cluster"), *arguments]
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
        subprocess.run(command, cwd="/", env=environment, check=True, stdout=subprocess.DEVNULL)

    run("initdb", "-U", "prefect", "-A", "trust", "-N", "-E", "UTF8", "--locale", "C")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
    yield f"postgresql+asyncpg://prefect@127.0.0.1:{port}/postgres"
    run("pg_ctl", "-m", "fast", "-w", "stop")
    shutil.rmtree(folder)


class Cluster:
    """A Prefect server and its workers."""

    def __init__(self, folder: Path) -> None:
        self.shell, self.port = Shell(folder), free_port()
        self.url = f"http://127.0.0.1:{self.port}/api"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def environment(self, host: str, **extra: str) -> dict[str, str]:
        own = {
            "DO_NOT_TRACK": "1", "PREFECT_HOME": str(self.shell.folder / host), "PREFECT_API_URL": self.url,
            "PREFECT_SERVER_API_PORT": str(self.port), "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PEACEKEEPING_HOME": str(ROOT), "PEACEKEEPING_MINUTE": "20",
        }  # fmt: skip
        return self.shell.environment() | own | extra

    def start(self, host: str, *command: str, **extra: str) -> None:
        with (self.shell.folder / f"{host}.log").open("wb") as log:
            self.processes[host] = subprocess.Popen(
                [BIN / "prefect", *command], cwd=ROOT, env=self.environment(host, **extra), stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def start_worker(self, host: str, **extra: str) -> None:
        queues = ("--work-queue", "default", "--work-queue", host)
        self.start(host, "worker", "start", "--pool", "peacekeeping", "--name", host, *queues, **extra)

    def kill(self, host: str) -> None:
        """Kill a host's processes at once, as when a machine loses power."""
        worker = psutil.Process(self.processes.pop(host).pid)
        for process in [worker, *worker.children(recursive=True)]:
            process.kill()

    def begin(self, deployment: str, queue: str, **parameters: Any) -> str:
        body = {"parameters": parameters, "state": {"type": "SCHEDULED"}, "work_queue_name": queue}
        deployment_id = api(self.url, f"deployments/name/{deployment}")["id"]
        return str(api(self.url, f"deployments/{deployment_id}/create_flow_run", body)["id"])

    def run(self, run: str) -> Any:
        return api(self.url, f"flow_runs/{run}")

    def ended(self, run: str) -> Any:
        return until(lambda: (flow_run := self.run(run))["state_type"] in ENDED and flow_run)


@pytest.fixture
def cluster(database: str, tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    made.start("server", "server", "start", "--no-ui", PREFECT_API_DATABASE_CONNECTION_URL=database)
    until(lambda: api(made.url, "health"))
    prefect = [str(BIN / "prefect"), "--no-prompt"]
    for command in (
        [*prefect, "work-pool", "create", "peacekeeping", "--type", "process", "--overwrite"],
        [*prefect, "deploy", "--all"],
        [sys.executable, "-m", "flows.automations"],
    ):
        subprocess.run(command, cwd=ROOT, env=made.environment("desk"), check=True, capture_output=True)
    for host in ("host-1", "host-2"):
        api(made.url, "work_pools/peacekeeping/queues", {"name": host})
    yield made
    for host in list(made.processes):
        made.kill(host)


def test_two_hosts_share_a_server_on_postgresql_and_a_data_folder(cluster: Cluster) -> None:
    offline = {"offline": True}
    shorten_rule(cluster.url)

    # Host-1 is killed while its run waits for the lock: a rule marks the run as crashed, and host-2 does it.
    cluster.start_worker("host-1")
    cluster.shell.data.mkdir()
    with FileLock(cluster.shell.data / ".writer.lock"):
        first = cluster.begin("refresh/refresh-all", "default", **offline)
        until(lambda: cluster.run(first)["state_type"] == "RUNNING")
        cluster.kill("host-1")
    cluster.start_worker("host-2", PEACEKEEPING_TASK_RUNNER="dask")
    ended = until(lambda: (run := cluster.ended(first))["run_count"] == 2 and run)
    assert "published build" in ended["state"]["message"], ended["state"]

    # The briefings on host-2, on Dask; at once a refresh on each host: they build one after the other.
    cluster.start_worker("host-1")
    brief = cluster.begin("brief/brief", "host-2", up_to="1965-12-31", batch=4)
    runs = [
        cluster.begin("refresh/refresh-all", "host-1", **offline, force=True),
        cluster.begin("refresh/refresh-fatalities", "host-2", **offline, force=True),
    ]
    ended = [cluster.ended(run) for run in (brief, *runs)]
    assert [run["state_type"] for run in ended] == ["COMPLETED"] * 3, [run["state"] for run in ended]
    pages = list((cluster.shell.data / "briefings").glob("*_up-to-*.html"))
    assert f"wrote {len(pages)} pages" in ended[0]["state"]["message"]
    (earlier, end), (later, _) = until(lambda: building_times(cluster.url, runs))
    assert earlier < end <= later


def shorten_rule(url: str) -> None:
    """Let a run crash when two heartbeats are missing, after a minute, instead of four."""
    entry = automations.declared()[0]
    entry["trigger"]["within"] = 60
    with temporary_settings({PREFECT_API_URL: url}), get_client(sync_client=True) as client:
        (rule,) = client.read_automations_by_name(entry["name"])
        client.update_automation(rule.id, AutomationCore.model_validate(entry))


def building_times(url: str, runs: list[str]) -> list[tuple[str, str]]:
    """Start and end of the build and publication of each run, in order; empty until both runs are recorded."""
    tasks = {"name": {"any_": ["build warehouse", "publish build"]}}
    task_runs = api(url, "task_runs/filter", {"flow_runs": {"id": {"any_": runs}}, "task_runs": tasks})
    spans = [[task for task in task_runs if task["flow_run_id"] == run and task["end_time"]] for run in runs]
    if any(len(span) < 2 for span in spans):
        return []
    return sorted((min(t["start_time"] for t in span), max(t["end_time"] for t in span)) for span in spans)
