"""The published Parquet files: the same tables and views as the warehouse, and a reader never sees half of a build."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import fsspec
import pytest
from tests_shared import described

from schemas.tables import TABLES
from warehouse import load
from warehouse.export.package import WrongTable, export
from warehouse.export.sql import Mart
from warehouse.export.store import ExportError, LocalStore, open_store

BUILD = "0123456789ab"
DECLARED = {
    "fatalities": described(
        "The dead", "A publisher", ("CC BY 3.0 IGO", "https://licence.example"), "https://land.example"
    )
}
VIEWS = [f"marts.{file.stem}" for file in load.mart_files() if "CREATE MACRO" not in file.read_text()]
MACROS = (
    "marts.fatalities_as_of('2025-12-31')",
    "marts.deadliest_missions()",
    "marts.deadliest_missions(incident_type := 'Malicious Act')",
    "marts.top_contributors('MINUSMA')",
)


def as_build(warehouse: Path, folder: Path, build_id: str) -> Path:
    """A copy of the warehouse that calls itself another build, with one casualty less."""
    copy = folder / f"{build_id}.duckdb"
    shutil.copy(warehouse, copy)
    with duckdb.connect(str(copy)) as connection:
        connection.execute("UPDATE meta.builds SET build_id = ?", [build_id])
        connection.execute("DELETE FROM fatalities WHERE casualty_id = (SELECT max(casualty_id) FROM fatalities)")
    return copy


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def names_of(reader: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    return [name for (name,) in reader.execute(sql).fetchall()]


@pytest.fixture(scope="session")
def exported(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of the small warehouse. Read only."""
    folder = tmp_path_factory.mktemp("exported")
    export(small, str(folder), DECLARED)
    return folder


