"""The deployments of prefect.yaml, as `peacekeeping serve` serves them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.deployments.runner import EntrypointType, RunnerDeployment  # type: ignore[attr-defined]
from prefect.events import DeploymentEventTrigger
from prefect.schedules import Cron

from flows.steps.settings import minute, paths

VARIABLE = re.compile(r"\{\{ \$(\w+) \}\}")
HERE = Path(__file__).parent


def declared() -> list[dict[str, Any]]:
    """The deployments of prefect.yaml, which an installed package has beside this module, with their variables filled.

    Raises SettingError.
    """
    file = next(path for path in (HERE / "prefect.yaml", HERE.parent / "prefect.yaml") if path.exists())
    entries: list[dict[str, Any]] = yaml.safe_load(file.read_text(encoding="utf-8"))["deployments"]
    values = {"PEACEKEEPING_MINUTE": str(minute()), "PEACEKEEPING_DATA": str(paths().data)}
    return [_filled(entry, os.environ | values) for entry in entries]


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    """The value with each `{{ $NAME }}` in its texts replaced, as `prefect deploy` does from the environment."""
    if isinstance(value, str):
        return VARIABLE.sub(lambda match: values.get(match[1], ""), value)
    if isinstance(value, dict):
        return {name: _filled(one, values) for name, one in value.items()}
    return [_filled(one, values) for one in value] if isinstance(value, list) else value


def timetable() -> list[list[str]]:
    """Each deployment's name and when it runs."""
    return [[entry["name"], _when(entry)] for entry in declared()]


def _when(entry: Mapping[str, Any]) -> str:
    schedules = [f"{schedule['cron']} {schedule['timezone']}" for schedule in entry.get("schedules", ())]
    unscheduled = "when a refresh has published something new" if entry.get("triggers") else "by hand"
    return ", ".join(schedules) or unscheduled


def runner_deployments() -> list[RunnerDeployment]:
    """Every declared deployment for a runner, by module path: independent of the working directory."""
    return [_runner_deployment(entry) for entry in declared()]


def _runner_deployment(entry: Mapping[str, Any]) -> RunnerDeployment:
    module, _, name = entry["entrypoint"].rpartition(".")
    deployment: RunnerDeployment = getattr(import_module(module), name).to_deployment(
        entry["name"],
        schedules=[Cron(schedule["cron"], timezone=schedule["timezone"]) for schedule in entry.get("schedules", ())],
        parameters=entry["parameters"],
        description=entry["description"],
        tags=entry["tags"],
        concurrency_limit=ConcurrencyLimitConfig(**entry["concurrency_limit"]),
        triggers=[DeploymentEventTrigger(**trigger) for trigger in entry.get("triggers", ())],
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    return deployment
