"""The rules of automations.yaml, as a Prefect server gets them: by `peacekeeping serve`, or by `make deploy` with

python -m flows.automations
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from prefect.events import AutomationCore

FILE = Path(__file__).with_name("automations.yaml")


def declared() -> list[dict[str, Any]]:
    """The rules of automations.yaml."""
    found: list[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


def register() -> list[str]:
    """Give the rules to the Prefect server in force, each under its name; gives the names of those that it lacked.

    A rule that is there unchanged is left alone, because an update would make the server forget which runs it watches.
    Whether somebody has switched it off there stays as it is.
    """
    from prefect import get_client
    from prefect.events import AutomationCore

    given = []
    with get_client(sync_client=True) as client:
        for entry in declared():
            rule = AutomationCore.model_validate(entry)
            standing = client.read_automations_by_name(rule.name)
            if not standing:
                client.create_automation(rule)
            elif _content(standing[0]) == _content(rule):
                continue
            else:
                rule.enabled = standing[0].enabled
                client.update_automation(standing[0].id, rule)
            given.append(rule.name)
    return given


def _content(rule: AutomationCore) -> dict[str, Any]:
    return rule.model_dump(include={"description", "trigger", "actions"})


if __name__ == "__main__":
    for name in register():
        print(name)
