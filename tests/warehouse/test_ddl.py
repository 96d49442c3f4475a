"""The rendered SQL: DuckDB runs it, enforces every constraint of the declarations, and keeps every comment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.columns import Table, category, day, flag, money, number, text, whole
from schemas.tables import HISTORY, TABLES
from schemas.validate import TableError, require
from warehouse import ddl

SHA = "a" * 64

any_text = st.text(st.characters(codec="utf-8"))


@pytest.fixture(scope="module")
def memory() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def full(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The small warehouse with a row in every table, attached as `given`, and the declared tables, empty."""
    file = tmp_path_factory.mktemp("ddl") / "full.duckdb"
    file.write_bytes(small.read_bytes())
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"INSERT INTO meta.rejected_rows VALUES ('fatalities', '{SHA}', 1, '{{}}', NULL, 'c', 'r')")
        connection.execute(
            f"INSERT INTO meta.incomplete_periods VALUES ('fatalities', '{SHA}', 'all', 'rows', 1, 8, 1, 11.1)"
        )
        connection.execute(f"INSERT INTO meta.merged_rows VALUES ('fatalities', '{SHA}', 1, 'a_rule', 2)")
        connection.execute(f"INSERT INTO meta.signals VALUES ('fatalities', '{SHA}', 'new_column', 'x', 3)")
        connection.execute("INSERT INTO meta.reconciliation_reasons VALUES ('why', DATE '2026-11-25', 'Because.')")
        connection.execute(
            "INSERT INTO meta.reconciliations VALUES ('n', 'all', '2019', 'USD', 'l', 'r', 1, 2, -1, 'differs', 'why', false)"
        )
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{file}' AS given (READ_ONLY)")
        connection.execute("CREATE SCHEMA meta")
        for table in TABLES.values():
            connection.execute("\n".join([ddl.create_table(table), *ddl.comments(table)]))
        yield connection


def refused(connection: duckdb.DuckDBPyConnection, table: str, change: str, times: int = 1) -> str:
    """DuckDB's error for the table's first row with this change; '' where the empty table accepts it."""
    connection.execute("BEGIN")
    try:
        for name in ("main.countries", "main.missions"):
            if ddl.references(TABLES[table]):
                connection.execute(f"INSERT INTO {name} FROM given.{name}")
        columns = ", ".join(TABLES[table].stored_columns)
        rows = f"SELECT {columns} FROM (SELECT * REPLACE ({change}) FROM given.{table}) LIMIT 1"
        for _ in range(times):
            connection.execute(f"INSERT INTO {table} ({columns}) {rows}")
    except duckdb.Error as error:
        return str(error).replace('"', "")
    finally:
        connection.execute("ROLLBACK")
    return ""


# Literals


@settings(max_examples=60)
@given(any_text)
def test_any_text_survives_as_a_literal(memory: duckdb.DuckDBPyConnection, value: str) -> None:
    assert memory.execute(f"SELECT {ddl.quote(value)}").fetchone() == (value,)
    assert memory.execute(f"SELECT {ddl.literal(value)}").fetchone() == (value,)


@settings(max_examples=30)
@given(st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1)))
def test_any_value_survives_as_a_literal(memory: duckdb.DuckDBPyConnection, value: int | bool | None) -> None:
    row = memory.execute(f"SELECT {ddl.literal(value)}").fetchone()
    assert row == (value,)
    assert row is not None
    assert type(row[0]) is type(value)


@settings(max_examples=12)
@given(st.lists(any_text.filter(lambda value: 0 < len(value.encode()) < 200), min_size=1, max_size=5, unique=True))
def test_a_category_takes_each_of_its_values_and_no_other(memory: duckdb.DuckDBPyConnection, values: list[str]) -> None:
    table = Table("main", "t", "T", "One row a row.", (), False, {"kind": category("A kind.", tuple(values))})
    memory.execute("DROP TABLE IF EXISTS main.t; " + ddl.create_table(table))
    memory.executemany("INSERT INTO main.t VALUES (?)", [[value] for value in values])
    assert memory.execute("SELECT kind FROM main.t").fetchall() == [(value,) for value in values]
    with pytest.raises(duckdb.ConversionException):
        memory.execute("INSERT INTO main.t VALUES (?)", ["".join(values) + "x"])


# Constraints of a table made for the purpose


