"""More than one machine, shown on this one: `python tests/end_to_end/many_machines.py [UP-TO]`.

What docs/many-machines.md describes, each part a process on loopback: PostgreSQL, a Prefect server on it, the
deployments of prefect.yaml, two workers on one work pool (as two hosts would be, each with a Prefect home of its own)
that share a data folder, and a Dask scheduler with two workers. One host refreshes, the other writes every briefing on
Dask while ten more refreshes come at once; then the host that has a run is killed, and the other one does it. What must
hold is checked, what was seen is printed with its seconds, and all that was started is stopped, also after a failure.
With a day the briefings are those up to it, which are fewer and take less time. Exit code 0 when all held, 1 when not,
77 when something that it needs is missing here.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any

from filelock import FileLock

from flows import automations

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
HOSTS = ("host-1", "host-2")
POOL = "peacekeeping"
SKIPPED = 77
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
BUILDING = ("build warehouse", "check build", "publish build")
SIGN_OF_LIFE = 20  # seconds, for the two minutes of the rule
NOBODY = "http://127.0.0.1:9"  # the publishers are out of reach
# Ten at once, over every deployment of the flow, since one deployment's own runs wait for each other at the server
# already. Some build in any case: they must do so one at a time.
AT_ONCE = [
    ("refresh-fatalities", True), ("refresh-personnel", False), ("refresh-contributions", False), ("refresh-all", True),
    ("refresh-fatalities", False), ("refresh-personnel", False), ("refresh-contributions", False),
    ("refresh-all", False), ("refresh-fatalities", False), ("refresh-personnel", False),
]  # fmt: skip


class Missing(Exception):
    """Something that is needed is not installed here."""


class Broken(Exception):
    """Something that must hold does not."""


def require(holds: object, told: str) -> None:
    """Say what holds, or stop there."""
    if not holds:
        raise Broken(told)
    say(f"  holds: {told}")


BEGAN = time.perf_counter()


def say(text: str) -> None:
    print(f"{time.perf_counter() - BEGAN:6.1f} s  {text}", flush=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(what: str, ask: Callable[[], Any], seconds: float = 120) -> Any:
    """Ask until there is an answer."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):  # nobody listens yet
            if found := ask():
                return found
        time.sleep(0.3)
    raise Broken(f"{what}: not within {seconds:g} s")


