"""A step that hangs, a run that is stopped or cancelled, a server that dies, many runs at once: no data are damaged."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from end_to_end.conftest import Shell, send
from end_to_end.served import Served
from filelock import FileLock, Timeout
from server_api import api

from flows.server import OwnServer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

# How many refreshes are started at once; each takes some five seconds.
AT_ONCE = int(os.environ.get("PEACEKEEPING_AT_ONCE", "4"))

# Run at the start of each Python process: one step hangs, and the run's time limit begins then and is two seconds.
HANGING = """
import importlib, os, sys, threading, time

clocks, Timer = [], threading.Timer

class Clock(Timer):
    def __init__(self, seconds, *rest, **named):
        super().__init__(2.0, *rest, **named)

    def start(self):
        clocks.append(self)

def hang(*arguments, **named):
    for clock in clocks:
        Timer.start(clock)
    if os.environ["HANG"] == "query":
        import duckdb
        duckdb.sql("SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = 7").fetchall()
    while True:  # as a library's own code, which takes no interruption
        try:
            time.sleep(60)
        except BaseException:
            pass

if sys.argv[0].endswith("peacekeeping"):
    module, function = os.environ["STEP"].rsplit(".", 1)
    setattr(importlib.import_module(module), function, hang)
    threading.Timer = Clock
