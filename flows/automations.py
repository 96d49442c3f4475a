"""Runs whose process is gone: the server's rules for them (automations.yaml), and what the next run does about one.

`peacekeeping serve` registers the rules with its server, `make deploy` with another by `python -m flows.automations`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import yaml
from prefect import get_client
from prefect.events import AutomationCore
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Crashed

from flows import views
from flows.steps import proxies

log = logging.getLogger("peacekeeping.refresh")

FILE = Path(__file__).with_name("automations.yaml")
KILLED = "Its process was killed, or its machine went down; the next run recorded it. Nothing was published by it."


def declared() -> list[dict[str, Any]]:
    """The rules of automations.yaml."""
    rules: list[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return rules


def register() -> list[str]:
    """Create or update the rules on the Prefect server, by their names; returns the names of new and changed ones.

    An unchanged rule is not updated: the server would forget which runs it watches. A rule that somebody has switched
    off stays off.
    """
    changed = []
    with get_client(sync_client=True) as client:
        for entry in declared():
            rule = AutomationCore.model_validate(entry)
            existing = client.read_automations_by_name(rule.name)
            if not existing:
                client.create_automation(rule)
            elif _content(existing[0]) == _content(rule):
                continue
            else:
                rule.enabled = existing[0].enabled
                client.update_automation(existing[0].id, rule)
            changed.append(rule.name)
    return changed


def register_if_possible() -> str | None:
    """Register the rules and the views; returns why the server refused them, if it did."""
    try:
        register()
        views.register()
    except httpx.HTTPError as error:  # the base class of Prefect's own
        return " ".join(str(error).split())[:200] or type(error).__name__
    return None


def _content(rule: AutomationCore) -> dict[str, Any]:
    return rule.model_dump(include={"description", "trigger", "actions"})


def mark_killed_runs(scratch_folders: Sequence[str]) -> None:
    """Set runs that were killed to Crashed, or to Cancelled where that was requested; a server error is a warning.

    A scratch folder has its run's id as its name and is removed at the run's end. Call while holding the writer's lock:
    then the run of each remaining folder is dead. (The rules cover deployments' runs killed before they had the lock.)
    """
    for name in scratch_folders:
        try:
            with get_client(sync_client=True) as client:
                run_id = UUID(name)
                run = client.read_flow_run(run_id)
                if run.state is None or run.state.is_final():
                    continue
                state = Cancelled if run.state.is_cancelling() else Crashed
                client.set_flow_run_state(run_id, state(message=KILLED), force=True)
                log.info("The run %s was killed; its scratch folder is removed.", run.name)
        except (ValueError, ObjectNotFound):  # no run's folder, or a run of another server
            continue
        except Exception as error:  # whatever the client raises: this run goes on
            log.warning("The Prefect server has no record of a killed run (%s).", type(error).__name__)


if __name__ == "__main__":
    proxies.except_loopback()
    views.register()
    for name in register():
        print(name)
