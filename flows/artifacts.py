"""What a run leaves on the Prefect server: a short log, artifacts under keys that build a history, its final state."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.steps.summary import Summary, markdown

log = logging.getLogger("peacekeeping.refresh")


def artifact(write: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Write an artifact. One that the server doesn't take is a warning: the data are worth more than their report."""
    try:
        return write(*arguments, **named)
    except Exception as error:  # whatever the client raises without a server
        log.warning("The Prefect server did not take the artifact %s (%s).", named.get("key", ""), type(error).__name__)
        return None


def write_artifacts(summary: Summary) -> None:
    """What an inspector reads. The keys are the same in each run, so that the UI shows each one's history."""
    if not artifact(
        create_markdown_artifact, markdown(summary), key="refresh-summary", description="What this refresh did"
    ):
        return  # nor would the server take the others, and the client tries each for a minute
    tables: list[tuple[str, Sequence[Mapping[str, object]] | None, str]] = [
        (
            "rejected-rows",
            summary.rejected,
            "Rejected rows by reason, with an example" if summary.rejected else "No row was rejected",
        ),
        (
            "checks-failed",
            summary.checks_failed,
            "Checks that failed; one of severity error stops publishing"
            if summary.checks_failed
            else "Each check held",
        ),
        ("claims", summary.claims or None, "The claims, and what this build's figures say of each"),
        ("changes", summary.changes or None, "Rows added, gone and changed since the build before"),
        (
            "reconciliations",
            summary.reconciliations or None,
            "Figures held against another ledger's; the unexplained ones are in meta.reconciliations",
        ),
    ]
    for key, rows, told in tables:
        if rows is not None:
            artifact(create_table_artifact, list(rows), key=key, description=told)


class RefreshFailed(Exception):
    """A refresh that failed, with its summary; the flow ends in a failed state that carries it."""

    def __init__(self, summary: Summary) -> None:
        super().__init__(summary.headline())
        self.summary = summary


def final_state(summary: Summary) -> State[Any]:
    """Completed or Failed (Prefect's own names: its pages filter by them); the message says what happened."""
    if summary.failures:
        return Failed(message=summary.headline(), data=RefreshFailed(summary))
    return Completed(message=summary.headline(), data=summary)


def summary_of(state: State[Any]) -> Summary:
    """The summary that a finished refresh carries; of a run that Prefect itself refused, its message."""
    result = state.result(raise_on_failure=False)
    if isinstance(result, RefreshFailed):
        return result.summary
    return result if isinstance(result, Summary) else Summary(failures=[str(state.message or result)])
