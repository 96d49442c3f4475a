"""Runs whose process or machine is gone: the rules of automations.yaml on a real server, and what the next run does."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from prefect import get_client
from prefect.events import AutomationCore
from prefect.settings import PREFECT_API_URL, temporary_settings
from server_api import api

from flows import automations, deployments, hooks
from flows.steps import settings

LOST, NOT_STARTED, NOT_CANCELLED, AGAIN = [entry["name"] for entry in automations.declared()]


@pytest.fixture
def server(prefect_api: str) -> Iterator[str]:
    """A server that has the rules; they are removed afterwards."""
    with temporary_settings({PREFECT_API_URL: prefect_api}):
        assert automations.register() == [LOST, NOT_STARTED, NOT_CANCELLED, AGAIN]
        yield prefect_api
        with get_client(sync_client=True) as client:
            for rule in client.read_automations():
                client.delete_automation(rule.id)


@pytest.fixture
def deployment(server: str) -> Iterator[str]:
    """The deployment `backfill`, which no worker serves, for two runs at a time."""
    made = next(one for one in deployments.runner_deployments() if one.name == "backfill")
    made.concurrency_limit = 2
    made_id = str(made.apply())
    yield made_id
    with get_client(sync_client=True) as client:
        client.delete_deployment(uuid.UUID(made_id))


def rule_of(server: str, name: str) -> dict[str, Any]:
    (rule,) = [rule for rule in api(server, "automations/filter", {}) if rule["name"] == name]
    return dict(rule)


def shorten(server: str, name: str) -> None:
    """Let a rule wait ten seconds, the least that Prefect accepts, instead of its minutes."""
    entry = next(entry for entry in automations.declared() if entry["name"] == name)
    entry["trigger"]["within"] = 10
    with get_client(sync_client=True) as client:
        client.update_automation(uuid.UUID(rule_of(server, name)["id"]), AutomationCore.model_validate(entry))
    time.sleep(2)  # until the server's own copy is the new one


def set_state(server: str, run: str, state: str, name: str | None = None) -> None:
    assert api(server, f"flow_runs/{run}/set_state", {"state": {"type": state, "name": name}})["status"] == "ACCEPT"


def create_run(server: str, deployment: str, *states: str) -> str:
    run = api(server, f"deployments/{deployment}/create_flow_run", {})
    for state in states:
        set_state(server, run["id"], state)
    return str(run["id"])


def states_of(server: str, run: str, until: str) -> list[tuple[str, str]]:
    """Names and messages of a run's states so far, once the one named is among them."""
    while True:
        reply = api(server, f"flow_run_states/?flow_run_id={run}")
        states = [(state["name"], state["message"] or "") for state in reply]
        if until in [name for name, _ in states]:
            return states
        time.sleep(0.5)


@pytest.mark.server
def test_unchanged_rules_are_left_alone_and_changed_ones_are_updated_but_stay_switched_off(server: str) -> None:
    before = {name: rule_of(server, name) for name in (LOST, NOT_STARTED, NOT_CANCELLED, AGAIN)}
    assert automations.register() == []
    assert {name: rule_of(server, name) for name in before} == before
    changed = automations.declared()[0] | {"description": "older words", "enabled": False}
    with get_client(sync_client=True) as client:
        client.update_automation(uuid.UUID(before[LOST]["id"]), AutomationCore.model_validate(changed))
    assert automations.register() == [LOST]
    after = rule_of(server, LOST)
    assert after["description"] == before[LOST]["description"] and after["enabled"] is False


@pytest.mark.server
@pytest.mark.slow
def test_a_run_without_a_sign_of_life_crashes_and_begins_once_more_but_not_twice(server: str, deployment: str) -> None:
    shorten(server, LOST)
    run, silent = [create_run(server, deployment, "PENDING", "RUNNING") for _ in range(2)]
    heartbeat(server, run, deployment)
    flow = api(server, "flows/", {"name": "refresh"})
    of_a_command = {"flow_id": flow["id"], "tags": ["peacekeeping", "command"], "state": {"type": "RUNNING"}}
    command = api(server, "flow_runs/", of_a_command)["id"]
    for one in (run, silent):
        states = states_of(server, one, "AwaitingRetry")
        # On a busy machine the shortened rule finds a run a second time before the server has taken note of the first.
        names = [name for name, _ in states if name in ("Crashed", "AwaitingRetry")]
        assert names[:2] == ["Crashed", "AwaitingRetry"]
        assert any(name == "Crashed" and message.startswith("No sign of life") for name, message in states)
    while api(server, f"flow_runs/{run}")["state_name"] != "AwaitingRetry":
        time.sleep(0.5)
    set_state(server, run, "PENDING")
    set_state(server, run, "RUNNING")
    assert api(server, f"flow_runs/{run}")["run_count"] == 2
    set_state(server, run, "CRASHED")
    states_of(server, create_run(server, deployment, "PENDING", "RUNNING", "CRASHED"), "AwaitingRetry")  # a later one
    assert api(server, f"flow_runs/{run}")["state_name"] == "Crashed"
    assert api(server, f"flow_runs/{command}")["state_type"] == "RUNNING"  # a command sends no heartbeats