@pytest.fixture(scope="module")
def declared() -> Iterator[duckdb.DuckDBPyConnection]:
    """A dimension `parents` and a table `children` with every kind of column."""
    parents = Table("main", "parents", "Parents", "One row a parent.", ("code",), True, {"code": text("Code.")})
    children = Table(
        "main",
        "children",
        "Children",
        "One row a child and day.",
        ("child", "born"),
        True,
        {
            "child": text("Child.", pattern="^[a-z']+$"),
            "born": day("Day."),
            "parent": text("Parent.", nullable=True, references="parents.code"),
            "kind": category("Kind.", ("tall", "it's small")),
            "teeth": whole("Teeth.", unit="tooth", minimum=0, maximum=32),
            "allowance": money("Allowance.", nullable=True),
            "balance": number("Balance.", unit="degree", minimum=-90, maximum=90, nullable=True),
            "asleep": flag("Asleep."),
        },
        rules=(("NOT asleep OR teeth < 30", "no one with thirty teeth sleeps"),),
    )
    with duckdb.connect() as connection:
        connection.execute(ddl.create_table(parents))
        connection.execute(ddl.create_table(children))
        connection.execute("INSERT INTO parents VALUES ('P')")
        yield connection


@pytest.fixture
def family(declared: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """The same, without children."""
    declared.execute("DELETE FROM children")
    yield declared


RIGHT: dict[str, Any] = {
    "child": "ann",
    "born": date(2020, 2, 29),
    "parent": "P",
    "kind": "it's small",
    "teeth": 20,
    "allowance": 12.34,
    "balance": -90.0,
    "asleep": True,
}


def insert(connection: duckdb.DuckDBPyConnection, change: dict[str, Any]) -> None:
    row = {**RIGHT, **change}
    places = ", ".join("?" for _ in row)
    connection.execute(f"INSERT INTO main.children ({', '.join(row)}) VALUES ({places})", list(row.values()))


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"child": "o'neil"},
        {"parent": None, "allowance": None, "balance": None},
        {"teeth": 0, "allowance": 0, "balance": 90},
        {"teeth": 32, "asleep": False},
    ],
    ids=str,
)
def test_a_row_that_fits_its_declaration_is_accepted(
    family: duckdb.DuckDBPyConnection, change: dict[str, object]
) -> None:
    insert(family, change)
    assert family.execute("SELECT count(*) FROM main.children").fetchone() == (1,)


# What the warehouse's own tables, below, have no column for.
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"asleep": None}, "NOT NULL constraint failed: children.asleep"),
        ({"child": "ann."}, "CHECK constraint failed"),
        ({"child": ""}, "CHECK constraint failed"),
        ({"kind": "its small"}, "Could not convert string"),
        ({"teeth": 33, "asleep": False}, "CHECK constraint failed"),
        ({"teeth": 30}, "CHECK constraint failed"),
        ({"balance": float("nan")}, "CHECK constraint failed"),
        ({"parent": "Q"}, "foreign key constraint"),
    ],
    ids=str,
)
def test_a_row_that_breaks_its_declaration_is_refused(
    family: duckdb.DuckDBPyConnection, change: dict[str, object], message: str
) -> None:
    with pytest.raises(duckdb.Error, match=message):
        insert(family, change)
    assert family.execute("SELECT count(*) FROM main.children").fetchone() == (0,)


def test_a_key_of_several_columns_is_unique_as_a_whole(family: duckdb.DuckDBPyConnection) -> None:
    insert(family, {})
    insert(family, {"born": date(2020, 3, 1)})
    insert(family, {"child": "bob"})
    with pytest.raises(duckdb.ConstraintException, match="primary key constraint"):
        insert(family, {"teeth": 3})


def test_a_generated_column_follows_its_expression() -> None:
    columns = {"kind": text("Kind."), "is_big": flag("Whether big.", generated="kind = 'big'")}
    table = Table("main", "t", "T", "One row a row.", (), False, columns)
    with duckdb.connect() as connection:
        connection.execute("\n".join([ddl.create_table(table), *ddl.comments(table)]))
        connection.execute("INSERT INTO t (kind) VALUES ('big'), ('small')")
        assert connection.execute("SELECT is_big FROM t").fetchall() == [(True,), (False,)]
        connection.execute("UPDATE t SET kind = 'small'")
        assert connection.execute("SELECT DISTINCT is_big FROM t").fetchall() == [(False,)]
    assert list(table.stored_columns) == ["kind"] == list(table.frame_schema().columns)


