"""The monthly reports are read by a task each, and staging finds them in the cache."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from prefect import flow
from report_pdfs import LAYOUTS, Figures, report
from server_api import task_runs
from tests_shared import CATALOGUE

from flows.reports import read_reports
from flows.steps.settings import Paths
from flows.steps.staging_cache import StagingCache
from sources.archive import Archive, Snapshot, sha256_of

SOURCE = CATALOGUE["uniformed_personnel"]


def archived(where: Paths, file: Path, day: date, payload: bytes) -> Snapshot:
    file.write_bytes(payload)
    snapshot = Snapshot(
        source=SOURCE.name, sha256=sha256_of(file), bytes=len(payload), vintage=day.isoformat(),
        vintage_basis="date of the report", origin="loaded", url=file.name, retrieved_at="2025-10-01T00:00:00+00:00",
        dialect="monthly-report-pdf",
    )  # fmt: skip
    Archive(where.raw).add(file, snapshot)
    return snapshot


def test_each_report_that_is_not_cached_is_read_by_a_task_of_its_own(
    where: Paths, on_server: str, tmp_path: Path
) -> None:
    snapshots = []
    for day, men in ((date(2025, 8, 31), 5), (date(2025, 9, 30), 7)):
        payload = report(LAYOUTS["S"], [Figures("UNMISS", "Ghana", "Troops", men, 1)], day)
        snapshots.append(archived(where, tmp_path / f"{day}.pdf", day, payload))
    damaged = archived(where, tmp_path / "damaged.pdf", date(2025, 10, 31), payload[:-300])

    @flow
    def reading() -> None:
        read_reports(CATALOGUE, {SOURCE.name: [*snapshots, damaged]}, where)

    run_id = reading(return_state=True).state_details.flow_run_id
    cache = StagingCache(where.staged)
    assert [cache.has(snapshot) for snapshot in (*snapshots, damaged)] == [True, True, False]
    rows = cache.staged(Archive(where.raw), SOURCE, snapshots[1]).rows
    assert rows[["male", "female", "total"]].to_numpy().tolist() == [[7, 1, 8]]
    states = [(task["name"], task["state_type"]) for task in task_runs(on_server, str(run_id), ended=3)]
    assert sorted(states) == [
        ("read report of 2025-08-31", "COMPLETED"),
        ("read report of 2025-09-30", "COMPLETED"),
        ("read report of 2025-10-31", "FAILED"),
    ]