def heartbeat(server: str, run: str, deployment: str) -> None:
    """The event that a run's process sends while it lives, as Prefect's engine words it."""
    related = [
        {"prefect.resource.id": f"prefect.deployment.{deployment}", "prefect.resource.role": "deployment"},
        {"prefect.resource.id": "prefect.tag.peacekeeping", "prefect.resource.role": "tag"},
    ]
    event = {
        "event": "prefect.flow-run.heartbeat", "id": str(uuid.uuid4()), "occurred": datetime.now(UTC).isoformat(),
        "resource": {"prefect.resource.id": f"prefect.flow-run.{run}"}, "related": related, "payload": {},
    }  # fmt: skip
    api(server, "events", [event])


def actions(server: str, how: str) -> int:
    """How many actions of the rules have been executed, or have failed."""
    query = {"filter": {"event": {"name": [f"prefect.automation.action.{how}"]}}}
    return int(api(server, "events/filter", query)["total"])


@pytest.mark.server
@pytest.mark.slow
def test_a_sign_of_life_after_the_end_does_not_start_the_watch_again(server: str, deployment: str) -> None:
    shorten(server, LOST)
    executed, failed = [actions(server, how) for how in ("executed", "failed")]
    ended, silent = create_run(server, deployment, "PENDING", "RUNNING"), create_run(server, deployment, "PENDING")
    set_state(server, ended, "COMPLETED", "Published")
    heartbeat(server, ended, deployment)
    hooks.report_end(ended, deployment)
    set_state(server, silent, "RUNNING")  # its watch begins after the other's
    while actions(server, "executed") == executed:  # the one for the silent run, after any for the other
        time.sleep(0.5)
    assert api(server, f"flow_runs/{ended}")["state_name"] == "Published"
    assert actions(server, "failed") == failed


@pytest.mark.server
@pytest.mark.slow
def test_a_run_that_does_not_begin_crashes_and_does_not_begin_again(server: str, deployment: str) -> None:
    shorten(server, NOT_STARTED)
    foreign_flow = api(server, "flows/", {"name": "somebody-else"})
    foreign = api(server, "flow_runs/", {"flow_id": foreign_flow["id"], "state": {"type": "PENDING"}})["id"]
    run = create_run(server, deployment, "PENDING")
    states = states_of(server, run, "Crashed")
    assert any(name == "Crashed" and "did not begin" in message for name, message in states)
    later = create_run(server, deployment, "PENDING", "RUNNING", "CRASHED")  # one that begins once more
    states_of(server, later, "AwaitingRetry")
    assert api(server, f"flow_runs/{run}")["state_name"] == "Crashed"
    assert api(server, f"flow_runs/{foreign}")["state_type"] == "PENDING"


@pytest.mark.server
@pytest.mark.slow
def test_a_run_that_was_to_be_cancelled_and_is_gone_is_cancelled(server: str, deployment: str) -> None:
    shorten(server, NOT_CANCELLED)
    ended = create_run(server, deployment, "PENDING", "RUNNING", "CANCELLING")
    set_state(server, ended, "CANCELLED", "KeptLastGood")
    run = create_run(server, deployment, "PENDING", "RUNNING", "CANCELLING")
    heartbeat(server, run, deployment)  # the last one of a process that is killed before it has cancelled the run
    assert any("was to be cancelled" in message for _, message in states_of(server, run, "Cancelled"))
    assert api(server, f"flow_runs/{ended}")["state_name"] == "KeptLastGood"


def test_several_signs_of_life_fit_into_the_time_of_the_rule() -> None:
    given = int(settings.prefect_defaults()["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"])
    within = {entry["name"]: entry["trigger"]["within"] for entry in automations.declared()}
    assert given * 4 <= within[LOST]
    pools = [entry["work_pool"]["job_variables"]["env"] for entry in deployments.declared()]
    assert {pool["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] for pool in pools} == {str(given)}


def test_every_deployment_has_the_tag_by_which_the_rules_know_it() -> None:
    assert all("peacekeeping" in entry["tags"] for entry in deployments.declared())
    assert all("prefect.tag.peacekeeping" in str(entry["trigger"]["match_related"]) for entry in automations.declared())


@pytest.mark.server
@pytest.mark.slow
def test_the_next_run_marks_killed_runs_and_none_that_has_ended(run: Any, where: Any, prefect_api: str) -> None:
    flow = api(prefect_api, "flows/", {"name": "refresh"})
    killed, ended, unwanted = [
        api(prefect_api, "flow_runs/", {"flow_id": flow["id"], "state": {"type": state}})["id"]
        for state in ("RUNNING", "COMPLETED", "CANCELLING")
    ]
    for name in (killed, ended, unwanted, str(uuid.uuid4()), "no-run"):
        (where.work / name / "build").mkdir(parents=True)
    assert run(offline=True)[1].published
    assert list(where.work.iterdir()) == []
    state = api(prefect_api, f"flow_runs/{killed}")["state"]
    assert (state["type"], state["message"]) == ("CRASHED", automations.KILLED)
    assert api(prefect_api, f"flow_runs/{ended}")["state_type"] == "COMPLETED"
    assert api(prefect_api, f"flow_runs/{unwanted}")["state_type"] == "CANCELLED"


def test_a_server_that_does_not_answer_about_a_killed_run_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        automations.mark_killed_runs([str(uuid.uuid4())])
    assert "has no record of a killed run" in caplog.text