# The warehouse's own tables


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.full_name)
def test_the_file_refuses_what_the_declaration_forbids(full: duckdb.DuckDBPyConnection, table: Table) -> None:
    broken = []
    for name, column in table.stored_columns.items():
        meta = dict(column.metadata or {})
        message = refused(full, table.full_name, f"NULL AS {name}")
        if not column.nullable and f"NOT NULL constraint failed: {table.name}.{name}" not in message:
            broken.append(f"{name} takes NULL")
        for bound, beyond in (("minimum", -1), ("maximum", 1)):
            if meta.get(bound) is not None:
                message = refused(full, table.full_name, f"{meta[bound] + beyond} AS {name}")
                if "CHECK constraint failed" not in message or name not in message:
                    broken.append(f"{name} takes more than its {bound}")
        if meta.get("pattern"):
            message = refused(full, table.full_name, f"'?' AS {name}")
            if "CHECK constraint failed" not in message or name not in message:
                broken.append(f"{name} takes another form")
        if meta.get("values") and "onver" not in refused(full, table.full_name, f"'no such value' AS {name}"):
            broken.append(f"{name} takes an unknown value")
    if table.key_enforced:
        same = f"{table.key[0]} AS {table.key[0]}"
        if refused(full, table.full_name, same):
            broken.append("a right row is refused")
        if "duplicate key" not in refused(full, table.full_name, same, times=2).lower():
            broken.append("the key is not unique")
    assert broken == []


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        ("main.uniformed_personnel", "total + 1 AS total", "female + male"),
        ("main.uniformed_personnel", "-1 AS female", "female >= 0"),
        ("main.uniformed_personnel", "'Tanks' AS personnel_type", "Tanks"),
        ("main.missions", "181 AS longitude", "longitude <= 180"),
        ("main.missions", "-91 AS latitude", "latitude >= -90"),
        ("main.countries", "'Fr' AS iso3", "regexp_matches(iso3"),
        ("main.assessed_contributions", "-0.01 AS amount_usd", "amount_usd >= 0"),
        ("main.assessed_contributions", "'2018' AS peacekeeping_year", "regexp_matches(peacekeeping_year"),
        ("main.assessed_contributions", "'ZZZ' AS contributor_iso3", "foreign key constraint"),
        ("main.fatalities", "'NOWHERE' AS mission", "foreign key constraint"),
        ("main.fatalities", "'ZZZ' AS nationality_iso3", "foreign key constraint"),
        ("main.fatalities", "'ZZZ' AS nationality_iso3_other", "foreign key constraint"),
        ("main.mission_aliases", "'NOWHERE' AS mission", "foreign key constraint"),
        ("meta.snapshots", "rows_staged + 1 AS rows_staged", "rows_in = "),
        ("meta.snapshots", "rows_read + 1 AS rows_read", "rows_read = "),
    ],
)
def test_each_of_these_rows_is_refused(full: duckdb.DuckDBPyConnection, table: str, change: str, message: str) -> None:
    assert message in refused(full, table, change)


def test_women_and_men_need_not_be_known_for_a_total(full: duckdb.DuckDBPyConnection) -> None:
    assert refused(full, "main.uniformed_personnel", "NULL AS female, NULL AS male, 7 AS total") == ""
    assert refused(full, "main.uniformed_personnel", "NULL AS female, 3 AS male, 7 AS total") == ""


def test_facts_whose_key_is_not_enforced_have_no_index(full: duckdb.DuckDBPyConnection) -> None:
    indexed = full.execute(
        "SELECT DISTINCT schema_name || '.' || table_name FROM duckdb_constraints() "
        "WHERE database_name = 'given' AND constraint_type IN ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY')"
    ).fetchall()
    assert full.execute("SELECT count(*) FROM duckdb_indexes()").fetchone() == (0,)
    loose = {table.full_name for table in HISTORY}
    loose |= {"main.uniformed_personnel", "meta.rejected_rows", "meta.merged_rows", "meta.signals"}
    loose |= {"meta.incomplete_periods"}
    loose |= {
        "main.contributor_strength",
        "main.income_groups",
        "main.dated_facts",
        "main.mission_strength",
        "main.state_mission_assessments",
    }
    assert {name for (name,) in indexed} == set(TABLES) - loose


