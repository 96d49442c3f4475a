"""The content of an export: the tables and views of the warehouse, and what describes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow
import pytest
from export_shared import BUILD, answer, files_in
from frictionless import Package
from pyarrow.parquet import read_table

from schemas.tables import TABLES
from warehouse import load
from warehouse.export.package import Options, export
from warehouse.export.sql import Mart

VIEWS = [f"marts.{file.stem}" for file in load.mart_files() if "CREATE MACRO" not in file.read_text()]
MACROS = (
    "marts.fatalities_as_of('2025-12-31')",
    "marts.deadliest_missions()",
    "marts.deadliest_missions(incident_type := 'Malicious Act')",
    "marts.top_contributors('MINUSMA')",
    "(SELECT marts.state_code('SCG', '2005-01-31', 'gw'), marts.state_code_gap('SCG', '2007-01-31', 'cow'))",
)


@pytest.fixture(scope="session")
def reader(small: Path, exported: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB that has run peacekeeping.sql, with the warehouse attached as `built`."""
    with duckdb.connect() as connection:
        connection.execute((exported / "peacekeeping.sql").read_text())
        connection.execute(f"ATTACH '{small}' AS built (READ_ONLY)")
        yield connection


def test_each_table_and_view_has_the_rows_of_the_warehouse(reader: duckdb.DuckDBPyConnection, small: Path) -> None:
    with duckdb.connect(str(small), read_only=True) as warehouse:
        for name in (*TABLES, *VIEWS, *MACROS):
            rows = [database.execute(f"FROM {name}").fetchall() for database in (reader, warehouse)]
            assert sorted(map(repr, rows[0])) == sorted(map(repr, rows[1])), name


def test_columns_types_and_comments_are_those_of_the_warehouse(reader: duckdb.DuckDBPyConnection) -> None:
    def both(sql: str) -> list[set[tuple[Any, ...]]]:
        sql += " WHERE database_name = '{}' AND schema_name IN ('main', 'meta', 'marts')"
        return [set(reader.execute(sql.format(name)).fetchall()) for name in ("memory", "built")]

    here, there = both(
        "SELECT schema_name, table_name, column_name, column_index, data_type, comment FROM duckdb_columns()"
    )
    assert here == there
    assert {row[1] for row in here if row[0] != "marts"} == {table.name for table in TABLES.values()}
    macros, there = both("SELECT function_name, comment FROM duckdb_functions()")
    assert (
        macros == there and len(macros) == len(load.mart_files()) - len(VIEWS) and all(comment for _, comment in macros)
    )
    views, there = both("SELECT schema_name, view_name, comment FROM duckdb_views()")
    _, tables = both("SELECT schema_name, table_name, comment FROM duckdb_tables()")
    assert views == tables | there and len(views) == len(TABLES) + len(load.mart_files()) - len(macros)


def test_a_closed_list_is_text_in_the_file_and_an_enum_in_the_view(
    reader: duckdb.DuckDBPyConnection, exported: Path
) -> None:
    kinds = "SELECT typeof(incident_type) FROM {} LIMIT 1"
    file = f"'{exported}/latest/main/fatalities.parquet'"
    assert reader.execute(kinds.format(file)).fetchall() == [("VARCHAR",)]
    assert reader.execute(kinds.format("fatalities")).fetchall()[0][0].startswith("ENUM('Malicious Act', 'Illness'")
    levels = "SELECT DISTINCT level FROM {} ORDER BY level"
    assert reader.sql(levels.format("peacekeeping_levels")).fetchall() == reader.sql(
        levels.format("built.peacekeeping_levels")
    ).fetchall()  # fmt: skip


def test_a_large_table_is_split_by_year(reader: duckdb.DuckDBPyConnection, exported: Path) -> None:
    split = {name: table.split_by_year_of for name, table in TABLES.items() if table.split_by_year_of}
    assert split == {"main.uniformed_personnel": "month_end"}
    folder = exported / "latest" / "main" / "uniformed_personnel"
    years = reader.execute("SELECT DISTINCT year(month_end) FROM built.uniformed_personnel ORDER BY ALL").fetchall()
    assert sorted(files_in(folder)) == [f"year={year}/data.parquet" for (year,) in years]
    hive = f"read_parquet('{folder}/*/*.parquet', hive_partitioning = true)"
    assert reader.execute(f"SELECT count(*) FROM {hive} WHERE year <> year(month_end)").fetchall() == [(0,)]


def test_a_large_table_without_rows_is_one_file_with_its_columns(built: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(built)) as connection:
        connection.execute("DELETE FROM uniformed_personnel")
    export(built, str(tmp_path / "out"), {}, Options(tables=["uniformed_personnel"]))
    assert answer(tmp_path / "out", "SELECT count(*), max(personnel_type) FROM uniformed_personnel") == [(0, None)]


