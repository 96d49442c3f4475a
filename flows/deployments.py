"""The deployments of prefect.yaml, as `peacekeeping serve` serves them: one declaration for both ways."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment

HERE = Path(__file__).parent


def declared() -> list[dict[str, Any]]:
    """The deployments of prefect.yaml (installed beside this module, else in the project)."""
    file = next(path for path in (HERE / "prefect.yaml", HERE.parent / "prefect.yaml") if path.exists())
    found: list[dict[str, Any]] = yaml.safe_load(file.read_text(encoding="utf-8"))["deployments"]
    return found


def _of(entry: Mapping[str, Any]) -> RunnerDeployment:
    from prefect.client.schemas.objects import ConcurrencyLimitConfig
    from prefect.deployments.runner import EntrypointType  # type: ignore[attr-defined]
    from prefect.events import DeploymentEventTrigger
    from prefect.schedules import Cron

    module, _, name = entry["entrypoint"].rpartition(".")
    made: RunnerDeployment = getattr(import_module(module), name).to_deployment(
        entry["name"],
        schedules=[Cron(one["cron"], timezone=one["timezone"]) for one in entry.get("schedules", ())],
        parameters=entry["parameters"],
        description=entry["description"],
        tags=entry["tags"],
        concurrency_limit=ConcurrencyLimitConfig(**entry["concurrency_limit"]),
        triggers=[DeploymentEventTrigger(**trigger) for trigger in entry.get("triggers", ())],
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    return made


def runner_deployments() -> list[RunnerDeployment]:
    """Every declared deployment, for a runner to serve: found by module path, so that any working directory will do."""
    return [_of(entry) for entry in declared()]