def test_every_enforced_key_and_reference_is_a_constraint_of_the_file(full: duckdb.DuckDBPyConnection) -> None:
    keys = full.execute(
        "SELECT schema_name || '.' || table_name, constraint_column_names FROM duckdb_constraints() "
        "WHERE database_name = 'given' AND constraint_type = 'PRIMARY KEY'"
    ).fetchall()
    assert {name: tuple(columns) for name, columns in keys} == {
        name: table.key for name, table in TABLES.items() if table.key_enforced
    }
    references = full.execute(
        "SELECT table_name, constraint_column_names[1], referenced_table, referenced_column_names[1] "
        "FROM duckdb_constraints() WHERE database_name = 'given' AND constraint_type = 'FOREIGN KEY'"
    ).fetchall()
    assert sorted(references) == [
        ("assessed_contributions", "contributor_iso3", "countries", "iso3"),
        ("country_aliases", "iso3", "countries", "iso3"),
        ("country_years", "iso3", "countries", "iso3"),
        ("fatalities", "mission", "missions", "mission"),
        ("fatalities", "nationality_iso3", "countries", "iso3"),
        ("fatalities", "nationality_iso3_other", "countries", "iso3"),
        ("government_revenue", "contributor_iso3", "countries", "iso3"),
        ("mission_aliases", "mission", "missions", "mission"),
        ("mission_assessments", "mission", "missions", "mission"),
        ("mission_budget_lines", "mission", "missions", "mission"),
        ("mission_budgets", "mission", "missions", "mission"),
        ("mission_hosts", "host_iso3", "countries", "iso3"),
        ("mission_hosts", "mission", "missions", "mission"),
        ("peacekeeping_levels", "contributor_iso3", "countries", "iso3"),
        ("peacekeeping_rates", "contributor_iso3", "countries", "iso3"),
        ("regular_budget_payments", "contributor_iso3", "countries", "iso3"),
        ("scale_of_assessments", "contributor_iso3", "countries", "iso3"),
        ("state_code_gaps", "iso3", "countries", "iso3"),
        ("state_codes", "iso3", "countries", "iso3"),
    ]


# Comments


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.full_name)
def test_the_file_s_comments_are_the_declaration_s(full: duckdb.DuckDBPyConnection, table: Table) -> None:
    place = [table.schema_name, table.name]
    message = full.execute(
        "SELECT comment FROM duckdb_tables() WHERE database_name = 'given' AND schema_name = ? AND table_name = ?",
        place,
    )
    assert message.fetchall() == [(" ".join([table.title + ".", table.description, *table.hazards]),)]
    columns = full.execute(
        "SELECT column_name, comment FROM duckdb_columns() "
        "WHERE database_name = 'given' AND schema_name = ? AND table_name = ? ORDER BY column_index",
        place,
    ).fetchall()
    assert [name for name, _ in columns] == list(table.columns)
    for name, comment in columns:
        declared = table.columns[name]
        unit = (declared.metadata or {}).get("unit")
        assert comment == declared.description + (f" Unit: {unit}." if unit else ""), name


@settings(max_examples=12)
@given(any_text.filter(str.strip), any_text.filter(str.strip))
def test_quotes_in_titles_descriptions_and_units_survive(
    memory: duckdb.DuckDBPyConnection, said: str, unit: str
) -> None:
    table = Table("main", "t", "It's 'T'", said, (), False, {"x": whole(said, unit=unit)}, hazards=("Don't.",))
    memory.execute("\n".join(["DROP TABLE IF EXISTS main.t;", ddl.create_table(table), *ddl.comments(table)]))
    assert memory.execute("SELECT comment FROM duckdb_tables()").fetchall() == [(f"It's 'T'. {said} Don't.",)]
    columns = memory.execute("SELECT comment FROM duckdb_columns() WHERE table_name = 't'").fetchall()
    assert columns == [(f"{said} Unit: {unit}.",)]


# A frame that passed is never refused by the file

PATTERNS = sorted(
    {
        str(column.metadata["pattern"])
        for table in TABLES.values()
        for column in table.columns.values()
        if (column.metadata or {}).get("pattern")
    }
)


def agrees(connection: duckdb.DuckDBPyConnection, pattern: str, values: list[str]) -> None:
    table = Table("main", "t", "T", "One row a row.", (), False, {"x": text("Text.", pattern=pattern)})
    connection.execute("DROP TABLE IF EXISTS main.t; " + ddl.create_table(table))
    for value in values:
        try:
            require(pd.DataFrame({"x": pd.Series([value], dtype="str")}), table.frame_schema())
        except TableError:
            continue
        connection.execute("INSERT INTO main.t VALUES (?)", [value])


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_text_that_a_frame_may_have_is_taken_by_the_file(memory: duckdb.DuckDBPyConnection, pattern: str) -> None:
    right = next(value for value in ("FRA", "250", "2018-19", "2019-2021", "0a" * 32) if re.fullmatch(pattern, value))
    arabic = right.translate({48 + digit: 0x660 + digit for digit in range(10)})
    agrees(memory, pattern, [right, right + "\n", right + " ", arabic, right.lower(), "x" + right, right + "x", ""])
