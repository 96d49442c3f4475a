"""`peacekeeping export` of the bundled figures: to a folder and to S3, read back with DuckDB."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse.export.package import export

SECRET = "hunter2hunter2"  # noqa: S105


@pytest.fixture(scope="module")
def exported(built: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of the bundled figures. Read only."""
    folder: Path = tmp_path_factory.mktemp("exported") / "export"
    done = built("export", str(folder))
    assert done.stdout.startswith(f"Exported build {built.ask('SELECT build_id FROM meta.builds')} to {folder}: ")
    assert f"1 build there. Open the newest with {folder}/peacekeeping.sql." in done.stderr
    return folder


def test_every_table_and_view_has_the_same_rows_over_the_parquet_files(built: Any, exported: Path) -> None:
    with duckdb.connect() as reader, duckdb.connect(str(built.warehouse), read_only=True) as warehouse:
        reader.execute((exported / "peacekeeping.sql").read_text())
        tables = "SELECT schema_name || '.' || table_name FROM duckdb_tables()"
        views = "SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE NOT internal"
        names = [name for (name,) in warehouse.execute(f"{tables} UNION ALL {views}").fetchall()]
        names += ["marts.fatalities_as_of('2022-01-01')", "marts.top_contributors('MINUSMA')"]
        names += ["marts.deadliest_missions('2019-01-25', 'Malicious Act', true)"]
        assert len(names) > 60
        filled = 0
        for name in names:
            there = warehouse.sql(f"FROM {name}").to_arrow_table()
            reader.register("there", there)
            for left, right in ((name, "there"), ("there", name)):
                assert reader.execute(f"FROM {left} EXCEPT ALL FROM {right}").fetchall() == [], name
            reader.unregister("there")
            filled += there.num_rows > 0
        assert filled > 50


def test_known_figures_are_there(exported: Path) -> None:
    with duckdb.connect() as reader:
        reader.execute((exported / "peacekeeping.sql").read_text())
        sql = "SELECT count(*) FROM fatalities WHERE mission = 'MINUSMA' AND incident_date <= '2019-01-25'"
        assert reader.execute(sql).fetchall() == [(190,)]
        assert reader.execute(
            "SELECT count(*) FROM uniformed_personnel WHERE series = 'monthly_report'"
        ).fetchall() == [(108_898,)]
        sql = "SELECT contributor_iso3 FROM marts.assessment_shares WHERE peacekeeping_year = '2018-19' AND rank_in_year = 1"
        assert reader.execute(sql).fetchall() == [("USA",)]
    years = sorted(path.name for path in (exported / "latest" / "main" / "uniformed_personnel").iterdir())
    assert years == [f"year={year}" for year in range(2009, 2026)]
    package = json.loads((exported / "latest" / "datapackage.json").read_text())
    (dead,) = [resource for resource in package["resources"] if resource["name"] == "main.fatalities"]
    assert dead["licenses"][0]["title"] == "CC BY 3.0 IGO"
    assert "2025-04-04" in {source["vintage"] for source in dead["sources"]}


def test_a_second_export_reports_nothing_new_as_text_and_json(built: Any, exported: Path) -> None:
    done = json.loads(built("export", str(exported), "--json").stdout)
    assert done["new"] is False and done["tables"] > 35 and done["builds"] == [done["build_id"]]
    assert built("export", str(exported)).stdout.startswith(f"Nothing new: build {done['build_id']} is at {exported}")


def test_a_wrong_command_is_2_and_failed_work_is_1(built: Any, tmp_path: Path) -> None:
    assert "There is no table 'deaths'" in built("export", str(tmp_path), "-t", "deaths", code=2).stderr
    assert "--keep" in built("export", str(tmp_path), "--keep", "0", code=2).stderr
    assert "2022-13" in built("export", str(tmp_path), "--as-of", "2022-13", code=2).stderr
    assert (
        "by 2001-01-31; the first is of 2014-03-31"
        in built("export", str(tmp_path), "--as-of", "2001-01", code=1).stderr
    )
    (tmp_path / "file").write_text("mine")
    assert "is a file; name a folder" in built("export", str(tmp_path / "file"), code=1).stderr
    assert "/proc/nowhere" in built("export", "/proc/nowhere", code=1).stderr
    assert not (tmp_path / "latest.json").exists() and list((tmp_path / "builds").iterdir()) == []


