"""The command line: answers, messages, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from replica import Replica
from server_api import api
from tests_shared import CATALOGUE, read_csv, to_csv, to_json

from flows.server import OwnServer
from sources import bundle


def test_help_shows_examples_and_exit_codes(built: Any) -> None:
    assert "Exit codes: 0 done, 1 the work failed, 2 the command was wrong" in built("--help").stdout
    assert "Examples:" in built("query", "--help").stdout
    assert built("--version").stdout.startswith("peacekeeping 0.")


def test_a_wrong_command_is_2_and_says_what_is_right(built: Any) -> None:
    for line, message in {
        "refresh --offline --live": "exclude each other",
        "refresh --source dragons": "Known sources: assessed_contributions",
        "refresh --never": "No such option",
        "refresh --as-of 2022-13": "--as-of takes a day",
        "refresh --as-of 2099-01-01": "--as-of takes a day",
        "refresh --as-of=": "--as-of takes a day",
        "refresh --as-of 2022-01 --live": "it goes with neither --live nor --source",
        "load dragons README.md": "does not exist",
        "sources dragons": "There is no source 'dragons'",
        "query meta.builds --format parquet": "name it with --output",
        "query meta.builds --format xlsx": "'xlsx' is not one of",
        "query": "Missing argument 'SQL'",
        "fly": "No such command 'fly'",
        "diff nonsense": "No build begins with 'nonsense'",
        "diff x.duckdb published": "No build begins with 'x.duckdb'",
    }.items():
        done = built.invoke(*line.split())
        assert done.returncode == 2 and message in done.stderr, (line, done.stderr)


def test_sources_are_listed_with_publisher_and_licence(built: Any) -> None:
    listed = json.loads(built("sources", "--json").stdout)
    assert [entry["name"] for entry in listed] == list(CATALOGUE) and len(listed) == 19
    for entry in listed:
        assert entry["title"] and entry["publisher"] and entry["licence"] and entry["citation"] and entry["dialects"]
    assert "CC BY 3.0 IGO" in built("sources").stdout
    assert "Montenegro" in built("sources", "fatalities").stdout


@pytest.fixture(scope="module")
def sources(built: Any) -> dict[str, dict[str, Any]]:
    """The status of each source, as JSON."""
    return {entry["source"]: entry for entry in json.loads(built("status", "--json").stdout)["sources"]}


def test_status_has_vintage_coverage_rows_and_last_check(built: Any, sources: dict[str, dict[str, Any]]) -> None:
    deaths = sources["fatalities"]
    assert (deaths["vintage"], deaths["covers_from"], deaths["covers_to"]) == ("2025-04-04", "1948-07-06", "2025-02-18")
    assert (deaths["rows"], deaths["rejected"], deaths["outcome"]) == (4423, 0, "offline")
    assert sources["uniformed_personnel"]["covers_to"] == "2025-07-31"
    assert sources["missions"]["vintage"] == "2024-02-19" and deaths["last_checked"].startswith("20")
    shown = built("status")
    assert "fatalities\t2025-04-04\t2025-02-18\t" in shown.stdout
    assert "Last checked 20" in shown.stderr and ", offline: assessed_contributions, fatalities, " in shown.stderr


def test_status_shows_a_source_without_snapshots(built: Any, sources: dict[str, dict[str, Any]]) -> None:
    nothing = sources["publisher_codebook"]
    assert [nothing[name] for name in ("vintage", "covers_to", "freshness", "origin")] == [None] * 4
    assert [nothing[name] for name in ("snapshots", "rows", "rejected")] == [0] * 3
    assert "publisher_codebook\t-\t-\t-\t-\t0\t0" in built("status").stdout


def test_status_says_since_when_a_source_is_late_or_stale_and_can_end_with_1(
    built: Any, sources: dict[str, dict[str, Any]]
) -> None:
    """Computed by hand. The bundled data end in 2025; fatalities and personnel were stale when this was written."""

    def freshness(source: str) -> tuple[Any, ...]:
        names = ("covers_to", "late_after_days", "stale_after_days", "freshness", "freshness_since")
        return tuple(sources[source][name] for name in names)

    # 10 days of February, 31 of March, 30 of April, 31 of May and 18 of June are 120; the next is the 19th of June.
    assert freshness("fatalities") == ("2025-02-18", 60, 120, "stale", "2025-06-19")
    # 31 days of August, 30, 31, 30 of the months to November and 13 of December are 135.
    assert freshness("uniformed_personnel") == ("2025-07-31", 75, 135, "stale", "2025-12-14")
    # 184 days of 2024, the 365 of 2025 and one are 550; another year is 915.
    assert freshness("assessed_contributions") in [
        ("2024-06-30", 550, 915, "late", "2026-01-02"),
        ("2024-06-30", 550, 915, "stale", "2027-01-02"),
    ]
    assert freshness("missions") == ("2017-10-16", None, None, None, None)  # irregular: never late
    assert "missions\t2024-02-19\t2017-10-16\t-\t-\t" in built("status").stdout
    for options in ([], ["--json"]):
        done = built("status", "--fail-if-stale", *options, code=1)
        assert done.stdout == built("status", *options).stdout
        (error,) = [line for line in done.stderr.splitlines() if line.startswith("error: Stale: ")]
        assert "fatalities since 2025-06-19 (covers to 2025-02-18)" in error and "missions" not in error
        assert "uniformed_personnel since 2025-12-14 (covers to 2025-07-31)" in error


def test_status_ends_with_0_where_sources_are_only_late(copy: Any) -> None:
    """The sources end 100 days ago: those with a bound of 60 or 75 days are late, none is stale."""
    with duckdb.connect(str(copy.warehouse)) as connection:
        connection.execute("UPDATE meta.snapshots SET covers_to = current_date - 100")
    status = {
        entry["source"]: entry for entry in json.loads(copy("status", "--json", "--fail-if-stale").stdout)["sources"]
    }
    assert {name: entry["freshness"] for name, entry in status.items() if entry["freshness"]} == {
        "assessed_contributions": "current", "fatalities": "late", "government_revenue": "current",
        "mission_budget_lines": "current", "uniformed_personnel": "late",
    }  # fmt: skip


@pytest.mark.slow
def test_verify_reports_each_damage_and_ends_with_1_or_that_nothing_is_damaged(copy: Any) -> None:
    done = copy("verify")
    assert done.stderr == "Nothing is damaged: 26 snapshots, 1 recorded build, the published warehouse.\n"
    assert "fatalities\t2\t93234\tyes\n" in done.stdout and "publisher_codebook\t0\t0\t-\n" in done.stdout
    report = json.loads(copy("verify", "--json").stdout)
    assert report["damages"] == [] and report["builds"] == 1
    assert report["build_id"] == json.loads(copy("status", "--json").stdout)["build_id"]

    (missions,) = (path for path in (copy.data / "raw" / "missions").iterdir() if not path.suffix)
    missions.write_bytes(b"damaged")
    copy.warehouse.write_bytes(b"no warehouse")
    for arguments in (["verify"], ["verify", "--json"]):
        done = copy(*arguments, code=1)
        first, second, last = done.stderr.splitlines()
        assert first.startswith("damaged: The archived file") and missions.name in first
        assert second.startswith("damaged: The warehouse") and "can't be opened" in second
        assert last == f"error: 2 things are damaged in {copy.data}."
    assert len(json.loads(done.stdout)["damages"]) == 2
    copy("refresh", "--offline")  # as advised: bundled snapshots come back, and the warehouse is rebuilt
    copy("verify")


def test_sql_that_writes_reaches_out_or_is_wrong_is_1_and_changes_nothing(built: Any) -> None:
    before = built.warehouse.read_bytes()
    for sql, message in {
        "DELETE FROM fatalities": "The warehouse is read-only",
        "CREATE TABLE t (i INT)": "The warehouse is read-only",
        "SELECT * FROM read_csv('/etc/passwd')": "can't reach files",
        "COPY fatalities TO '/tmp/out.csv'": "can't reach files",
        "ATTACH '/tmp/other.duckdb'": "can't reach files",
        "SET enable_external_access = true": "configuration has been locked",
        "SELEKT 1": "syntax error",
        "SELECT nothing FROM fatalities": "nothing",
        "SELECT 1 / (i - 99999)::INT, CAST('x' || i AS INT) FROM range(100000) t(i)": "Could not convert",
        "": "The query is empty",
        "SELECT 1; SELECT 2": "One statement at a time",
    }.items():
        error = built("query", sql, code=1).stderr
        assert error.startswith("error: ") and message in error, sql
    assert built.warehouse.read_bytes() == before


def test_query_writes_every_format(built: Any, tmp_path: Path) -> None:
    sql = "SELECT mission, start_date, longitude, is_active FROM missions WHERE mission IN ('MINUSMA', 'UNAMA') ORDER BY 1"
    assert built("query", sql, "-f", "csv").stdout == (
        "mission,start_date,longitude,is_active\nMINUSMA,2013-04-25,-8.0,False\nUNAMA,,,\n"
    )
    assert json.loads(built("query", "-", "-f", "json", stdin=sql).stdout) == [
        {"mission": "MINUSMA", "start_date": "2013-04-25", "longitude": -8.0, "is_active": False},
        {"mission": "UNAMA", "start_date": None, "longitude": None, "is_active": None},
    ]
    built("query", sql, "-f", "parquet", "-o", str(tmp_path / "m.parquet"))
    assert duckdb.sql(f"SELECT count(*), max(longitude) FROM '{tmp_path}/m.parquet'").fetchall() == [(2, -8.0)]
    (tmp_path / "link").symlink_to(tmp_path / "goal")
    built("query", sql, "-f", "csv", "-o", str(tmp_path / "link"))
    assert (tmp_path / "link").is_symlink() and (tmp_path / "goal").read_text().startswith("mission,")
    built("query", sql, "-f", "csv", "-o", "/dev/null")
    assert not Path("/dev/null").is_file()
    assert built("query", sql, "-f", "csv", "-o", "-").stdout.startswith("mission,")
    assert built("query", sql).stdout.splitlines()[1] == "MINUSMA\t2013-04-25\t-8.0\tfalse"
    assert "The first 100 rows" in built("query", "FROM fatalities").stderr
    assert "can't be written" in built("query", sql, "-f", "csv", "-o", "/nowhere/x.csv", code=1).stderr


def test_a_reader_that_closes_the_pipe_is_no_error(built: Any) -> None:
    done = subprocess.run(
        f"'{sys.executable}' -m flows.cli.main query 'FROM uniformed_personnel' -f csv | head -1",
        shell=True, cwd=built.folder, env=built.environment(), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.startswith("month_end,") and done.stderr == ""


def test_an_output_that_can_t_be_written_is_reported(built: Any) -> None:
    for command in ("status", "verify", "sources", "query 'FROM missions' -f csv"):
        line = f"'{sys.executable}' -m flows.cli.main {command} > /dev/full"
        done = subprocess.run(
            line, shell=True, cwd=built.folder, env=built.environment(), capture_output=True, text=True
        )
        assert done.returncode == 1 and "No space left on device" in done.stderr and "Traceback" not in done.stderr


def test_query_status_and_verify_before_the_first_refresh_say_what_to_do(fresh: Any) -> None:
    assert "Run `peacekeeping refresh` first" in fresh("query", "SELECT 1", code=1).stderr
    assert "Run `peacekeeping refresh` first" in fresh("status", code=1).stderr
    assert "Run `peacekeeping refresh` first" in fresh("verify", code=1).stderr


def test_load_reads_a_known_form_and_counts_its_rows(fresh: Any) -> None:
    """The casualties of June 2021 in the API's form, a month later, with a new column and one impossible date."""
    rows = [{**row, "shoe_size": 43} for row in read_csv(bundle.BUNDLED / "fatalities_2021-06.csv.gz")]
    for row in rows:
        day = date.fromisoformat(row["incident_date"])
        row["incident_date"] = (day - date(1970, 1, 1)).days * 86_400_000
    rows[7]["incident_date"] = 4070908800000
    (fresh.folder / "f.json").write_bytes(to_json(rows))
    done = fresh("load", "fatalities", "f.json", "--vintage", "2021-07")
    assert done.stdout.splitlines()[-1] == (
        "Archived fatalities 2021-07-31 (stated), psdata-json: 4,117 rows, 4,110 staged, 1 rejected, 6 merged."
    )
    assert "new column: shoe_size" in done.stderr and "got 2099-01-01" in done.stderr
    assert "Already in the archive" in fresh("load", "fatalities", "f.json", "--vintage", "2021-07").stdout
    assert "say --vintage DATE" in fresh("load", "fatalities", "f.json", code=1).stderr