def test_open_sql_works_in_its_own_folder_and_may_be_run_again(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(exported / "latest")
    text = Path("open.sql").read_text()
    assert str(exported) not in text and "{root}" not in text
    with duckdb.connect() as connection:
        for statements in (text, text, Path("views.sql").read_text()):
            connection.execute(statements)
        assert connection.execute("SELECT count(*) FROM marts.mission_toll").fetchone() != (0,)


def test_the_manifest_has_every_file_with_its_hash_size_and_rows(exported: Path, small: Path) -> None:
    pointer = json.loads((exported / "latest.json").read_text())
    folder = exported / pointer["path"]
    assert pointer["path"] == f"builds/{BUILD}" and (exported / "latest").resolve() == folder.resolve()
    assert not (exported / "latest").readlink().is_absolute()
    files = files_in(folder)
    manifest = files.pop("manifest.json")
    assert hashlib.sha256(manifest).hexdigest() == pointer["manifest_sha256"]
    listed = json.loads(manifest)["files"]
    assert {"open.sql", "views.sql", "datapackage.json"} < files.keys()
    assert {path: (len(data), hashlib.sha256(data).hexdigest()) for path, data in files.items()} == {
        file["path"]: (file["bytes"], file["sha256"]) for file in listed
    }
    with duckdb.connect(str(small), read_only=True) as warehouse:
        for name in TABLES:
            rows = sum(file["rows"] for file in listed if file["table"] == name)
            assert warehouse.execute(f"SELECT count(*) FROM {name}").fetchall() == [(rows,)]


def test_the_data_package_has_fields_keys_sources_and_licences(exported: Path) -> None:
    package = json.loads((exported / "latest" / "datapackage.json").read_text())
    assert package["version"] == f"0.1.0+{BUILD}"
    resources = {resource["name"]: resource for resource in package["resources"]}
    assert set(resources) == set(TABLES)
    fatalities = resources["main.fatalities"]
    assert fatalities["path"] == "main/fatalities.parquet" and fatalities["title"] == TABLES["main.fatalities"].title
    fields = {field["name"]: field for field in fatalities["schema"]["fields"]}
    assert list(fields) == list(TABLES["main.fatalities"].columns)
    assert fields["incident_date"]["type"] == "date" and fields["incident_date"]["constraints"] == {"required": True}
    assert fields["gender"]["constraints"] == {"enum": ["F", "M"]}
    assert fields["snapshot_row"]["unit"] == "row" and fields["snapshot_row"]["type"] == "integer"
    assert fatalities["schema"]["primaryKey"] == ["casualty_id"]
    link = {"fields": ["mission"], "reference": {"resource": "main.missions", "fields": ["mission"]}}
    assert link in fatalities["schema"]["foreignKeys"]
    (source,) = fatalities["sources"]
    assert (source["name"], source["title"], source["path"]) == ("fatalities", "The dead", "https://land.example")
    assert source["vintage"] == source["version"] and source["vintage"] >= "2025" and source["citation"]
    assert fatalities["licenses"] == [{"title": "CC BY 3.0 IGO", "path": "https://licence.example"}]
    for resource in resources.values():
        assert all(field["type"] != "any" and field["description"] for field in resource["schema"]["fields"])


def test_frictionless_finds_no_error_in_the_data_package(exported: Path) -> None:
    descriptor = exported / "latest" / "datapackage.json"
    assert Package.validate_descriptor(str(descriptor)).valid
    package = json.loads(descriptor.read_text())
    for resource in package["resources"]:
        # frictionless reads Parquet through pandas, where a null is NaN and a list an array: it gets Python's values.
        paths = [resource.pop("path")] if isinstance(resource["path"], str) else resource.pop("path")
        rows = pyarrow.concat_tables(read_table(descriptor.parent / path) for path in paths).to_pylist()
        names = [field["name"] for field in resource["schema"]["fields"]]
        resource["data"] = [names, *([row[name] for name in names] for row in rows)]
        for name in ("format", "mediatype", "bytes", "hash"):  # of the file
            resource.pop(name, None)
    report = Package(package).validate()
    assert (report.stats["tasks"], report.flatten(["title", "message"])) == (len(TABLES), [])


def test_each_mart_names_all_that_it_reads(small: Path) -> None:
    """Which marts go with the chosen tables is read from their SQL."""
    for file in load.mart_files():
        mart = Mart(file.stem, file.read_text())
        with duckdb.connect() as connection:
            connection.execute(f"CREATE SCHEMA meta; CREATE SCHEMA marts; ATTACH '{small}' AS built (READ_ONLY)")
            for name in sorted(mart.reads):
                read = load.MARTS / f"{name.partition('.')[2]}.sql"
                is_macro = read.exists() and load.mart_kind(read.read_text()).startswith("MACRO")
                connection.execute(read.read_text() if is_macro else f"CREATE VIEW {name} AS FROM built.{name}")
            connection.execute(mart.sql())
