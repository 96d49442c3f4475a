"""Old runs are removed from the Prefect server: this project's own, and never the newest artifact of a key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prefect import flow, tags
from prefect.artifacts import create_markdown_artifact
from server_api import api

from flows import retention

pytestmark = pytest.mark.server


@flow(name="made")
def make(key: str | None = None) -> None:
    """A run, with an artifact if it is given a key."""
    if key:
        create_markdown_artifact("text", key=key)


def ended(url: str, name: str) -> set[str]:
    query = {"flows": {"name": {"any_": [name]}}}
    return {run["id"] for run in api(url, "flow_runs/filter", query)}


def make_run(*own_tags: str, key: str | None = None) -> str:
    with tags(*own_tags):
        return str(make(key, return_state=True).state_details.flow_run_id)


def test_runs_of_this_project_go_after_the_retention_and_the_newest_of_each_key_stays(
    on_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, newest = (make_run("peacekeeping", key="retention-test") for _ in range(2))
    without, foreign = make_run("peacekeeping"), make_run("another project")
    assert retention.remove_old_runs(30) == 0 and retention.remove_old_runs(0) == 0  # too young; never

    class Later(datetime):
        """The clock in 31 days."""

        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + timedelta(days=31)

    monkeypatch.setattr(retention, "datetime", Later)
    assert retention.remove_old_runs(32) == 0
    assert retention.remove_old_runs(30) >= 2  # and those of earlier tests
    assert {newest, foreign} <= ended(on_server, "made") and not {old, without} & ended(on_server, "made")
    assert datetime.now(UTC) < Later.now(UTC)


def test_a_server_that_does_not_answer_is_a_warning(on_server: str, caplog: pytest.LogCaptureFixture) -> None:
    from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}):
        assert retention.remove_old_runs(30) == 0
    assert "did not remove old runs" in caplog.text
