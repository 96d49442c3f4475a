"""The flow on a real Prefect server: what is published, what is kept when something fails, what the run says."""

from __future__ import annotations

import hashlib
import json
import logging
import multiprocessing
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from filelock import FileLock
from pytest_httpserver import HTTPServer
from replica import default_codebook
from server_api import api
from tests_shared import CATALOGUE, load_bytes, read_csv, to_csv

from flows import refresh as flow_refresh
from flows.steps import build, staging
from flows.steps.fetch import PublicationDates
from flows.steps.settings import Paths
from schemas.validate import TableError
from sources import bundle
from sources.archive import Archive
from sources.catalogue import live_names
from warehouse import load, publish

pytestmark = pytest.mark.server


def ask(where: Paths, sql: str) -> Any:
    with duckdb.connect(str(where.warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_offline_refresh_publishes_and_the_server_has_the_run_its_tasks_and_artifacts(
    run: Any, where: Paths, prefect_api: str
) -> None:
    state, summary = run(offline=True)
    assert state.is_completed() and state.name == "Published" and summary.failures == []
    assert ask(where, "SELECT count(*) FROM fatalities") == [(4423,)]
    rows = sum(summary.tables.values())
    assert state.message.endswith(f": {rows:,} rows in {len(summary.tables)} tables") and summary.changes is None

    run_id = str(state.state_details.flow_run_id)
    only = {"flow_runs": {"id": {"any_": [run_id]}}}
    for _ in range(50):  # the server writes task runs in batches
        tasks = api(prefect_api, "task_runs/filter", only)
        if len(tasks) == 4 + len(CATALOGUE) and all(task["state_type"] == "COMPLETED" for task in tasks):
            break
        time.sleep(0.2)
    assert {task["name"]: task["state_type"] for task in tasks} == dict.fromkeys(
        [
            "load bundled snapshots", *(f"stage {name}" for name in CATALOGUE), "build warehouse", "check build",
            "publish build",
        ],
        "COMPLETED",
    )  # fmt: skip
    assert not any(task["tags"] for task in tasks)  # for a tagged task Prefect requests a concurrency slot, 30 ms each
    for _ in range(50):
        logs = api(prefect_api, "logs/filter", {"logs": {"flow_run_id": {"any_": [run_id]}}})
        if any("Published" in line["message"] for line in logs):
            break
        time.sleep(0.2)
    messages = [line["message"] for line in logs if line["level"] >= logging.INFO]
    assert len(messages) <= 12, messages
    assert any("; fatalities 4,423 (12 merged); " in message for message in messages)
    assert any("; listed_missions 80 (1 merged); " in message for message in messages)  # the table missions has 120
    artifacts = {a["key"]: a["data"] for a in api(prefect_api, "artifacts/filter", only)}
    assert set(artifacts) == {"refresh-summary", "rejected-rows", "checks-failed", "claims", "reconciliations"}
    ledgers = {row["name"]: row for row in json.loads(artifacts["reconciliations"])}
    assert ledgers["strength of missions in the monthly reports and in IPI's database"]["agreeing"] == 436
    assert "are unexplained" in artifacts["refresh-summary"]
    assert (
        "| uniformed_personnel | offline | 2025-07-31 | 158,974 | 2 | 166,213 | 0 | 7,239 |"
        in artifacts["refresh-summary"]
    )


@pytest.mark.slow
def test_same_snapshots_give_the_same_build(run: Any, where: Paths) -> None:
    first = run(offline=True)[1].build_id
    again = run(offline=True, force=True)[1]
    assert again.build_id == first and again.published and again.changes == []
    assert again.headline().endswith(": no row changed")
    assert ask(where, "SELECT build_id FROM meta.builds") == [(first,)]
    assert publish.previous_of(where.warehouse).exists()
    assert Archive(where.raw).build(first)["snapshots"]  # type: ignore[index]


@pytest.mark.usefixtures("built")
def test_nothing_new_builds_nothing_and_says_so(run: Any, where: Paths) -> None:
    before = where.warehouse.stat()
    state, summary = run(offline=True)
    assert state.is_completed() and summary.nothing_new and summary.published is None and summary.failures == []
    assert "nothing new" in state.message and summary.staged == []
    after = where.warehouse.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.usefixtures("built")
@pytest.mark.slow
def test_a_warehouse_that_is_gone_or_damaged_is_built_also_when_nothing_is_new(run: Any, where: Paths) -> None:
    where.warehouse.write_bytes(b"no warehouse")
    assert run(offline=True)[1].published
    assert ask(where, "SELECT count(*) FROM fatalities") == [(4423,)]


@pytest.mark.usefixtures("built")
def test_as_of_builds_what_had_been_published_by_then_and_leaves_the_published_file(run: Any, where: Paths) -> None:
    before = digest(where.warehouse)
    state, summary = run(as_of=date(2022, 1, 1))
    assert state.is_completed() and summary.failures == []
    assert "mission_strength: no snapshot had been published by 2022-01-01; its tables are empty." in summary.warnings
    with duckdb.connect(str(where.data / "as_of" / "2022-01-01.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT count(*), count(gender) FROM fatalities").fetchall() == [(4111, 0)]
        months = "SELECT DISTINCT series::VARCHAR, max(month_end)::VARCHAR FROM uniformed_personnel GROUP BY ALL"
        assert connection.execute(months).fetchall() == [("ipi_by_sex", "2014-08-31")]
    assert digest(where.warehouse) == before
    assert run(as_of=date(2022, 1, 1))[1].nothing_new


def test_as_of_before_the_first_vintage_fails_with_a_sentence(run: Any, where: Paths) -> None:
    state, summary = run(as_of=date(2014, 1, 1))
    assert state.is_failed()
    assert summary.failures == [
        "No snapshot in the archive had been published by 2014-01-01; the first is of 2014-03-31."
    ]


@pytest.mark.usefixtures("built")
@pytest.mark.slow
def test_a_vintage_loaded_later_but_published_earlier_takes_its_right_place(run: Any, where: Paths) -> None:
    newest = "SELECT * EXCLUDE (snapshot_sha256, first_seen) FROM fatalities ORDER BY ALL"
    before = ask(where, newest)
    rows = read_csv(bundle.BUNDLED / "fatalities_2025-04.csv.gz")
    # A vintage between the two: the newer list without its last year, and with one cause Unknown.
    middle = [row | {"type_of_incident": "Unknown"} if place == 0 else row for place, row in enumerate(rows)]
    payload = to_csv([row for row in middle if row["incident_date"] < "2024-01-01"])
    load_bytes(where.raw, "fatalities", payload, PublicationDates(by_hand="2024-01-31"))
    run(offline=True)
    changed = ask(where, "SELECT old_value, new_value, from_vintage::TEXT, to_vintage::TEXT FROM fatality_revisions "
                         f"WHERE casualty_id = '{rows[0]['casualty_id']}' ORDER BY to_vintage")  # fmt: skip
    assert ("Unknown", rows[0]["type_of_incident"].strip(), "2024-01-31", "2025-04-04") in changed
    assert ask(where, "SELECT DISTINCT first_seen::TEXT FROM fatalities ORDER BY 1") == [
        ("2021-06-30",), ("2024-01-31",), ("2025-04-04",)
    ]  # fmt: skip
    assert ask(where, newest) == before


def test_the_run_form_offers_every_live_source() -> None:
    choice, _ = flow_refresh.refresh.parameters.properties["sources"]["anyOf"]
    assert choice["items"]["enum"] == live_names(CATALOGUE)


def raising(error: Exception) -> Callable[..., Any]:
    def fail(*_args: Any, **_kwargs: Any) -> Any:
        raise error

    return fail


FAULTS = {
    "staging": (staging, "shape", TableError("a table breaks its declaration")),
    "loading": (load, "_insert", duckdb.ConstraintException("a row breaks a constraint")),
    "writing parquet": (pd.DataFrame, "to_parquet", OSError(28, "No space left on device")),
    "checking": (build, "check", load.BuildError("1 check(s) failed, the build is not published")),
    "keeping the file before": (publish.os, "link", OSError(28, "No space left on device")),
    "flushing": (publish, "flush", OSError(5, "Input/output error")),
}


@pytest.mark.usefixtures("built")
@pytest.mark.slow
@pytest.mark.parametrize("step", FAULTS)
def test_failed_build_leaves_published_warehouse_untouched(
    run: Any, where: Paths, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before = digest(where.warehouse)
    module, name, error = FAULTS[step]
    with monkeypatch.context() as patched:
        patched.setattr(module, name, raising(error))
        state, summary = run(offline=True, force=True)
    assert state.is_failed() and summary.published is None
    assert str(error.strerror if isinstance(error, OSError) else error) in " ".join(summary.failures)
    assert digest(where.warehouse) == before and not publish.wal_of(where.warehouse).exists()
    assert list(where.work.iterdir()) == []


@pytest.mark.slow
def test_unreachable_publishers_keep_the_last_good_snapshots_and_say_so(run: Any, where: Paths) -> None:
    state, summary = run()
    assert state.is_completed() and state.message.startswith("with warnings; published build")
    assert [obtained.outcome for obtained in summary.obtained] == ["unreachable"] * 8
    assert "publisher not reached, kept last good: assessed_contributions" in state.message
    assert summary.obtained[1].message.endswith("Kept the bundled snapshot of 2025-04-04.")
    assert summary.published


@pytest.mark.usefixtures("built")
def test_live_fails_instead_of_falling_back(run: Any, where: Paths) -> None:
    before = digest(where.warehouse)
    state, summary = run(live=True)
    assert state.is_failed() and "--live" in summary.failures[-1]
    assert digest(where.warehouse) == before


@pytest.mark.slow
def test_one_refused_reply_stops_no_other_source_and_fails_the_run(
    run: Any, where: Paths, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEACEKEEPING_PSDATA_URL", httpserver.url_for(""))
    page = httpserver.expect_request("/data/DPPADPOSS-FATALITIES/json")
    page.respond_with_data("<html>maintenance</html>", content_type="text/html")
    for dataset in ("DPO-UCHISTORICAL", "DPO-PKBUDGET"):
        httpserver.expect_request(f"/data/{dataset}/json").respond_with_data("", status=404)
    missions = [
        {
            "mission_acronym": f"UNX{n:02d}", "mission_name": "A mission", "lead_department": "DPO",
            "mission_isactive": "Yes", "start_date": "2020-01-01", "end_date": None, "mission_location": "",
            "mission_longitude": "1,5", "mission_latitude": "2,5", "last_update": "2026-01-01",
        }
        for n in range(80)
    ]  # fmt: skip
    httpserver.expect_request("/data/DPPADPOSS-PKO/json").respond_with_json(missions)
    httpserver.expect_request("/metadata/all").respond_with_json(default_codebook({}))
    state, summary = run()
    outcomes = {obtained.source: obtained.outcome for obtained in summary.obtained}
    assert outcomes == {
        "assessed_contributions": "unreachable", "fatalities": "refused", "government_revenue": "unreachable",
        "mission_budget_lines": "refused", "missions": "fetched",
        "publisher_codebook": "fetched", "scale_of_assessments": "unreachable", "uniformed_personnel": "refused",
    }  # fmt: skip
    assert state.is_failed() and state.message.startswith("published build") and summary.published
    assert state.name == "Refused"
    assert "HTML page" in " ".join(summary.failures) and "404" in " ".join(summary.failures)
    assert ask(where, "SELECT count(*) FROM fatalities") == [(4423,)]
    assert ask(where, "SELECT longitude FROM missions WHERE mission = 'UNX07'") == [(1.5,)]


@pytest.mark.slow
def test_a_refused_reply_of_an_optional_source_is_a_warning(
    run: Any, where: Paths, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEACEKEEPING_PSDATA_URL", httpserver.url_for(""))
    httpserver.expect_request("/metadata/all").respond_with_json({"error": "no such thing"})
    state, summary = run(sources=["publisher_codebook"])
    assert state.is_completed() and summary.published and not summary.failures
    assert "expected an array, got an object" in " ".join(summary.warnings)
    assert not (where.raw / "refused").exists()  # it may hold names


@pytest.mark.usefixtures("built")
def test_a_damaged_snapshot_stops_the_build_and_a_bundled_one_is_restored(run: Any, where: Paths) -> None:
    archive = Archive(where.raw)
    bundled = archive.snapshots("fatalities")[-1]
    archive.path("fatalities", bundled.sha256).write_bytes(b"damaged")
    assert run(offline=True)[0].is_completed() and ask(where, "SELECT count(*) FROM fatalities") == [(4423,)]

    payload = (bundle.BUNDLED / "missions_2024-02.csv.gz").read_bytes() + b"\0"
    record = load_bytes(where.raw, "missions", payload, PublicationDates(by_hand="2025-01-01")).record
    archive.path("missions", record.sha256).write_bytes(b"damaged")
    before = digest(where.warehouse)
    state, summary = run(offline=True)
    assert state.is_failed() and summary.published is None
    assert "snapshot of 2025-01-01 can't be used" in summary.failures[0] and "damaged" in summary.failures[0]
    assert digest(where.warehouse) == before


def _hold(path: str, held: Any, release: Any) -> None:
    with FileLock(path):
        held.set()
        release.wait(60)


def test_a_second_writer_waits_says_so_and_gives_up_in_time(run: Any, where: Paths) -> None:
    where.data.mkdir(parents=True)
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(str(where.lock), held, release))
    other.start()
    try:
        assert held.wait(30)
        state, summary = run(offline=True, wait_seconds=0.5)
        assert state.is_failed() and "still writing" in summary.failures[0] and not where.warehouse.exists()
    finally:
        release.set()
        other.join(30)


@pytest.mark.usefixtures("built")
@pytest.mark.slow
def test_a_loaded_year_replaces_that_year_alone(run: Any, where: Paths, contributions: Any) -> None:
    rows = contributions.rows.query("peacekeeping_year == '2018-19'")
    lines = [
        f'"{row.contributor_as_published}",UN-DPO,Assessed contributions,2019,{row.amount_usd + 1000 * (row.Index == 0)}'
        for row in rows.reset_index(drop=True).itertuples()
    ]
    payload = "\n".join(["government_donor,entity,rev_type,calendar_year,amount", *lines, ""]).encode()
    load_bytes(where.raw, "assessed_contributions", payload, PublicationDates(by_hand="2025-12-31"))
    run(offline=True)
    assert ask(where, "SELECT count(*), count(DISTINCT peacekeeping_year) FROM assessed_contributions") == [(2309, 12)]
    assert ask(where, "SELECT peacekeeping_year, new_value - old_value FROM assessed_contribution_revisions") == [
        ("2018-19", 1000)
    ]
    assert ask(
        where, "SELECT sum(amount_usd)::BIGINT FROM assessed_contributions WHERE peacekeeping_year = '2018-19'"
    ) == [(6_998_394_001 + 1000,)]


def test_wrong_parameters_fail_with_a_sentence(run: Any, where: Paths) -> None:
    assert "sources.0" in run(sources=["dragons"])[0].message
    assert "exclude each other" in run(offline=True, live=True)[1].failures[0]
