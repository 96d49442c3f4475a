"""Wrong files that can be parsed, given to `peacekeeping load`: refused with the reason, or read correctly.

The figures are those of the bundled files: 61,127 uniformed personnel in July 2025, 6,039 of them of Nepal; 6,296 million
dollars assessed for 2023-24; 4,273 casualties with a known gender.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import Result
from pytest_httpserver import HTTPServer
from tests_shared import CATALOGUE, bundled_rows, to_csv, to_json

from flows.cli import doctor, verify
from flows.steps import fetch, staging
from flows.steps.as_of import choose_snapshots, future_vintages, require_clock
from flows.steps.settings import Paths
from flows.steps.staging_cache import StagingCache
from sources import bundle, clock
from sources.archive import Archive
from sources.errors import ArchiveError, Refused, Unavailable

Rows = list[dict[str, Any]]
Load = Callable[..., Result]
FATALITIES, CONTRIBUTIONS = "fatalities_2025-04.csv.gz", "assessed_contributions_2013-2024.csv.gz"
COUNTS = ("male", "female", "total")


def year_2024() -> Rows:
    return [row for row in bundled_rows(CONTRIBUTIONS) if row["calendar_year"] == "2024"]


# Columns that a form does not have


def portal_form(rows: Rows) -> bytes:
    """Casualties in the form of the portal of 2021, which prints no gender."""
    names = {
        "Casualty_ID": "casualty_id", "Incident_Date": "incident_date", "Mission_Acronym": "mission_acronym",
        "Casualty_Nationality": "casualty_nationality", "M49_Code": "m49_code", "ISOCode3": "isocode3",
        "Casualty_Personnel_Type": "casualty_personnel_type", "Type_Of_Incident": "type_of_incident",
    }  # fmt: skip
    return to_csv([{"Type_of_Casualty": "Fatality", **{n: row[o] for n, o in names.items()}} for row in rows])


def fatality_tables(data: Path) -> tuple[pd.DataFrame, dict[str, int]]:
    """The fatalities as a build would have them, and how many revisions each field has."""
    archive, source = Archive(data / "raw"), CATALOGUE["fatalities"]
    snapshots = archive.snapshots("fatalities")
    staging.stage_source(archive, StagingCache(data / "staged"), source, snapshots, data / "tables")
    revisions = pd.read_parquet(data / "tables" / "main.fatality_revisions.parquet")
    return pd.read_parquet(data / "tables" / "main.fatalities.parquet"), revisions["field"].value_counts().to_dict()


def test_a_newer_vintage_without_gender_keeps_all_known_genders(load: Load, tmp_path: Path) -> None:
    result = load("fatalities", portal_form(bundled_rows(FATALITIES)), "--vintage", "2025-05-01", data=tmp_path)
    assert (result.exit_code, "warning" in result.stderr) == (0, False), result.stderr
    fatalities, revised = fatality_tables(tmp_path)
    assert fatalities["gender"].notna().sum() == 4273
    assert revised == {"incident_type": 95, "incident_date": 1}


@pytest.mark.real
def test_the_portal_s_file_of_2021_makes_no_revision_of_gender(
    load: Load, tmp_path: Path, published_vintages: Path
) -> None:
    payload = (published_vintages / "fatalities/odp_noticas_2021-06.csv").read_bytes()
    assert load("fatalities", payload, "--vintage", "2021-06-30", data=tmp_path).exit_code == 0
    assert fatality_tables(tmp_path)[1] == {"incident_type": 95, "incident_date": 1}


# Numbers as people and spreadsheets write them, and units


def test_grouped_thousands_are_read_and_points_as_groups_are_refused(load: Load, month: Rows) -> None:
    for mark in (",", " ", "\u00a0", "\u202f"):
        grouped = [{**row, **{name: f"{int(row[name]):,}".replace(",", mark) for name in COUNTS}} for row in month]
        done = load("uniformed_personnel", grouped, "--vintage", "2025-08-01", "--json")
        report = json.loads(done.stdout)
        assert (done.exit_code, report["rejected"], report["changes"], report["warnings"]) == (0, 0, [], [])
    pointed = [{**row, **{name: f"{int(row[name]):,}".replace(",", ".") for name in COUNTS}} for row in month]
    refused = load("uniformed_personnel", pointed, "--vintage", "2025-08-01")
    assert refused.exit_code == 1 and "2025-07-31 would lack about" in refused.stderr
    assert "three decimals: the point may group thousands" in refused.stderr


def test_dollars_with_three_decimals_are_refused_with_the_reason(load: Load) -> None:
    rows = year_2024()
    assessed = [row for row in rows if row["rev_type"].lower() == "assessed contributions"]
    assessed[40]["amount"] = "133.036"
    result = load("assessed_contributions", rows, "--vintage", "2025-06-30")
    assert result.exit_code == 1 and "got '133.036' (three decimals" in result.stderr


def test_a_year_in_another_unit_is_refused_and_the_right_one_ingested(folder: Any) -> None:
    before = [row for row in bundled_rows(CONTRIBUTIONS) if row["calendar_year"] < "2024"]
    folder.ingest("assessed_contributions", before, "2023-12-31")
    for divisor, reasons in (
        (1_000_000, ("times less", "not above")),
        (1_000, ("times less",)),
        (0.001, ("1e+03 times", "up to 4,000,000,000")),
    ):
        scaled = [{**row, "amount": f"{float(row['amount']) / divisor:.2f}"} for row in year_2024()]
        with pytest.raises(Refused, match=r"next_period\.amount_usd|amount_usd: expected an amount") as caught:
            folder.ingest("assessed_contributions", scaled, "2024-12-31")
        assert any(reason in str(caught.value) for reason in reasons)
    right = folder.ingest("assessed_contributions", year_2024(), "2024-12-31")
    assert (right.warnings, len(right.staged.rows)) == ([], 193)
    assert right.staged.rows["amount_usd"].sum() == 6_296_372_833


def test_a_blank_sex_beside_a_total_is_the_rest_of_the_total(load: Load, month: Rows) -> None:
    blank = [{**row, "male": ""} if place == 5 else row for place, row in enumerate(month)]
    report = json.loads(load("uniformed_personnel", blank, "--vintage", "2025-08-15", "--json").stdout)
    assert (report["rejected"], report["changes"], report["warnings"]) == (0, [], [])


# Settled values, dates, codes and names


def test_causes_sorted_by_themselves_are_refused(load: Load) -> None:
    rows = bundled_rows(FATALITIES)
    right = {row["casualty_id"]: row["type_of_incident"].strip() for row in rows}
    for row, cause in zip(rows, sorted(row["type_of_incident"] for row in rows), strict=True):
        row["type_of_incident"] = cause
    wrong = {row["casualty_id"]: row["type_of_incident"].strip() for row in reversed(rows)}
    changed = sum(right[casualty] != cause for casualty, cause in wrong.items())
    result = load("fatalities", rows, "--vintage", "2025-05-01")
    assert result.exit_code == 1 and "settled ones" in result.stderr
    assert f"[revised.incident_type] incident_type: {changed:,} of 4,423 values" in result.stderr


def test_a_zero_and_a_time_of_day_are_no_dates_in_csv_and_json(load: Load) -> None:
    rows = bundled_rows(FATALITIES)
    rows[10]["incident_date"], rows[20]["incident_date"] = "0", "1547938800000"
    as_json = copy.deepcopy(rows)
    as_json[10]["incident_date"], as_json[20]["incident_date"] = 0, 1547938800000  # type: ignore[assignment]
    for payload in (to_csv(rows), to_json(as_json)):
        report = json.loads(load("fatalities", payload, "--vintage", "2025-05-01", "--json").stdout)
        assert (report["rejected"], report["incomplete_periods"][0]["rows_rejected"]) == (2, 2)


def test_nationalities_that_are_blank_keep_their_state_by_the_code(load: Load) -> None:
    rows = bundled_rows(FATALITIES)
    for row in rows:
        row["casualty_nationality"] = "" if row["isocode3"] == "NAM" else row["casualty_nationality"]
    result = load("fatalities", rows, "--vintage", "2025-05-01")
    assert result.exit_code == 0
    assert "code for blank name: NAM (16 rows)" in result.stderr and "warning" not in result.stderr


def test_a_word_that_is_nearly_in_scope_is_a_misprint_and_drops_no_row(load: Load) -> None:
    rows = bundled_rows(CONTRIBUTIONS)
    rows[-1]["entity"] = "UN DPO"
    assert load("assessed_contributions", rows, "--vintage", "2025-06-30").exit_code == 0
    assessed = [row for row in rows if row["rev_type"].lower() == "assessed contributions"]
    assessed[3]["rev_type"] = "Asessed contributions"
    result = load("assessed_contributions", rows, "--vintage", "2025-06-30")
    assert result.exit_code == 1 and "'Asessed contributions', which is nearly that" in result.stderr


# The clock


def test_a_vintage_in_the_future_is_not_the_newest_and_is_reported(tmp_path: Path) -> None:
    where = Paths(tmp_path)
    archive, only = Archive(where.raw), {"fatalities": CATALOGUE["fatalities"]}
    fetch.ensure_bundled(archive, only)
    newest = archive.snapshots("fatalities")[-1]
    archive.restate(type(newest)(**{**vars(newest), "vintage": "2130-01-01", "retrieved_at": "2130-01-01T00:00:00"}))
    assert [snapshot.vintage for snapshot in choose_snapshots(archive, only)["fatalities"]] == ["2021-06-30"]
    (warning,) = future_vintages(archive, only)
    assert "fatalities" in warning and "2130-01-01, which lies in the future" in warning
    assert any("lies in the future" in damage for damage in verify.verify_folder(where).damages)
    findings = {finding.what: finding for finding in doctor.examine(where)}
    assert findings["clock"].state == "warn" and "retrieved on 2130-01-01" in findings["clock"].found
    assert findings["archive"].state == "bad"


def test_a_file_that_was_loaded_while_the_clock_was_wrong_gets_its_date_when_it_comes_again(folder: Any) -> None:
    record = folder.ingest("fatalities", bundled_rows(FATALITIES), "2025-04-04").record
    folder.archive.restate(type(record)(**{**vars(record), "vintage": "2130-01-01"}))
    again = folder.ingest("fatalities", bundled_rows(FATALITIES), "2025-04-04")
    assert (again.new, again.record.vintage) == (True, "2025-04-04")
    assert [snapshot.vintage for snapshot in folder.archive.snapshots("fatalities")] == ["2025-04-04"]


def test_a_file_with_a_date_in_the_future_names_the_clock(folder: Any) -> None:
    rows = [{**row, "last_update": "2130-01-01"} for row in bundled_rows(FATALITIES)]
    with pytest.raises(Refused, match=r"2130-01-01, lies in the future; this machine's clock says \d{4}"):
        folder.ingest("fatalities", rows, None)


def test_a_clock_that_is_behind_does_not_publish_older_figures(
    built_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = Paths(built_folder / "data")
    archive = Archive(where.raw)
    require_clock(archive, CATALOGUE, where.warehouse)
    monkeypatch.setattr(clock, "now", lambda: datetime(2024, 5, 1, tzinfo=UTC))
    with pytest.raises(ArchiveError, match=r"clock says 2024-05-01 .*published warehouse has the .* Nothing was built"):
        require_clock(archive, CATALOGUE, where.warehouse)
    require_clock(archive, CATALOGUE, where.target(date(2024, 1, 1)))  # where nothing is published, nothing is lost


# Right files


@pytest.mark.slow
def test_every_bundled_vintage_is_ingested_without_a_warning(folder: Any) -> None:
    for entry in [entry for entry in bundle.manifest() if entry["role"] == "snapshot"]:
        done = folder.ingest(entry["source"], bundled_rows(entry["file"]), entry["vintage"])
        assert done.warnings == [], entry["file"]


def test_a_fetched_csv_that_is_cut_off_in_its_last_row_can_be_fetched_again(
    folder: Any, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEACEKEEPING_CEB_URL", httpserver.url_for("/"))
    payload = to_csv(bundled_rows(CONTRIBUTIONS))
    cut = payload[: payload.rindex(b",")]
    httpserver.expect_request("/revenue_government_donors.csv").respond_with_data(cut, content_type="text/csv")
    with pytest.raises(Unavailable, match="The reply was cut off: The file is cut off"):
        fetch.fetch(folder.archive, folder.cache, CATALOGUE["assessed_contributions"], folder.root)
    assert folder.archive.snapshots("assessed_contributions") == []
