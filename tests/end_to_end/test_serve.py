"""`peacekeeping serve`: one command starts the server, its UI and the schedules; stopping it ends all of them.

The UI is opened in a browser; PEACEKEEPING_SCREENSHOTS names a folder for a screenshot of each page.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from end_to_end.conftest import Shell
from end_to_end.served import Served
from filelock import FileLock
from processes import alive

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A `serve` whose start folder was removed, as after a new release: its runs must begin in another folder."""
    served = Served(tmp_path_factory.mktemp("serve"))
    served.until(served.deployments)
    served.release.rmdir()
    yield served
    if served.process.poll() is None:
        served.stop()


CHROMIUM = shutil.which("chromium")
in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: the pages can't be opened")

SHOTS = os.environ.get("PEACEKEEPING_SCREENSHOTS")


class Inspector:
    """A browser on a served UI; records the pages' requests to other hosts and their errors."""

    def __init__(self, page: Any, served: Served, runs: dict[str, Any]) -> None:
        self.page, self.served, self.runs = page, served, runs
        self.foreign: list[str] = []
        self.errors: list[str] = []
        here = f"http://127.0.0.1:{served.port}/", f"ws://127.0.0.1:{served.port}/", "data:", "blob:"
        page.on("request", lambda request: request.url.startswith(here) or self.foreign.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self, path: str, *awaited: str) -> str:
        """Open a page, wait for these texts, and return all its text."""
        self.page.goto(f"http://127.0.0.1:{self.served.port}{path}")
        for text in awaited:
            self.page.get_by_text(text).first.wait_for(timeout=20_000)
        if SHOTS:
            self.page.wait_for_timeout(1500)
            self.page.screenshot(path=Path(SHOTS) / f"{re.sub(r'[^a-z]+', '-', path)[:60].strip('-') or 'root'}.png")
        return str(self.page.inner_text("body"))

    def artifact(self, key: str, run: str) -> str:
        """The page of a run's artifact."""
        only = {"artifacts": {"key": {"any_": [key]}, "flow_run_id": {"any_": [self.runs[run]["id"]]}}}
        (artifact,) = self.served.api("artifacts/filter", only)
        return f"/artifacts/artifact/{artifact['id']}"


@pytest.fixture(scope="module")
def inspected(serving: Served) -> dict[str, Any]:
    """A run of the refresh that published, and one of a briefing, by deployment."""
    run = serving.begin("brief", mission="MINUSMA", up_to="2019-01-25")
    serving.until(lambda: serving.run(run)["state_type"] == "COMPLETED")
    published = next(
        run for run in serving.runs("refresh", ("COMPLETED",)) if run["state_name"].startswith("Published")
    )
    return {"refresh-all": published, "brief": serving.run(run)}


@pytest.fixture
def inspector(serving: Served, inspected: dict[str, Any]) -> Iterator[Inspector]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        inspector = Inspector(browser.new_page(viewport={"width": 1280, "height": 1000}), serving, inspected)
        yield inspector
        browser.close()
        assert inspector.foreign == [] and inspector.errors == []


def test_one_command_starts_the_ui_and_every_schedule(serving: Served) -> None:
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


def test_a_second_serve_is_refused_and_changes_no_schedule(serving: Served, tmp_path: Path) -> None:
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
    deployment = serving.until(serving.deployments)["backfill"]["id"]
    soon = datetime.now(UTC) + timedelta(seconds=20)  # the server looks for new schedules every few seconds
    # Nothing had been published by then: the run ends quickly.
    given = {"first": "2000-01-01", "last": "2000-01-31", "every": "month"}
    schedule = {"schedule": {"interval": 60, "anchor_date": soon.isoformat()}, "active": True, "parameters": given}
    serving.api(f"deployments/{deployment}/schedules", [schedule])
    ran = serving.until(lambda: serving.runs("backfill", ("COMPLETED", "FAILED", "CRASHED")))[0]
    serving.api(f"deployments/{deployment}/pause_deployment", {})
    assert ran["auto_scheduled"] and ran["name"].startswith("backfill every month 2000-01-01 to 2000-01-31 · ")
    due = datetime.fromisoformat(ran["expected_start_time"])
    assert round((due - soon).total_seconds()) % 60 == 0
    # The runner takes a run some seconds ahead, and its process begins when it has come up.
    assert datetime.fromisoformat(ran["start_time"]) > due - timedelta(seconds=10)
    assert ran["state"]["message"].startswith("No snapshot in the archive had been published by 2000-01-31")


