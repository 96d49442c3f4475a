"""The flow `brief`: write the briefing of a mission, or of every one, into the data folder.

Thin: the pages are written by `flows.steps.briefings`, in the tasks of `flows.brief_steps`. Every mission's pages
are written in batches, each a mapped task wherever `flows.task_runners` puts it. A foreseeable fault (no warehouse yet,
an unknown mission, a folder that can't be written to) ends in a failed state with one sentence, without a traceback.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

from prefect import runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from flows.our_flow import our_flow
from flows.steps.settings import paths

BATCH = 12  # missions a task: some ten tasks, so that a cluster's workers end at about the same time


def _run_name() -> str:
    given = runtime.flow_run.parameters
    until = f" up to {given['up_to']}" if given.get("up_to") else ""
    return f"brief {given.get('mission') or 'every mission'}{until} · {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"


@our_flow("brief", _run_name)
def brief(
    mission: str | None = None, up_to: date | None = None, batch: Annotated[int, Field(ge=1)] = BATCH
) -> State[Any]:
    """Write briefings as HTML pages into `briefings/` of the data folder, from the published warehouse.

    Args:
        mission: Whose page to write, by its acronym; every mission's when empty.
        up_to: Only what had happened by this day; all that is held when empty.
        batch: How many missions' pages one task writes, when every mission's are written.
    """
    from flows import brief_steps

    if up_to is not None and up_to > datetime.now(UTC).date():
        return Failed(message=f"up_to is a day that has been, got {up_to}. No page was written.")
    where = paths()
    state = brief_steps.run(mission or None, up_to, batch, where, where.data / "briefings")
    if state.is_completed():
        written = state.result()
        brief_steps.report(written, up_to, where)
        return Completed(message=brief_steps.headline(written))
    return Failed(message=state.message or "The pages could not be written.")