class Machines:
    """The processes that were started, their logs, and the addresses at which they answer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.logs = folder / "logs"
        self.logs.mkdir()
        self.api_port, self.dask_port = free_port(), free_port()
        self.api_url = f"http://127.0.0.1:{self.api_port}/api"
        self.dask = f"tcp://127.0.0.1:{self.dask_port}"
        self.started: list[tuple[str, subprocess.Popen[bytes]]] = []

    def environment(self, host: str, **extra: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PEACEKEEPING_"))}
        return kept | {
            "DO_NOT_TRACK": "1",
            "PREFECT_HOME": str(self.folder / host),
            "PREFECT_API_URL": self.api_url,
            "PREFECT_SERVER_API_PORT": str(self.api_port),
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PEACEKEEPING_HOME": str(ROOT),
            "PEACEKEEPING_DATA": str(self.data),
            "PEACEKEEPING_PSDATA_URL": NOBODY,
            "PEACEKEEPING_CEB_URL": NOBODY,
            "PEACEKEEPING_CONTRIBUTIONS_URL": NOBODY,
            **extra,
        }

    def start(self, name: str, *command: str, **extra: str) -> None:
        """Start a process in a group of its own, which ends with its children."""
        with (self.logs / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment(name, **extra), stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self.started.append((name, process))

    def run(self, *command: str) -> str:
        """Run a command to its end and give what it printed."""
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment("desk"), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=180,
        )  # fmt: skip
        if done.returncode:
            raise Broken(f"{' '.join(command)} ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")
        return done.stdout + done.stderr

    def log(self, name: str) -> str:
        return (self.logs / f"{name}.log").read_text(errors="replace")

    def stop(self) -> None:
        """Stop everything that was started, the last first; what stays after being asked twice is killed."""
        for name, process in reversed(self.started):
            for how, patience in ((signal.SIGTERM, 5), (signal.SIGTERM, 5), (signal.SIGKILL, 10)):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, how)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(patience)
                    break
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # children that outlived it
            say(f"stopped {name}")

    def api(self, path: str, body: Any = None, method: str | None = None) -> Any:
        request = urllib.request.Request(f"{self.api_url}/{path}", method=method)  # noqa: S310
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("content-type", "application/json")
        with urllib.request.urlopen(request, timeout=20) as reply:  # noqa: S310
            return json.loads(reply.read() or b"null")

    def begin(self, deployment: str, queue: str | None = None, **parameters: Any) -> str:
        """Ask for a run of a deployment; gives its id."""
        asked = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        if queue:
            asked["work_queue_name"] = queue
        found = self.api(f"deployments/name/{deployment}")
        return str(self.api(f"deployments/{found['id']}/create_flow_run", asked)["id"])

    def ended(self, runs: list[str]) -> dict[str, Any]:
        """The runs by id, once all have ended."""
        found = self.api("flow_runs/filter", {"flow_runs": {"id": {"any_": runs}}})
        over = {run["id"]: run for run in found if run["state_type"] in ENDED}
        return over if len(over) == len(runs) else {}


class Postgres:
    """A scratch cluster on loopback with a password of its own; as another user where this is root's process."""

    def __init__(self) -> None:
        places = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda place: int(place.parts[-3]))
        found = places[-1] if places else shutil.which("pg_ctl")
        if not found:
            raise Missing("PostgreSQL's initdb and pg_ctl (apt-get install postgresql)")
        self.bin = Path(found).parent
        self.as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
        self.port, self.password = free_port(), secrets.token_hex(16)
        self.folder = Path(tempfile.mkdtemp(prefix="many-machines-postgres-"))
        self.running = False

    @property
    def url(self) -> str:
        return f"postgresql+asyncpg://prefect:{self.password}@127.0.0.1:{self.port}/postgres"

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [*self.as_user, str(self.bin / program), *arguments], cwd="/", capture_output=True, text=True, timeout=60,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C", "PGPASSWORD": self.password}, stdin=subprocess.DEVNULL,
        ) if program != "pg_ctl" else self._control(*arguments)  # fmt: skip
        if done.returncode:
            raise Broken(f"{program}: {(done.stdout or '')[-500:]}{(done.stderr or '')[-1000:]}")
        return done.stdout or ""

    def _control(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        # The server that it leaves running would hold our pipes open.
        return subprocess.run(
            [*self.as_user, str(self.bin / "pg_ctl"), *arguments], cwd="/", text=True, timeout=60,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def start(self) -> None:
        secret = self.folder / "password"
        secret.write_text(self.password)
        if self.as_user:
            for path in (self.folder, secret):
                shutil.chown(path, "postgres", "postgres")
        cluster = str(self.folder / "cluster")
        how = ["-U", "prefect", "-A", "scram-sha-256", "--pwfile", str(secret), "-N", "-E", "UTF8", "--locale", "C"]
        self._run("initdb", "-D", cluster, *how)
        # A scratch cluster need not survive a power cut, and has no socket file.
        set_to = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        self.running = True
        self._run("pg_ctl", "-D", cluster, "-w", "-l", str(self.folder / "log"), "-o", set_to, "start")

    def ask(self, sql: str) -> str:
        return self._run(
            "psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "prefect", "-d", "postgres", "-Atc", sql
        ).strip()

    def stop(self) -> None:
        if self.running:
            self._control("-D", str(self.folder / "cluster"), "-m", "fast", "-w", "stop")
            say("stopped postgres")
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def everything() -> Iterator[tuple[Machines, Postgres]]:
    """The machines and their database; all that was started is stopped at the end, however that comes."""
    for module in ("prefect_dask", "asyncpg"):
        if importlib.util.find_spec(module) is None:
            raise Missing(f"{module} (pip install peacekeeping[dask])")
    postgres = Postgres()
    folder = Path(tempfile.mkdtemp(prefix="many-machines-"))
    machines = Machines(folder)
    try:
        yield machines, postgres
    except BaseException:
        for name, _ in machines.started:
            print(f"--- the end of {name}'s log\n{machines.log(name)[-3000:]}", file=sys.stderr)
        raise
    finally:
        machines.stop()
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def bring_up(machines: Machines, postgres: Postgres) -> None:
    """The database, the server, the cluster; then the deployments and the workers."""
    postgres.start()
    say(f"PostgreSQL {postgres.ask('SHOW server_version').split()[0]} on 127.0.0.1:{postgres.port}")
    machines.start(
        "server", str(BIN / "prefect"), "server", "start", "--no-ui",
        PREFECT_API_DATABASE_CONNECTION_URL=postgres.url, PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS="1",
    )  # fmt: skip
    dask = [str(BIN / "dask")]
    machines.start(
        "dask-scheduler",
        *dask,
        "scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        str(machines.dask_port),
        "--dashboard-address",
        "127.0.0.1:0",
    )
    for host in HOSTS:
        scratch = str(machines.folder / f"dask-{host}-scratch")
        machines.start(
            f"dask-{host}", *dask, "worker", machines.dask, "--host", "127.0.0.1", "--nworkers", "1", "--nthreads", "1",
            "--dashboard-address", "127.0.0.1:0", "--name", host, "--local-directory", scratch,
        )  # fmt: skip
    until("the Prefect server", lambda: machines.api("health"))
    say(f"Prefect server on it, at {machines.api_url}; Dask scheduler at {machines.dask}")

    prefect = (str(BIN / "prefect"), "--no-prompt")
    machines.run(*prefect, "work-pool", "create", POOL, "--type", "process", "--overwrite")
    machines.run(*prefect, "deploy", "--all")
    machines.run(sys.executable, "-m", "flows.automations")
    found = [one["name"] for one in machines.api("deployments/filter", {})]
    say(f"prefect deploy --all: {', '.join(sorted(found))}")
    # One queue a host, to send a run to a host; `default` is for both.
    for host in HOSTS:
        machines.api(f"work_pools/{POOL}/queues", {"name": host})
    for host in HOSTS:
        machines.start(
            host, str(BIN / "prefect"), "worker", "start", "--pool", POOL, "--type", "process", "--name", host,
            "--work-queue", "default", "--work-queue", host,
            PEACEKEEPING_TASK_RUNNER="dask", PEACEKEEPING_DASK_ADDRESS=machines.dask,
        )  # fmt: skip
    # Ten refreshes would be followed by ten briefings: here the briefings are asked for by hand.
    rules = {entry["name"] for entry in automations.declared()}
    for automation in [one for one in machines.api("automations/filter", {}) if one["name"] not in rules]:
        machines.api(f"automations/{automation['id']}", {"enabled": False}, "PATCH")
    say(f"two workers on the pool {POOL}, sharing {machines.data}")


def taken(machines: Machines, host: str) -> set[str]:
    """The runs that a host's worker started: asked for, and not left to the other or for later."""
    log = machines.log(host)
    asked, left = (
        Counter(part.split("'")[1] for part in log.split(f"{words} flow run")[1:])
        for words in ("submitting", "Aborted submission of")
    )
    return {run for run, times in asked.items() if times > left[run]}


def seconds(run: dict[str, Any]) -> float:
    return float(run["total_run_time"])


def built(machines: Machines, runs: list[str], builds: int) -> list[tuple[datetime, datetime, str]]:
    """When the runs that built did: from such a task's first start to the last end, once all is recorded."""
    body = {"flow_runs": {"id": {"any_": runs}}, "task_runs": {"name": {"any_": list(BUILDING)}}}
    by_run: dict[str, list[dict[str, Any]]] = {}
    for one in machines.api("task_runs/filter", body):
        by_run.setdefault(one["flow_run_id"], []).append(one)
    when = datetime.fromisoformat
    found = sorted(
        (min(when(one["start_time"]) for one in some), max(when(one["end_time"]) for one in some), run)
        for run, some in by_run.items()
        if len(some) == len(BUILDING) and all(one["end_time"] for one in some)
    )
    return found if len(found) >= builds else []


def show(up_to: str | None) -> None:
    """Bring everything up, run what the docs describe, and check what must hold."""
    with everything() as (machines, postgres):
        bring_up(machines, postgres)

        say("refresh-all on host-1, an empty data folder, no publisher asked")
        first = machines.begin("refresh/refresh-all", HOSTS[0], offline=True, spread_minutes=0)
        run = until("the refresh", lambda: machines.ended([first]), 240)[first]
        say(f"  {run['state_type']} in {seconds(run):.1f} s: {run['state']['message'][:80]}")
        require(run["state_type"] == "COMPLETED", "the refresh completed")

        say("every briefing on host-2, on Dask; at once ten refreshes, five a host")
        briefing = machines.begin("brief/brief", HOSTS[1], up_to=up_to, batch=12 if up_to is None else 4)
        ten = [
            machines.begin(f"refresh/{name}", host, offline=True, force=force, spread_minutes=0)
            for (name, force), host in zip(AT_ONCE, cycle(HOSTS))
        ]
        ended = until("ten refreshes and the briefings", lambda: machines.ended([briefing, *ten]), 300)
        brief = ended.pop(briefing)
        say(f"  briefings {brief['state_type']} in {seconds(brief):.1f} s: {brief['state']['message']}")
        waited = sorted(seconds(run) for run in ended.values())
        made = sum("published build" in run["state"]["message"] for run in ended.values())
        say(f"  ten refreshes: {made} built, {10 - made} found nothing new; {waited[0]:.1f} to {waited[-1]:.1f} s")
        took = {host: taken(machines, host) for host in HOSTS}
        say(f"  taken by {', '.join(f'{host}: {len(took[host] & set(ten))} of ten' for host in HOSTS)}")
        check(machines, postgres, first, briefing, brief, ten, ended, took)
        lose_a_host(machines)
        say("All held.")


def lose_a_host(machines: Machines) -> None:
    """Kill the host that has taken a run, its worker and the run's process; the other host must do the run."""
    import psutil  # comes with distributed

    rule = automations.declared()[0]
    rule["trigger"]["within"] = SIGN_OF_LIFE
    (standing,) = [one for one in machines.api("automations/filter", {}) if one["name"] == rule["name"]]
    machines.api(f"automations/{standing['id']}", rule, "PUT")
    time.sleep(2)  # until the server's own copy is the new one
    with FileLock(machines.data / ".writer.lock"):  # the run waits here, and so is not through before its host is gone
        run = machines.begin("refresh/refresh-all", offline=True, force=True, spread_minutes=0)
        until("a host has the run", lambda: machines.api(f"flow_runs/{run}")["state_type"] == "RUNNING")
        gone = next(host for host in HOSTS if run in taken(machines, host))
        (process,) = [process for name, process in machines.started if name == gone]
        worker = psutil.Process(process.pid)
        for one in [worker, *worker.children(recursive=True)]:  # at once, as where a machine loses power
            one.kill()
        process.wait(10)
        say(f"{gone} has a refresh and is killed; a rule on the server marks it after {SIGN_OF_LIFE} s here")
    until("the run begins once more", lambda: machines.api(f"flow_runs/{run}")["run_count"] == 2)
    ended = until("its end", lambda: machines.ended([run]))[run]
    (other,) = set(HOSTS) - {gone}
    say(f"  {ended['state_type']}: {ended['state']['message'][:80]}")
    require(run in taken(machines, other), f"{other} did the run of {gone}")
    require(ended["state_type"] == "COMPLETED" and "published build" in ended["state"]["message"], "it published")


def check(
    machines: Machines,
    postgres: Postgres,
    first: str,
    briefing: str,
    brief: dict[str, Any],
    ten: list[str],
    ended: dict[str, Any],
    took: dict[str, set[str]],
) -> None:
    """What must hold, asked through the API, the command and the database."""
    states = Counter(run["state_type"] for run in [brief, *ended.values()])
    require(states == {"COMPLETED": 11}, f"all ended well: {dict(states)}")
    require(
        first in took[HOSTS[0]] and briefing in took[HOSTS[1]], "the refresh ran on host-1, the briefings on host-2"
    )
    require(all(len(took[host] & set(ten)) == 5 for host in HOSTS), "each host ran five of the ten")
    forced = sum(force for _, force in AT_ONCE)
    found = until("the records of the builds", lambda: built(machines, ten, forced))
    apart = all(before[1] <= after[0] for before, after in pairwise(found))
    require(apart and len(found) == forced, f"{len(found)} builds, one at a time, on whichever host")

    from distributed import Client

    with Client(machines.dask, timeout=30) as client:
        tasks = client.run(lambda dask_worker: (dask_worker.name, dask_worker.state.executed_count))
    shares = dict(sorted(tasks.values()))
    require(all(shares.values()) and len(shares) == len(HOSTS), f"both Dask workers wrote batches of pages: {shares}")
    pages = len(list((machines.data / "briefings").glob("*.html"))) - 1
    require(
        f"wrote {pages} pages" in brief["state"]["message"], f"{pages} pages and their index lie in the data folder"
    )

    whole = machines.run(str(BIN / "peacekeeping"), "verify").strip().splitlines()[-1]
    require(whole.startswith("All is whole"), f"peacekeeping verify: {whole}")
    sql = "SELECT count(*), (SELECT count(*) FROM meta.checks WHERE NOT passed) FROM fatalities"
    answer = machines.run(str(BIN / "peacekeeping"), "query", sql, "--format", "csv").strip().splitlines()[-1]
    require(answer == "4423,0", f"the warehouse answers: casualties, failed checks = {answer}")
    left = [file.name for file in machines.data.glob("work/*")]
    require(not left, "no scratch is left in the data folder")
    rows = postgres.ask("SELECT state_type, count(*) FROM flow_run WHERE state_type <> 'SCHEDULED' GROUP BY 1")
    require(rows == "COMPLETED|12", f"PostgreSQL has the runs: {rows}")
    ends = "SELECT count(*) FROM events WHERE event = 'prefect.flow-run.Completed'"
    until("the events", lambda: postgres.ask(ends) == "12", 30)
    require("DBAPIError" not in machines.log("server"), "and their events, from which the rules and triggers follow")


def main() -> int:
    """The script; gives its exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        show(sys.argv[1] if len(sys.argv) > 1 else None)
    except Missing as error:
        print(f"skipped: this needs {error}", file=sys.stderr)
        return SKIPPED
    except Broken as error:
        print(f"broken: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
