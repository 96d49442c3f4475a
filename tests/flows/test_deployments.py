"""The deployments: one declaration, whose schedules can be kept and whose parameters their flows take."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from flows import deployments

DECLARED = {entry["name"]: entry for entry in deployments.declared()}


def test_the_declared_deployments_are_these() -> None:
    assert list(DECLARED) == [
        "refresh-fatalities",
        "refresh-personnel",
        "refresh-contributions",
        "refresh-all",
        "brief",
        "backfill",
    ]


def due(name: str, start: str, days: int) -> list[str]:
    """The days on which the server would run a deployment in so many days from `start`."""
    from prefect.server.schemas.schedules import CronSchedule

    (declared,) = DECLARED[name]["schedules"]
    begin = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(declared["timezone"]))
    schedule = CronSchedule(cron=declared["cron"], timezone=declared["timezone"])
    dates = asyncio.run(schedule.get_dates(1000, begin, begin + timedelta(days=days)))
    return [day.date().isoformat() for day in dates]


def test_each_schedule_is_due_when_its_description_says() -> None:
    assert len(due("refresh-fatalities", "2026-11-01", 30)) == 30
    assert due("refresh-personnel", "2026-11-01", 30) == [f"2026-11-{day:02}" for day in range(5, 21)]
    assert due("refresh-contributions", "2026-11-01", 14) == ["2026-11-02", "2026-11-09"]  # Mondays
    assert due("refresh-all", "2026-11-01", 14) == ["2026-11-01", "2026-11-08"]  # Sundays


@pytest.mark.parametrize("entry", DECLARED.values(), ids=DECLARED)
def test_every_deployment_gives_its_reason_and_runs_one_at_a_time(entry: dict[str, Any]) -> None:
    assert len(entry["description"]) > 60 and entry["concurrency_limit"] == {
        "limit": 1,
        "collision_strategy": "ENQUEUE",
    }
    started = [bool(entry.get("schedules")), bool(entry.get("triggers")), "By hand" in entry["description"]]
    assert started.count(True) == 1  # by the clock, by an event, or by somebody, which the description then says
    assert entry["work_pool"]["name"] == "peacekeeping"


def test_served_and_registered_deployments_are_the_same() -> None:
    made = {made.name: made for made in deployments.runner_deployments()}
    assert list(made) == list(DECLARED)
    for name, entry in DECLARED.items():
        one = made[name]
        assert one.description == entry["description"] and one.tags == entry["tags"]
        assert one.parameters == entry["parameters"]
        assert [s.schedule.cron for s in one.schedules or []] == [s["cron"] for s in entry.get("schedules", ())]
        assert [t.expect for t in one.triggers] == [set(t["expect"]) for t in entry.get("triggers", ())]
        # By module, never by file: a flow loaded from a file is of a module that no Dask worker can import.
        assert one.entrypoint == entry["entrypoint"] and ":" not in entry["entrypoint"]


@pytest.mark.parametrize("entry", DECLARED.values(), ids=DECLARED)
def test_the_declared_parameters_are_ones_that_the_flow_takes(entry: dict[str, Any]) -> None:
    from prefect import Flow

    made = next(made for made in deployments.runner_deployments() if made.name == entry["name"])
    module, _, function = str(made.entrypoint).rpartition(".")
    found: Flow[..., Any] = getattr(__import__(module, fromlist=[function]), function)
    assert entry["parameters"].keys() <= found.validate_parameters(dict(entry["parameters"])).keys()


def test_the_run_form_explains_itself() -> None:
    made = next(made for made in deployments.runner_deployments() if made.name == "refresh-all")
    properties = made._parameter_openapi_schema.properties
    assert all(len(one.get("description", "")) > 20 for one in properties.values())
    assert "fatalities" in properties["sources"]["anyOf"][0]["items"]["enum"]
    assert {"type": "string", "format": "date"} in properties["as_of"]["anyOf"]