def test_a_refresh_that_publishes_is_followed_by_the_briefings(serving: Served) -> None:
    serving.begin("refresh-all")
    (ran,) = serving.until(lambda: serving.runs("refresh", ("COMPLETED", "FAILED", "CRASHED")))
    assert ran["state_type"] == "COMPLETED" and ran["state"]["message"].startswith("published build"), ran["state"]
    (briefed,) = serving.until(lambda: serving.runs("brief", ("COMPLETED", "FAILED", "CRASHED")))
    assert briefed["state_type"] == "COMPLETED", briefed["state"]
    assert (serving.shell.data / "briefings" / "MINUSMA.html").exists()
    event_filter = {"filter": {"event": {"name": ["peacekeeping.published"]}}}
    (event,) = serving.until(lambda: serving.api("events/filter", event_filter)["events"])
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


@in_a_browser
def test_the_dashboard_and_the_runs_page_name_the_runs(inspector: Inspector) -> None:
    inspector.open("/", "Dashboard")
    names = [inspector.runs[name]["name"] for name in ("refresh-all", "brief")]
    text = inspector.open("/runs", *names)
    assert names[0].startswith("refresh all sources") and names[1] == "brief MINUSMA up to 2019-01-25 · wrote 1 page"
    assert "peacekeeping" in text and "full" in text  # the deployment's tags


@in_a_browser
def test_the_page_of_a_run_has_its_log_and_its_graph(inspector: Inspector) -> None:
    run = inspector.runs["refresh-all"]
    text = inspector.open(f"/runs/flow-run/{run['id']}", run["name"], "Nothing was fetched", "Staged", "checks passed")
    assert "; fatalities 4,423 (12 merged); " in text and "fatalities of 2025-04-04" in text
    assert inspector.page.locator("canvas").count() >= 1
    inspector.page.get_by_text("Task Runs", exact=True).first.click()
    inspector.page.get_by_text("stage fatalities").first.wait_for(timeout=20_000)
    inspector.page.get_by_text("Details", exact=True).first.click()
    inspector.page.get_by_text(run["state"]["message"]).first.wait_for(timeout=20_000)


@in_a_browser
def test_the_artifacts_of_a_run_are_shown(inspector: Inspector) -> None:
    text = inspector.open(inspector.artifact("refresh-summary", "refresh-all"), "Published build", "rows in")
    assert "uniformed_personnel" in text and "166,213" in text and "are unexplained" in text
    text = inspector.open(inspector.artifact("claims", "refresh-all"), "confirmed with a correction")
    assert "177" in text
    inspector.open("/artifacts", "refresh-summary", "rejected-rows", "checks-failed", "reconciliations", "briefings")


@in_a_browser
def test_the_briefings_artifact_shows_its_chart(inspector: Inspector) -> None:
    inspector.open(
        inspector.artifact("briefings", "brief"), "Wrote 1 page", "Deaths in MINUSMA by year of the incident"
    )
    chart = inspector.page.locator("img[alt^='Deaths in MINUSMA']").first
    assert chart.evaluate("image => image.complete && image.naturalWidth") > 300


@in_a_browser
def test_the_run_form_explains_the_parameters_and_offers_the_sources(inspector: Inspector) -> None:
    deployment = inspector.served.deployments()["refresh-all"]["id"]
    text = inspector.open(f"/deployments/deployment/{deployment}/run", "Which sources to fetch")
    for words in ("Never open a socket to a publisher", "into a file of its own", "Build also when nothing is new"):
        assert words in text, words
    shape = inspector.served.deployments()["refresh-all"]["parameter_openapi_schema"]["properties"]
    assert "fatalities" in str(shape["sources"]) and "date" in str(shape["as_of"])


@in_a_browser
def test_deployments_and_automations_are_listed(inspector: Inspector) -> None:
    text = inspector.open("/deployments", "refresh-personnel", "backfill")
    assert all(name in text for name in inspector.served.deployments())
    inspector.open("/automations", "peacekeeping: a run without a sign of life has crashed", "begins once more")


def test_stopping_serve_ends_all_its_processes_and_starting_it_again_resumes_the_schedules(serving: Served) -> None:
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
    """Runs after the test that stops the shared server: it starts its own on the same data folder."""
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
