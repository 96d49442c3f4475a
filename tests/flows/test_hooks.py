"""The webhook: when it is called, with what, and that its address is in no log, artifact or error."""

from __future__ import annotations

import importlib
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from server_api import api

from flows import hooks
from flows.steps import build
from flows.steps.settings import Paths
from warehouse import load

TOKEN = "hunter2hunter2"  # noqa: S105


@pytest.fixture
def hook(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPServer]:
    httpserver.expect_request(f"/services/{TOKEN}", method="POST").respond_with_data("ok")
    monkeypatch.setenv("PEACEKEEPING_NOTIFY_URL", httpserver.url_for(f"/services/{TOKEN}"))
    monkeypatch.delenv("PEACEKEEPING_NOTIFY_ON", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield httpserver


def messages(hook: HTTPServer) -> list[dict[str, Any]]:
    return [json.loads(request.data) for request, _ in hook.log]


ENDS = [
    ("FAILED", "nothing published"),
    ("CRASHED", "Execution was aborted"),
    ("CANCELLED", "with warnings; nothing new"),
    ("COMPLETED", "with warnings; x"),
    ("COMPLETED", "x"),
]


@pytest.mark.parametrize(("when", "count"), [("", 2), ("failures", 2), ("warnings", 4), ("always", 5), ("often", 2)])
def test_the_webhook_is_called_for_the_ends_that_the_setting_names(
    hook: HTTPServer, monkeypatch: pytest.MonkeyPatch, when: str, count: int
) -> None:
    monkeypatch.setenv("PEACEKEEPING_NOTIFY_ON", when)
    for state, message in ENDS:
        hooks.notify(state, message, "refresh fatalities · 2026-11-25 05:20")
    assert [(entry["state"], entry["text"].rpartition(": ")[2]) for entry in messages(hook)] == ENDS[:count]
    assert {frozenset(entry) for entry in messages(hook)} == {frozenset(("text", "state", "run", "url"))}


def test_no_webhook_is_called_by_default(hook: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PEACEKEEPING_NOTIFY_URL")
    hooks.notify("FAILED", "nothing published", "run")
    assert hook.log == []


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        (f"file:///tmp/{TOKEN}", "no http or https address"),
        (f"ftp://host/{TOKEN}", "no http or https address"),
        (f"http://[{TOKEN}", "no http or https address"),
        (f"http://127.0.0.1:9/services/{TOKEN}", "can't be reached"),
        (f"http://{TOKEN}.invalid/", "can't be reached"),
    ],
)
def test_an_address_that_cannot_be_called_is_a_warning_without_the_address(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, address: str, reason: str
) -> None:
    monkeypatch.setenv("PEACEKEEPING_NOTIFY_URL", address)
    caplog.set_level(logging.DEBUG)
    hooks.notify("FAILED", "nothing published", "run")
    assert reason in caplog.text and TOKEN not in caplog.text
    assert [record.levelname for record in caplog.records if record.name == "peacekeeping.notify"] == ["WARNING"]


@pytest.mark.parametrize("status", [500, 404, 302])
def test_a_webhook_that_refuses_is_a_warning_and_a_redirect_is_not_followed(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    httpserver.expect_request("/h").respond_with_data("", status=status, headers={"Location": "/elsewhere"})
    monkeypatch.setenv("PEACEKEEPING_NOTIFY_URL", httpserver.url_for("/h"))
    hooks.notify("FAILED", "nothing published", "run")
    assert f"it answered {status}" in caplog.text and len(httpserver.log) == 1


@pytest.mark.server
@pytest.mark.slow
def test_a_failed_run_is_reported_with_its_link_and_the_address_is_stored_nowhere(
    hook: HTTPServer, run: Any, where: Paths, prefect_api: str, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def fail(*_: Any) -> Any:
        raise load.BuildError("1 check(s) failed, the build is not published")

    monkeypatch.setattr(build, "build_file", fail)
    caplog.set_level(logging.DEBUG)
    state, summary = run(offline=True)
    assert state.is_failed()
    (entry,) = messages(hook)
    assert entry["state"] == "FAILED" and entry["run"].startswith("refresh all sources (offline)")
    assert state.message in entry["text"] and str(state.state_details.flow_run_id) in entry["url"]
    run_id = str(state.state_details.flow_run_id)
    kept = [
        api(prefect_api, "logs/filter", {"logs": {"flow_run_id": {"any_": [run_id]}}}),
        api(prefect_api, "artifacts/filter", {"flow_runs": {"id": {"any_": [run_id]}}}),
        api(prefect_api, "flow_runs/filter", {"flow_runs": {"id": {"any_": [run_id]}}}),
    ]
    assert all(kept)
    logged = [record.getMessage() for record in caplog.records if record.name != "werkzeug"]  # the webhook's own log
    assert TOKEN not in json.dumps([kept, logged, summary.as_json()])
    assert all(TOKEN not in line for line in "".join(capfd.readouterr()).splitlines() if "werkzeug" not in line)
    assert not [file for file in where.data.rglob("*") if file.is_file() and TOKEN.encode() in file.read_bytes()]


@pytest.mark.server
@pytest.mark.slow
def test_a_webhook_that_is_down_fails_no_run(run: Any, where: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEACEKEEPING_NOTIFY_URL", "http://127.0.0.1:9/hook")
    monkeypatch.setenv("PEACEKEEPING_NOTIFY_ON", "always")
    state, summary = run(offline=True)
    assert state.is_completed() and summary.published


@pytest.mark.server
@pytest.mark.parametrize(
    ("flow", "parameters"),
    [("brief", {"mission": "NOWHERE"}), ("backfill", {"first": "2022-02-01", "last": "2022-01-01"})],
)
def test_the_other_flows_call_the_webhook_too(
    hook: HTTPServer, where: Paths, on_server: str, flow: str, parameters: dict[str, str]
) -> None:
    run_flow = getattr(importlib.import_module(f"flows.{flow}"), flow)
    state = run_flow(**parameters, return_state=True)
    (entry,) = messages(hook)
    assert entry["state"] == "FAILED" and entry["run"].startswith(flow) and state.message in entry["text"]
