"""The flow `backfill`: the warehouses as of many days, each of what had been published by then, built side by side.

As with `refresh`, this is the flow as a server sees it; its steps are in `flows.backfill_steps`, imported when it runs.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from prefect import runtime
from prefect.client.schemas.objects import State
from pydantic import Field

from flows.our_flow import our_flow
from flows.steps.locking import WAIT_SECONDS


def _run_name() -> str:
    given = runtime.flow_run.parameters
    days = f"{given['first']} to {given['last']}"
    return f"backfill every {given.get('every', 'month')} {days} · {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"


@our_flow("backfill", _run_name)
def backfill(
    first: date,
    last: date,
    every: Literal["month", "year"] = "month",
    wait_seconds: Annotated[float, Field(ge=0)] = WAIT_SECONDS,
) -> State[Any]:
    """Build the warehouse as of the last day of each month or year from `first` to `last`, into `as_of/` of the data.

    One that stands already, of the same snapshots and the same code, is left. A day by which nothing had been published
    is told. Nobody is asked, and the published warehouse is not touched.

    Args:
        first: The earliest day that can be the last of a period.
        last: The latest such day.
        every: The period: the last day of each month, or of each year.
        wait_seconds: How long to wait for another run that is building the same day, or adding to the archive.
    """
    from flows import backfill_steps

    return backfill_steps.run(first, last, every, wait_seconds)
