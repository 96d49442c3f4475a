"""Fetching the monthly reports that the publisher links on its page, from the replica on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from replica import REPORTS_FOLDER, REPORTS_PAGE, Replica
from report_pdfs import LAYOUTS, Figures, report
from tests_shared import CATALOGUE

from flows.steps import fetch
from flows.steps.fetch_reports import FetchedReports, fetch_reports
from flows.steps.staging_cache import StagingCache
from sources.archive import Archive
from sources.errors import Unreachable

SOURCE = CATALOGUE["uniformed_personnel"]
JULY = f"{REPORTS_FOLDER}04_mission_and_country_july_2025.pdf"


@pytest.fixture(scope="module")
def served() -> Iterator[Replica]:
    with Replica({}) as replica:
        yield replica


@pytest.fixture
def replica(served: Replica, monkeypatch: pytest.MonkeyPatch) -> Replica:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("PEACEKEEPING_REPORTS_URL", served.reports_url)
    monkeypatch.setenv("PEACEKEEPING_PSDATA_URL", "http://127.0.0.1:9")
    served.requests.clear()
    return served


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    archive = Archive(tmp_path / "raw")
    fetch.ensure_bundled(archive, {SOURCE.name: SOURCE})
    (tmp_path / "work").mkdir()
    return archive


def fetched(archive: Archive, known: dict[str, Any] | None = None) -> FetchedReports:
    work = archive.root.with_name("work")
    done = fetch_reports(archive, StagingCache(archive.root.with_name("staged")), SOURCE, work, known or {})
    assert list(work.iterdir()) == []
    return done


def test_a_new_report_is_archived_once_and_then_requested_conditionally(replica: Replica, archive: Archive) -> None:
    first = fetched(archive)
    assert first.messages == ["Fetched the report to 2025-07-31: 871 rows (monthly-report-pdf)."]
    assert first.warnings == []
    newest = archive.snapshots(SOURCE.name)[-1]
    assert (newest.origin, newest.vintage, newest.dialect) == ("fetched", "2025-07-31", "monthly-report-pdf")
    assert newest.url == replica.url + JULY
    again = fetched(archive, first.replies)
    assert (again.messages, again.warnings, again.replies) == ([], [], first.replies)
    statuses = [(request.path, request.status) for request in replica.requests]
    assert statuses == [(REPORTS_PAGE, 200), (JULY, 200), (REPORTS_PAGE, 200), (JULY, 304)]


def test_the_report_stays_where_the_data_hub_cannot_be_reached(replica: Replica, archive: Archive) -> None:
    cache, work = StagingCache(archive.root.with_name("staged")), archive.root.with_name("work")
    for _ in range(2):
        with pytest.raises(Unreachable) as error:
            fetch.fetch(archive, cache, SOURCE, work)
        fetch.fall_back(archive, SOURCE, "unreachable", str(error.value))
    assert archive.snapshots(SOURCE.name)[-1].dialect == "monthly-report-pdf"
    assert [request.status for request in replica.requests if request.path == JULY] == [200, 304]


def test_a_report_that_is_refused_is_a_warning_and_kept_apart(replica: Replica, archive: Archive) -> None:
    rows = [Figures("UNMISS", "Congo", "Troops", 5, 1)]
    replica.put_report("04_mission_and_country_august_2025.pdf", report(LAYOUTS["S"], rows, date(2025, 8, 31)))
    replica.put_report("04-cut-off.pdf", b"%PDF-1.4 cut")
    done = fetched(archive, {replica.url + JULY: "damaged"})
    assert len(done.messages) == 1  # July's
    cut_off, short = done.warnings
    assert cut_off.startswith(
        f"The report {replica.url}{REPORTS_FOLDER}04-cut-off.pdf was not archived: The PDF is cut off"
    )
    assert "august_2025.pdf was not archived: [rows] " in short
    assert len(list((archive.root / "refused" / SOURCE.name).glob("*.json"))) == 2


def test_a_page_without_reports_or_out_of_reach_is_a_warning(
    replica: Replica, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEACEKEEPING_REPORTS_URL", f"{replica.url}/nowhere")
    (warning,) = fetched(archive).warnings
    assert "answered 404" in warning and warning.startswith("The page of the monthly reports can't be read: ")
    monkeypatch.setenv("PEACEKEEPING_REPORTS_URL", "http://127.0.0.1:9")
    (warning,) = fetched(archive).warnings
    assert warning == "The page of the monthly reports can't be read: 127.0.0.1 can't be reached: Connection refused."
