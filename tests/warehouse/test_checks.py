"""The checks of a build: each fails when its rule is broken, and only then."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from schemas.tables import TABLES
from warehouse import checks
from warehouse.checks import Bounds, Check, ChecksFailed, Outcome
from warehouse.load import BuildError

NOWHERE = "9" * 64


@pytest.fixture(scope="module")
def whole(unchecked: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of the small warehouse, open for changes that are rolled back."""
    file = tmp_path_factory.mktemp("checks") / "whole.duckdb"
    file.write_bytes(unchecked.read_bytes())
    with duckdb.connect(str(file)) as connection:
        yield connection


def broken(whole: duckdb.DuckDBPyConnection, *changes: str) -> dict[str, int | None]:
    """The checks that fail after these changes, and the number that each returns."""
    all_checks = checks.all_checks()
    whole.execute("BEGIN")
    try:
        for change in changes:
            whole.execute(change)
        numbers = [whole.execute(check.sql).fetchall()[0][0] for check in all_checks]
    finally:
        whole.execute("ROLLBACK")
    outcomes = [Outcome(check, number) for check, number in zip(all_checks, numbers, strict=True)]
    return {outcome.check.name: outcome.found for outcome in outcomes if not outcome.passed}


def check(sql: str = "SELECT 1", **fields: Any) -> Check:
    return Check(**{"name": "a check", "description": "It holds.", "sql": sql, **fields})


# What is checked


@pytest.fixture(scope="module")
def checked(unchecked: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Outcome]]:
    """A copy of the small warehouse on which every check was run, and the outcomes."""
    file = tmp_path_factory.mktemp("checked") / "checked.duckdb"
    file.write_bytes(unchecked.read_bytes())
    return file, checks.run(file)


def test_a_warehouse_without_faults_passes_every_check(checked: tuple[Path, list[Outcome]]) -> None:
    _, outcomes = checked
    assert [outcome.check.name for outcome in outcomes if not outcome.passed] == []
    assert checks.require(outcomes) == []


def test_every_key_and_every_reference_is_checked_under_its_name() -> None:
    names = [check.name for check in checks.all_checks()]
    assert len(names) == len(set(names))
    assert {name for name in names if name.startswith("key: ")} == {
        f"key: {name}" for name in TABLES if name not in ("meta.rejected_rows", "meta.merged_rows", "meta.signals")
    }
    references = {name.removeprefix("reference: ") for name in names if name.startswith("reference: ")}
    columns = [(table, name) for name, table in TABLES.items() if name.startswith("main.")]
    assert references == {
        f"{name}.{column}"
        for table, name in columns
        for column in table.columns
        if (column == "mission" and name != "main.missions")
        or (column.endswith(("iso3", "iso3_other")) and name != "main.countries")
    }


@pytest.mark.parametrize("declared", checks.declared(), ids=lambda declared: declared.name)
def test_every_declared_check_is_one_query_for_one_whole_number(unchecked: Path, declared: Check) -> None:
    assert len(declared.description) > 10
    with duckdb.connect(str(unchecked), read_only=True) as connection:
        ((number,),) = connection.execute(declared.sql).fetchall()
    assert type(number) is int


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        *(
            ({field: None}, f"0.{field}: Field required")
            for field in ("name", "description", "sql", "severity", "expect")
        ),
        ({"severity": "grave"}, "0.severity: Input should be 'error' or 'warn', got 'grave'"),
        ({"expect": {"most": 1}}, "0.expect.most: Extra inputs are not permitted"),
    ],
    ids=str,
)
def test_a_faulty_declaration_names_file_place_and_value(tmp_path: Path, change: dict[str, Any], fault: str) -> None:
    entry = {"name": "a check", "description": "it holds", "sql": "SELECT 1", "severity": "warn", "expect": {"max": 1}}
    file = tmp_path / "checks.yaml"
    entry = {name: value for name, value in (entry | change).items() if value is not None}
    file.write_text(yaml.safe_dump([entry]), encoding="utf-8")
    with pytest.raises(ValueError, match=f"checks.yaml: {re.escape(fault)}"):
        checks.declared(file)


