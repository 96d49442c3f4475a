"""The steps of the flow `brief`: a mission's page, or batches of every mission's as mapped tasks, then the index.

A task gets names and paths; it opens the warehouse, read-only, where it runs.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from prefect import runtime, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Failed

from flows.artifacts import artifact
from flows.steps.briefings import BriefingWriter, Written
from flows.steps.settings import Paths
from flows.task_runners import RunnerError, mapped
from sources.errors import SourceError
from warehouse.query import QueryError, connect
from warehouse.reports.page import PAGE, Picture, picture_of
from warehouse.reports.provenance import build_of
from warehouse.reports.scope import BriefingError, Queries

FORESEEABLE = (BriefingError, QueryError, SourceError, RunnerError, OSError)


@dataclass(frozen=True)
class Batch:
    """What came of a batch: its pages, the missions not known by the day, the build that was read, or its fault."""

    pages: list[Path]
    skipped: list[str]
    build_id: str | None
    fault: str | None = None


def explained(error: BaseException) -> str:
    """What to tell a person of a foreseeable fault."""
    if isinstance(error, OSError):
        return f"{error.strerror or error}{f' ({error.filename})' if error.filename else ''}. No page was written anew."
    return str(error)


@task(task_run_name="write page of {mission}", cache_policy=NO_CACHE, persist_result=False)
def write_briefing(mission: str, up_to: date | None, where: Paths, folder: Path) -> Any:
    """Write the page of a mission and the index."""
    try:
        with connect(where.warehouse) as connection:
            return BriefingWriter(connection, folder, up_to).write(mission)
    except FORESEEABLE as error:
        return Failed(message=explained(error))


def _batch_name() -> str:
    missions = runtime.task_run.parameters["missions"]
    return f"write pages {missions[0]} to {missions[-1]}"


@task(task_run_name=_batch_name, cache_policy=NO_CACHE, persist_result=False)
def write_batch(missions: list[str], up_to: date | None, where: Paths, folder: Path) -> Batch:
    """Write the pages of some missions."""
    try:
        with connect(where.warehouse) as connection:
            pages, skipped = BriefingWriter(connection, folder, up_to).pages(missions)
            return Batch(pages, skipped, _build_id(connection))
    except FORESEEABLE as error:
        return Batch([], [], None, f"{missions[0]} to {missions[-1]}: {explained(error)}")


@task(task_run_name="write index", cache_policy=NO_CACHE, persist_result=False)
def finish(pages: list[Path], skipped: list[str], up_to: date | None, where: Paths, folder: Path) -> Any:
    """Write the index of the pages that lie in the folder."""
    try:
        with connect(where.warehouse) as connection:
            return BriefingWriter(connection, folder, up_to).index(pages, skipped)
    except FORESEEABLE as error:
        return Failed(message=explained(error))


def run(mission: str | None, up_to: date | None, batch: int, where: Paths, folder: Path) -> State[Any]:
    """Run the steps within a flow run; the final state of the last, which carries what was written."""
    if mission is not None:
        return write_briefing(mission, up_to, where, folder, return_state=True)
    try:
        with connect(where.warehouse) as connection:
            names = BriefingWriter(connection, folder).missions()
        found = _written(names, batch, up_to, where, folder)
    except FORESEEABLE as error:
        return Failed(message=explained(error))
    pages, skipped = [page for one in found for page in one.pages], [name for one in found for name in one.skipped]
    faults = [one.fault for one in found if one.fault]
    if faults and not pages:
        return Failed(message=faults[0])
    indexed = finish(pages, skipped, up_to, where, folder, return_state=True)
    if faults:
        return Failed(message=f"{len(faults)} of {len(found)} batches failed, {len(pages)} pages written; {faults[0]}")
    if len({one.build_id for one in found}) > 1:
        return Failed(message="Refreshes published while the pages were written: they are of two builds. Brief again.")
    return indexed


def _written(names: list[str], batch: int, up_to: date | None, where: Paths, folder: Path) -> list[Batch]:
    """Every batch written; those that read a build that was replaced meanwhile are written once more."""
    batches = [names[at : at + batch] for at in range(0, len(names), batch)]
    found: dict[int, Batch] = {}
    wanting = list(range(len(batches)))
    for _ in range(2):
        over = {"missions": [batches[at] for at in wanting]}
        states = mapped(write_batch, over, up_to=up_to, where=where, folder=folder)
        found |= {at: _batch(state) for at, state in zip(wanting, states, strict=True)}
        with connect(where.warehouse) as connection:
            newest = _build_id(connection)
        wanting = [at for at, one in found.items() if one.build_id not in (None, newest)]
        if not wanting:
            break
    return list(found.values())


def _build_id(connection: duckdb.DuckDBPyConnection) -> str:
    return str(build_of(Queries(connection))["build_id"])


def _batch(state: State[Any]) -> Batch:
    result = state.result(raise_on_failure=False)
    return result if isinstance(result, Batch) else Batch([], [], None, state.message or "a task failed")


def headline(written: Written) -> str:
    """One sentence: what was written."""
    left = f"; {len(written.skipped)} missions had not begun" if written.skipped else ""
    return f"wrote {len(written.pages):,} page{'' if len(written.pages) == 1 else 's'} to {written.index.parent}{left}"


def report(written: Written, up_to: date | None, where: Paths) -> None:
    """Leave an artifact: a picture of one page, and where all of them lie."""
    try:
        picture = picture_of(shown(written, up_to, where).read_text(encoding="utf-8"))
    except FORESEEABLE:  # the pages are written, and that is what counts
        picture = None
    artifact(
        create_markdown_artifact,
        markdown(written, picture),
        key="briefings",
        description="The pages that this run wrote",
    )


def shown(written: Written, up_to: date | None, where: Paths) -> Path:
    """The page whose picture stands for a run: the only one, or that of the mission with the newest death.

    Raises BriefingError or QueryError where the warehouse can't be asked.
    """
    if len(written.pages) == 1:
        return written.pages[0]
    with connect(where.warehouse) as connection:
        newest = Queries(connection)(
            "SELECT mission FROM fatalities WHERE incident_date <= coalesce(?, incident_date) "
            "ORDER BY incident_date DESC, mission LIMIT 1",
            up_to,
        )
    of_missions = {found["mission"]: page for page in written.pages if (found := PAGE.fullmatch(page.name))}
    return of_missions.get(newest[0]["mission"].replace(" ", "-") if newest else "", written.pages[0])


def markdown(written: Written, picture: Picture | None) -> str:
    """What was written: a picture of one page, and the files by name, to be opened from disk."""
    lines = [f"# {headline(written)[:1].upper()}{headline(written)[1:]}", ""]
    if picture:
        data = b64encode(picture.svg.encode()).decode()
        lines += [f"![{picture.title}](data:image/svg+xml;base64,{data})", ""]
        lines += [f"**{picture.title}.** {picture.description}", ""]
    return "\n".join([*lines, f"Index: `{written.index}`", "", *[f"- `{page}`" for page in written.pages], ""])
