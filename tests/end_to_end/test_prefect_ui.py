"""The Prefect UI in a browser: runs with their graph, logs and artifacts, the run form, the automations.

PEACEKEEPING_SCREENSHOTS names a folder for a screenshot of each page.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from end_to_end.test_serve import Served

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: the pages can't be opened"),
]

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
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, dict[str, Any]]]:
    """A served UI after a refresh and a briefing, and their flow runs by deployment."""
    served = Served(tmp_path_factory.mktemp("ui"))
    try:
        deployments = served.until(served.deployments)
        runs = {}
        # Paused, so that the refresh is not followed by a briefing of every mission.
        served.api(f"deployments/{deployments['brief']['id']}/pause_deployment", {})
        for name, parameters in {
            "refresh-all": {"offline": True}, "brief": {"mission": "MINUSMA", "up_to": "2019-01-25"},
        }.items():  # fmt: skip
            if name == "brief":
                served.api(f"deployments/{deployments['brief']['id']}/resume_deployment", {})
            run = served.api(f"deployments/{deployments[name]['id']}/create_flow_run", {"parameters": parameters})
            served.until(lambda run=run: served.api(f"flow_runs/{run['id']}")["state_type"] == "COMPLETED")
            runs[name] = served.api(f"flow_runs/{run['id']}")
        yield served, runs
    finally:
        if served.process.poll() is None:
            served.stop()


@pytest.fixture
def inspector(ui: tuple[Served, dict[str, Any]]) -> Iterator[Inspector]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        inspector = Inspector(browser.new_page(viewport={"width": 1280, "height": 1000}), *ui)
        yield inspector
        browser.close()
        assert inspector.foreign == [] and inspector.errors == []


def test_the_dashboard_and_the_runs_page_name_the_runs(inspector: Inspector) -> None:
    inspector.open("/", "Dashboard")
    names = [inspector.runs[name]["name"] for name in ("refresh-all", "brief")]
    text = inspector.open("/runs", *names)
    assert names[0].startswith("refresh all sources") and names[1] == "brief MINUSMA up to 2019-01-25 · wrote 1 page"
    assert "peacekeeping" in text and "full" in text  # the deployment's tags


def test_the_page_of_a_run_has_its_log_and_its_graph(inspector: Inspector) -> None:
    run = inspector.runs["refresh-all"]
    text = inspector.open(f"/runs/flow-run/{run['id']}", run["name"], "Nothing was fetched", "Staged", "checks passed")
    assert "; fatalities 4,423 (12 merged); " in text and "fatalities of 2025-04-04" in text
    assert inspector.page.locator("canvas").count() >= 1
    inspector.page.get_by_text("Task Runs", exact=True).first.click()
    inspector.page.get_by_text("stage fatalities").first.wait_for(timeout=20_000)
    inspector.page.get_by_text("Details", exact=True).first.click()
    inspector.page.get_by_text(run["state"]["message"]).first.wait_for(timeout=20_000)


def test_the_artifacts_of_a_run_are_shown(inspector: Inspector) -> None:
    text = inspector.open(inspector.artifact("refresh-summary", "refresh-all"), "Published build", "rows in")
    assert "uniformed_personnel" in text and "108,949" in text and "are unexplained" in text
    text = inspector.open(inspector.artifact("claims", "refresh-all"), "verdict")
    assert "because" in text
    inspector.open("/artifacts", "refresh-summary", "rejected-rows", "checks-failed", "reconciliations", "briefings")


def test_the_briefings_artifact_shows_its_chart(inspector: Inspector) -> None:
    inspector.open(
        inspector.artifact("briefings", "brief"), "Wrote 1 page", "Deaths in MINUSMA by year of the incident"
    )
    chart = inspector.page.locator("img[alt^='Deaths in MINUSMA']").first
    assert chart.evaluate("image => image.complete && image.naturalWidth") > 300


def test_the_run_form_explains_the_parameters_and_offers_the_sources(inspector: Inspector) -> None:
    deployment = inspector.served.deployments()["refresh-all"]["id"]
    text = inspector.open(f"/deployments/deployment/{deployment}/run", "Which sources to fetch")
    for words in ("Never open a socket to a publisher", "into a file of its own", "Build also when nothing is new"):
        assert words in text, words
    shape = inspector.served.deployments()["refresh-all"]["parameter_openapi_schema"]["properties"]
    assert "fatalities" in str(shape["sources"]) and "date" in str(shape["as_of"])


def test_deployments_and_automations_are_listed(inspector: Inspector) -> None:
    text = inspector.open("/deployments", "refresh-personnel", "backfill")
    assert all(name in text for name in inspector.served.deployments())
    inspector.open("/automations", "peacekeeping: a run without a sign of life has crashed", "begins once more")
