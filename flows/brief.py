"""The flow `brief`: write the briefing of a mission, or of every one, into the data folder.

Thin: the pages are written by `flows.brief_pages`. A foreseeable fault (no warehouse yet, an unknown mission, a folder
that can't be written to) ends in a failed state with one sentence, without a traceback.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from prefect import flow, runtime, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.brief_pages import Written, about_sources, write_pages
from flows.settings import Paths, paths
from sources.errors import SourceError
from warehouse.briefing.asking import BriefingError
from warehouse.query import QueryError, connect

FORESEEABLE = (BriefingError, QueryError, SourceError, OSError)


def explained(error: BaseException) -> str:
    """What to tell a person of a foreseeable fault."""
    if isinstance(error, OSError):
        return f"{error.strerror or error}{f' ({error.filename})' if error.filename else ''}. No page was written anew."
    return str(error)


@task(task_run_name="write pages", cache_policy=NO_CACHE, persist_result=False)
def write_briefings(mission: str | None, up_to: date | None, where: Paths, folder: Path) -> Any:
    """Write the pages and their index."""
    try:
        with connect(where.warehouse) as connection:
            return write_pages(connection, folder, mission, up_to=up_to, as_of=None, about=about_sources())
    except FORESEEABLE as error:
        return Failed(message=explained(error))


def _run_name() -> str:
    given = runtime.flow_run.parameters
    until = f" up to {given['up_to']}" if given.get("up_to") else ""
    return f"brief {given.get('mission') or 'every mission'}{until} · {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"


@flow(name="brief", flow_run_name=_run_name, persist_result=False, validate_parameters=True)
def brief(mission: str | None = None, up_to: date | None = None) -> State[Any]:
    """Write briefings as HTML pages into `briefings/` of the data folder, from the published warehouse.

    Args:
        mission: Whose page to write, by its acronym; every mission's when empty.
        up_to: Only what had happened by this day; all that is held when empty.
    """
    if up_to is not None and up_to > datetime.now(UTC).date():
        return Failed(message=f"up_to is a day that has been, got {up_to}. No page was written.")
    where = paths()
    folder = where.data / "briefings"
    state = write_briefings(mission or None, up_to, where, folder, return_state=True)
    if not state.is_completed():
        return Failed(message=state.message or "The pages could not be written.")
    written: Written = state.result()
    create_markdown_artifact(markdown(written), key="briefings", description="The pages that this run wrote")
    return Completed(message=headline(written))


def headline(written: Written) -> str:
    """One sentence: what was written."""
    left = f"; {len(written.skipped)} missions had not begun" if written.skipped else ""
    return f"wrote {len(written.pages):,} page{'' if len(written.pages) == 1 else 's'} to {written.index.parent}{left}"


def markdown(written: Written) -> str:
    """The files by name, to be opened from disk."""
    lines = [f"# {headline(written)[:1].upper()}{headline(written)[1:]}", "", f"Index: `{written.index}`", ""]
    return "\n".join([*lines, *[f"- `{page}`" for page in written.pages], ""])