# Keys and references that the file does not enforce

PERSONNEL = (
    "INSERT INTO main.uniformed_personnel SELECT * {} FROM main.uniformed_personnel WHERE snapshot_row = 7 LIMIT 1"
)


def test_a_doubled_key_is_found_and_stops_publishing(built: Path) -> None:
    with duckdb.connect(str(built)) as connection:
        connection.execute(PERSONNEL.format("REPLACE (1 AS female, 2 AS male, 3 AS total)"))
    with pytest.raises(ChecksFailed) as caught:
        checks.require(checks.run(built))
    assert str(caught.value) == (
        "1 check(s) failed, the build is not published: key: main.uniformed_personnel: expected 0, found 1."
    )
    assert [outcome.check.name for outcome in caught.value.failed] == ["key: main.uniformed_personnel"]


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ("REPLACE ('NOWHERE' AS mission)", "reference: main.uniformed_personnel.mission"),
        ("REPLACE ('ZZZ' AS contributor_iso3)", "reference: main.uniformed_personnel.contributor_iso3"),
    ],
)
def test_an_orphan_is_found_and_stops_publishing(built: Path, change: str, check: str) -> None:
    with duckdb.connect(str(built)) as connection:
        connection.execute(PERSONNEL.format(change))
    with pytest.raises(ChecksFailed) as caught:
        checks.require(checks.run(built, checks.reference_checks(TABLES["main.uniformed_personnel"])))
    assert str(caught.value) == f"1 check(s) failed, the build is not published: {check}: expected 0, found 1."


def test_orphans_and_doubles_are_counted_each(whole: duckdb.DuckDBPyConnection) -> None:
    failed = broken(
        whole,
        PERSONNEL.format("REPLACE ('NOWHERE' AS mission, 8 AS snapshot_row)"),
        PERSONNEL.format("REPLACE ('NOWHERE' AS mission, 9 AS snapshot_row)"),
        PERSONNEL.format("REPLACE ('ELSEWHERE' AS mission, 10 AS snapshot_row)"),
    )
    assert failed == {"reference: main.uniformed_personnel.mission": 3, "key: main.uniformed_personnel": 1}


def test_a_state_that_is_not_known_is_no_orphan(whole: duckdb.DuckDBPyConnection) -> None:
    assert broken(whole, "UPDATE main.fatalities SET nationality_iso3 = NULL WHERE nationality_iso3 = 'IND'") == {}


# Each check of checks.yaml, failing

SNAPSHOT = "CREATE OR REPLACE TABLE meta.snapshots AS SELECT * REPLACE ({}) FROM meta.snapshots"
OF_FATALITIES = "CASE WHEN source = 'fatalities' THEN {} ELSE {} END AS {}"


def replaced(**columns: str) -> str:
    """The snapshots without their constraints, with other values in the row of the fatalities."""
    return SNAPSHOT.format(", ".join(OF_FATALITIES.format(value, name, name) for name, value in columns.items()))


REJECTED = f"INSERT INTO meta.rejected_rows VALUES ('fatalities', '{'a' * 64}', 3, '{{}}', '{{}}', 'c', 'r')"