def test_load_refuses_a_wrong_file_with_1_and_the_reason(fresh: Any) -> None:
    for content, reason in {
        b"<html><body>Not found</body></html>": "HTML page",
        b"": "empty",
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00": "cut off",
        "casualty_id\nC\u00f4te\n".encode("latin-1"): "not UTF-8",
        b"casualty_id,incident_date\nA-2000-01-1,2000-01-01\n": "needs the columns",
    }.items():
        (fresh.folder / "f").write_bytes(content)
        error = fresh("load", "fatalities", "f", code=1).stderr
        assert reason in error and len(error.strip().splitlines()) == 1
    records = [json.loads(note.read_text()) for note in (fresh.data / "raw").glob("fatalities/*.json")]
    assert {record["origin"] for record in records} == {"bundled"}
    for vintage in ("yesterday", "2021-13", "2021-02-30", "2099-01-01", ""):
        assert "--vintage takes a day" in fresh("load", "fatalities", "f", "--vintage", vintage, code=2).stderr


@pytest.mark.slow
def test_runs_without_a_server_are_there_when_the_server_is_opened_later(built: Any, monkeypatch: Any) -> None:
    for name, value in built.environment().items():
        if name.startswith("PREFECT_"):
            monkeypatch.setenv(name, value)
    server = OwnServer()
    server.start()
    try:
        assert server.wait(120)

        def every(what: str) -> Any:
            return api(server.api_url, f"{what}/filter", {})

        runs = [run for run in every("flow_runs") if "offline" in run["name"]]
        tasks = every("task_runs")
        assert runs and all(run["state_type"] in ("COMPLETED", "FAILED") for run in runs)
        first = min(runs, key=lambda run: run["start_time"])
        of_first = [task for task in tasks if task["flow_run_id"] == first["id"]]
        assert len(of_first) == 4 + len(CATALOGUE) and {task["state_type"] for task in of_first} == {"COMPLETED"}
        assert any(line["message"].startswith("Published") for line in every("logs"))
        assert {artifact["key"] for artifact in every("artifacts")} == {
            "refresh-summary",
            "rejected-rows",
            "checks-failed",
            "claims",
            "reconciliations",
        }
    finally:
        server.stop()