@pytest.mark.slow
def test_an_export_that_is_killed_leaves_the_last_good_one(built: Any, tmp_path: Path) -> None:
    out = tmp_path / "export"
    older = tmp_path / "older.duckdb"
    shutil.copy(built.warehouse, older)
    with duckdb.connect(str(older)) as connection:
        connection.execute("UPDATE meta.builds SET build_id = 'aaaaaaaaaaaa'")
    export(older, str(out), {})
    before = (out / "latest.json").read_bytes()
    code = "import sys; from pathlib import Path; from warehouse.export.package import export; export(Path(sys.argv[1]), sys.argv[2], {})"
    running = subprocess.Popen([sys.executable, "-c", code, str(built.warehouse), str(out)])
    while not list((out / "builds" / ".part").glob("main/f*.parquet")):
        assert running.poll() is None, "it was done before it could be killed"
        time.sleep(0.001)
    running.kill()
    running.wait()
    assert (out / "latest.json").read_bytes() == before
    with duckdb.connect() as reader:
        reader.execute((out / "peacekeeping.sql").read_text())
        assert reader.execute("SELECT build_id FROM meta.builds").fetchall() == [("aaaaaaaaaaaa",)]
    assert "2 builds there" in built("export", str(out)).stderr
    build = built.ask("SELECT build_id FROM meta.builds")
    assert {path.name for path in (out / "builds").iterdir()} == {"aaaaaaaaaaaa", build}


@pytest.mark.slow
def test_an_export_as_of_a_day_has_its_own_folder_and_names_the_day(copy: Any) -> None:
    copy("refresh", "--as-of", "2022-01")
    copy("export", "--as-of", "2022-01", "-t", "fatalities", "-t", "meta.snapshots")
    folder = copy.data / "export" / "as_of" / "2022-01-31"
    assert json.loads((folder / "latest.json").read_text())["as_of"] == "2022-01-31"
    with duckdb.connect() as reader:
        reader.execute((folder / "peacekeeping.sql").read_text())
        assert reader.execute("SELECT count(*) FROM fatalities").fetchall() == [(4111,)]
    copy("export")
    assert (copy.data / "export" / "latest" / "open.sql").is_file()


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket on a server that speaks S3 on loopback, as fsspec sees it; the environment has its keys and address."""
    import fsspec
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "a-key", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    files = fsspec.filesystem("s3", skip_instance_cache=True)
    files.mkdir("bucket")
    yield files
    server.stop()


@pytest.mark.slow
def test_an_export_to_s3_can_be_read_from_there_and_names_no_secret(built: Any, store: Any) -> None:
    done = built("export", "s3://bucket/peacekeeping")
    assert "Open the newest with s3://bucket/peacekeeping/peacekeeping.sql." in done.stderr
    assert built("export", "s3://bucket/peacekeeping").stdout.startswith("Nothing new: build ")
    with duckdb.connect() as reader:
        reader.register_filesystem(store)
        reader.execute(store.cat_file("bucket/peacekeeping/peacekeeping.sql").decode())
        sql = "SELECT count(*) FROM fatalities WHERE mission = 'MINUSMA' AND incident_date <= '2019-01-25'"
        assert reader.execute(sql).fetchall() == [(190,)]
        assert (
            reader.execute("SELECT count(*) FROM uniformed_personnel WHERE year(month_end) = 2015").fetchall()[0][0] > 0
        )
        assert reader.execute("SELECT deaths FROM marts.mission_toll WHERE mission = 'MINUSMA'").fetchall() == [(311,)]
    assert not [name for name in store.find("bucket") if SECRET.encode() in store.cat_file(name)]
    wrong = built("export", "s3://no-bucket/peacekeeping", code=1)
    assert "s3://no-bucket/peacekeeping can't be written or read: The specified bucket does not exist" in wrong.stderr
    assert "Traceback" not in wrong.stderr and SECRET not in wrong.stderr
