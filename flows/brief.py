"""The flow `brief`: write a mission's briefing, or every one that changed, into `briefings/` of the data folder.

Every mission's pages are written in batches, a mapped task each; then the index. A task gets names and paths and opens
the warehouse, read-only, where it runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import duckdb
from prefect import runtime
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from flows.artifacts import artifact, name_run
from flows.decorators import RUN_ERRORS, pipeline_flow, pipeline_task
from flows.steps.as_of import published_build_id
from flows.steps.settings import Paths, paths
from flows.task_runners import map_task
from schemas.errors import FORESEEABLE, message_of
from warehouse.query import connect
from warehouse.reports.scope import BriefingError, Queries

if TYPE_CHECKING:
    from flows.steps.briefings import Written
    from warehouse.reports.page import Page

BATCH = 12  # missions a task: some ten tasks, so that a cluster's workers end at about the same time


@dataclass(frozen=True)
class Batch:
    """A batch's pages, written or unchanged, the missions that had not begun, the build it read; or its error."""

    pages: list[Page] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    build_id: str | None = None
    error: str | None = None


def _run_name() -> str:
    """The name of a run that has begun; `name_run` adds what it wrote."""
    parameters = runtime.flow_run.parameters
    until = f" up to {parameters['up_to']}" if parameters.get("up_to") else ""
    return f"brief {parameters.get('mission') or 'every mission'}{until}"


@pipeline_flow("brief", _run_name)
def brief(
    mission: str | None = None, up_to: date | None = None, batch: Annotated[int, Field(ge=1)] = BATCH
) -> State[Any]:
    """Write briefings as HTML pages into `briefings/` of the data folder, from the published warehouse.

    A page whose figures and words are the same is left alone; the index is always written.

    Args:
        mission: Whose page to write, by its acronym, or a state, for the missions there; every mission's when empty.
        up_to: Only what had happened by this day; everything when empty.
        batch: How many missions' pages one task writes, when every mission's are written.
    """
    if up_to is not None and up_to > datetime.now(UTC).date():
        return Failed(message=f"up_to is a day that is not in the future, got {up_to}. No page was written.")
    where = paths()
    folder = where.data / "briefings"
    try:
        if mission:
            written = write_briefing(mission, up_to, where, folder, return_state=True).result()
        else:
            batches = write_batches(batch, up_to, where, folder)
            written = write_folder_index(batches, up_to, where, folder, return_state=True).result()
            require_complete(batches)
    except RUN_ERRORS as error:
        return Failed(message=message_of(error))
    return report(written, up_to, where, folder)


@pipeline_task("write page of {mission}")
def write_briefing(mission: str, up_to: date | None, where: Paths, folder: Path) -> Written:
    """Write the page of a mission and the index."""
    from flows.steps.briefings import BriefingWriter

    with connect(where.warehouse) as connection:
        return BriefingWriter(connection, folder, up_to).write(mission)


def write_batches(size: int, up_to: date | None, where: Paths, folder: Path) -> list[Batch]:
    """Write the pages of every mission; those from a build that was replaced meanwhile are written a second time."""
    from flows.steps.briefings import BriefingWriter

    with connect(where.warehouse) as connection:
        names = BriefingWriter(connection, folder).missions()
    missions = [names[start : start + size] for start in range(0, len(names), size)]
    batches: dict[int, Batch] = {}
    remaining = list(range(len(missions)))
    for _ in range(2):
        elements = {"missions": [missions[number] for number in remaining]}
        states = map_task(write_batch, elements, up_to=up_to, where=where, folder=folder)
        for number, state in zip(remaining, states, strict=True):
            batches[number] = _batch(missions[number], state, batches.get(number, Batch()))
        published = published_build_id(where.warehouse)
        remaining = [number for number, batch in batches.items() if batch.build_id not in (None, published)]
        if not remaining:
            break
    return list(batches.values())


def _batch_name() -> str:
    missions = runtime.task_run.parameters["missions"]
    return f"write pages {missions[0]} to {missions[-1]}"


@pipeline_task(_batch_name)
def write_batch(missions: list[str], up_to: date | None, where: Paths, folder: Path) -> Batch:
    """Write the pages of some missions."""
    from flows.steps.briefings import BriefingWriter

    with connect(where.warehouse) as connection:
        pages, skipped = BriefingWriter(connection, folder, up_to).pages(missions)
        return Batch(pages, skipped, build_id_of(connection))


def build_id_of(connection: duckdb.DuckDBPyConnection) -> str:
    """The id of the build that a connection reads."""
    from warehouse.reports.provenance import build_of

    return str(build_of(Queries(connection))["build_id"])


def _batch(missions: list[str], state: State[Any], before: Batch) -> Batch:
    """The result of a batch. What it wrote the first time (`before`) counts as written, also if it is the same now."""
    if state.is_completed():
        batch, changed = cast(Batch, state.result()), {page.file: page.changed for page in before.pages}
        pages = [replace(page, changed=page.changed or changed.get(page.file, "")) for page in batch.pages]
        return replace(batch, pages=pages)
    return Batch(error=f"{missions[0]} to {missions[-1]}: {state.message or 'a task failed'}")


@pipeline_task("write index")
def write_folder_index(batches: list[Batch], up_to: date | None, where: Paths, folder: Path) -> Written:
    """Write the index of the pages in the folder."""
    from flows.steps.briefings import BriefingWriter

    pages = [page for batch in batches for page in batch.pages]
    errors = [batch.error for batch in batches if batch.error]
    if errors and not pages:
        raise BriefingError(errors[0])
    with connect(where.warehouse) as connection:
        skipped = [name for batch in batches for name in batch.skipped]
        return BriefingWriter(connection, folder, up_to).index(pages, skipped)


def require_complete(batches: list[Batch]) -> None:
    """Raise BriefingError when a batch failed, or when the pages are of different builds."""
    errors = [batch.error for batch in batches if batch.error]
    if errors:
        pages = [page for batch in batches for page in batch.pages]
        written = sum(bool(page.changed) for page in pages)
        raise BriefingError(
            f"{len(errors)} of {len(batches)} batches failed; {written} pages written, "
            f"{len(pages) - written} unchanged; {errors[0]}"
        )
    if len({batch.build_id for batch in batches}) > 1:
        raise BriefingError("Refreshes published while the pages were written: they are of two builds. Brief again.")


def report(written: Written, up_to: date | None, where: Paths, folder: Path) -> State[Any]:
    """Write an artifact with the pages that changed and the chart of one; returns the final state."""
    from flows.steps.briefings import BriefingWriter
    from warehouse.reports.page import picture_of

    try:
        with connect(where.warehouse) as connection:
            page = BriefingWriter(connection, folder, up_to).page_to_show(written)
        chart = picture_of(page.file.read_text(encoding="utf-8")) if page else None
    except FORESEEABLE:  # the pages are written: the artifact does without a chart
        chart = None
    artifact(
        create_markdown_artifact,
        written.markdown(chart),
        key="briefings",
        description="The pages that this run wrote because a figure or a word changed",
    )
    name_run(f"{runtime.flow_run.name} · {written.in_short()}")
    return Completed(message=written.headline())