@pytest.mark.slow
def test_offline_opens_no_socket_to_a_publisher(fresh: Any) -> None:
    (fresh.folder / "sitecustomize.py").write_text(
        "import os, sys\n"
        "def hook(event, arguments):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo'):\n"
        "        where = arguments[1] if event == 'socket.connect' else arguments[:2]\n"
        "        with open(os.environ['SEEN'], 'a') as file: print(event, where, file=file)\n"
        "sys.addaudithook(hook)\n"
    )
    seen = fresh.folder / "seen"
    fresh.extra |= {"PYTHONPATH": str(fresh.folder), "SEEN": str(seen), "PEACEKEEPING_PSDATA_URL": "http://psdata.test"}
    fresh.extra |= {"PEACEKEEPING_CEB_URL": "http://ceb.test", "PEACEKEEPING_CONTRIBUTIONS_URL": "http://un.test"}
    fresh.extra |= {"PEACEKEEPING_REPORTS_URL": "http://reports.test"}
    fresh("refresh", "--offline")
    lines = seen.read_text().splitlines()
    assert lines and not [line for line in lines if "127.0.0.1" not in line and "localhost" not in line]
    fresh("refresh")
    assert "psdata.test" in seen.read_text()  # the hook would have seen it


@pytest.mark.slow
def test_publishers_out_of_reach_are_0_with_the_snapshot_that_was_kept_and_json_is_for_scripts(copy: Any) -> None:
    done = copy("refresh", "-s", "fatalities", "--force", "--json")
    assert "fatalities: 127.0.0.1 can't be reached" in done.stderr
    assert "Kept the bundled snapshot of 2025-04-04." in done.stderr
    summary = json.loads(done.stdout)
    assert summary["tables"]["main.fatalities"] == 4423 and summary["failures"] == [] and summary["published"]


