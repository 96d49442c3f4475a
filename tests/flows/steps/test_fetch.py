"""What gets into the archive, under which date, and what is kept out with its reason."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from tests_shared import CATALOGUE, load_bytes, to_csv, to_json

from flows.steps import fetch
from flows.steps.ingest import ArchivedFile, PublicationDates
from flows.steps.staging_cache import StagingCache
from sources import bundle, clock
from sources.archive import Archive
from sources.errors import Refused, Unreachable

TODAY = datetime.now(UTC).date().isoformat()
TODAY_MS = int(datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()) * 1000
FATALITIES = CATALOGUE["fatalities"]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "raw")


def casualties(count: int = 4100, **changes: object) -> list[dict[str, object]]:
    """Rows of the API, as many as the source's envelope requires."""
    row = {
        "incident_date": 1547942400000, "mission_acronym": "MINUSMA", "gender": "M", "casualty_nationality": "Chad",
        "casualty_personnel_type": "Military", "type_of_incident": "Malicious Act",
    }  # fmt: skip
    return [{"casualty_id": f"MINUSMA-2019-01-{n:05d}", **row, **changes} for n in range(count)]


NO_DATES = PublicationDates()


def admitted(
    archive: Archive, payload: bytes, stated: PublicationDates = NO_DATES, source: str = "fatalities"
) -> ArchivedFile:
    return load_bytes(archive.root, source, payload, stated)


@pytest.mark.parametrize(
    ("rows", "dates", "vintage", "basis"),
    [
        ({"last_update": 1561852800000}, {"by_metadata": "2020-01-01"}, "2019-06-30", "last_update of the rows"),
        ({}, {"by_hand": "2019-06-30", "by_metadata": "2020-01-01"}, "2019-06-30", "stated"),
        ({}, {"by_metadata": "2019-12-10", "last_modified": "2019-01-30"}, "2019-12-10", "the publisher's metadata"),
        ({}, {"last_modified": "2019-02-01"}, "2019-02-01", "Last-Modified"),
        ({}, {"by_metadata": "2099-01-01", "last_modified": "2019-02-01"}, "2019-02-01", "Last-Modified"),
        ({"incident_date": TODAY_MS}, {}, TODAY, "day of retrieval"),
        ({}, {"served_on": "2019-03-01"}, "2019-03-01", "day of retrieval"),
    ],
)
def test_the_vintage_is_the_rows_own_date_then_a_date_of_the_file_then_today(
    archive: Archive, rows: dict[str, object], dates: dict[str, str], vintage: str, basis: str
) -> None:
    archived = admitted(archive, to_json(casualties(**rows)), PublicationDates(**dates))
    assert (archived.record.vintage, archived.record.vintage_basis, archived.new) == (vintage, basis, True)
    assert archive.snapshots("fatalities") == [archived.record]


@pytest.mark.parametrize(
    ("rows", "by_hand", "message"),
    [
        (
            {"last_update": 1743724800000},
            "2021-06-30",
            "last updated on 2025-04-04, which is not the stated 2021-06-30",
        ),
        ({"last_update": 4070908800000}, None, "lies in the future"),
        ({}, None, r"more than 400 days before its publication.*say --vintage DATE"),
        ({"incident_date": 1547942400}, "2019-06-30", r"got '1547942400' \(as milliseconds it is not midnight in UTC"),
        ({"count": 12}, "2019-06-30", r"has 12 rows of fatalities, expected 4,000 or more.*It is kept in"),
    ],
)
def test_a_wrong_file_is_refused_and_kept_apart(
    archive: Archive, rows: dict[str, Any], by_hand: str | None, message: str
) -> None:
    with pytest.raises(Refused, match=message):
        admitted(archive, to_json(casualties(**rows)), PublicationDates(by_hand=by_hand))
    assert archive.snapshots("fatalities") == []
    (note,) = (archive.root / "refused" / "fatalities").glob("*.json")
    assert re.search(message.partition(".*It is kept")[0], json.loads(note.read_text())["why"])


def test_a_year_cut_off_in_the_middle_is_refused(archive: Archive) -> None:
    row = {"entity": "UN-DPO", "rev_type": "Assessed Contributions", "calendar_year": 2024, "amount": 5}
    rows = [{"government_donor": name, **row} for name in ("Chad", "Mali", "Niger")]
    with pytest.raises(Refused, match="expected 180 or more"):
        admitted(archive, to_csv(rows), source="assessed_contributions")


def test_the_same_file_twice_is_one_snapshot(archive: Archive) -> None:
    payload = to_json(casualties())
    first = admitted(archive, payload, PublicationDates(last_modified="2019-02-01")).record
    again = admitted(archive, payload, PublicationDates(last_modified="2019-03-01"))
    assert (again.record, again.new) == (first, False) and archive.snapshots("fatalities") == [first]
    with pytest.raises(Refused, match="in the archive already, as the vintage 2019-02-01"):
        admitted(archive, payload, PublicationDates(by_hand="2019-06-30"))


def test_a_stated_vintage_takes_the_place_of_the_day_it_was_loaded(archive: Archive) -> None:
    payload = to_json(casualties(incident_date=TODAY_MS - 86_400_000 * 30))
    admitted(archive, payload)
    again = admitted(archive, payload, PublicationDates(by_hand=TODAY))
    assert again.new is False and again.record.vintage == TODAY  # the same day: nothing to put right
    week = datetime.fromtimestamp(TODAY_MS / 1000 - 7 * 86_400, UTC).date().isoformat()
    assert admitted(archive, payload, PublicationDates(by_hand=week)).new is True
    assert [snapshot.vintage for snapshot in archive.snapshots("fatalities")] == [week]