@pytest.fixture(scope="session")
def reader(small: Path, exported: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB that read peacekeeping.sql and nothing of this project; the warehouse is beside it as `held`."""
    with duckdb.connect() as connection:
        connection.execute((exported / "peacekeeping.sql").read_text())
        connection.execute(f"ATTACH '{small}' AS held (READ_ONLY)")
        yield connection


@pytest.fixture
def memory() -> Iterator[str]:
    """A destination that fsspec keeps in memory."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    yield "memory://shared/peacekeeping"
    files.store.clear()


COLUMNS = """
    SELECT schema_name, table_name, column_name, column_index, data_type, comment FROM duckdb_columns()
    WHERE database_name = '{}' AND schema_name IN ('main', 'meta', 'marts')
"""


@pytest.mark.parametrize("name", TABLES)
def test_each_table_has_the_rows_of_the_warehouse(reader: duckdb.DuckDBPyConnection, name: str) -> None:
    for left, right in ((name, f"held.{name}"), (f"held.{name}", name)):
        assert reader.execute(f"FROM {left} EXCEPT ALL FROM {right}").fetchall() == []


def test_each_table_and_view_has_the_columns_types_and_comments_of_the_warehouse(
    reader: duckdb.DuckDBPyConnection,
) -> None:
    here, there = (reader.execute(COLUMNS.format(name)).fetchall() for name in ("memory", "held"))
    assert sorted(here) == sorted(there)
    assert {row[1] for row in here if row[0] != "marts"} == {table.name for table in TABLES.values()}
    comments = "SELECT schema_name, {0}_name, comment FROM duckdb_{0}s() WHERE database_name = '{1}' AND NOT internal"
    told = {tuple(row) for row in reader.execute(comments.format("view", "memory")).fetchall()}
    for kind in ("table", "view"):
        assert {tuple(row) for row in reader.execute(comments.format(kind, "held")).fetchall()} <= told
    assert len(told) == len(TABLES) + len(load.mart_files()) - 3  # of the marts three are macros
    macros = (
        "SELECT function_name, comment FROM duckdb_functions() WHERE schema_name = 'marts' AND database_name = '{}'"
    )
    here, there = (sorted(reader.execute(macros.format(name)).fetchall()) for name in ("memory", "held"))
    assert here == there and len(here) == 3 and all(comment for _, comment in here)


@pytest.mark.parametrize("name", [*VIEWS, *MACROS])
def test_each_view_gives_the_answer_of_the_warehouse(reader: duckdb.DuckDBPyConnection, small: Path, name: str) -> None:
    with duckdb.connect(str(small), read_only=True) as warehouse:
        there = warehouse.execute(f"FROM {name}").fetchall()
    here = reader.execute(f"FROM {name}").fetchall()
    assert sorted(map(repr, here)) == sorted(map(repr, there))


def test_a_closed_list_is_text_in_the_file_and_its_order_is_back_in_the_view(
    reader: duckdb.DuckDBPyConnection, exported: Path
) -> None:
    file = f"{exported}/latest/main/fatalities.parquet"
    kinds = "SELECT typeof(incident_type) FROM {} LIMIT 1"
    assert reader.execute(kinds.format(f"'{file}'")).fetchall() == [("VARCHAR",)]
    assert reader.execute(kinds.format("fatalities")).fetchall()[0][0].startswith("ENUM('Malicious Act', 'Illness'")
    ordered = names_of(reader, "SELECT DISTINCT level FROM peacekeeping_levels ORDER BY level")
    assert ordered == names_of(reader, "SELECT DISTINCT level FROM held.peacekeeping_levels ORDER BY level")


def test_a_large_table_is_split_by_year_as_its_declaration_says(
    reader: duckdb.DuckDBPyConnection, exported: Path
) -> None:
    split = {name: table.split_by_year_of for name, table in TABLES.items() if table.split_by_year_of}
    assert split == {"main.uniformed_personnel": "month_end"}
    for name, day in split.items():
        columns = TABLES[name].columns
        assert (columns[day].metadata or {})["sql"] == "DATE" and not columns[day].nullable and "year" not in columns
    folder = exported / "latest" / "main" / "uniformed_personnel"
    years = names_of(reader, "SELECT DISTINCT year(month_end) AS year FROM held.uniformed_personnel ORDER BY year")
    assert [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.parquet"))] == [
        f"year={year}/data.parquet" for year in years
    ]
    hive = f"read_parquet('{folder}/*/*.parquet', hive_partitioning = true)"
    assert reader.execute(f"SELECT count(*) FROM {hive} WHERE year <> year(month_end)").fetchall() == [(0,)]
    assert (exported / "latest" / "main" / "fatalities.parquet").is_file()


def test_a_large_table_without_rows_is_one_file_with_its_columns(small: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.duckdb"
    shutil.copy(small, bare)
    with duckdb.connect(str(bare)) as connection:
        connection.execute("DELETE FROM uniformed_personnel")
    export(bare, str(tmp_path / "out"), {}, tables=["uniformed_personnel"])
    with duckdb.connect() as connection:
        connection.execute((tmp_path / "out" / "peacekeeping.sql").read_text())
        assert connection.execute("SELECT count(*), max(personnel_type) FROM uniformed_personnel").fetchall() == [
            (0, None)
        ]


def test_open_sql_works_in_its_own_folder_and_may_be_read_again(
    exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(exported / "latest")
    text = Path("open.sql").read_text()
    assert str(exported) not in text and "{root}" not in text
    with duckdb.connect() as connection:
        connection.execute(text)
        connection.execute(text)
        assert connection.execute("SELECT count(*) FROM marts.mission_toll").fetchone() != (0,)
        connection.execute(Path("views.sql").read_text())


def test_the_manifest_has_every_file_with_its_hash_size_and_rows(exported: Path, small: Path) -> None:
    pointer = json.loads((exported / "latest.json").read_text())
    folder = exported / pointer["path"]
    assert pointer["path"] == f"builds/{BUILD}" and (exported / "latest").resolve() == folder.resolve()
    assert not Path((exported / "latest").readlink()).is_absolute()
    files = content(folder)
    manifest = files.pop("manifest.json")
    assert hashlib.sha256(manifest).hexdigest() == pointer["manifest_sha256"]
    told = {file["path"]: file for file in json.loads(manifest)["files"]}
    assert {path: (len(data), hashlib.sha256(data).hexdigest()) for path, data in files.items()} == {
        path: (file["bytes"], file["sha256"]) for path, file in told.items()
    }
    assert {"open.sql", "views.sql", "datapackage.json"} <= set(told)
    rows: dict[str, int] = {}
    for file in told.values():
        if file["table"]:
            rows[file["table"]] = rows.get(file["table"], 0) + file["rows"]
    with duckdb.connect(str(small), read_only=True) as warehouse:
        assert rows == {name: len(warehouse.execute(f"FROM {name}").fetchall()) for name in TABLES}


def test_the_data_package_tells_fields_keys_sources_and_licences(exported: Path) -> None:
    package = json.loads((exported / "latest" / "datapackage.json").read_text())
    assert package["version"] == f"0.1.0+{BUILD}"
    resources = {resource["name"]: resource for resource in package["resources"]}
    assert set(resources) == set(TABLES)
    dead = resources["main.fatalities"]
    assert dead["path"] == "main/fatalities.parquet" and dead["title"] == TABLES["main.fatalities"].title
    fields = {field["name"]: field for field in dead["schema"]["fields"]}
    assert list(fields) == list(TABLES["main.fatalities"].columns)
    assert fields["incident_date"]["type"] == "date" and fields["incident_date"]["constraints"] == {"required": True}
    assert fields["gender"]["constraints"] == {"enum": ["F", "M"]}
    assert fields["snapshot_row"]["unit"] == "row" and fields["snapshot_row"]["type"] == "integer"
    assert dead["schema"]["primaryKey"] == ["casualty_id"]
    assert {
        "fields": ["mission"],
        "reference": {"resource": "main.missions", "fields": ["mission"]},
    } in dead["schema"]["foreignKeys"]
    (source,) = dead["sources"]
    assert (source["name"], source["title"], source["path"]) == ("fatalities", "The dead", "https://land.example")
    assert source["vintage"] == source["version"] and source["vintage"] >= "2025" and source["citation"]
    assert dead["licenses"] == [{"title": "CC BY 3.0 IGO", "path": "https://licence.example"}]
    for resource in resources.values():
        assert all(field["type"] != "any" and field["description"] for field in resource["schema"]["fields"])


def test_the_same_build_gives_the_same_bytes(small: Path, exported: Path, tmp_path: Path) -> None:
    export(small, str(tmp_path), DECLARED)
    assert content(tmp_path / "builds" / BUILD) == content(exported / "builds" / BUILD)


def test_an_unchanged_build_is_nothing_new(small: Path, tmp_path: Path) -> None:
    first = export(small, str(tmp_path), {})
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*") if path.is_file()}
    again = export(small, str(tmp_path), {})
    assert (first.new, again.new) == (True, False)
    assert again.files == first.files == len(content(tmp_path / "builds" / BUILD)) and again.rows == first.rows
    assert again.bytes == first.bytes == sum(map(len, content(tmp_path / "builds" / BUILD).values()))
    assert {path: path.stat().st_mtime_ns for path in before if path.name != ".export.lock"} == {
        path: time for path, time in before.items() if path.name != ".export.lock"
    }


@pytest.mark.parametrize("name", ["main/fatalities.parquet", "manifest.json", "open.sql"])
@pytest.mark.parametrize("fault", ["gone", "short"])
def test_a_damaged_build_is_written_anew(small: Path, tmp_path: Path, name: str, fault: str) -> None:
    export(small, str(tmp_path), {})
    whole = content(tmp_path / "builds" / BUILD)
    file = tmp_path / "builds" / BUILD / name
    if fault == "gone":
        file.unlink()
    else:
        file.write_bytes(whole[name][:-1])
    assert export(small, str(tmp_path), {}).new
    assert content(tmp_path / "builds" / BUILD) == whole
    assert sorted(path.name for path in (tmp_path / "builds").iterdir()) == [BUILD]


def test_a_new_build_takes_over_and_the_old_ones_stay_until_pruned(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(small, str(out), {})
    second = as_build(small, tmp_path, "aaaaaaaaaaaa")
    done = export(second, str(out), {})
    assert done.builds == ["aaaaaaaaaaaa", BUILD] and done.removed == []
    with duckdb.connect(str(second), read_only=True) as warehouse, duckdb.connect() as connection:
        connection.execute((out / "peacekeeping.sql").read_text())
        count = "SELECT count(*) FROM main.fatalities"
        assert connection.execute(count).fetchall() == warehouse.execute(count).fetchall()
    (out / "builds" / "mine").mkdir()  # somebody else's folder is nobody's build
    done = export(as_build(small, tmp_path, "bbbbbbbbbbbb"), str(out), {}, keep=2)
    assert done.builds == ["bbbbbbbbbbbb", "aaaaaaaaaaaa"] and done.removed == [BUILD]
    assert json.loads((out / "latest.json").read_text())["builds"] == done.builds
    assert sorted(path.name for path in (out / "builds").iterdir()) == ["aaaaaaaaaaaa", "bbbbbbbbbbbb", "mine"]
    done = export(second, str(out), {}, keep=1)  # back to the one before: what is pointed to always stays
    assert done.new and done.builds == ["aaaaaaaaaaaa"] and done.removed == ["bbbbbbbbbbbb"]


def fail_at(monkeypatch: pytest.MonkeyPatch, kind: type, step: str, error: BaseException) -> None:
    """Let a store fail at a step: `place`, or `point` with a file's name."""
    method, _, name = step.partition(" ")
    real = getattr(kind, method)

    def faulty(self: Any, *arguments: Any) -> Any:
        if not name or arguments[0] == name:
            raise error
        return real(self, *arguments)

    monkeypatch.setattr(kind, method, faulty)


@pytest.mark.parametrize("step", ["place", "link", "point peacekeeping.sql", "point latest.json"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_export_that_ends_in_the_middle_leaves_the_last_good_one(
    small: Path, tmp_path: Path, step: str, error: BaseException
) -> None:
    out = tmp_path / "out"
    export(small, str(out), {})
    before = (out / "latest.json").read_bytes()
    old = content(out / "builds" / BUILD)
    second = as_build(small, tmp_path, "aaaaaaaaaaaa")
    with pytest.MonkeyPatch.context() as patched:
        fail_at(patched, LocalStore, step, error)
        with pytest.raises(KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else ExportError):
            export(second, str(out), {})
    assert (out / "latest.json").read_bytes() == before
    assert content(out / "builds" / BUILD) == old
    with duckdb.connect() as connection:  # of either build, but whole
        connection.execute((out / "peacekeeping.sql").read_text())
        assert connection.execute("SELECT count(*) FROM main.fatalities").fetchone() != (0,)
    assert export(second, str(out), {}).new
    assert sorted(path.name for path in (out / "builds").iterdir()) == [BUILD, "aaaaaaaaaaaa"]
    assert (out / "latest").resolve().name == "aaaaaaaaaaaa"


def test_what_a_killed_export_left_is_cleared_by_the_next(small: Path, tmp_path: Path) -> None:
    left = tmp_path / "builds" / ".part" / "main"
    left.mkdir(parents=True)
    (left / "fatalities.parquet").write_bytes(b"half")
    export(small, str(tmp_path), {})
    assert [path.name for path in (tmp_path / "builds").iterdir()] == [BUILD]


def test_what_does_not_read_back_is_not_published(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = duckdb.DuckDBPyConnection.execute

    class Lossy:
        """A connection whose Parquet files lack a row."""

        def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
            self.connection = connection

        def execute(self, sql: str) -> Any:
            if sql.startswith("COPY") and "main.fatalities" in sql:
                sql = sql.replace("SELECT * FROM main.fatalities", "SELECT * FROM main.fatalities OFFSET 1")
            return real(self.connection, sql)

        def __enter__(self) -> Lossy:
            return self

        def __exit__(self, *_: object) -> None:
            self.connection.close()

    monkeypatch.setattr(
        "warehouse.export.package._opened", lambda file: Lossy(duckdb.connect(str(file), read_only=True))
    )
    with pytest.raises(ExportError, match="main.fatalities does not read back"):
        export(small, str(tmp_path), {})
    assert not (tmp_path / "latest.json").exists() and list((tmp_path / "builds").iterdir()) == []


def test_a_warehouse_of_other_code_is_refused(small: Path, tmp_path: Path) -> None:
    other = as_build(small, tmp_path, "aaaaaaaaaaaa")
    with duckdb.connect(str(other)) as connection:
        connection.execute("CREATE OR REPLACE VIEW marts.peacekeeping_years AS SELECT 1 AS peacekeeping_year")
    with pytest.raises(ExportError, match="built by other code than this: peacekeeping_years.*peacekeeping refresh"):
        export(other, str(tmp_path / "out"), {})
    with duckdb.connect(str(other)) as connection:
        connection.execute("ALTER TABLE main.dated_facts DROP COLUMN statement")
    with pytest.raises(ExportError, match="built by other code than this: .*statement.*peacekeeping refresh"):
        export(other, str(tmp_path / "out"), {})
    assert not (tmp_path / "out" / "latest.json").exists()


def test_one_table_brings_only_the_views_that_need_no_other(small: Path, tmp_path: Path) -> None:
    done = export(small, str(tmp_path), {}, tables=["fatality_states", "meta.snapshots", "main.fatality_states"])
    assert done.tables == 2
    with duckdb.connect() as connection:
        connection.execute((tmp_path / "peacekeeping.sql").read_text())
        assert names_of(connection, "SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY 1") == [
            "fatality_revision_triangle",
            "fatality_states",
            "peacekeeping_years",  # reads no table
            "snapshots",
        ]
        assert connection.execute("SELECT count(*) FROM marts.fatalities_as_of('2025-12-31')").fetchone() != (0,)
    assert "mission_toll" in done.views_left_out and "fatalities_as_of" not in done.views_left_out
    package = json.loads((tmp_path / "latest" / "datapackage.json").read_text())
    assert [resource["name"] for resource in package["resources"]] == ["main.fatality_states", "meta.snapshots"]
    assert "foreignKeys" not in package["resources"][0]["schema"]  # what it refers to is not there
    with pytest.raises(ExportError, match="holds an export of main.fatality_states.*all tables.*another destination"):
        export(small, str(tmp_path), {})


def test_each_mart_names_all_that_it_reads(small: Path) -> None:
    """The views that a choice of tables can have are found by the names in their SQL: none may read more."""
    for file in load.mart_files():
        mart = Mart(file.stem, file.read_text())
        with duckdb.connect() as connection:
            connection.execute(f"CREATE SCHEMA meta; CREATE SCHEMA marts; ATTACH '{small}' AS held (READ_ONLY)")
            for name in sorted(mart.reads):
                connection.execute(f"CREATE VIEW {name} AS FROM held.{name}")
            connection.execute(mart.sql())


def test_as_of_and_now_never_share_a_destination(small: Path, tmp_path: Path) -> None:
    export(small, str(tmp_path), {}, as_of="2022-01-31")
    assert json.loads((tmp_path / "latest.json").read_text())["as_of"] == "2022-01-31"
    assert json.loads((tmp_path / "latest" / "datapackage.json").read_text())["asOf"] == "2022-01-31"
    with pytest.raises(ExportError, match="all tables as of 2022-01-31, and this is one of all tables: its readers"):
        export(small, str(tmp_path), {})


def test_the_sql_follows_a_folder_that_was_moved(small: Path, tmp_path: Path) -> None:
    export(small, str(tmp_path / "it's here"), {})
    (tmp_path / "it's here").rename(tmp_path / "it's there")
    assert not export(small, str(tmp_path / "it's there"), {}).new
    with duckdb.connect() as connection:
        connection.execute((tmp_path / "it's there" / "peacekeeping.sql").read_text())
        assert connection.execute("SELECT count(*) FROM main.fatalities").fetchone() != (0,)
    assert "it''s here" not in (tmp_path / "it's there" / "peacekeeping.sql").read_text()


def test_a_file_url_is_a_folder(small: Path, tmp_path: Path) -> None:
    done = export(small, (tmp_path / "a b").as_uri(), {})
    assert done.destination == str(tmp_path / "a b") and (tmp_path / "a b" / "latest.json").is_file()


def test_any_place_of_fsspec_gets_the_same_files(small: Path, exported: Path, memory: str) -> None:
    done = export(small, memory, DECLARED)
    files = fsspec.filesystem("memory")
    folder = f"/shared/peacekeeping/builds/{BUILD}/"
    there = {name.removeprefix(folder): files.cat_file(name) for name in files.find(folder)}
    assert there == content(exported / "builds" / BUILD)
    assert done.builds == [BUILD]
    with duckdb.connect() as connection:
        connection.register_filesystem(files)
        connection.execute(files.cat_file("/shared/peacekeeping/peacekeeping.sql").decode())
        assert connection.execute("SELECT count(*) FROM marts.mission_toll").fetchone() != (0,)
        assert connection.execute("SELECT count(*) FROM uniformed_personnel").fetchone() != (0,)
    assert not export(small, memory, DECLARED).new
    files.rm_file(folder + "main/fatalities.parquet")
    assert export(small, memory, DECLARED).new and files.exists(folder + "main/fatalities.parquet")


def test_there_too_the_last_good_one_stays_and_old_ones_are_pruned(small: Path, memory: str, tmp_path: Path) -> None:
    export(small, memory, {})
    files = fsspec.filesystem("memory")
    before = files.cat_file("/shared/peacekeeping/latest.json")
    sql = files.cat_file("/shared/peacekeeping/peacekeeping.sql")
    second = as_build(small, tmp_path, "aaaaaaaaaaaa")
    real, calls = type(files).put_file, []

    def breaks(self: Any, *arguments: Any, **named: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 20:
            raise PermissionError("the connection is gone")
        return real(self, *arguments, **named)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(files), "put_file", breaks)
        with pytest.raises(ExportError, match="memory://shared/peacekeeping can't be .*the connection is gone"):
            export(second, memory, {})
    assert files.cat_file("/shared/peacekeeping/latest.json") == before
    assert files.cat_file("/shared/peacekeeping/peacekeeping.sql") == sql
    done = export(second, memory, {}, keep=1)
    assert done.builds == ["aaaaaaaaaaaa"] and done.removed == [BUILD]
    assert not files.find(f"/shared/peacekeeping/builds/{BUILD}")


def test_a_missing_extra_says_what_to_install(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(ExportError, match=r"s3:// needs a package more. .*pip install 'peacekeeping\[cloud\]'"):
        export(small, "s3://bucket/peacekeeping", {})
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(ExportError, match="gs:// needs a package more.*gcsfs"):
        export(small, "gs://bucket/peacekeeping", {})
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ExportError, match=r"memory:// needs fsspec.*pip install 'peacekeeping\[cloud\]'"):
        export(small, "memory://peacekeeping", {})


def test_a_local_folder_needs_nothing_more(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("fsspec", "s3fs"):
        monkeypatch.setitem(sys.modules, name, None)
    assert export(small, str(tmp_path / "out"), {}).new


def test_a_place_that_can_not_be_is_told(small: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ExportError, match="is a file; name a folder"):
        export(small, str(tmp_path / "file"), {})
    with pytest.raises(ExportError, match="nosuch"):
        export(small, "nosuch://somewhere", {})
    with pytest.raises(ExportError, match="holds a password"):
        export(small, "sftp://me:secret@host/place", {})
    with pytest.raises(ExportError, match="on this machine"):
        export(small, "file://elsewhere/place", {})
    with pytest.raises(WrongTable, match="no table 'deaths'.*main.fatalities"):
        export(small, str(tmp_path / "out"), {}, tables=["deaths"])
    with pytest.raises(ExportError, match="no warehouse at .*peacekeeping refresh"):
        export(tmp_path / "none.duckdb", str(tmp_path / "out"), {})
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "latest.json").write_text('{"release": 3}')
    with pytest.raises(ExportError, match="is not one of ours"):
        export(small, str(tmp_path / "theirs"), {})


def test_two_exports_never_write_to_one_folder_at_once(small: Path, tmp_path: Path) -> None:
    with (
        open_store(str(tmp_path)).scratch(),
        pytest.raises(ExportError, match="Another export is writing"),
    ):
        export(small, str(tmp_path), {})