"""


def digest(shell: Shell) -> str:
    return hashlib.sha256(shell.warehouse.read_bytes()).hexdigest()


def lock_is_free(shell: Shell) -> bool:
    try:
        with FileLock(shell.data / ".writer.lock").acquire(timeout=0):
            return True
    except Timeout:
        return False


def last_run(url: str) -> dict[str, Any]:
    """The run that was started last, once the server has its end."""
    while True:
        (run,) = api(url, "flow_runs/filter", {"sort": "START_TIME_DESC", "limit": 1})
        if run["state_type"] != "RUNNING":
            return dict(run)
        time.sleep(0.1)


def until(shell: Shell, pattern: str, process: subprocess.Popen[str]) -> None:
    """Wait until a refresh has come so far that this is in its scratch folder."""
    while not any((shell.data / "work").glob(pattern)):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("hang", "step"), [("query", "flows.steps.build.check"), ("stubborn", "flows.steps.publish.publish_build")]
)
def test_a_step_that_hangs_ends_the_run_with_one_sentence_and_nothing_is_published(
    copy: Shell, hang: str, step: str
) -> None:
    (copy.folder / "sitecustomize.py").write_text(HANGING)
    copy.extra |= {"PYTHONPATH": f"{copy.folder}:{ROOT}", "HANG": hang, "STEP": step}
    before = digest(copy)
    errors = copy("refresh", "--offline", "--force", code=1).stderr
    assert "error: The run was not done after" in errors and "Nothing was published by it." in errors
    assert digest(copy) == before and lock_is_free(copy)
    run = last_run(copy.extra["PREFECT_API_URL"])
    assert set(run["tags"]) == {"peacekeeping", "command"}
    assert run["state_type"] == "FAILED" and run["state"]["message"].startswith("The run was not done after")


@pytest.mark.parametrize(
    ("how", "code", "message", "at"),
    [
        (signal.SIGINT, 130, "interrupted; the published warehouse is intact", ["*/fatalities", "*/build/*.duckdb"]),
        (signal.SIGTERM, 143, "terminated; the published warehouse is intact", ["*/build"]),
    ],
    ids=["Ctrl-C", "SIGTERM"],
)
def test_a_run_that_is_stopped_leaves_the_warehouse_and_a_free_lock(
    copy: Shell, how: signal.Signals, code: int, message: str, at: list[str]
) -> None:
    before = digest(copy)
    for pattern in at:  # staging, building, checking
        process = copy.start("refresh", "--offline", "--force")
        until(copy, pattern, process)
        send(process, how)
        _, errors = process.communicate()
        assert process.returncode == code and "Traceback" not in errors and message in errors, (pattern, errors)
        assert digest(copy) == before and lock_is_free(copy)
        ended = last_run(copy.extra["PREFECT_API_URL"])
        assert ended["state_type"] in ("CRASHED", "CANCELLED"), ended["state"]


def test_a_run_cancelled_in_the_ui_ends_cancelled_and_frees_the_lock(copy: Shell) -> None:
    served = Served(copy.folder)
    try:
        before = digest(copy)
        run = served.begin("refresh-all")
        until(copy, "*/*", served.process)
        served.api(f"flow_runs/{run}/set_state", {"state": {"type": "CANCELLING"}})
        served.until(lambda: served.runs("refresh", ("CANCELLED", "CRASHED", "COMPLETED", "FAILED")))
        assert served.run(run)["state_type"] == "CANCELLED"
        served.until(lambda: lock_is_free(copy))
        assert digest(copy) == before
    finally:
        served.stop()
    copy("refresh", "--offline")  # and clears what the other left
    assert list((copy.data / "work").iterdir()) == []


def test_a_command_that_was_killed_is_marked_as_crashed_by_the_next_one(copy: Shell) -> None:
    before = digest(copy)
    process = copy.start("refresh", "--offline", "--force")
    until(copy, "*/fatalities", process)
    process.kill()
    process.communicate()
    killed = next((copy.data / "work").iterdir()).name
    assert digest(copy) == before and lock_is_free(copy)
    copy("refresh", "--offline")
    ended = api(copy.extra["PREFECT_API_URL"], f"flow_runs/{killed}")["state"]
    assert ended["type"] == "CRASHED" and ended["message"].startswith("Its process was killed")
    assert list((copy.data / "work").iterdir()) == []


def test_a_scheduled_run_that_was_killed_begins_once_more_and_says_so(copy: Shell) -> None:
    served = Served(copy.folder)
    try:
        run = served.begin("refresh-all")
        until(copy, "*/fatalities", served.process)
        os.kill(served.child("prefect.engine"), signal.SIGKILL)
        served.until(lambda: served.runs("refresh", ("COMPLETED", "FAILED")))
        ended = served.run(run)
        assert ended["state_type"] == "COMPLETED" and ended["run_count"] == 2, ended["state"]
        assert ended["state"]["message"].startswith("with warnings; published build")
        (summary,) = served.api("artifacts/filter", {"artifacts": {"key": {"any_": ["refresh-summary"]}}})
        assert "This run began once more: it had crashed" in summary["data"]
        states = [state["name"] for state in served.api(f"flow_run_states/?flow_run_id={run}")]
        assert states.count("Crashed") == 1 and states[-1] in ("Published", "PublishedWithWarnings"), states
        assert list((copy.data / "work").iterdir()) == []
    finally:
        served.stop()


@pytest.fixture
def mortal(copy: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnServer]:
    """A server that may be killed."""
    monkeypatch.setenv("PREFECT_HOME", str(copy.folder / "mortal"))
    server = OwnServer()
    server.start()
    assert server.wait(120)
    copy.extra["PREFECT_API_URL"] = server.api_url
    yield server
    server.stop()


@pytest.mark.parametrize("pattern", ["*/fatalities", "*/build/*.duckdb"])
def test_a_run_publishes_and_ends_without_its_server_when_that_dies_in_the_middle(
    copy: Shell, mortal: OwnServer, pattern: str
) -> None:
    before = copy.warehouse.stat().st_ino
    process = copy.start("refresh", "--offline", "--force")
    until(copy, pattern, process)
    assert mortal.process is not None
    mortal.process.kill()
    out, errors = process.communicate()
    assert process.returncode == 0, errors
    assert "The Prefect server went away" in errors and "Traceback" not in errors and "EventsWorker" not in errors
    assert "Published build" in out and copy.warehouse.stat().st_ino != before
    assert lock_is_free(copy) and copy.ask("SELECT count(*) FROM fatalities") == "4423"


def test_many_refreshes_at_once_build_one_after_the_other_and_all_end_with_0(copy: Shell) -> None:
    processes = [copy.start("refresh", "--offline", "--force") for _ in range(AT_ONCE)]
    results = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * AT_ONCE, [errors[-600:] for _, errors in results]
    assert all("Published build" in out and "Traceback" not in errors for out, errors in results)
    assert sum("Another run is writing" in errors for _, errors in results) == AT_ONCE - 1
    assert copy.ask("SELECT count(*) FROM fatalities") == "4423"
    assert list(Path(copy.data / "work").iterdir()) == []
    copy("verify")
