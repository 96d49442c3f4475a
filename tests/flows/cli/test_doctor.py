"""`peacekeeping doctor`: its findings, with or without a data folder and a warehouse; it changes nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner
from filelock import FileLock
from packaging.specifiers import SpecifierSet

from flows.cli import doctor
from flows.cli.doctor import Finding
from flows.cli.main import app
from flows.steps import locking, settings
from flows.steps.identity import code_sha256, staging_code
from flows.steps.settings import Paths


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.setenv("PEACEKEEPING_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PREFECT_SERVER_API_PORT", "9")  # nobody listens there
    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return settings.paths()


def publish(where: Paths, code: str) -> None:
    """A warehouse with the tables that doctor reads."""
    where.raw.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(where.warehouse)) as connection:
        connection.execute("CREATE SCHEMA meta")
        connection.execute(
            f"CREATE TABLE meta.builds AS SELECT 'abc' AS build_id, '{code}' AS code_sha256, '0.1.0' AS code_version"
        )
        connection.execute("CREATE TABLE meta.snapshots (source VARCHAR, sha256 VARCHAR, origin VARCHAR)")


def findings_of(where: Paths) -> dict[str, Finding]:
    return {finding.what: finding for finding in doctor.examine(where)}


def test_without_a_data_folder_nothing_is_bad_and_nothing_is_created(where: Paths) -> None:
    findings = findings_of(where)
    assert not [finding for finding in findings.values() if finding.state == "bad"]
    assert (findings["archive"].state, findings["archive"].advice) == ("warn", "Run `peacekeeping refresh`.")
    assert findings["warehouse"].state == "warn" and findings["writer's lock"].found == "free"
    assert "starts its own" in findings["Prefect server"].found
    assert not where.data.exists()


def test_a_good_folder_is_ok_and_unchanged(where: Paths) -> None:
    publish(where, code_sha256())
    before = {path: path.stat().st_mtime_ns for path in [where.data, *where.data.rglob("*")]}
    findings = findings_of(where)
    assert {finding.what for finding in findings.values() if finding.state != "ok"} == set()
    assert "build abc" in findings["warehouse"].found and "with this code" in findings["warehouse"].found
    assert {path: path.stat().st_mtime_ns for path in [where.data, *where.data.rglob("*")]} == before


def test_a_warehouse_of_other_code_is_a_warning_and_one_that_cannot_be_read_is_bad(where: Paths) -> None:
    publish(where, "0" * 64)
    assert findings_of(where)["warehouse"].state == "warn" and "other code" in findings_of(where)["warehouse"].found
    where.warehouse.write_bytes(b"no warehouse")
    assert findings_of(where)["warehouse"].state == "bad"
    assert findings_of(where)["archive"].state == "bad"  # as `peacekeeping verify` says


def test_leftovers_of_killed_runs_and_other_code_are_reported_with_their_size(where: Paths) -> None:
    publish(where, code_sha256())
    for place, size in (
        (where.work / "0123456789ab" / "build" / "x.duckdb", 3_000),
        (where.staged / "fatalities" / "aa-2025-04-04" / "ffffffffffffffff" / "rows.parquet", 5_000),
        (where.staged / "fatalities" / "bb-2025-04-04" / staging_code("fatalities") / "rows.parquet", 7_000),
    ):
        place.parent.mkdir(parents=True)
        place.write_bytes(b"x" * size)
    findings = findings_of(where)
    assert findings["left by killed runs"].found.startswith("3.0 kB in 1 entr")
    assert findings["staged by other code"].found.startswith("5.0 kB in 1 snapshots")
    assert findings["left by killed runs"].state == findings["staged by other code"].state == "warn"


def test_the_holder_of_the_lock_is_reported_and_its_scratch_files_are_no_leftovers(where: Paths) -> None:
    publish(where, code_sha256())
    with locking.only_writer(where):
        (where.work / "run").mkdir()
        findings = findings_of(where)
        assert findings["writer's lock"].state == "warn"
        assert "process " in findings["writer's lock"].found and ", since 20" in findings["writer's lock"].found
        assert "left by killed runs" not in findings
    assert findings_of(where)["writer's lock"].found == "free"
    with FileLock(where.lock).acquire(timeout=0):  # doctor does not take the lock
        pass


def test_versions_are_compared_with_the_declared_ranges() -> None:
    assert {finding.state for finding in doctor.versions()} == {"ok"}
    assert [finding.what for finding in doctor.versions()] == [
        "peacekeeping", "Python", "prefect", "duckdb", "pandas", "pandera",
    ]  # fmt: skip
    old = doctor._in_range("duckdb", "1.5.6", SpecifierSet(">=2.0.1,<3"))
    assert old.state == "bad" and "<3,>=2.0.1 is needed" in old.found and old.advice


def test_too_small_a_disk_is_bad(where: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(where, code_sha256())
    size = where.warehouse.stat().st_size
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 2 * size - 1}))
    assert findings_of(where)["disk"].state == "bad"
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 2 * size}))
    assert findings_of(where)["disk"].state == "ok"


def test_a_folder_below_a_file_is_bad(where: Paths) -> None:
    where.data.parent.joinpath("data").write_bytes(b"a file")
    assert findings_of(where)["data folder"].state == "bad"


def test_a_configured_server_that_does_not_answer_is_a_warning(where: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://me:hunter2@127.0.0.1:9/api")
    finding = findings_of(where)["Prefect server"]
    assert finding.state == "warn" and "none answers at http://***@127.0.0.1:9/api" in finding.found


def test_telemetry_that_the_environment_switches_on_is_bad(where: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "true")
    finding = findings_of(where)["telemetry"]
    assert finding.state == "bad" and "PREFECT_SERVER_ANALYTICS_ENABLED=false" in finding.advice


SECRETS = {
    "PEACEKEEPING_NOTIFY_URL": "https://hooks.example/services/T0/B0/hunter2",
    "PREFECT_API_KEY": "hunter2",
    "PREFECT_API_AUTH_STRING": "me:hunter2",
    "PREFECT_API_DATABASE_CONNECTION_URL": "postgresql+asyncpg://me:hunter2@db.example/prefect",
    "PREFECT_SERVER_DATABASE_PASSWORD": "hunter2",
    "PEACEKEEPING_CEB_URL": "https://unsceb.example/files?sig=hunter2",
    "https_proxy": "http://me:hunter2@proxy.example:3128",
    "all_proxy": "me:hunter2@proxy.example:3128",  # no address in its full form
}


def test_no_secret_is_shown(where: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    for arguments in (["doctor"], ["doctor", "--json"]):
        shown = CliRunner().invoke(app, arguments).output
        assert "hunter2" not in shown
        assert all(name in shown for name in SECRETS)
    assert "postgresql+asyncpg://***@db.example/prefect" in shown


def test_it_exits_with_1_only_when_something_is_bad(where: Paths) -> None:
    done = CliRunner().invoke(app, ["doctor", "--json"])
    assert done.exit_code == 0
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    assert {"state", "what", "found", "advice"} == set(rows[0])
    where.data.mkdir()
    where.warehouse.write_bytes(b"no warehouse")
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 1 and "bad: see above" in done.output


def test_it_never_imports_prefect(where: Paths) -> None:
    code = (
        "import sys; from flows.cli.main import app; app(['doctor', '--json'], standalone_mode=False); "
        "print([name for name in ('prefect', 'pandas', 'pandera') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
