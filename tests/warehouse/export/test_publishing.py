"""Publishing an export: a reader never sees half of a build, and a failed export leaves the last good one."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import fsspec
import pytest
from export_shared import BUILD, DEATHS, DECLARED, SECOND, answer, as_build, files_in, names_in
from fsspec.registry import _registry

from warehouse.export.package import Exported, Options, WrongTable, export
from warehouse.export.store import ExportError, Store


@pytest.fixture
def memory() -> Iterator[str]:
    """A destination that fsspec keeps in memory."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    yield "memory://shared/peacekeeping"
    files.store.clear()


def publish(warehouse: Path, destination: Path | str, **options: Any) -> Exported:
    """Export the fatalities alone, which is quick."""
    return export(warehouse, str(destination), {}, Options(tables=["fatalities"], **options))


def test_the_same_build_gives_the_same_bytes(small: Path, exported: Path, tmp_path: Path) -> None:
    export(small, str(tmp_path), DECLARED)
    assert files_in(tmp_path / "builds" / BUILD) == files_in(exported / "builds" / BUILD)


def test_an_unchanged_build_is_not_written_again(small: Path, tmp_path: Path) -> None:
    first = publish(small, tmp_path)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*") if path.name != ".export.lock"}
    again = publish(small, tmp_path)
    assert (first.new, again.new) == (True, False)
    sizes = [len(data) for data in files_in(tmp_path / "builds" / BUILD).values()]
    for done in (first, again):
        assert (done.files, done.bytes, done.rows) == (len(sizes), sum(sizes), first.rows)
    assert times == {path: path.stat().st_mtime_ns for path in times}


@pytest.mark.parametrize("name", ["main/fatalities.parquet", "manifest.json", "open.sql"])
def test_a_damaged_build_is_written_again(small: Path, tmp_path: Path, name: str) -> None:
    publish(small, tmp_path)
    complete = files_in(tmp_path / "builds" / BUILD)
    file = tmp_path / "builds" / BUILD / name
    for damage in (file.unlink, lambda: file.write_bytes(complete[name][:-1])):
        damage()
        assert publish(small, tmp_path).new
        assert files_in(tmp_path / "builds" / BUILD) == complete
        assert names_in(tmp_path / "builds") == [BUILD]


def test_a_new_build_becomes_the_latest_and_old_ones_stay_until_removed(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    publish(small, out)
    second = as_build(small, tmp_path)
    done = publish(second, out)
    assert (done.builds, done.removed) == ([SECOND, BUILD], [])
    with duckdb.connect(str(second), read_only=True) as warehouse:
        assert answer(out) == warehouse.execute(DEATHS).fetchall()
    (out / "builds" / "mine").mkdir()  # no build: left alone
    done = publish(as_build(small, tmp_path, "bbbbbbbbbbbb"), out, keep=2)
    assert (done.builds, done.removed) == (["bbbbbbbbbbbb", SECOND], [BUILD])
    assert json.loads((out / "latest.json").read_text())["builds"] == done.builds
    assert names_in(out / "builds") == [SECOND, "bbbbbbbbbbbb", "mine"]
    done = publish(second, out, keep=1)  # the build pointed to stays, also where it is an older one
    assert (done.new, done.builds, done.removed) == (True, [SECOND], ["bbbbbbbbbbbb"])


FULL = OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("place", FULL),
        ("place", KeyboardInterrupt()),
        ("link", KeyboardInterrupt()),
        ("point peacekeeping.sql", FULL),
        ("point latest.json", KeyboardInterrupt()),
    ],
)
def test_an_export_that_fails_leaves_the_last_good_one(
    small: Path, tmp_path: Path, step: str, error: BaseException
) -> None:
    out, second = tmp_path / "out", as_build(small, tmp_path)
    publish(small, out)
    before, old = (out / "latest.json").read_bytes(), files_in(out / "builds" / BUILD)
    method, _, name = step.partition(" ")
    real = getattr(Store, method)

    def faulty(self: Store, *arguments: Any) -> Any:
        if not name or arguments[0] == name:
            raise error
        return real(self, *arguments)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Store, method, faulty)
        with pytest.raises(KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else ExportError):
            publish(second, out)
    assert (out / "latest.json").read_bytes() == before
    assert files_in(out / "builds" / BUILD) == old
    assert answer(out) != [(0,)]  # of either build
    assert publish(second, out).new
    assert names_in(out / "builds") == [BUILD, SECOND]
    assert (out / "latest").resolve().name == SECOND


