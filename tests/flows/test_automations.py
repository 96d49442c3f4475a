"""What a Prefect server does with runs whose process or machine is gone: rules of automations.yaml, on a real server."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from server_api import api

from flows import automations, deployments, lost_runs
from flows.steps import settings

LOST, UNBEGUN, UNCANCELLED, AGAIN = [entry["name"] for entry in automations.declared()]


@pytest.fixture
def server(prefect_api: str) -> Iterator[str]:
    """A server that has the rules, and nothing of them afterwards."""
    from prefect import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: prefect_api}):
        assert automations.register() == [LOST, UNBEGUN, UNCANCELLED, AGAIN]
        yield prefect_api
        with get_client(sync_client=True) as client:
            for rule in client.read_automations():
                client.delete_automation(rule.id)


@pytest.fixture
def deployment(server: str) -> Iterator[str]:
    """The deployment `backfill`, which nobody works off."""
    made = next(one for one in deployments.runner_deployments() if one.name == "backfill")
    made_id = str(made.apply())
    yield made_id
    from prefect import get_client

    with get_client(sync_client=True) as client:
        client.delete_deployment(uuid.UUID(made_id))


def rule_of(server: str, name: str) -> dict[str, Any]:
    (found,) = [rule for rule in api(server, "automations/filter", {}) if rule["name"] == name]
    return dict(found)


def hastened(server: str, name: str) -> None:
    """The same rule with ten seconds, the least that Prefect takes, for its minutes."""
    from prefect import get_client
    from prefect.events import AutomationCore

    entry = next(entry for entry in automations.declared() if entry["name"] == name)
    entry["trigger"]["within"] = 10
    with get_client(sync_client=True) as client:
        client.update_automation(uuid.UUID(rule_of(server, name)["id"]), AutomationCore.model_validate(entry))
    time.sleep(2)  # until the server's own copy is the new one


def to_state(server: str, run: str, state: str) -> None:
    assert api(server, f"flow_runs/{run}/set_state", {"state": {"type": state}})["status"] == "ACCEPT"


def a_run(server: str, deployment: str, *states: str) -> str:
    found = api(server, f"deployments/{deployment}/create_flow_run", {})
    for state in states:
        to_state(server, found["id"], state)
    return str(found["id"])


def states_of(server: str, run: str, until: str, seconds: float = 45) -> list[tuple[str, str]]:
    """Names and messages of a run's states so far, once the one named is among them."""
    deadline = time.monotonic() + seconds
    while True:
        found = [
            (state["name"], state["message"] or "") for state in api(server, f"flow_run_states/?flow_run_id={run}")
        ]
        if until in [name for name, _ in found]:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.5)


def test_rules_that_stand_are_left_alone_and_changed_ones_are_renewed_but_stay_switched_off(server: str) -> None:
    from prefect import get_client
    from prefect.events import AutomationCore

    before = {name: rule_of(server, name) for name in (LOST, UNBEGUN, UNCANCELLED, AGAIN)}
    assert automations.register() == []
    assert {name: rule_of(server, name) for name in before} == before
    changed = automations.declared()[0] | {"description": "older words", "enabled": False}
    with get_client(sync_client=True) as client:
        client.update_automation(uuid.UUID(before[LOST]["id"]), AutomationCore.model_validate(changed))
    assert automations.register() == [LOST]
    after = rule_of(server, LOST)
    assert after["description"] == before[LOST]["description"] and after["enabled"] is False


def test_a_run_that_gives_no_sign_of_life_crashes_and_begins_once_more_but_not_twice(
    server: str, deployment: str
) -> None:
    hastened(server, LOST)
    run = a_run(server, deployment, "PENDING", "RUNNING")
    heartbeat(server, run, deployment)
    told = states_of(server, run, "AwaitingRetry")
    assert [name for name, _ in told if name in ("Crashed", "AwaitingRetry")] == ["Crashed", "AwaitingRetry"]
    assert any(name == "Crashed" and message.startswith("No sign of life") for name, message in told)
    to_state(server, run, "PENDING")
    to_state(server, run, "RUNNING")
    assert api(server, f"flow_runs/{run}")["run_count"] == 2
    to_state(server, run, "CRASHED")
    states_of(server, a_run(server, deployment, "PENDING", "RUNNING", "CRASHED"), "AwaitingRetry")  # a later one
    assert api(server, f"flow_runs/{run}")["state_name"] == "Crashed"


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