@pytest.mark.slow
def test_diff_shows_the_changes_between_two_vintages_as_text_json_and_a_page(copy: Any) -> None:
    copy("refresh", "--as-of", "2022-01")
    old = str(copy.data / "as_of" / "2022-01-31.duckdb")
    text = copy("diff", old).stdout
    assert "4,111 → 4,423 rows: 312 added" in text
    tables = {table["table"]: table for table in json.loads(copy("diff", old, "published", "--json").stdout)["tables"]}
    fields = {field["field"]: field["changed"] for field in tables["fatalities"]["fields"]}
    assert fields["incident_type"] == 95 and fields["incident_date"] == 1
    page = copy.folder / "changes.html"
    copy("diff", old, "--html", str(page))
    assert "312" in page.read_text() and "http" not in page.read_text()
    assert copy.ask("SELECT count(*) FROM fatalities") == "4423"
    assert copy("query", "--as-of", "2022-01-31", "SELECT count(*) FROM fatalities", "--format", "csv").stdout.endswith(
        "4111\n"
    )


@pytest.mark.slow
def test_diff_rebuilds_an_older_build_from_the_record_of_its_snapshots(copy: Any) -> None:
    first = json.loads(copy("status", "--json").stdout)["build_id"]
    rows = read_csv(bundle.BUNDLED / "assessed_contributions_2013-2024.csv.gz")
    year = [row for row in rows if row["calendar_year"] == "2019"]
    assessed = [row for row in year if "ssessed" in row["rev_type"]]
    raised = [row | {"amount": str(int(float(row["amount"])) + 1)} for row in assessed[:20]]
    (copy.folder / "2019.csv").write_bytes(to_csv([*raised, *assessed[20:]]))
    copy("load", "assessed_contributions", str(copy.folder / "2019.csv"), "--vintage", "2025-06-30")
    copy("refresh", "--offline")
    (copy.data / "peacekeeping.previous.duckdb").unlink()
    done = copy.run("diff", first[:8])
    assert f"2,309 → 2,309 rows: {len(raised)} changed" in done.stdout and "rebuilt from its snapshots" in done.stderr
    assert copy.ask("SELECT count(*) FROM assessed_contribution_revisions") == str(len(raised))


