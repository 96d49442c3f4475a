"""The flow `backfill`: the warehouses as of many days, each of what had been published by then."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows import backfill as flow
from flows.backfill import DayResult
from flows.steps import build
from flows.steps.as_of import period_ends
from flows.steps.locking import BusyError, only_builder_of, only_writer
from flows.steps.settings import Paths


def test_periods_end_on_the_last_day_of_their_month_or_year() -> None:
    assert period_ends(date(2024, 1, 31), date(2024, 3, 30), "month") == [date(2024, 1, 31), date(2024, 2, 29)]
    assert period_ends(date(2021, 6, 30), date(2023, 12, 31), "year") == [
        date(2021, 12, 31), date(2022, 12, 31), date(2023, 12, 31),
    ]  # fmt: skip
    assert period_ends(date(2023, 12, 1), date(2024, 1, 1), "month") == [date(2023, 12, 31)]
    assert period_ends(date(2024, 1, 1), date(2024, 1, 30), "month") == []


def _hold(where: Paths, day: date, held: Any, release: Any) -> None:
    with only_builder_of(where, day):
        held.set()
        release.wait(30)


def test_builds_of_one_day_exclude_each_other_those_of_others_and_the_writer_do_not(where: Paths) -> None:
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(where, date(2022, 1, 31), held, release))
    other.start()
    try:
        assert held.wait(30)
        with only_builder_of(where, date(2022, 2, 28), 0), only_writer(where, 0):
            pass
        with (
            pytest.raises(BusyError, match="Another run is still building as of 2022-01-31; gave up after 0 s"),
            only_builder_of(where, date(2022, 1, 31), 0),
        ):
            pass
        release.set()
        with only_builder_of(where, date(2022, 1, 31), 30):
            pass
    finally:
        release.set()
        other.join()


@pytest.fixture
def backfill(on_server: str, where: Paths) -> Callable[..., Any]:
    """Run the flow; returns its final state."""

    def run_flow(first: str, last: str, **parameters: Any) -> Any:
        days = {"first": date.fromisoformat(first), "last": date.fromisoformat(last)}
        return flow.backfill(**days, **parameters, return_state=True)

    return run_flow


def casualties(file: Path) -> int:
    with duckdb.connect(str(file), read_only=True) as connection:
        return int(connection.execute("SELECT count(*) FROM fatalities").fetchall()[0][0])


def outcomes(state: Any) -> list[tuple[str, str]]:
    days: list[DayResult] = state.result()
    return [(str(day.day), day.outcome) for day in days]


@pytest.mark.server
@pytest.mark.slow
def test_each_period_gets_the_warehouse_of_what_had_been_published_by_its_end(backfill: Any, where: Paths) -> None:
    state = backfill("2013-12-31", "2014-12-31", every="year")
    assert state.is_completed(), state.message
    assert outcomes(state) == [("2013-12-31", "before the first vintage"), ("2014-12-31", "built")]
    assert "1 before the first vintage" in state.message
    years = [f"{year}-12-31" for year in range(2021, 2026)]
    assert outcomes(backfill(years[0], years[-1], every="year")) == [(day, "built") for day in years]
    folder = where.data / "as_of"
    assert sorted(file.name for file in folder.iterdir() if not file.name.startswith(".")) == [
        f"{day}.duckdb" for day in ("2014-12-31", *years)
    ]
    assert casualties(folder / "2022-12-31.duckdb") == 4111  # the vintage of 2021-06-30
    assert casualties(folder / "2025-12-31.duckdb") == 4423  # that of 2025-04-04
    assert not where.warehouse.exists() and not list(folder.glob(".*.work"))

    # A warehouse that is up to date is left alone; one that is missing or of other code is built.
    written = {file: file.stat().st_mtime_ns for file in folder.glob("*.duckdb")}
    (folder / "2025-12-31.duckdb").unlink()
    with duckdb.connect(str(folder / "2022-12-31.duckdb")) as connection:
        connection.execute("UPDATE meta.builds SET build_id = 'of other code'")
    again = backfill("2021-12-31", "2025-12-31", every="year")
    assert outcomes(again) == [
        ("2021-12-31", "up to date"), ("2022-12-31", "built"), ("2023-12-31", "up to date"), ("2024-12-31", "up to date"),
        ("2025-12-31", "built"),
    ]  # fmt: skip
    assert again.message == "as of 5 days: 2 built, 3 up to date"
    kept = {file for file, at in written.items() if file.exists() and file.stat().st_mtime_ns == at}
    assert {"2021-12-31.duckdb", "2023-12-31.duckdb"} <= {file.name for file in kept}

    # By months; a refresh that holds the writer's lock meanwhile holds nothing up.
    with only_writer(where):
        month = backfill("2022-01-15", "2022-01-31", wait_seconds=120)
    assert outcomes(month) == [("2022-01-31", "built")]
    assert casualties(folder / "2022-01-31.duckdb") == 4111


@pytest.mark.server
@pytest.mark.slow
def test_one_day_that_fails_does_not_keep_the_others_from_being_built(
    backfill: Any, where: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = build.check

    def failing(built: Any) -> Any:
        if ".2022-01-31.work" in str(built.file):
            raise OSError(28, "No space left on device", str(built.file))
        return real(built)

    monkeypatch.setattr(build, "check", failing)
    state = backfill("2022-01-31", "2022-02-28")
    assert state.is_failed()
    assert state.message.startswith("as of 2 days: 1 built, 1 failed; as of 2022-01-31: No space left on device")
    assert [file.name for file in (where.data / "as_of").glob("*.duckdb")] == ["2022-02-28.duckdb"]
    assert not list((where.data / "as_of").glob(".*.work"))


@pytest.mark.server
def test_an_expected_error_ends_in_a_failed_state_with_a_sentence(
    backfill: Any, where: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    for first, last in (("2022-02-01", "2022-01-01"), ("2022-01-01", tomorrow)):
        state = backfill(first, last)
        assert state.is_failed() and state.message.startswith("first and last are days up to today"), state.message
    state = backfill("2022-01-01", "2022-01-30")
    assert state.message == "No month ends from 2022-01-01 to 2022-01-30. Nothing was built."
    state = backfill("1900-01-01", "1900-03-31")
    assert state.is_failed() and state.message.startswith("No snapshot in the archive had been published by 1900-03-31")
    monkeypatch.setenv("PEACEKEEPING_TASK_RUNNER", "ray")
    state = backfill("2022-01-31", "2022-01-31")
    assert state.is_failed() and state.message == "PEACEKEEPING_TASK_RUNNER is one of threads, dask; got 'ray'."
    assert not list((where.data / "as_of").glob("*.duckdb"))