def test_a_run_that_is_lost_before_its_first_sign_of_life_crashes_too(server: str, deployment: str) -> None:
    hastened(server, LOST)
    run = a_run(server, deployment, "PENDING", "RUNNING")
    assert any(message.startswith("No sign of life") for _, message in states_of(server, run, "AwaitingRetry"))


def test_a_command_which_gives_no_sign_of_life_is_left_alone(server: str, deployment: str) -> None:
    hastened(server, LOST)
    flow = api(server, "flows/", {"name": "refresh"})
    command = {"flow_id": flow["id"], "tags": ["peacekeeping", "command"], "state": {"type": "RUNNING"}}
    run = api(server, "flow_runs/", command)["id"]
    states_of(server, a_run(server, deployment, "PENDING", "RUNNING"), "Crashed")
    time.sleep(3)  # both were due at the same moment
    assert api(server, f"flow_runs/{run}")["state_type"] == "RUNNING"


def test_a_run_that_is_handed_over_and_does_not_begin_crashes_and_is_left(server: str, deployment: str) -> None:
    hastened(server, UNBEGUN)
    run = a_run(server, deployment, "PENDING")
    told = states_of(server, run, "Crashed")
    assert any(name == "Crashed" and "did not begin" in message for name, message in told)
    control = a_run(server, deployment, "PENDING", "RUNNING", "CRASHED")  # later, and one that begins once more
    states_of(server, control, "AwaitingRetry")
    assert api(server, f"flow_runs/{run}")["state_name"] == "Crashed"


def test_a_run_that_was_to_be_cancelled_and_is_gone_is_cancelled(server: str, deployment: str) -> None:
    hastened(server, UNCANCELLED)
    run = a_run(server, deployment, "PENDING", "RUNNING", "CANCELLING")
    told = states_of(server, run, "Cancelled")
    assert any(message.startswith("It was to be cancelled") for _, message in told)


def test_a_run_of_something_else_is_none_of_its_business(server: str, deployment: str) -> None:
    hastened(server, UNBEGUN)
    other = api(server, "flows/", {"name": "somebody-else"})
    run = api(server, "flow_runs/", {"flow_id": other["id"], "state": {"type": "PENDING"}})["id"]
    ours = a_run(server, deployment, "PENDING")
    states_of(server, ours, "Crashed")
    time.sleep(3)  # both were due at the same moment
    assert api(server, f"flow_runs/{run}")["state_type"] == "PENDING"


def test_several_signs_of_life_fit_into_the_time_of_the_rule() -> None:
    given = int(settings.prefect_defaults()["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"])
    within = {entry["name"]: entry["trigger"]["within"] for entry in automations.declared()}
    assert given * 4 <= within[LOST]
    pools = [entry["work_pool"]["job_variables"]["env"] for entry in deployments.declared()]
    assert {pool["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] for pool in pools} == {str(given)}


def test_every_deployment_has_the_tag_by_which_the_rules_know_it() -> None:
    assert all("peacekeeping" in entry["tags"] for entry in deployments.declared())
    assert all("prefect.tag.peacekeeping" in str(entry["trigger"]["match_related"]) for entry in automations.declared())


def test_the_next_run_tells_of_a_killed_one_and_of_none_that_has_ended(run: Any, where: Any, prefect_api: str) -> None:
    flow = api(prefect_api, "flows/", {"name": "refresh"})
    killed, ended, unwanted = [
        api(prefect_api, "flow_runs/", {"flow_id": flow["id"], "state": {"type": state}})["id"]
        for state in ("RUNNING", "COMPLETED", "CANCELLING")
    ]
    for name in (killed, ended, unwanted, str(uuid.uuid4()), "no-run"):
        (where.work / name / "build").mkdir(parents=True)
    assert run(offline=True)[1].published
    assert list(where.work.iterdir()) == []
    found = api(prefect_api, f"flow_runs/{killed}")["state"]
    assert (found["type"], found["message"]) == ("CRASHED", lost_runs.TOLD)
    assert api(prefect_api, f"flow_runs/{ended}")["state_type"] == "COMPLETED"
    assert api(prefect_api, f"flow_runs/{unwanted}")["state_type"] == "CANCELLED"


def test_a_server_that_can_not_be_told_of_a_killed_run_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        lost_runs.tell([str(uuid.uuid4())])
    assert "could not be told of a killed run" in caplog.text