NO_MISSIONS = [
    "CREATE TABLE m AS FROM marts.mission_months LIMIT 0",
    "CREATE OR REPLACE VIEW marts.mission_months AS FROM m",
]
LEADS_BACK = "every row leads back to a snapshot"
NOT_EMPTY = "no table is empty whose source has a snapshot"
BROKEN_ERRORS = [
    ("rows are accounted for", [replaced(rows_staged="7")], 1),
    ("rejected rows are kept", [replaced(rows_rejected="1", rows_staged="7")], 1),
    ("merged rows are kept", [replaced(rows_merged="1", rows_staged="7")], 1),
    *(
        (LEADS_BACK, [f"UPDATE {table} SET snapshot_sha256 = '{NOWHERE}' WHERE {condition}"], 1)
        for table, condition in (
            ("main.fatalities", "mission = 'UNAMA'"),
            ("main.uniformed_personnel", "total > 50"),
            ("main.assessed_contributions", "true"),
            ("main.missions", "mission = 'MINUSMA'"),
            ("meta.publisher_columns", "format IS NULL"),
            ("meta.publisher_datasets", "true"),
            ("main.dated_facts", "true"),
        )
    ),
    (LEADS_BACK, ["UPDATE main.missions SET snapshot_sha256 = NULL WHERE mission = 'MINUSMA'"], 1),
    (NOT_EMPTY, ["DELETE FROM meta.publisher_datasets"], 1),
    (NOT_EMPTY, ["DELETE FROM main.fatalities"], 1),
    (NOT_EMPTY, ["DELETE FROM main.uniformed_personnel"], 1),
    (NOT_EMPTY, ["DELETE FROM main.assessed_contributions"], 1),
    *(
        (f"{what} are known", [f"UPDATE main.missions SET {change} WHERE mission = '{mission}'"], number)
        for what, change, mission, number in (
            ("mission relations", "part_of = 'X'", "UNOSOM I", 1),
            ("mission relations", "predecessor = 'X'", "UNAMA", 1),
            ("mission relations", "successor = 'X', part_of = 'Y'", "UNAMA", 2),
        )
    ),
    (
        "panels have each contributor and mission once a month",
        [
            "CREATE TABLE copied AS FROM marts.mission_months",
            "CREATE OR REPLACE VIEW marts.mission_months AS FROM copied UNION ALL (FROM copied LIMIT 1)",
        ],
        2,
    ),
    ("panels have every month of a contributor and mission", NO_MISSIONS, 5),
]

BREAK = (
    "INSERT INTO meta.reconciliations "
    "VALUES ('assessments in both of CEB''s tables', 'FRA', '2018-19', 'USD', 'l', 'r', 1, 2, -1, {}, {}, false)"
)
BROKEN_WARNINGS = [
    ("peacekeeping operations without a host", ["DELETE FROM main.mission_hosts WHERE mission LIKE 'UNOSOM I%'"], 2),
    ("reconciliation: assessments in both of CEB's tables", [BREAK.format("'differs'", "NULL")], 1),
    ("reconciliation: assessments in both of CEB's tables", [BREAK.format("'only_left'", "NULL")], 1),
    ("known defects still stand", ["UPDATE meta.known_defects SET status = 'mended'"], 1),
    (
        "shares of assessed contributions are plausible",
        [
            "UPDATE main.assessed_contributions SET amount_usd = 31e8 WHERE contributor_iso3 = 'FRA' AND amount_usd = 30e8"
        ],
        1,  # 31 of 101 is 30.7 %; 30 % exactly, as before, is not too much
    ),
    (
        "the scale of assessments sums to 100 %",
        [
            "INSERT INTO main.scale_of_assessments SELECT year, year, iso3, iso3, rate, repeat('a', 64), 1 FROM (VALUES "
            "(1997, 'FRA', 50), (1998, 'FRA', 50), (1998, 'MLI', 49.98), (2001, 'FRA', 50), (2001, 'MLI', 50), "
            "(2003, 'FRA', 50), (2003, 'MLI', 50)) AS t(year, iso3, rate)"
        ],
        2,  # 1998 has 99.98, and 2003 has 100, not the 101.087 that is published; 1997 is not held to it
    ),
    (
        "missions that no list or register knows",
        ["UPDATE main.missions SET kind = 'unresolved', snapshot_sha256 = NULL WHERE mission = 'UNAMA'"],
        1,
    ),
    (
        "nationalities that no code list knows",
        ["UPDATE main.fatalities SET nationality_status = 'unresolved' WHERE nationality_iso3 IS NULL"],
        1,
    ),
    (
        "deaths long before their mission",
        ["UPDATE main.fatalities SET incident_date = DATE '1990-01-01' WHERE incident_type = 'Illness'"],
        1,
    ),
    ("corrections still apply", ["UPDATE meta.corrections SET status = 'expired'"], 1),
    ("corrections still apply", ["UPDATE meta.corrections SET status = 'absent'"], 1),
    ("rejected rows", [replaced(rows_rejected="1", rows_staged="7"), REJECTED, REJECTED], 1),
    ("signals", [f"INSERT INTO meta.signals VALUES ('fatalities', '{'a' * 64}', 'new_column', 'x', 3)"], 1),
]