def test_what_a_killed_export_left_is_removed_by_the_next(small: Path, tmp_path: Path) -> None:
    left = tmp_path / "builds" / ".part" / "main"
    left.mkdir(parents=True)
    (left / "fatalities.parquet").write_bytes(b"half")
    publish(small, tmp_path)
    assert names_in(tmp_path / "builds") == [BUILD]


def test_two_exports_never_write_to_one_folder_at_once(small: Path, tmp_path: Path) -> None:
    with Store(str(tmp_path)).scratch(), pytest.raises(ExportError, match="Another export is writing"):
        publish(small, tmp_path)


def test_files_that_lack_a_row_are_not_published(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Lossy:
        """A connection whose Parquet file of the fatalities lacks a row."""

        def __init__(self, file: Path) -> None:
            self.connection = duckdb.connect(str(file), read_only=True)

        def execute(self, sql: str) -> Any:
            lossy = sql.replace("SELECT * FROM main.fatalities ", "SELECT * FROM main.fatalities OFFSET 1")
            return self.connection.execute(lossy if sql.startswith("COPY") else sql)

        def __enter__(self) -> Lossy:
            return self

        def __exit__(self, *_: object) -> None:
            self.connection.close()

    monkeypatch.setattr("warehouse.export.package._opened", Lossy)
    with pytest.raises(ExportError, match="main.fatalities does not read back"):
        publish(small, tmp_path)
    assert not (tmp_path / "latest.json").exists() and names_in(tmp_path / "builds") == []


def test_a_warehouse_of_other_code_is_refused(built: Path, tmp_path: Path) -> None:
    for statement, named in (
        ("CREATE OR REPLACE VIEW marts.peacekeeping_years AS SELECT 1 AS peacekeeping_year", "peacekeeping_years"),
        ("ALTER TABLE main.dated_facts DROP COLUMN statement", "statement"),
    ):
        with duckdb.connect(str(built)) as connection:
            connection.execute(statement)
        with pytest.raises(ExportError, match=f"built by other code than this: .*{named}.*peacekeeping refresh"):
            export(built, str(tmp_path / "out"), {})
    assert not (tmp_path / "out" / "latest.json").exists()


def test_one_table_brings_only_the_views_that_need_no_other(small: Path, tmp_path: Path) -> None:
    chosen = Options(tables=["fatality_states", "meta.snapshots", "main.fatality_states"])
    done = export(small, str(tmp_path), {}, chosen)
    assert done.tables == 2
    assert [name for (name,) in answer(tmp_path, "SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY 1")] == [
        "fatality_revision_triangle", "fatality_states", "peacekeeping_years", "snapshots",
    ]  # fmt: skip
    assert answer(tmp_path, "SELECT count(*) FROM marts.fatalities_as_of('2025-12-31')") != [(0,)]
    assert "mission_toll" in done.views_left_out and "fatalities_as_of" not in done.views_left_out
    package = json.loads((tmp_path / "latest" / "datapackage.json").read_text())
    assert [resource["name"] for resource in package["resources"]] == ["main.fatality_states", "meta.snapshots"]
    assert "foreignKeys" not in package["resources"][0]["schema"]  # its targets are not exported
    with pytest.raises(
        ExportError, match="has an export of main.fatality_states.*main.fatalities: its.*another destination"
    ):
        publish(small, tmp_path)


# Where


def test_as_of_and_now_never_share_a_destination(small: Path, tmp_path: Path) -> None:
    publish(small, tmp_path, as_of="2022-01-31")
    assert json.loads((tmp_path / "latest.json").read_text())["as_of"] == "2022-01-31"
    assert json.loads((tmp_path / "latest" / "datapackage.json").read_text())["asOf"] == "2022-01-31"
    with pytest.raises(ExportError, match="as of 2022-01-31, and this is one of main.fatalities: its readers"):
        publish(small, tmp_path)


def test_a_file_url_is_a_folder_and_the_sql_follows_it_when_it_is_moved(small: Path, tmp_path: Path) -> None:
    done = publish(small, (tmp_path / "it's here").as_uri())
    assert done.destination == str(tmp_path / "it's here")
    moved = (tmp_path / "it's here").rename(tmp_path / "it's there")
    assert not publish(small, moved).new
    assert answer(moved) != [(0,)]
    assert "it''s here" not in (moved / "peacekeeping.sql").read_text()


def test_any_file_system_of_fsspec_gets_the_same_files(small: Path, exported: Path, memory: str) -> None:
    files, folder = fsspec.filesystem("memory"), f"/shared/peacekeeping/builds/{BUILD}/"
    assert export(small, memory, DECLARED).builds == [BUILD]
    written = {name.removeprefix(folder): files.cat_file(name) for name in files.find(folder)}
    assert written == files_in(exported / "builds" / BUILD)
    with duckdb.connect() as connection:
        connection.register_filesystem(files)
        connection.execute(files.cat_file("/shared/peacekeeping/peacekeeping.sql").decode())
        for name in ("marts.mission_toll", "uniformed_personnel"):
            assert connection.execute(f"SELECT count(*) FROM {name}").fetchone() != (0,)
    assert not export(small, memory, DECLARED).new
    files.rm_file(folder + "main/fatalities.parquet")
    assert export(small, memory, DECLARED).new and files.exists(folder + "main/fatalities.parquet")


def test_a_failed_upload_leaves_the_last_good_one(small: Path, memory: str, tmp_path: Path) -> None:
    publish(small, memory)
    files, second, uploads = fsspec.filesystem("memory"), as_build(small, tmp_path), []
    pointers = [f"/shared/peacekeeping/{name}" for name in ("latest.json", "peacekeeping.sql")]
    before = [files.cat_file(name) for name in pointers]
    real = type(files).put_file

    def breaks(self: Any, *arguments: Any, **named: Any) -> Any:
        uploads.append(arguments)
        if len(uploads) == 3:
            raise PermissionError("the connection is gone")
        return real(self, *arguments, **named)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(files), "put_file", breaks)
        with pytest.raises(ExportError, match="memory://shared/peacekeeping can't be .*the connection is gone"):
            publish(second, memory)
    assert [files.cat_file(name) for name in pointers] == before
    done = publish(second, memory, keep=1)
    assert (done.builds, done.removed) == ([SECOND], [BUILD])
    assert not files.find(f"/shared/peacekeeping/builds/{BUILD}")


