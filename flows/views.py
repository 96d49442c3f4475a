"""The views of the runs page of Prefect's UI: saved filters, which `peacekeeping serve` and `make deploy` register."""

from __future__ import annotations

from typing import Any, get_args

from prefect import get_client

from flows.steps.summary import Outcome

PAST_WEEK = {"type": "span", "seconds": -604_800}
# The states of a run that has begun, by name: the UI's own "Hide scheduled runs" lists Prefect's names only.
BEGUN = ["Pending", "Running", "Retrying", "Completed", "Crashed", "Cancelled", "Cancelling", *get_args(Outcome)]
VIEWS = {
    "peacekeeping: needs attention, past week": [
        "KeptLastGood", "Refused", "Failed", "Crashed", "PublishedWithWarnings", "Late",
    ],
    "peacekeeping: all but scheduled, past week": list(dict.fromkeys(BEGUN)),
}  # fmt: skip


def register() -> None:
    """Create or replace the views on the Prefect server. Raises httpx.HTTPError."""
    with get_client(sync_client=True) as client:
        for name, states in VIEWS.items():
            filters = [_filter("state", states), _filter("range", PAST_WEEK)]
            client.request("PUT", "/saved_searches/", json={"name": name, "filters": filters})


def _filter(name: str, value: Any) -> dict[str, Any]:
    return {"object": "flowRun", "property": name, "type": "", "operation": "", "value": value}
