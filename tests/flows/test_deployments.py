"""The deployments: one declaration, whose schedules can be kept and whose parameters their flows take."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from prefect.events import Resource

from flows import deployments
from flows.steps.settings import SettingError, minute

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


def test_schedules_begin_at_the_minute_of_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEACEKEEPING_MINUTE", "7")
    crons = [schedule["cron"] for entry in deployments.declared() for schedule in entry.get("schedules", ())]
    assert crons == ["7 5 * * *", "7 6 5-20 * *", "7 7 * * 1", "7 3 * * 0"]
    for wrong in ("60", "-1", "x", "7.5"):
        monkeypatch.setenv("PEACEKEEPING_MINUTE", wrong)
        with pytest.raises(SettingError, match="takes a number from 0 to 59"):
            deployments.declared()
    monkeypatch.delenv("PEACEKEEPING_MINUTE")
    assert minute() == minute() and 0 <= minute() < 60  # by default the machine's own


def test_no_parameter_of_a_deployment_makes_a_run_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {name for entry in deployments.declared() for name in entry["parameters"]}
    assert given == {"sources", "force", "first", "last", "every"}


def test_the_briefings_follow_refreshes_of_the_same_data_folder_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PEACEKEEPING_DATA", str(tmp_path / "a folder"))
    (brief,) = [made for made in deployments.runner_deployments() if made.name == "brief"]
    (trigger,) = brief.triggers
    for folder, follows in ((tmp_path / "a folder", True), (tmp_path / "another", False)):
        labels = {"prefect.resource.id": "peacekeeping.warehouse", "peacekeeping.data": str(folder)}
        assert trigger.match.matches(Resource.model_validate(labels)) is follows


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
    flow: Flow[..., Any] = getattr(__import__(module, fromlist=[function]), function)
    assert entry["parameters"].keys() <= flow.validate_parameters(dict(entry["parameters"])).keys()


def test_the_run_form_describes_each_parameter() -> None:
    made = next(made for made in deployments.runner_deployments() if made.name == "refresh-all")
    properties = made._parameter_openapi_schema.properties
    assert all(len(one.get("description", "")) > 20 for one in properties.values())
    assert "fatalities" in properties["sources"]["anyOf"][0]["items"]["enum"]
    assert {"type": "string", "format": "date"} in properties["as_of"]["anyOf"]
