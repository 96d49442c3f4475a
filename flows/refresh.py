"""The flow `refresh`, as a Prefect server and its run form see it: its parameters, its names, its reason.

The steps are in `flows.refresh_tasks`, imported when it runs: serving or scheduling the flow needs no pandas.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from prefect import runtime
from prefect.client.schemas.objects import State
from prefect.context import TagsContext
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import Field

from flows.our_flow import our_flow
from flows.steps.locking import WAIT_SECONDS
from sources.catalogue import live_names, load_catalogue

if TYPE_CHECKING:
    SourceName = str
else:  # the run form offers these
    SourceName = Literal[tuple(live_names(load_catalogue()))]


def _run_name() -> str:
    given = runtime.flow_run.parameters
    if given.get("as_of"):
        return f"refresh as of {given['as_of']} · {datetime.now(UTC):%Y-%m-%d %H:%M}"
    mode = "offline" if given.get("offline") else "live" if given.get("live") else "with fallback"
    which = ", ".join(given.get("sources") or []) or "all sources"
    return f"refresh {which} · {mode} · {datetime.now(UTC):%Y-%m-%d %H:%M}"


@our_flow("refresh", _run_name, task_runner=ThreadPoolTaskRunner(max_workers=4))
def refresh(
    sources: list[SourceName] | None = None,
    offline: bool = False,
    live: bool = False,
    force: bool = False,
    as_of: date | None = None,
    wait_seconds: Annotated[float, Field(ge=0)] = WAIT_SECONDS,
    spread_minutes: Annotated[float, Field(ge=0, le=720)] = 0,
) -> State[Any]:
    """Refresh the warehouse: fetch or load each source, stage, build, check, publish.

    With nothing new and the same code nothing is built. The schedules and their reasons stand in prefect.yaml.

    Args:
        sources: Which sources to ask the publisher for; all of them when empty. The others come from the archive.
        offline: Never open a socket to a publisher; build from the archive and the bundled snapshots.
        live: Fail instead of falling back to an archived snapshot when a publisher can't be reached.
        force: Build also when nothing is new.
        as_of: Ask nobody, and build the warehouse of what had been published by this day, into a file of its own.
        wait_seconds: How long to wait for another run that is writing to the same data folder.
        spread_minutes: Wait a random part of so many minutes before asking the publishers, so that not every user of
            this project asks them on the same minute.
    """
    from flows import refresh_tasks

    with TagsContext(current_tags=set()):  # the run's are not its tasks': a tagged task first asks its server for leave
        return refresh_tasks.run(sources or [], offline, live, force, as_of, wait_seconds, spread_minutes)
