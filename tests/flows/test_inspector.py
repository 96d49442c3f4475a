"""What the Prefect UI shows of a refresh on a real server: its name, its final message, its artifacts."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import date
from typing import Any

import pytest
from server_api import api, task_runs
from tests_shared import load_bytes, read_csv, to_csv

from flows.cli.status import read_status
from flows.steps.fetch import PublicationDates
from flows.steps.settings import Paths
from sources import bundle
from warehouse import checks
from warehouse.checks import Bounds, Check
from warehouse.query import Answer, connect

pytestmark = pytest.mark.server


def seen(url: str, state: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A run as the server has it, and its artifacts by key."""
    only = {"flow_runs": {"id": {"any_": [str(state.state_details.flow_run_id)]}}}
    (flow_run,) = api(url, "flow_runs/filter", only)
    artifacts = api(url, "artifacts/filter", only)
    assert len({one["key"] for one in artifacts}) == len(artifacts), "a key has two artifacts"
    return flow_run, {one["key"]: one for one in artifacts}


@pytest.mark.usefixtures("built")
def test_a_run_reports_what_changed_and_the_next_run_that_nothing_is_new(
    run: Any, where: Paths, prefect_api: str
) -> None:
    rows = read_csv(bundle.BUNDLED / "fatalities_2025-04.csv.gz")
    # A vintage of the next month: one cause settled, one casualty more.
    rows[0] = rows[0] | {"type_of_incident": "Illness" if rows[0]["type_of_incident"] != "Illness" else "Accident"}
    new = rows[-1] | {"casualty_id": "UNMISS-2025-02-90001"}
    load_bytes(where.raw, "fatalities", to_csv([*rows, new]), PublicationDates(by_hand="2025-05-31"))
    state, summary = run(offline=True)
    flow_run, artifacts = seen(prefect_api, state)
    assert flow_run["name"] == "refresh all sources (offline) · 2026-11-27 · fatalities +1, 1 revised"
    assert flow_run["state_name"] == "Published" and "Published" in flow_run["tags"]
    message = flow_run["state"]["message"]
    assert re.search(rf"published build {summary.build_id}: .*\bfatalities \+1, 1 revised", message), message
    assert set(artifacts) == {
        "refresh-summary", "rejected-rows", "checks-failed", "claims", "changes", "reconciliations",
    }  # fmt: skip
    assert all(re.fullmatch("[a-z0-9-]+", key) for key in artifacts)
    changed = {row["table"]: row for row in json.loads(artifacts["changes"]["data"])}
    assert (changed["fatalities"]["added"], changed["fatalities"]["gone"], changed["fatalities"]["changed"]) == (
        1,
        0,
        1,
    )
    claims = artifacts["claims"]["data"].splitlines()
    assert len(claims) == 14
    assert [line for line in claims if line.startswith("- **out of date**: Since MINUSMA began in 2013, 177 of its")]

    # One number for the missions: the rows of the table, here and in `status`.
    text = artifacts["refresh-summary"]["data"]
    assert text.startswith(f"## Published build {summary.build_id}") and "| fatalities | 1 | 0 | 1 |" in text
    with connect(where.warehouse) as connection:
        (missions,) = Answer(connection, "SELECT count(*) FROM main.missions").rows()[0]
    assert missions == 120 and "| missions | offline | 2024-02-19 | 120 | 1 | 81 | 0 | 1 |" in text
    status = {row["source"]: row for row in read_status(where, date(2025, 6, 1))["sources"]}
    assert [status["missions"][name] for name in ("rows", "snapshots", "rows_in")] == [120, 1, 81]
    assert "| fatalities | offline | 2025-05-31 | 4,424 | 3 | 12,976 | 0 | 18 |" in text
    assert [status["fatalities"][name] for name in ("rows", "snapshots", "rows_in")] == [4424, 3, 12976]

    state, summary = run(offline=True)
    flow_run, artifacts = seen(prefect_api, state)
    assert flow_run["state"]["message"] == f"nothing new, build {summary.build_id} is current"
    assert flow_run["state_name"] == "NothingNew"
    assert flow_run["name"] == "refresh all sources (offline) · 2026-11-27 · nothing new"
    assert set(artifacts) == {"refresh-summary", "rejected-rows"}


def test_unreachable_publishers_are_reported_and_the_progress_reaches_100(
    run: Any, where: Paths, prefect_api: str
) -> None:
    state, _ = run(sources=["fatalities", "missions"])
    flow_run, artifacts = seen(prefect_api, state)
    assert (flow_run["state_name"], flow_run["state_type"]) == ("PublishedWithWarnings", "COMPLETED")
    assert flow_run["state"]["message"].startswith("with warnings; published build ")
    assert flow_run["state"]["message"].endswith("publisher not reached, kept last good: fatalities, missions")
    progress = artifacts["fetch-progress"]
    assert float(progress["data"]) == 100
    assert progress["description"].startswith("2 of 2 sources have answered, the last one was ")
    tasks = task_runs(prefect_api, flow_run["id"], ended=10)
    states = {task["name"]: (task["state_name"], task["state_type"]) for task in tasks}
    assert states["fetch fatalities"] == states["fetch missions"] == ("Unreachable", "FAILED")

    state, summary = run(sources=["fatalities"])
    flow_run, _ = seen(prefect_api, state)
    assert summary.nothing_new and summary.failures == []
    assert (flow_run["state_name"], flow_run["state_type"]) == ("KeptLastGood", "CANCELLED")
    assert flow_run["name"] == "refresh fatalities · 2025-04-04 · kept last good"


@pytest.mark.usefixtures("built")
@pytest.mark.slow
def test_a_failed_check_stops_publishing_and_its_artifact_names_the_rows(
    run: Any, where: Paths, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = hashlib.sha256(where.warehouse.read_bytes()).hexdigest()
    added = [
        Check(
            name="no mission is MINUSMA",
            description="",
            sql="SELECT count(*) FROM main.missions WHERE mission = 'MINUSMA'",
        ),
        Check(
            name="few missions",
            description="",
            sql="SELECT count(*) FROM main.missions",
            severity="warn",
            expect=Bounds(max=1),
        ),
    ]
    known = checks.declared()
    monkeypatch.setattr(checks, "declared", lambda: [*known, *added])
    state, summary = run(offline=True, force=True)
    flow_run, artifacts = seen(prefect_api, state)
    assert state.is_failed() and summary.published is None and flow_run["state_name"] == "Failed"
    assert flow_run["name"] == "refresh all sources (offline) · 2026-11-27 · failed"
    assert "no mission is MINUSMA: expected 0, found 1" in flow_run["state"]["message"]
    failed = {row["name"]: row for row in json.loads(artifacts["checks-failed"]["data"])}
    assert set(failed) == {"no mission is MINUSMA", "few missions"}
    first = failed["no mission is MINUSMA"]
    assert (first["severity"], first["expected"], first["found"]) == ("error", "0", "1")
    assert "mission=MINUSMA" in first["rows"]
    assert (failed["few missions"]["severity"], failed["few missions"]["rows"]) == ("warn", "")
    assert hashlib.sha256(where.warehouse.read_bytes()).hexdigest() == before