def test_bundled_snapshots_start_the_history_once(archive: Archive) -> None:
    fetch.ensure_bundled(archive, CATALOGUE)
    fetch.ensure_bundled(archive, CATALOGUE)
    live = [name for name, source in CATALOGUE.items() if source.live]
    vintages = {name: [snapshot.vintage for snapshot in archive.snapshots(name)] for name in live}
    assert vintages == {
        "assessed_contributions": ["2024-12-31"],
        "fatalities": ["2021-06-30", "2025-04-04"],
        "government_revenue": ["2024-12-31"],
        "mission_budget_lines": ["2026-11-27"],
        "missions": ["2024-02-19"],
        "publisher_codebook": [],
        "scale_of_assessments": ["2024-12-31"],
        "uniformed_personnel": ["2014-08-31", "2025-07-31"],
    }
    compiled = [snapshot for name in CATALOGUE if name not in live for snapshot in archive.snapshots(name)]
    assert len(compiled) == 17
    assert {snapshot.vintage for snapshot in compiled} == {"2014-03-31", "2025-08-19", "2026-11-24"}
    assert {s.origin for name in CATALOGUE for s in archive.snapshots(name)} == {"bundled"}


def test_a_server_whose_day_is_later_shows_that_the_clock_is_behind(
    archive: Archive, tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEACEKEEPING_PSDATA_URL", httpserver.url_for("/public/"))
    httpserver.expect_request("/public/data/DPPADPOSS-FATALITIES/json").respond_with_data(
        to_json(casualties()), content_type="application/json"
    )
    httpserver.expect_request("/public/metadata/DPPADPOSS-FATALITIES").respond_with_json([])
    monkeypatch.setattr(clock, "now", lambda: datetime(2019, 5, 1, tzinfo=UTC))
    why = f"server says that it is {TODAY}; this machine's clock says 2019-05-01.*It is kept in"
    with pytest.raises(Refused, match=why):
        fetch.fetch(archive, StagingCache(tmp_path / "staged"), FATALITIES, tmp_path)
    assert archive.snapshots("fatalities") == []


def test_fetching_archives_the_exact_bytes_and_an_unchanged_reply_makes_no_new_vintage(
    archive: Archive, tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEACEKEEPING_PSDATA_URL", httpserver.url_for("/public/"))
    payload = to_json(casualties())
    httpserver.expect_request("/public/data/DPPADPOSS-FATALITIES/json").respond_with_data(
        payload, content_type="application/json"
    )
    httpserver.expect_request("/public/metadata/DPPADPOSS-FATALITIES").respond_with_json(
        [{"Last Update Date": "2019-12-10"}]
    )
    first = fetch.fetch(archive, StagingCache(tmp_path / "staged"), FATALITIES, tmp_path)
    assert (first.outcome, first.vintage) == ("fetched", "2019-12-10")
    (snapshot,) = archive.snapshots("fatalities")
    assert archive.require_whole(snapshot).read_bytes() == payload and snapshot.url.endswith(
        "/public/data/DPPADPOSS-FATALITIES/json"
    )
    again = fetch.fetch(archive, StagingCache(tmp_path / "staged"), FATALITIES, tmp_path)
    assert again.outcome == "unchanged" and "Unchanged since the vintage 2019-12-10" in again.message
    assert archive.last_check("fatalities")["outcome"] == "unchanged"  # type: ignore[index]


def test_a_publisher_that_goes_back_to_an_older_vintage_is_reported_and_replaces_nothing(
    archive: Archive, tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEACEKEEPING_PSDATA_URL", httpserver.url_for("/public/"))
    results = []
    for day in (1561852800000, 1577836800000, 1561852800000):  # 2019-06-30, 2020-01-01
        httpserver.clear()
        httpserver.expect_request("/public/data/DPPADPOSS-FATALITIES/json").respond_with_data(
            to_json(casualties(last_update=day)), content_type="application/json"
        )
        httpserver.expect_request("/public/metadata/DPPADPOSS-FATALITIES").respond_with_json([])
        results.append(fetch.fetch(archive, StagingCache(tmp_path / "staged"), FATALITIES, tmp_path))
    assert [result.outcome for result in results] == ["fetched", "fetched", "unchanged"]
    assert results[1].warnings == [] and "vintage 2019-06-30 again, byte for byte" in results[2].warnings[0]
    assert [snapshot.vintage for snapshot in archive.snapshots("fatalities")] == ["2019-06-30", "2020-01-01"]


def test_a_web_page_instead_of_data_is_refused_and_kept_apart(
    archive: Archive, tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEACEKEEPING_PSDATA_URL", httpserver.url_for(""))
    httpserver.expect_request("/data/DPPADPOSS-FATALITIES/json").respond_with_data(
        "<!doctype html><html>Service moved", content_type="text/html"
    )
    with pytest.raises(Refused, match="HTML page"):
        fetch.fetch(archive, StagingCache(tmp_path / "staged"), FATALITIES, tmp_path)
    assert archive.snapshots("fatalities") == [] and list((archive.root / "refused").rglob("*.json"))


def test_falling_back_names_the_vintage_and_the_reason(archive: Archive) -> None:
    fetch.ensure_bundled(archive, CATALOGUE)
    result = fetch.fall_back(archive, FATALITIES, "unreachable", str(Unreachable("No network.")))
    assert result.message == "No network. Kept the bundled snapshot of 2025-04-04."
    assert archive.last_check("fatalities")["message"] == result.message  # type: ignore[index]


def test_the_manifest_names_an_origin_for_every_figure() -> None:
    assert all(entry["origin"] and entry["vintage"] and entry["sha256"] for entry in bundle.manifest())
