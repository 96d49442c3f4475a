"""Files that parse and are wrong: what `peacekeeping load` says of them. Nothing of them is archived unless it is said.

The figures are those of the bundled files: 61,127 uniformed personnel in July 2025, 6,039 of them of Nepal; 6,296 million
dollars assessed for 2023-24; 4,273 casualties with a known gender.
"""

from __future__ import annotations

import copy
import gzip
import json
import os
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pytest_httpserver import HTTPServer
from tests_shared import CATALOGUE, read_csv, to_csv, to_json

from flows.cli.main import app
from flows.steps import fetch, staging
from flows.steps.as_of import choose_snapshots, future_vintages
from flows.steps.ingest import FETCHED, LOADED, InputFile, PublicationDates, ingest
from flows.steps.settings import Paths
from flows.steps.staging_cache import StagingCache
from sources import bundle
from sources.archive import Archive
from sources.errors import Refused, Unavailable

Rows = list[dict[str, Any]]
Load = Callable[..., Result]
TEST_DATA = os.environ.get("PEACEKEEPING_TEST_DATA")


def bundled(name: str) -> Rows:
    return [dict(row) for row in read_csv(bundle.BUNDLED / name)]


@pytest.fixture(scope="module")
def month() -> Rows:
    """July 2025 as printed."""
    rows = bundled("uniformed_personnel_2015-01_2025-07.csv.gz")
    return [row for row in rows if row["month_end"] == "2025-07-31"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the bundled snapshots, staged once; only read."""
    where = Paths(tmp_path_factory.mktemp("shared") / "data")
    archive = Archive(where.raw)
    fetch.ensure_bundled(archive, CATALOGUE)
    return where.data


@pytest.fixture
def load(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Run `peacekeeping load SOURCE` with a file of those bytes; a dry run on the shared folder unless it is said."""

    def run(source: str, payload: bytes, *options: str, data: Path = shared) -> Result:
        file = tmp_path / "file"
        file.write_bytes(payload)
        monkeypatch.setenv("PEACEKEEPING_DATA", str(data))
        dry = ["--dry-run"] if data == shared else []
        result = CliRunner().invoke(app, ["load", source, str(file), *options, *dry])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


def held(folder: Path, source: str, rows: Rows, vintage: str) -> tuple[Archive, StagingCache]:
    """An archive that has those rows as a vintage."""
    archive, cache = Archive(folder / "raw"), StagingCache(folder / "staged")
    offer(archive, cache, source, rows, vintage)
    return archive, cache


def offer(
    archive: Archive, cache: StagingCache, source: str, rows: Rows, vintage: str, origin: str = LOADED, **accepted: str
) -> Any:
    """Ingest rows as a file of a source."""
    file = archive.root.parent / "offered.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(to_csv(rows))
    return ingest(
        archive, cache, InputFile(CATALOGUE[source], file, origin, "file", PublicationDates(vintage), accepted)
    )


# 1: a column that a form does not print is unknown, never blank


def portal_form(rows: Rows) -> bytes:
    """Casualties in the form of the portal of 2021, which prints no gender."""
    names = {
        "Casualty_ID": "casualty_id", "Incident_Date": "incident_date", "Mission_Acronym": "mission_acronym",
        "Casualty_Nationality": "casualty_nationality", "M49_Code": "m49_code", "ISOCode3": "isocode3",
        "Casualty_Personnel_Type": "casualty_personnel_type", "Type_Of_Incident": "type_of_incident",
    }  # fmt: skip
    return to_csv([{"Type_of_Casualty": "Fatality", **{n: row[o] for n, o in names.items()}} for row in rows])


def fatality_tables(data: Path) -> dict[str, Any]:
    """The fatalities' tables as a build would have them."""
    source = CATALOGUE["fatalities"]
    archive, cache = Archive(data / "raw"), StagingCache(data / "staged")
    folder = data / "tables"
    staging.stage_source(archive, cache, source, archive.snapshots("fatalities"), folder)
    import pandas as pd

    return {file.stem: pd.read_parquet(file) for file in folder.glob("main.*.parquet")}


def test_a_newer_vintage_without_gender_keeps_all_known_genders(load: Load, tmp_path: Path) -> None:
    newer = portal_form(bundled("fatalities_2025-04.csv.gz"))
    result = load("fatalities", newer, "--vintage", "2025-05-01", data=tmp_path)
    assert (result.exit_code, "warning" in result.stderr) == (0, False), result.stderr
    tables = fatality_tables(tmp_path)
    assert tables["main.fatalities"]["gender"].notna().sum() == 4273
    revised = tables["main.fatality_revisions"]["field"].value_counts().to_dict()
    assert revised == {"incident_type": 95, "incident_date": 1}


@pytest.mark.real
@pytest.mark.skipif(not TEST_DATA, reason="PEACEKEEPING_TEST_DATA is not set")
def test_the_portal_s_own_file_of_2021_makes_no_revision_of_gender(load: Load, tmp_path: Path) -> None:
    payload = (Path(str(TEST_DATA)) / "raw/fatalities/odp_noticas_2021-06.csv").read_bytes()
    assert load("fatalities", payload, "--vintage", "2021-06-30", data=tmp_path).exit_code == 0
    revised = fatality_tables(tmp_path)["main.fatality_revisions"]["field"].value_counts().to_dict()
    assert revised == {"incident_type": 95, "incident_date": 1}


# 2 and 3: numbers as people and spreadsheets write them


@pytest.mark.parametrize("mark", [",", " ", "\u00a0", "\u202f"])
def test_a_month_with_grouped_thousands_is_the_month(load: Load, month: Rows, mark: str) -> None:
    grouped = [
        {**row, **{name: f"{int(row[name]):,}".replace(",", mark) for name in ("male", "female", "total")}}
        for row in month
    ]
    result = load("uniformed_personnel", to_csv(grouped), "--vintage", "2025-08-01", "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["rejected"], told["changes"], told["warnings"]) == (0, 0, [], [])


def test_thousands_written_with_a_point_are_refused_with_the_reason(load: Load, month: Rows) -> None:
    pointed = [
        {**row, **{name: f"{int(row[name]):,}".replace(",", ".") for name in ("male", "female", "total")}}
        for row in month
    ]
    result = load("uniformed_personnel", to_csv(pointed), "--vintage", "2025-08-01")
    assert result.exit_code == 1
    assert "three decimals: the point may group thousands" in result.stderr
    assert "2025-07-31 would lack about" in result.stderr


def test_dollars_with_three_decimals_are_refused_with_the_reason(load: Load) -> None:
    rows = [row for row in bundled("assessed_contributions_2013-2024.csv.gz") if row["calendar_year"] == "2024"]
    assessed = [row for row in rows if row["rev_type"].lower() == "assessed contributions"]
    assessed[40]["amount"] = "133.036"
    result = load("assessed_contributions", to_csv(rows), "--vintage", "2025-06-30")
    assert result.exit_code == 1 and "got '133.036' (three decimals" in result.stderr


# 4: units


@pytest.mark.parametrize(
    ("divisor", "told"), [(1_000_000, "times less"), (1_000, "times less"), (0.001, "1e+03 times")]
)
def test_a_year_in_another_unit_is_refused(tmp_path: Path, divisor: float, told: str) -> None:
    rows = bundled("assessed_contributions_2013-2024.csv.gz")
    archive, cache = held(
        tmp_path, "assessed_contributions", [r for r in rows if r["calendar_year"] < "2024"], "2023-12-31"
    )
    new = [{**r, "amount": f"{float(r['amount']) / divisor:.2f}"} for r in rows if r["calendar_year"] == "2024"]
    with pytest.raises(Refused) as caught:
        offer(archive, cache, "assessed_contributions", new, "2024-12-31")
    assert "next_period.amount_usd" in str(caught.value) or "amount_usd: expected an amount" in str(caught.value)
    assert told in str(caught.value) or "not above" in str(caught.value) or "up to 4,000,000,000" in str(caught.value)


def test_the_right_year_is_ingested_without_a_warning(tmp_path: Path) -> None:
    rows = bundled("assessed_contributions_2013-2024.csv.gz")
    archive, cache = held(
        tmp_path, "assessed_contributions", [r for r in rows if r["calendar_year"] < "2024"], "2023-12-31"
    )
    right = offer(
        archive, cache, "assessed_contributions", [r for r in rows if r["calendar_year"] == "2024"], "2024-12-31"
    )
    assert (right.warnings, len(right.staged.rows)) == ([], 193)
    assert right.staged.rows["amount_usd"].sum() == 6_296_372_833


# 5: values that were settled


def test_causes_sorted_by_themselves_are_refused(load: Load) -> None:
    rows = bundled("fatalities_2025-04.csv.gz")
    right = {row["casualty_id"]: row["type_of_incident"].strip() for row in rows}
    for row, cause in zip(rows, sorted(row["type_of_incident"] for row in rows), strict=True):
        row["type_of_incident"] = cause
    wrong = {row["casualty_id"]: row["type_of_incident"].strip() for row in reversed(rows)}
    changed = sum(right[casualty] != cause for casualty, cause in wrong.items())
    result = load("fatalities", to_csv(rows), "--vintage", "2025-05-01")
    assert result.exit_code == 1
    assert f"[revised.incident_type] incident_type: {changed:,} of 4,423 values" in result.stderr
    assert "settled ones" in result.stderr


# 6: dates


def test_a_zero_and_a_time_of_day_are_no_dates_in_csv_and_json(load: Load) -> None:
    rows = bundled("fatalities_2025-04.csv.gz")
    rows[10]["incident_date"], rows[20]["incident_date"] = "0", "1547938800000"
    by_csv = json.loads(load("fatalities", to_csv(rows), "--vintage", "2025-05-01", "--json").stdout)
    as_json = copy.deepcopy(rows)
    as_json[10]["incident_date"], as_json[20]["incident_date"] = 0, 1547938800000
    by_json = json.loads(load("fatalities", to_json(as_json), "--vintage", "2025-05-01", "--json").stdout)
    assert by_csv["rejected"] == by_json["rejected"] == 2
    assert by_csv["incomplete_periods"][0]["rows_rejected"] == 2


# 9: the clock


def test_a_vintage_in_the_future_is_not_the_newest_and_is_told(tmp_path: Path) -> None:
    from flows.cli import doctor, verify

    where = Paths(tmp_path)
    archive = Archive(where.raw)
    only = {"fatalities": CATALOGUE["fatalities"]}
    fetch.ensure_bundled(archive, only)
    newest = archive.snapshots("fatalities")[-1]
    archive.restate(type(newest)(**{**vars(newest), "vintage": "2130-01-01", "retrieved_at": "2130-01-01T00:00:00"}))
    chosen = choose_snapshots(archive, only)["fatalities"]
    assert [snapshot.vintage for snapshot in chosen] == ["2021-06-30"]
    (warning,) = future_vintages(archive, only)
    assert "fatalities" in warning and "2130-01-01, which lies in the future" in warning
    assert any("lies in the future" in damage for damage in verify.verify_folder(where).damages)
    told = {finding.what: finding for finding in doctor.examine(where)}
    assert told["clock"].state == "warn" and "retrieved on 2130-01-01" in told["clock"].found
    assert told["archive"].state == "bad"


def test_a_file_that_was_loaded_while_the_clock_was_wrong_gets_its_date_when_it_comes_again(tmp_path: Path) -> None:
    archive, cache = Archive(tmp_path / "raw"), StagingCache(tmp_path / "staged")
    rows = bundled("fatalities_2025-04.csv.gz")
    record = offer(archive, cache, "fatalities", rows, "2025-04-04").record
    archive.restate(type(record)(**{**vars(record), "vintage": "2130-01-01"}))
    again = offer(archive, cache, "fatalities", rows, "2025-04-04")
    assert (again.new, again.record.vintage) == (True, "2025-04-04")
    assert [snapshot.vintage for snapshot in archive.snapshots("fatalities")] == ["2025-04-04"]


def test_a_good_reply_that_lies_in_the_future_names_the_clock(tmp_path: Path) -> None:
    rows = [{**row, "last_update": "2130-01-01"} for row in bundled("fatalities_2025-04.csv.gz")]
    archive, cache = Archive(tmp_path / "raw"), StagingCache(tmp_path / "staged")
    with pytest.raises(Refused, match=r"2130-01-01, lies in the future; this machine's clock says \d{4}"):
        file = tmp_path / "file"
        file.write_bytes(to_csv(rows))
        ingest(archive, cache, InputFile(CATALOGUE["fatalities"], file, LOADED, "file"))


# 10: codes and names


def test_nationalities_that_are_blank_keep_their_state_by_the_code(load: Load) -> None:
    rows = bundled("fatalities_2025-04.csv.gz")
    namibia = [row for row in rows if row["isocode3"] == "NAM"]
    for row in namibia:
        row["casualty_nationality"] = ""
    result = load("fatalities", to_csv(rows), "--vintage", "2025-05-01")
    assert result.exit_code == 0 and len(namibia) == 16
    assert "code for blank name: NAM (16 rows)" in result.stderr and "warning" not in result.stderr


# Rejected rows count by what they contain


def test_a_month_that_lacks_nepal_is_refused_by_hand_with_the_persons_and_their_share(
    load: Load, month: Rows, tmp_path: Path
) -> None:
    wrong = [
        {**row, "contributor_as_printed": "Nepall"} if row["contributor_as_printed"] == "Nepal" else row
        for row in month
    ]
    payload = to_csv(wrong)
    result = load("uniformed_personnel", payload, "--vintage", "2025-08-01", data=tmp_path)
    assert result.exit_code == 1
    assert "2025-07-31 would lack about 6,039 of 61,127 total (9.9 %)" in result.stderr
    assert "--accept-rejected loads a file with rejected rows" in result.stderr
    accepted = load("uniformed_personnel", payload, "--vintage", "2025-08-01", "--accept-rejected", data=tmp_path)
    assert accepted.exit_code == 0, accepted.stderr
    (one,) = Archive(tmp_path / "raw").snapshots("uniformed_personnel")[-1].accepted
    assert (one["check"], one["because"]) == ("rejected_rows", "--accept-rejected") and one["by"] and one["at"]


def test_a_check_can_be_accepted_by_its_name_with_a_reason_and_by_no_other(
    load: Load, month: Rows, tmp_path: Path
) -> None:
    halved = [{**row, **{name: str(int(row[name]) // 2 * 2 // 2) for name in ("male", "female")}} for row in month]
    payload = to_csv([{**row, "total": str(int(row["male"]) + int(row["female"]))} for row in halved])
    refused = load("uniformed_personnel", payload, "--vintage", "2025-08-01", data=tmp_path)
    assert refused.exit_code == 1 and "[totals]" in refused.stderr and "[control_totals]" in refused.stderr
    because = ["--because", "the report was corrected"]
    one = load("uniformed_personnel", payload, "--vintage", "2025-08-01", "--accept", "totals", *because, data=tmp_path)
    assert one.exit_code == 1 and "[control_totals]" in one.stderr and "[totals]" not in one.stderr
    other = load("uniformed_personnel", payload, "--vintage", "2025-08-01", "--accept", "rows", *because, data=tmp_path)
    assert other.exit_code == 1 and "--accept rows: no check of that name refuses this file" in other.stderr
    every = ["--accept", "totals", "--accept", "control_totals", "--accept", "revised", *because]
    done = load("uniformed_personnel", payload, "--vintage", "2025-08-01", *every, data=tmp_path)
    assert done.exit_code == 0, done.stderr
    record = Archive(tmp_path / "raw").snapshots("uniformed_personnel")[-1]
    assert {one["check"]: one["because"] for one in record.accepted} == dict.fromkeys(
        ("totals", "control_totals", "revised"), "the report was corrected"
    )


def test_a_figure_that_can_t_be_read_is_estimated_by_the_month_before(tmp_path: Path, month: Rows) -> None:
    before = [{**row, "month_end": "2025-06-30"} for row in month]
    archive, cache = held(tmp_path, "uniformed_personnel", before, "2025-06-30")
    largest = max(month, key=lambda row: int(row["total"]))
    wrong = [{**row, "total": "many"} if row is largest else row for row in month]
    with pytest.raises(Refused, match=f"would lack about {int(largest['total']):,} of 61,127 total"):
        offer(archive, cache, "uniformed_personnel", wrong, "2025-07-31", FETCHED)


def test_fetched_a_month_that_lacks_little_is_published_and_marked_incomplete(tmp_path: Path, month: Rows) -> None:
    before = [{**row, "month_end": "2025-06-30"} for row in month]
    archive, cache = held(tmp_path, "uniformed_personnel", before, "2025-06-30")
    small = next(row for row in month if 10 <= int(row["total"]) <= 100)
    wrong = [{**row, "contributor_as_printed": "Atlantis"} if row is small else row for row in month]
    done = offer(archive, cache, "uniformed_personnel", wrong, "2025-07-31", FETCHED)
    assert any("1 of 871 rows are rejected" in warning for warning in done.warnings)
    source = CATALOGUE["uniformed_personnel"]
    staging.stage_source(archive, cache, source, archive.snapshots(source.name), tmp_path / "tables")
    import pandas as pd

    (lacking,) = pd.read_parquet(tmp_path / "tables/meta.incomplete_periods.parquet").to_dict("records")
    missing = int(small["total"])
    assert (lacking["period"], lacking["measure"], lacking["rows_rejected"]) == ("2025-07-31", "total", 1)
    assert (lacking["published"], lacking["missing"]) == (61_127 - missing, missing)
    assert lacking["share_pct"] == pytest.approx(100 * missing / 61_127)


def test_fetched_a_month_that_lacks_one_per_cent_or_more_is_refused(tmp_path: Path, month: Rows) -> None:
    before = [{**row, "month_end": "2025-06-30"} for row in month]
    archive, cache = held(tmp_path, "uniformed_personnel", before, "2025-06-30")
    large = [row for row in month if int(row["total"]) >= 700][:1]
    wrong = [{**row, "contributor_as_printed": "Atlantis"} if row in large else row for row in month]
    with pytest.raises(Refused, match=r"\[rejected_rows\] 1 of 871 rows are rejected"):
        offer(archive, cache, "uniformed_personnel", wrong, "2025-07-31", FETCHED)


@pytest.mark.parametrize(("casualty", "missing"), [("as it is", 0), ("MINUSMA-2025-04-99999", 1)])
def test_a_casualty_that_is_rejected_keeps_no_file_out_and_is_counted(load: Load, casualty: str, missing: int) -> None:
    """One that is known from an older vintage keeps its state there; a new one is missing."""
    rows = bundled("fatalities_2025-04.csv.gz")
    last = max(rows, key=lambda row: str(row["incident_date"]))
    rows.append({**last, "casualty_id": casualty} if missing else rows.pop())
    rows[-1]["type_of_incident"] = "Lightning"
    result = load("fatalities", to_csv(rows), "--vintage", "2025-05-01", "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["rejected"]) == (0, 1)
    (lacking,) = told["incomplete_periods"]
    assert (lacking["period"], lacking["measure"], lacking["rows_rejected"]) == ("all", "rows", 1)
    assert (lacking["missing"], lacking["published"]) == (missing, 4423)


def test_a_word_that_is_nearly_in_scope_is_a_misprint_and_drops_no_row(load: Load) -> None:
    rows = bundled("assessed_contributions_2013-2024.csv.gz")
    rows[-1]["entity"] = "UN DPO"
    assert load("assessed_contributions", to_csv(rows), "--vintage", "2025-06-30").exit_code == 0
    assessed = [row for row in rows if row["rev_type"].lower() == "assessed contributions"]
    assessed[3]["rev_type"] = "Asessed contributions"
    result = load("assessed_contributions", to_csv(rows), "--vintage", "2025-06-30")
    assert result.exit_code == 1 and "'Asessed contributions', which is nearly that" in result.stderr


HUB = {"contributor_as_printed": "contributing_country", "mission": "mission_acronym", "female": "female_personnel",
       "male": "male_personnel", "personnel_type_as_printed": "personnel_type", "month_end": "last_reporting_date"}  # fmt: skip


def hub_form(rows: Rows) -> bytes:
    """A month in the form of the data hub, which prints no total."""
    return to_json([{theirs: row[ours] for ours, theirs in HUB.items()} for row in rows])


def test_a_month_of_the_data_hub_is_compared_with_the_report_of_the_same_month(load: Load, month: Rows) -> None:
    right = load("uniformed_personnel", hub_form(month), "--vintage", "2025-08-15")
    assert (right.exit_code, "warning" in right.stderr) == (0, False), right.stderr
    half = load("uniformed_personnel", hub_form(month[: len(month) // 2]), "--vintage", "2025-08-15")
    assert half.exit_code == 1 and "2025-07-31 of the other series" in half.stderr
    swapped = [{**row, "male": row["female"], "female": row["male"]} for row in month]
    assert load("uniformed_personnel", hub_form(swapped), "--vintage", "2025-08-15").exit_code == 1


def test_a_figure_of_the_data_hub_that_can_t_be_read_is_not_that_of_another_row(load: Load, month: Rows) -> None:
    largest = max(month, key=lambda row: int(row["total"]))
    wrong = [{**row, "male": "1.263"} if row is largest else row for row in month]
    result = load("uniformed_personnel", hub_form(wrong), "--vintage", "2025-08-15")
    assert result.exit_code == 1
    assert f"2025-07-31 would lack about {int(largest['total']):,} of 61,127 total" in result.stderr


def test_a_printed_total_is_taken_where_a_sex_can_t_be_read(tmp_path: Path, month: Rows) -> None:
    before = [{**row, "month_end": "2025-06-30"} for row in month]
    archive, cache = held(tmp_path, "uniformed_personnel", before, "2025-06-30")
    wrong = [dict(row) for row in month]
    wrong[0].update(male="many", total="7")
    with pytest.raises(Refused, match="would lack about 7 of"):
        offer(archive, cache, "uniformed_personnel", wrong, "2025-07-31")


def test_a_blank_sex_beside_a_total_is_what_the_total_leaves(load: Load, month: Rows) -> None:
    blank = [{**row, "male": ""} if place == 5 else row for place, row in enumerate(month)]
    told = json.loads(load("uniformed_personnel", to_csv(blank), "--vintage", "2025-08-15", "--json").stdout)
    assert (told["rejected"], told["changes"], told["warnings"]) == (0, [], [])


# What the command shows, and what a person can let pass


def test_a_load_shows_what_the_table_says_and_would_say(load: Load) -> None:
    rows = [row for row in bundled("assessed_contributions_2013-2024.csv.gz") if row["calendar_year"] == "2024"]
    china = next(row for row in rows if row["government_donor"] == "China")
    china["amount"] = str(int(float(china["amount"])) + 1_000_000)
    result = load("assessed_contributions", to_csv(rows), "--vintage", "2025-06-30")
    assert result.stdout.splitlines()[:2] == [
        "period\trows\tsum of amount_usd\tvalues revised\tgained\tlost",
        "2023-24\t193 → 193\t6,296,372,833 → 6,297,372,833\t1\t\t",
    ]
    assert result.stdout.splitlines()[2].startswith("Would archive assessed_contributions 2025-06-30")
    assert "warning: amount_usd: 1 of 193 values" in result.stderr and "Nothing was archived." in result.stderr


def test_a_dry_run_changes_nothing(load: Load, tmp_path: Path, month: Rows) -> None:
    load("uniformed_personnel", to_csv(month[:400]), "--vintage", "2025-08-01", "--dry-run", data=tmp_path)
    archive = Archive(tmp_path / "raw")
    assert [snapshot.origin for snapshot in archive.snapshots("uniformed_personnel")] == ["bundled"]
    assert not (archive.root / "refused").exists()


def test_accept_and_because_go_together(load: Load, month: Rows) -> None:
    for options in (["--accept", "totals"], ["--because", "reasons"]):
        result = load("uniformed_personnel", to_csv(month), *options)
        assert result.exit_code == 2 and "--accept CHECK and --because TEXT go together" in result.stderr


def test_every_bundled_vintage_is_ingested_without_a_warning(tmp_path: Path) -> None:
    archive, cache = Archive(tmp_path / "raw"), StagingCache(tmp_path / "staged")
    for entry in [entry for entry in bundle.manifest() if entry["role"] == "snapshot"]:
        file = tmp_path / "file"
        file.write_bytes(gzip.decompress((bundle.BUNDLED / entry["file"]).read_bytes()))
        offered = InputFile(CATALOGUE[entry["source"]], file, LOADED, entry["file"], PublicationDates(entry["vintage"]))
        assert ingest(archive, cache, offered).warnings == [], entry["file"]


def test_a_fetched_csv_that_is_cut_off_in_its_last_row_can_be_asked_for_again(
    tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEACEKEEPING_CEB_URL", httpserver.url_for("/"))
    payload = to_csv(bundled("assessed_contributions_2013-2024.csv.gz"))
    cut = payload[: payload.rindex(b",")]
    httpserver.expect_request("/revenue_government_donors.csv").respond_with_data(cut, content_type="text/csv")
    archive, cache = Archive(tmp_path / "raw"), StagingCache(tmp_path / "staged")
    with pytest.raises(Unavailable, match="The reply was cut off: The file is cut off"):
        fetch.fetch(archive, cache, CATALOGUE["assessed_contributions"], tmp_path)
    assert archive.snapshots("assessed_contributions") == []


def next_month(month: Rows, share: float = 1.0) -> Rows:
    """A month after `month` that differs from it as months do; `share` of its persons are there."""
    rows = []
    for place, row in enumerate(month):
        male = round(int(row["male"]) * share) + (1 if place % 3 == 0 else 0)
        female = round(int(row["female"]) * share)
        rows.append({**row, "month_end": "2025-08-31", "male": male, "female": female, "total": male + female})
    return rows


def test_a_right_new_month_is_loaded_without_a_warning(load: Load, month: Rows) -> None:
    result = load("uniformed_personnel", to_csv(next_month(month)), "--vintage", "2025-08-31")
    assert (result.exit_code, "warning" in result.stderr) == (0, False), result.stderr


def test_the_commands_of_the_docs_do_what_they_say(
    shared: Path, month: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command printed in docs/checks.md, with the file that its paragraph speaks of."""
    text = (Path(__file__).parents[3] / "docs" / "checks.md").read_text(encoding="utf-8")
    commands = [line for line in text.splitlines() if line.startswith("peacekeeping ")]
    wrong = [{**row, "contributor_as_printed": "Nepall"} if row["contributor_as_printed"] == "Nepal" else row
             for row in next_month(month)]  # fmt: skip
    files = {
        "--dry-run": next_month(month), "--accept-rejected": wrong, "--accept ": next_month(month, 0.5),
    }  # fmt: skip
    assert len(commands) == len(files)
    monkeypatch.chdir(tmp_path)
    for command, (option, rows) in zip(commands, files.items(), strict=True):
        assert option in command
        Path("2025-08.csv").write_bytes(to_csv(rows))
        data = tmp_path / option.strip("- ")
        shutil.copytree(shared, data)
        monkeypatch.setenv("PEACEKEEPING_DATA", str(data))
        options = shlex.split(command)[1:] + (["--accept", "next_period.male"] if option == "--accept " else [])
        options += ["--accept", "next_period.female"] if option == "--accept " else []
        result = CliRunner().invoke(app, options)
        assert result.exit_code == 0, (command, result.stderr)
        archived = [one.vintage for one in Archive(data / "raw").snapshots("uniformed_personnel")]
        assert archived == (["2025-07-31"] if option == "--dry-run" else ["2025-07-31", "2025-08-31"])
