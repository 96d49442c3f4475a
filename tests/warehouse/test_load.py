"""Building the file: every row is loaded, a row that breaks a constraint stops the build, and the file opens read-only."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from reference_shared import reference_rows

from schemas.tables import FACTS, TABLES, WRITTEN_IN_BUILD
from warehouse import load
from warehouse.load import BuildError
from warehouse.publish import publish
from warehouse.wal import wal_of

Reader = Callable[..., list[tuple[Any, ...]]]


def ask(file: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(sql, list(values)).fetchall()


@pytest.fixture(scope="module")
def reader(unchecked: Path) -> Iterator[Reader]:
    """Asks the small warehouse, opened once."""
    with duckdb.connect(str(unchecked), read_only=True) as connection:
        yield lambda sql, *values: connection.execute(sql, list(values)).fetchall()


# The file


def test_the_rows_of_every_table_are_counted(tmp_path: Path, parquet: dict[str, Path]) -> None:
    counted = load.build(tmp_path / "folder" / "not there yet" / "it's.duckdb", parquet)
    assert counted == {
        "main.countries": 9,
        "main.missions": 6,
        "main.mission_aliases": 1,
        **{table.full_name: 1 for table in FACTS},
        **{name: len(rows) for name, rows in reference_rows("a" * 64).items()},
        "main.fatalities": 8,
        "main.uniformed_personnel": 13,
        "main.assessed_contributions": 9,
        "main.fatality_states": 9,
        "main.fatality_revisions": 1,
        "main.uniformed_personnel_revisions": 1,
        "main.uniformed_personnel_superseded": 1,
        "main.assessed_contribution_revisions": 1,
        "meta.builds": 1,
        "meta.snapshots": 6,
        "meta.rejected_rows": 0,
        "meta.incomplete_periods": 0,
        "meta.merged_rows": 0,
        "meta.signals": 0,
        "meta.control_totals": 1,
        "meta.corrections": 1,
        "meta.known_defects": 1,
        "meta.publisher_datasets": 1,
        "meta.publisher_columns": 3,
        "meta.publisher_revisions": 1,
        "meta.published_names": 4,
    }
    assert [path.name for path in tmp_path.rglob("*.duckdb*")] == ["it's.duckdb"]


def test_cells_arrive_as_they_were(reader: Reader) -> None:
    assert reader(
        "SELECT month_end::VARCHAR, mission, female, male, total, includes_staff_officers, series::VARCHAR "
        "FROM main.uniformed_personnel WHERE snapshot_row IN (1, 10) ORDER BY snapshot_row",
    ) == [
        ("2017-04-30", "MINUSMA", 10, 90, 100, True, "monthly_report"),
        ("2023-09-30", "UNSPECIFIED", None, None, 50, False, "monthly_report"),
    ]
    assert reader("SELECT sum(amount_usd)::VARCHAR FROM main.assessed_contributions") == [("14000000004.00",)]
    assert reader("SELECT name, m49, existed_until FROM main.countries WHERE iso3 = 'CIV'") == [
        ("Côte d'Ivoire", "384", None)
    ]


def test_columns_are_loaded_by_name_in_any_order(tmp_path: Path, parquet: dict[str, Path]) -> None:
    frame = pd.read_parquet(parquet["main.fatalities"])
    frame[sorted(frame.columns, reverse=True)].to_parquet(tmp_path / "turned.parquet", index=False)
    load.build(tmp_path / "built.duckdb", {**parquet, "main.fatalities": tmp_path / "turned.parquet"})
    assert ask(
        tmp_path / "built.duckdb", "SELECT DISTINCT gender FROM main.fatalities ORDER BY gender NULLS FIRST"
    ) == [
        (None,),
        ("F",),
        ("M",),
    ]


def test_the_file_opens_read_only_and_has_no_log_beside_it(unchecked: Path) -> None:
    assert [path.name for path in unchecked.parent.iterdir()] == [unchecked.name]
    with duckdb.connect(str(unchecked), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM main.fatalities").fetchone() == (8,)
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            connection.execute("DELETE FROM main.fatalities")


@pytest.mark.parametrize("file", ["unchecked", "small"])
def test_the_file_opens_with_duckdb_1_5_too(file: str, request: pytest.FixtureRequest) -> None:
    path: Path = request.getfixturevalue(file)  # as built, and after the checks have written into it
    magic, version = struct.unpack("<4sQ", path.read_bytes()[8:20])
    assert magic == b"DUCK"
    assert 64 <= version <= 68
    ((tags,),) = ask(path, "SELECT tags FROM duckdb_databases() WHERE NOT internal")
    assert tags["storage_version"].startswith("v1.5")


def test_a_build_never_writes_over_a_warehouse(parquet: dict[str, Path], built: Path) -> None:
    with pytest.raises(BuildError):
        load.build(built, parquet)
    assert ask(built, "SELECT count(*) FROM main.fatalities") == [(8,)]


# What stops a build


def changed(parquet: dict[str, Path], folder: Path, table: str, column: str, value: object) -> dict[str, Path]:
    """The hand-made files, with another value in the first row of one table."""
    frame = pd.read_parquet(parquet[table])
    frame.loc[0, column] = value
    frame.to_parquet(folder / "changed.parquet", index=False)
    return {**parquet, table: folder / "changed.parquet"}


BROKEN_ROWS = [
    ("main.uniformed_personnel", "total", 1, "female \\+ male"),
    ("main.uniformed_personnel", "mission", None, "NOT NULL constraint failed: uniformed_personnel.mission"),
    ("main.uniformed_personnel", "personnel_type", "Tanks", "Tanks"),
    ("main.fatalities", "mission", "NOWHERE", "foreign key"),
    ("main.fatalities", "casualty_id", "MINUSMA-2016-02-00002", "(?i)duplicate key.*MINUSMA-2016-02-00002"),
    ("main.assessed_contributions", "contributor_iso3", "ZZZ", "foreign key"),
    ("meta.snapshots", "rows_staged", 7, "rows_in"),
]


@pytest.mark.parametrize(("table", "column", "value", "message"), BROKEN_ROWS)
def test_a_row_that_breaks_a_constraint_is_a_build_error(
    tmp_path: Path, parquet: dict[str, Path], table: str, column: str, value: object, message: str
) -> None:
    files = changed(parquet, tmp_path, table, column, value)
    with pytest.raises(BuildError, match=message) as caught:
        load.build(tmp_path / "built.duckdb", files)
    assert str(caught.value).startswith("The build failed: ")
    assert "\n" not in str(caught.value)


def test_failed_constraint_leaves_no_published_file(tmp_path: Path, parquet: dict[str, Path]) -> None:
    built, published = tmp_path / "work" / "built.duckdb", tmp_path / "warehouse.duckdb"
    files = changed(parquet, tmp_path, "main.uniformed_personnel", "total", 1)

    def build_and_publish() -> None:
        load.build(built, files)
        publish(built, published)

    with pytest.raises(BuildError):
        build_and_publish()
    assert [path.name for path in tmp_path.glob("warehouse*")] == []


def test_failed_constraint_leaves_the_published_file_as_it_was(
    tmp_path: Path, small: Path, parquet: dict[str, Path]
) -> None:
    published = Path(shutil.copy(small, tmp_path / "warehouse.duckdb"))
    before = published.read_bytes()
    with pytest.raises(BuildError):
        load.build(tmp_path / "built.duckdb", changed(parquet, tmp_path, "main.fatalities", "mission", "NOWHERE"))
    assert published.read_bytes() == before
    assert not wal_of(published).exists()


def test_a_failed_build_is_not_left_open(tmp_path: Path, parquet: dict[str, Path]) -> None:
    target = tmp_path / "built.duckdb"
    with pytest.raises(BuildError):
        load.build(target, {**parquet, "main.fatalities": tmp_path / "not there.parquet"})
    target.unlink(missing_ok=True)
    wal_of(target).unlink(missing_ok=True)
    assert load.build(target, parquet)["main.fatalities"] == 8


@pytest.mark.parametrize("table", [name for name in TABLES if TABLES[name] not in WRITTEN_IN_BUILD])
def test_a_table_without_rows_given_is_a_build_error(tmp_path: Path, parquet: dict[str, Path], table: str) -> None:
    with pytest.raises(BuildError, match=table):
        load.build(tmp_path / "built.duckdb", {name: file for name, file in parquet.items() if name != table})
    assert list(tmp_path.iterdir()) == []


def test_all_missing_tables_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(BuildError) as caught:
        load.build(tmp_path / "built.duckdb", {})
    assert [name for name in TABLES if name not in str(caught.value)] == [
        name for name in TABLES if TABLES[name] in WRITTEN_IN_BUILD
    ]


@pytest.mark.parametrize("damage", ["missing", "empty", "no parquet", "a column short"])
def test_a_file_that_can_t_be_read_is_a_build_error(tmp_path: Path, parquet: dict[str, Path], damage: str) -> None:
    file = tmp_path / "damaged.parquet"
    if damage == "a column short":
        pd.read_parquet(parquet["main.fatalities"]).drop(columns="mission").to_parquet(file, index=False)
    elif damage != "missing":
        file.write_bytes(b"" if damage == "empty" else b"mission,total\n" * 100)
    with pytest.raises(BuildError, match="mission" if damage == "a column short" else "damaged.parquet"):
        load.build(tmp_path / "built.duckdb", {**parquet, "main.fatalities": file})


# Marts


def test_every_mart_is_a_view_that_runs_or_a_macro(reader: Reader) -> None:
    views = {name for (name,) in reader("SELECT view_name FROM duckdb_views() WHERE schema_name = 'marts'")}
    macros = {name for (name,) in reader("SELECT function_name FROM duckdb_functions() WHERE schema_name = 'marts'")}
    assert views | macros == {file.stem for file in load.mart_files()} and not views & macros
    assert len(views) >= 10 and "fatalities_as_of" in macros
    for name in views:
        reader(f"FROM marts.{name}")


def test_the_comment_of_every_mart_has_its_definition_and_hazards(reader: Reader) -> None:
    comments = dict(reader("SELECT view_name, comment FROM duckdb_views() WHERE schema_name = 'marts'"))
    assert comments["personnel_by_contributor_and_month"].startswith(
        "Uniformed personnel by contributor and month-end, "
    )
    assert "\n- Numbers deployed on that day: never add months.\n" in comments["personnel_by_contributor_and_month"]
    assert "persons (not rows), all staff, all years" in comments["fatalities_by_mission_and_incident_type"]
    assert "of the sum of all states in CEB's file.\n- Assessed, not paid.\n" in comments["assessment_shares"]
    for comment in comments.values():
        definition, *hazards = comment.split("\n")
        assert definition and all(hazard.startswith("- ") and hazard.endswith(".") for hazard in hazards)


def test_every_column_of_every_mart_has_a_comment(reader: Reader) -> None:
    columns = reader("SELECT table_name, column_name, comment FROM duckdb_columns() WHERE schema_name = 'marts'")
    assert columns
    assert [f"{table}.{column}" for table, column, comment in columns if not (comment or "").strip()] == []


@pytest.mark.parametrize(
    ("text", "comment"),
    [
        ("-- One.\n--  Two's.\nCREATE VIEW x AS\n-- not this\nSELECT 1", "One. Two's."),
        ("-- One.\n-- - A hazard\n--   of two lines.\n-- - Another.", "One.\n- A hazard of two lines.\n- Another."),
        ("SELECT 1 -- no", ""),
    ],
)
def test_a_mart_s_leading_comment_is_its_definition_and_hazards(text: str, comment: str) -> None:
    assert load.mart_comment(text) == comment


def test_a_mart_that_does_not_run_is_a_build_error(tmp_path: Path, parquet: dict[str, Path]) -> None:
    marts = tmp_path / "marts"
    marts.mkdir()
    (marts / "wrong.sql").write_text("-- Wrong.\nCREATE VIEW marts.wrong AS SELECT nope FROM main.fatalities;")
    with pytest.raises(BuildError, match="nope"):
        load.build(tmp_path / "built.duckdb", parquet, marts)


def test_a_mart_may_be_a_macro_and_quotes_in_its_definition_survive(tmp_path: Path, parquet: dict[str, Path]) -> None:
    marts = tmp_path / "marts"
    marts.mkdir()
    (marts / "of_mission.sql").write_text(
        "-- A mission's casualties, by the list's \"acronym\".\n"
        "CREATE MACRO marts.of_mission(wanted) AS TABLE SELECT * FROM main.fatalities WHERE mission = wanted;"
    )
    load.build(tmp_path / "built.duckdb", parquet, marts)
    assert ask(tmp_path / "built.duckdb", "SELECT count(*) FROM marts.of_mission('MINUSMA')") == [(6,)]
    assert ask(
        tmp_path / "built.duckdb", "SELECT comment FROM duckdb_functions() WHERE function_name = 'of_mission'"
    ) == [("A mission's casualties, by the list's \"acronym\".",)]


# The dictionary


def test_the_dictionary_lists_every_column_of_the_file_once(reader: Reader) -> None:
    listed = reader("SELECT schema_name, table_name, column_name, position FROM meta.columns ORDER BY ALL")
    there = reader(
        "SELECT schema_name, table_name, column_name, column_index FROM duckdb_columns() "
        "WHERE NOT internal AND schema_name IN ('main', 'meta', 'marts') ORDER BY ALL",
    )
    assert listed == there
    assert {schema for schema, *_ in listed} == {"main", "meta", "marts"}


def test_the_dictionary_s_types_and_nulls_are_the_file_s(reader: Reader) -> None:
    wrong = reader(
        """
        SELECT table_name, column_name FROM meta.columns AS d
        JOIN duckdb_columns() AS c USING (schema_name, table_name, column_name)
        WHERE NOT c.internal AND (
            d.data_type <> regexp_replace(replace(c.data_type, 'DECIMAL(18,2)', 'DECIMAL(18, 2)'), '^ENUM.*', 'ENUM')
            AND d.schema_name <> 'marts'
            OR d.nullable <> c.is_nullable AND d.column_name <> 'is_uniformed')
        """,
    )
    assert wrong == []


def test_the_dictionary_has_units_keys_references_and_descriptions(reader: Reader) -> None:
    row = "SELECT data_type, unit, nullable, is_key, references_column, description FROM meta.columns WHERE table_name = ?"
    row += " AND column_name = ?"
    assert reader(row, "uniformed_personnel", "mission") == [
        (
            "VARCHAR",
            None,
            False,
            True,
            "main.missions.mission",
            "Mission; UNSPECIFIED in the months whose report prints no mission (2018-03 to 2019-08, 2023-09).",
        )
    ]
    assert reader(row, "uniformed_personnel", "female") == [
        ("BIGINT", "person", True, False, None, "Women; NULL where the publication prints no sexes.")
    ]
    assert reader(row, "uniformed_personnel", "series") == [
        ("ENUM", None, False, False, None, "Publication that the row comes from.")
    ]
    assert reader(row, "assessed_contributions", "amount_usd") == [
        ("DECIMAL(18, 2)", "USD", False, False, None, "Amount assessed, not cash paid.")
    ]
    assert reader(row, "assessment_shares", "rank_in_year") == [
        ("BIGINT", None, True, False, None, "Rank by amount; ties share it.")
    ]
    assert reader("SELECT count(*) FROM meta.columns WHERE trim(description) = ''") == [(0,)]