def test_a_destination_that_is_not_possible_is_explained(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("s3fs", "gcsfs"):
        monkeypatch.setitem(sys.modules, module, None)
    for protocol in ("s3", "gs"):  # classes that another test's export has imported
        monkeypatch.delitem(_registry, protocol, raising=False)
    (tmp_path / "file").write_text("mine")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "latest.json").write_text('{"release": 3}')
    for destination, message in {
        str(tmp_path / "file"): "is a file; name a folder",
        str(tmp_path / "theirs"): "was not written by this command",
        "nosuch://somewhere": "nosuch",
        "sftp://me:secret@host/place": "has a password",
        "file://elsewhere/place": "on this machine",
        "s3://bucket/place": r"s3:// needs another package. .*pip install 'peacekeeping\[cloud\]'",
        "gs://bucket/place": "gs:// needs another package.*gcsfs",
    }.items():
        with pytest.raises(ExportError, match=message):
            export(small, destination, {})
    with pytest.raises(WrongTable, match="no table 'deaths'.*main.fatalities"):
        export(small, str(tmp_path / "out"), {}, Options(tables=["deaths"]))
    with pytest.raises(ExportError, match="no warehouse at .*peacekeeping refresh"):
        export(tmp_path / "none.duckdb", str(tmp_path / "out"), {})