@pytest.mark.parametrize(("name", "changes", "number"), [*BROKEN_ERRORS, *BROKEN_WARNINGS])
def test_a_broken_rule_fails_its_check_and_no_other(
    whole: duckdb.DuckDBPyConnection, name: str, changes: list[str], number: int
) -> None:
    assert broken(whole, *changes) == {name: number}


def test_every_declared_check_of_severity_error_is_broken_above() -> None:
    assert {declared.name for declared in checks.declared() if declared.severity == "error"} == {
        name for name, _, _ in BROKEN_ERRORS
    }


def test_deaths_outside_their_mission_s_dates_are_reported_above_the_known_number(
    whole: duckdb.DuckDBPyConnection,
) -> None:
    rows = (
        "INSERT INTO main.fatalities SELECT * EXCLUDE (i, is_uniformed) REPLACE (casualty_id || i AS casualty_id, "
        "DATE '2024-01-01' AS incident_date) FROM main.fatalities, range({}) AS t(i) WHERE incident_type = 'Illness'"
    )
    assert broken(whole, rows.format(160)) == {}
    assert broken(whole, rows.format(161)) == {"deaths outside their mission's dates": 161}
    assert broken(whole, rows.replace("2024-01-01", "2013-04-24").format(161)) == {
        "deaths outside their mission's dates": 161
    }


def test_a_rejected_row_with_two_faults_is_one_rejected_row(whole: duckdb.DuckDBPyConnection) -> None:
    failed = broken(whole, replaced(rows_rejected="1", rows_staged="7"), REJECTED, REJECTED.replace("'c'", "'d'"))
    assert failed == {"rejected rows": 1}  # a warning; the account of the rows holds


def test_a_difference_that_is_explained_is_no_warning(whole: duckdb.DuckDBPyConnection) -> None:
    assert broken(whole, BREAK.format("'differs'", "'a known misprint'")) == {}
    assert broken(whole, BREAK.format("'equal'", "NULL")) == {}


def test_a_known_break_is_no_warning_until_it_no_longer_occurs(whole: duckdb.DuckDBPyConnection) -> None:
    name = "strength of missions in the monthly reports and in IPI''s database"
    failing = f"reconciliation: {name}".replace("''", "'")
    ipi = (
        BREAK.replace("assessments in both of CEB''s tables", name)
        .replace("FRA", "MINUSTAH")
        .replace("2018-19", "2015-05")
    )
    assert broken(whole, ipi.format("'differs'", "NULL").replace("false", "true")) == {}
    assert broken(whole, ipi.format("'differs'", "NULL")) == {failing: 1}  # the place is known, the size is not
    assert broken(whole, ipi.format("'equal'", "NULL")) == {failing: 1}
    assert broken(whole, ipi.format("'differs'", "NULL").replace("2015-05", "2015-06")) == {failing: 1}


# Judging


