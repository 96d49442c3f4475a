"""What a run leaves on the Prefect server: artifacts, and its final state."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

from prefect import get_client, runtime
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.client.schemas.objects import State, StateType
from prefect.exceptions import FailedRun

from flows.steps.summary import Outcome, Summary, claims_markdown, markdown

log = logging.getLogger("peacekeeping.refresh")


def artifact(write: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Write an artifact; returns what `write` returns, or None with a warning where the server refuses it."""
    try:
        return write(*arguments, **named)
    except Exception as error:  # whatever the client raises without a server
        log.warning("The Prefect server did not take the artifact %s (%s).", named.get("key", ""), type(error).__name__)
        return None


def write_artifacts(summary: Summary) -> None:
    """Write a refresh's artifacts. Their keys are the same in each run, so the UI shows each one's history."""
    if not artifact(
        create_markdown_artifact, markdown(summary), key="refresh-summary", description="What this refresh did"
    ):
        return  # the client would try each of the others for a minute, too
    rejected = "Rejected rows by reason, with an example" if summary.rejected else "No row was rejected"
    failed = "Failed checks; one of severity error stops publishing" if summary.checks_failed else "Every check passed"
    for key, rows, description in (
        ("rejected-rows", summary.rejected, rejected),
        ("checks-failed", summary.checks_failed, failed),
        ("changes", summary.changes or None, "Rows added, gone and changed since the build before"),
        (
            "reconciliations",
            summary.reconciliations or None,
            "Figures compared with another ledger's; meta.reconciliations has the unexplained differences",
        ),
    ):
        if rows is not None:
            artifact(create_table_artifact, list(rows), key=key, description=description)
    if summary.claims:
        description = "The claims, and their verdicts from this build's figures"
        artifact(create_markdown_artifact, claims_markdown(summary.claims), key="claims", description=description)


class FetchProgress:
    """A progress artifact: how many sources have answered."""

    def __init__(self, total: int) -> None:
        self.total, self.count = total, 0
        description = f"0 of {total} sources have answered"
        self.artifact = artifact(create_progress_artifact, 0.0, key="fetch-progress", description=description)

    def advance(self, name: str) -> None:
        """Count one more source."""
        self.count += 1
        if self.artifact:
            description = f"{self.count} of {self.total} sources have answered, the last one was {name}"
            artifact(update_progress_artifact, self.artifact, 100 * self.count / self.total, description=description)


class RefreshEnded(FailedRun):
    """The summary of a refresh that did not complete: Prefect raises the data of such a state."""

    def __init__(self, summary: Summary) -> None:
        super().__init__(summary.headline())
        self.summary = summary


# Of each outcome the state's type, which Prefect's pages show in green, grey and red. A run that kept the last good
# snapshot is neither a success nor a failure: the command ends with 0 and nothing was published.
TYPES: dict[Outcome, StateType] = {
    "Published": StateType.COMPLETED,
    "PublishedWithWarnings": StateType.COMPLETED,
    "NothingNew": StateType.COMPLETED,
    "KeptLastGood": StateType.CANCELLED,
    "Refused": StateType.FAILED,
    "Failed": StateType.FAILED,
}


def final_state(summary: Summary) -> State[Any]:
    """The final state of a refresh, named for its outcome; the message says what happened."""
    kind = TYPES[summary.outcome]
    data = summary if kind == StateType.COMPLETED else RefreshEnded(summary)
    return State(type=kind, name=summary.outcome, message=summary.headline(), data=data)


def name_run(name: str, *tags: str) -> None:
    """Rename the current run and add tags to it; a server that refuses is a warning."""
    try:
        with get_client(sync_client=True) as client:
            every = sorted({*runtime.flow_run.tags, *tags})
            client.update_flow_run(UUID(str(runtime.flow_run.id)), name=name, tags=every)
    except Exception as error:  # whatever the client raises without a server
        log.warning("The Prefect server did not take the run's name (%s).", type(error).__name__)


def summary_of(state: State[Any]) -> Summary:
    """The summary of a finished refresh; for a run that Prefect itself refused, one with its message."""
    result = state.result(raise_on_failure=False)
    if isinstance(result, RefreshEnded):
        return result.summary
    return result if isinstance(result, Summary) else Summary(failures=[str(state.message or result)])