def test_diff_without_a_previous_build_is_1(copy: Any) -> None:
    (copy.data / "peacekeeping.previous.duckdb").unlink(missing_ok=True)
    assert "There is no previous build yet" in copy("diff", "previous", code=1).stderr


@pytest.mark.slow
def test_a_live_refresh_fetches_from_the_publishers_wire_forms_and_the_next_has_nothing_to_do(copy: Any) -> None:
    with Replica() as replica:
        copy.extra |= {"PEACEKEEPING_PSDATA_URL": replica.psdata_url, "PEACEKEEPING_CEB_URL": replica.ceb_url}
        copy.extra |= {"PEACEKEEPING_CONTRIBUTIONS_URL": replica.contributions_url}
        copy.extra |= {"PEACEKEEPING_REPORTS_URL": replica.reports_url}
        assert "Published build" in copy("refresh", "--live").stdout
        assert copy.ask("SELECT count(*) FROM fatalities") == "4423"
        assert copy.ask("SELECT count(*) FROM uniformed_personnel WHERE series = 'data_hub'") == "0"
        assert copy("refresh", "--live").stdout.startswith("Nothing new: ")
        rows = replica.rows("DPPADPOSS-FATALITIES")
        pending = next(row for row in rows if row["type_of_incident"] == "To Be Determined")
        pending["type_of_incident"] = "Illness"
        replica.put("DPPADPOSS-FATALITIES", [row | {"last_update": 1764028800000} for row in rows])  # 2025-11-25
        assert "Published build" in copy("refresh", "--live", "--source", "fatalities").stdout
    assert (
        copy.ask(
            f"SELECT old_value, new_value, to_vintage FROM fatality_revisions WHERE casualty_id = '{pending['casualty_id']}'"
        ).splitlines()[-1]
        == "To Be Determined,Illness,2025-11-25"
    )