@pytest.mark.parametrize(
    ("bounds", "text", "passing", "failing"),
    [
        (Bounds(max=0), "0", [0], [1, -1]),
        (Bounds(min=1), "1 or more", [1, 10**9], [0]),
        (Bounds(min=1000), "1,000 or more", [1000], [999]),
        (Bounds(max=160), "at most 160", [0, 160], [161, -1]),
        (Bounds(min=5, max=10), "5 to 10", [5, 10], [4, 11]),
    ],
)
def test_a_number_passes_within_its_bounds(bounds: Bounds, text: str, passing: list[int], failing: list[int]) -> None:
    assert str(bounds) == text
    assert all(Outcome(check(expect=bounds), number).passed for number in passing)
    assert not any(Outcome(check(expect=bounds), number).passed for number in failing)


def test_null_and_no_row_never_pass(built: Path) -> None:
    queries = ["SELECT NULL", "SELECT 1 WHERE false", "SELECT sum(total) FROM main.uniformed_personnel LIMIT 0"]
    outcomes = checks.run(built, [check(sql, name=sql, expect=Bounds(max=1)) for sql in queries])
    assert [(outcome.found, outcome.passed) for outcome in outcomes] == [(None, False)] * 3
    with pytest.raises(ChecksFailed, match="SELECT 1 WHERE false: expected at most 1"):
        checks.require(outcomes)


def test_a_fraction_is_not_rounded_down_to_a_pass(built: Path) -> None:
    (outcome,) = checks.run(built, [check("SELECT 0.9")])
    assert not outcome.passed


def test_a_failed_warning_is_reported_and_stops_nothing(built: Path) -> None:
    with duckdb.connect(str(built)) as connection:
        connection.execute("UPDATE meta.corrections SET status = 'expired'")
    (failing,) = checks.require(checks.run(built))
    assert failing.check.name == "corrections still apply"
    assert failing.found == 1
    assert failing.check.severity == "warn"


def test_all_failed_errors_are_named_and_no_warning_is_among_them() -> None:
    warning = Outcome(check(severity="warn"), 9)
    one = Outcome(check(name="first"), 1234)
    two = Outcome(check(name="second", expect=Bounds(min=1)), 0)
    with pytest.raises(ChecksFailed) as caught:
        checks.require([warning, one, Outcome(check(), 0), two])
    assert str(caught.value) == (
        "2 check(s) failed, the build is not published: first: expected 0, found 1234; "
        "second: expected 1 or more, found 0."
    )
    assert caught.value.failed == [one, two]
    assert isinstance(caught.value, BuildError)


def test_a_check_that_can_t_be_run_is_a_build_error(built: Path) -> None:
    with pytest.raises(BuildError, match="no_such_column"):
        checks.run(built, [check("SELECT no_such_column FROM main.missions")])


# What is written down


def test_every_check_is_written_into_the_build(checked: tuple[Path, list[Outcome]]) -> None:
    file, outcomes = checked
    with duckdb.connect(str(file), read_only=True) as connection:
        rows = connection.execute("SELECT name, found, passed, severity FROM meta.checks").fetchall()
    assert sorted(rows) == sorted(
        (outcome.check.name, str(outcome.found), True, outcome.check.severity) for outcome in outcomes
    )
    assert len(rows) == len(checks.all_checks())


def test_a_failed_check_is_written_with_what_was_expected_and_found(built: Path) -> None:
    quoted = {"name": "it's one", "description": 'It\'s "one".', "severity": "warn"}
    checks.run(built, [check("SELECT count(*) FROM main.countries", **quoted, expect=Bounds(min=1, max=2))])
    with duckdb.connect(str(built), read_only=True) as connection:
        rows = connection.execute("SELECT * FROM meta.checks").fetchall()
    assert rows == [("it's one", 'It\'s "one".', "1 to 2", "9", False, "warn")]


def test_the_checks_leave_no_log_beside_the_build(checked: tuple[Path, list[Outcome]]) -> None:
    file, _ = checked
    assert [path.name for path in file.parent.iterdir()] == [file.name]
