"""Asking the published warehouse: nothing can be changed or reached through it, and every answer is whole."""

from __future__ import annotations

import csv
import io
import json
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from warehouse import ddl
from warehouse.query import BATCH, Answer, QueryError, connect, plain


@pytest.fixture(scope="module")
def connection(small: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(small) as connection:
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return Answer(connection, sql).rows()


def told(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The text of the QueryError that this SQL gives."""
    with pytest.raises(QueryError) as caught:
        rows(connection, sql)
    return str(caught.value)


def as_csv(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    file = io.StringIO()
    Answer(connection, sql).write_csv(file)
    return file.getvalue()


def as_json(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    """The answer as JSON, read by the letter of its standard (which has no NaN and no Infinity)."""
    file = io.StringIO()
    Answer(connection, sql).write_json(file)

    def none_such(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(file.getvalue(), parse_constant=none_such)


# Read-only


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE main.more (i INTEGER)",
        "CREATE OR REPLACE VIEW marts.assessment_shares AS SELECT 1",
        "INSERT INTO main.mission_aliases VALUES ('X', 'UNAMA', NULL)",
        "UPDATE main.fatalities SET incident_type = 'Accident'",
        "DELETE FROM main.uniformed_personnel",
        "DROP TABLE main.fatalities",
        "DROP VIEW marts.assessment_shares",
        "ALTER TABLE main.countries ADD COLUMN x INTEGER",
        "COMMENT ON TABLE main.countries IS 'x'",
        "CREATE SCHEMA more",
        "TRUNCATE main.uniformed_personnel",
        "ATTACH ':memory:' AS more",
    ],
)
def test_writing_sql_is_refused(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    answer = told(connection, sql)
    assert "read-only" in answer
    assert "`refresh`" in answer
    assert "\n" not in answer


@pytest.mark.parametrize(
    "sql", ["SELECT 1; SELECT 2", "SELECT 1; DROP TABLE main.fatalities", "SELECT 1;\n-- then\nSET x = 1;"]
)
def test_a_second_statement_is_refused_and_none_is_run(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    assert told(connection, sql).startswith("One statement at a time")


@pytest.mark.parametrize("sql", ["SELECT 1;", "SELECT 1; -- done", " ;SELECT 1; ; ", "SELECT /* ; */ 1"])
def test_a_semicolon_makes_no_second_statement(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    assert rows(connection, sql) == [(1,)]


def test_what_was_asked_to_be_written_is_not_there_afterwards(small: Path, tmp_path: Path) -> None:
    file = Path(shutil.copy(small, tmp_path / "warehouse.duckdb"))
    before = file.read_bytes()
    with connect(file) as connection:
        for sql in ("DELETE FROM main.fatalities", "DROP TABLE main.fatalities", "CREATE TEMP TABLE t (i INTEGER)"):
            try:
                rows(connection, sql)
            except QueryError:
                continue
        assert rows(connection, "SELECT count(*) FROM main.fatalities") == [(8,)]
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["warehouse.duckdb"]


# Nothing outside


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM read_blob('{file}')",
        "SELECT * FROM read_json('{file}')",
        "SELECT * FROM read_parquet('https://example.org/x.parquet')",
        "SELECT * FROM glob('{folder}/*')",
        "COPY (SELECT 1) TO '{folder}/leak.csv'",
        "COPY main.countries TO '{folder}/leak.parquet'",
        "EXPORT DATABASE '{folder}/leak'",
        "ATTACH '{folder}/other.duckdb' AS other",
        "ATTACH '{folder}/new.duckdb' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "CREATE PERSISTENT SECRET (TYPE s3, KEY_ID 'x', SECRET 'y')",
    ],
)
def test_what_reaches_outside_is_refused(connection: duckdb.DuckDBPyConnection, tmp_path: Path, sql: str) -> None:
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    with duckdb.connect(str(tmp_path / "other.duckdb")) as other:
        other.execute("CREATE TABLE t AS SELECT 1 AS x")
    answer = told(connection, sql.format(file=tmp_path / "secret.csv", folder=tmp_path))
    assert "can't reach files or the network; use --output to write the answer." in answer
    assert "\n" not in answer
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.duckdb", "secret.csv"]


def test_a_file_named_in_from_is_no_table(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    assert "secret.csv" in told(connection, f"SELECT * FROM '{tmp_path / 'secret.csv'}'")


def test_python_s_own_variables_are_no_tables(connection: duckdb.DuckDBPyConnection) -> None:
    import pandas as pd

    secret = pd.DataFrame({"x": [1]})
    assert "secret does not exist" in told(connection, "SELECT * FROM secret")
    assert len(secret) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "SET enable_external_access = true",
        "RESET enable_external_access",
        "PRAGMA enable_external_access = true",
        "SET GLOBAL lock_configuration = false",
        "SET memory_limit = '1GB'",
        "SET threads = 64",
    ],
)
def test_settings_are_locked(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    answer = told(connection, sql)
    assert "the configuration has been locked" in answer
    assert "\n" not in answer


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE main.fatalities",
        "SELECT * FROM read_csv('/etc/hostname')",
        "COPY (SELECT 1) TO '/nowhere/leak.csv'",
        "LOAD httpfs",
        "ATTACH ':memory:' AS more",
    ],
)
def test_a_refusal_is_made_of_whole_sentences(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    answer = told(connection, sql)
    assert answer.endswith(".")
    before = answer[: answer.index("Queries can't" if "Queries can't" in answer else "The warehouse is")]
    assert before.rstrip().endswith((".", "!")), answer


# What is wrong with a query


@pytest.mark.parametrize("sql", ["", "   ", "\n\t", ";", " ; ;", "-- only a comment", "/* only\na comment */"])
def test_an_empty_query_is_told(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    assert told(connection, sql) == "The query is empty."


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("SELEC 1", "SELEC"),
        ("SELECT nationality FROM main.fatalities", "nationality"),
        ("SELECT * FROM main.deaths", "deaths"),
        ("SELECT 'x'::INTEGER", "'x'"),
        ("SELECT error('told by the query')", "told by the query"),
        ("SELECT ?", "1"),
    ],
)
def test_wrong_sql_says_what_is_wrong_in_its_first_line(
    connection: duckdb.DuckDBPyConnection, sql: str, named: str
) -> None:
    assert named in told(connection, sql).splitlines()[0]


# Two batches; only the last row can't be had. The padding keeps DuckDB from running ahead of the reader.
LATE = (
    f"SELECT CAST(CASE WHEN i = {2 * BATCH - 1} THEN 'no number' ELSE '1' END AS INTEGER) AS x, "
    f"repeat(i::VARCHAR, 200) AS padding FROM range({2 * BATCH}) AS t(i)"
)


def test_a_fault_that_comes_while_rows_are_read_is_a_query_error(connection: duckdb.DuckDBPyConnection) -> None:
    answer = Answer(connection, LATE)  # DuckDB has not come to the last row yet
    assert answer.columns == ["x", "padding"]
    batches = answer.batches()
    assert len(next(batches)) == BATCH
    with pytest.raises(QueryError, match="no number"):
        next(batches)


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_a_fault_that_comes_while_the_answer_is_written_is_a_query_error(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, form: str
) -> None:
    answer = Answer(connection, LATE)
    with pytest.raises(QueryError, match="no number"):
        if form == "parquet":
            answer.write_parquet(tmp_path / "answer.parquet")
        else:
            getattr(answer, f"write_{form}")(io.StringIO())


def test_ctrl_c_stops_a_query_that_runs(small: Path) -> None:
    code = (
        "import pathlib, signal, sys\nfrom warehouse.query import Answer, connect\n"
        # A job started in the background inherits an ignored Ctrl-C, and so would this process.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "with connect(pathlib.Path(sys.argv[1])) as c:\n"
        "    print('asked', flush=True)\n"
        "    try:\n"
        "        Answer(c, 'SELECT sum(a.i * b.i) FROM range(1_000_000_000) a(i), range(10_000) b(i)').rows()\n"
        "    except KeyboardInterrupt:\n"
        "        print('stopped')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(small)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    ) as asking:
        assert asking.stdout is not None
        assert asking.stdout.readline() == "asked\n"
        time.sleep(0.3)
        asking.send_signal(signal.SIGINT)
        try:
            assert asking.communicate(timeout=20)[0] == "stopped\n"
        finally:
            asking.kill()


def test_the_connection_answers_after_a_fault(connection: duckdb.DuckDBPyConnection) -> None:
    told(connection, "SELECT * FROM main.deaths")
    told(connection, LATE)
    assert rows(connection, "SELECT count(*) FROM main.fatalities") == [(8,)]


# Files that can't be opened


def test_a_warehouse_that_is_not_there_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="Run `peacekeeping refresh` first") as caught:
        connect(tmp_path / "warehouse.duckdb")
    assert str(tmp_path / "warehouse.duckdb") in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def damaged(small: Path, file: Path, damage: str) -> Path:
    whole = small.read_bytes()
    if damage == "empty":
        file.write_bytes(b"")
    elif damage == "no database":
        file.write_bytes(b"month_end,mission,total\n" * 1000)
    elif damage == "cut off":
        file.write_bytes(whole[:100_000])
    else:  # a byte of each of the two headers, and of what they lead to
        spoiled = bytearray(whole)
        for place in (4196, 8292):
            spoiled[place] ^= 0xFF
        file.write_bytes(spoiled)
    return file


@pytest.mark.parametrize("damage", ["empty", "no database", "cut off", "a byte changed"])
def test_a_damaged_warehouse_says_what_to_do(small: Path, tmp_path: Path, damage: str) -> None:
    file = damaged(small, tmp_path / "warehouse.duckdb", damage)
    with pytest.raises(QueryError) as caught:
        connect(file)
    answer = str(caught.value)
    assert str(file) in answer
    assert "refresh" in answer
    assert "\n" not in answer


@pytest.mark.parametrize(
    ("damage", "folder"), [("a byte changed", "data"), ("no database", "locked"), ("cut off", "blocks")]
)
def test_a_damaged_warehouse_is_not_said_to_be_in_use(small: Path, tmp_path: Path, damage: str, folder: str) -> None:
    (tmp_path / folder).mkdir()
    with pytest.raises(QueryError) as caught:
        connect(damaged(small, tmp_path / folder / "warehouse.duckdb", damage))
    assert "Another program" not in str(caught.value)


def test_a_warehouse_that_is_open_for_writing_says_to_close_that_first(small: Path, tmp_path: Path) -> None:
    file = Path(shutil.copy(small, tmp_path / "warehouse.duckdb"))
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdin is not None
        writer.stdout.readline()
        with pytest.raises(QueryError, match="Another program has it open for writing; close that first"):
            connect(file)
        writer.stdin.close()
    with connect(file) as connection:
        assert rows(connection, "SELECT count(*) FROM main.countries") == [(9,)]


def test_many_can_read_at_once(small: Path, connection: duckdb.DuckDBPyConnection) -> None:
    code = (
        "import pathlib, sys\nfrom warehouse.query import Answer, connect\n"
        "with connect(pathlib.Path(sys.argv[1])) as c:\n print(Answer(c, 'SELECT count(*) FROM missions').rows())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(small)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=True,
    )
    assert done.stdout == "[(6,)]\n"


# Rows


def test_rows_come_in_batches_and_none_is_lost(connection: duckdb.DuckDBPyConnection) -> None:
    batches = list(Answer(connection, f"SELECT i, i % 7 AS m FROM range({2 * BATCH + 5}) AS t(i) ORDER BY i").batches())
    assert [len(batch) for batch in batches] == [BATCH, BATCH, 5]
    assert [i for batch in batches for i, _ in batch] == list(range(2 * BATCH + 5))


def test_columns_are_named_as_asked(connection: duckdb.DuckDBPyConnection) -> None:
    answer = Answer(connection, 'SELECT iso3, name AS "its name" FROM countries')
    assert answer.columns == ["iso3", "its name"]


def test_marts_and_the_dictionary_are_asked_like_tables(connection: duckdb.DuckDBPyConnection) -> None:
    assert rows(connection, "SELECT count(*) FROM marts.assessment_shares") == [(9,)]
    assert rows(connection, "SELECT unit FROM meta.columns WHERE column_name = 'amount_usd' AND table_name[1] = 'a'")
    assert ("fatalities",) in rows(connection, "SHOW TABLES")


# CSV


def test_csv_has_a_header_and_null_is_empty(connection: duckdb.DuckDBPyConnection) -> None:
    found = as_csv(
        connection, "SELECT iso3, m49, existed_until FROM countries WHERE iso3 IN ('SCG', 'XKX') ORDER BY ALL"
    )
    assert found == "iso3,m49,existed_until\nSCG,891,2006-06-05\nXKX,,\n"


def test_csv_writes_amounts_with_their_cents_and_days_as_iso(connection: duckdb.DuckDBPyConnection) -> None:
    found = as_csv(connection, "SELECT 1.10::DECIMAL(18, 2) AS a, DATE '1948-05-29' AS d, 9007199254740993 AS big")
    assert found == "a,d,big\n1.10,1948-05-29,9007199254740993\n"


def test_csv_keeps_columns_of_one_name_apart(connection: duckdb.DuckDBPyConnection) -> None:
    assert as_csv(connection, "SELECT 1 AS a, 2 AS a, 3 AS b") == "a,a,b\n1,2,3\n"


def test_csv_of_no_rows_is_its_header(connection: duckdb.DuckDBPyConnection) -> None:
    assert as_csv(connection, "SELECT iso3, name FROM countries WHERE false") == "iso3,name\n"


def test_csv_counts_the_rows_of_all_batches(connection: duckdb.DuckDBPyConnection) -> None:
    file = io.StringIO()
    count = Answer(connection, f"SELECT i FROM range({2 * BATCH + 5}) AS t(i) ORDER BY i").write_csv(file)
    assert count == 2 * BATCH + 5
    assert file.getvalue().split() == ["i", *map(str, range(2 * BATCH + 5))]


cells = st.one_of(
    st.none(), st.text(st.characters(codec="utf-8"), max_size=12), st.sampled_from(["", '"', "a,b", "\r\n", "\r"])
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=4))
def test_any_text_comes_back_from_csv(
    connection: duckdb.DuckDBPyConnection, table: list[tuple[str | None, str | None]]
) -> None:
    values = ", ".join(f"({i}, {ddl.literal(a)}::VARCHAR, {ddl.literal(b)}::VARCHAR)" for i, (a, b) in enumerate(table))
    found = as_csv(connection, f"SELECT a, b FROM (VALUES {values}) AS t(i, a, b) ORDER BY i")
    read = list(csv.reader(io.StringIO(found, newline=""), strict=True))
    assert read == [["a", "b"], *([a or "", b or ""] for a, b in table)]


# JSON


def test_json_is_an_array_of_objects_one_a_line(connection: duckdb.DuckDBPyConnection) -> None:
    file = io.StringIO()
    count = Answer(connection, "SELECT iso3, m49 FROM countries WHERE iso3 IN ('SCG', 'XKX') ORDER BY ALL").write_json(
        file
    )
    assert count == 2
    assert file.getvalue() == '[\n {"iso3": "SCG", "m49": "891"},\n {"iso3": "XKX", "m49": null}\n]\n'


def test_json_of_no_rows_is_an_empty_array(connection: duckdb.DuckDBPyConnection) -> None:
    file = io.StringIO()
    assert Answer(connection, "SELECT iso3 FROM countries WHERE false").write_json(file) == 0
    assert json.loads(file.getvalue()) == []


def test_json_has_days_as_iso_decimals_as_numbers_and_unicode_as_it_is(connection: duckdb.DuckDBPyConnection) -> None:
    sql = (
        "SELECT DATE '1948-05-29' AS d, TIMESTAMP '2020-01-02 03:04:05' AS t, 1.10::DECIMAL(18, 2) AS a, "
        "300::DECIMAL(18, 2) AS whole, true AS f, 'Côte d''Ivoire' AS n, 'x'::BLOB AS b, sum(total) AS s "
        "FROM uniformed_personnel"
    )
    assert as_json(connection, sql) == [
        {
            "d": "1948-05-29",
            "t": "2020-01-02T03:04:05",
            "a": 1.1,
            "whole": 300,
            "f": True,
            "n": "Côte d'Ivoire",
            "b": "78",
            "s": 413,
        }
    ]
    file = io.StringIO()
    Answer(connection, "SELECT 'Côte d''Ivoire'").write_json(file)
    assert "Côte" in file.getvalue()


@pytest.mark.parametrize("names", [("a", "a", "b"), ("a", "a", "a"), ("a", "a", "a_2"), ("a_2", "a", "a")])
def test_json_loses_no_column_of_one_name(connection: duckdb.DuckDBPyConnection, names: tuple[str, ...]) -> None:
    (record,) = as_json(connection, "SELECT " + ", ".join(f"{i} AS {name}" for i, name in enumerate(names)))
    assert sorted(record.values()) == [0, 1, 2]
    assert set(names) <= set(record)


@pytest.mark.parametrize("sql", ["SELECT 1 / 0 AS x", "SELECT 'nan'::DOUBLE AS x", "SELECT [-1 / 0] AS x"])
def test_json_has_no_number_that_json_does_not_know(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    assert len(as_json(connection, sql)) == 1


def test_json_takes_maps_keyed_by_days(connection: duckdb.DuckDBPyConnection) -> None:
    ((record),) = as_json(connection, "SELECT histogram(month_end) AS months FROM uniformed_personnel")
    assert record == {"months": {"2017-04-30": 6, "2017-05-31": 3, "2023-09-30": 4}}


def test_json_has_the_rows_of_all_batches(connection: duckdb.DuckDBPyConnection) -> None:
    found = as_json(connection, f"SELECT i FROM range({2 * BATCH + 5}) AS t(i) ORDER BY i")
    assert [record["i"] for record in found] == list(range(2 * BATCH + 5))


@settings(max_examples=40, deadline=None)
@given(st.lists(cells, min_size=1, max_size=4))
def test_any_text_comes_back_from_json(connection: duckdb.DuckDBPyConnection, values: list[str | None]) -> None:
    listed = ", ".join(f"({i}, {ddl.literal(value)}::VARCHAR)" for i, value in enumerate(values))
    found = as_json(connection, f"SELECT a FROM (VALUES {listed}) AS t(i, a) ORDER BY i")
    assert found == [{"a": value} for value in values]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("2.50"), 2.5),
        (Decimal("2.00"), 2),
        (Decimal("-0.01"), -0.01),
        (Decimal("1234567890123456.00"), 1234567890123456),
        (Decimal("1234567890123456.78"), "1234567890123456.78"),  # a float would make it .8
        (date(2020, 2, 29), "2020-02-29"),
        (datetime(2020, 2, 29, 1, 2, 3), "2020-02-29T01:02:03"),
        (b"\x00\xff", "00ff"),
        (("a",), ["a"]),
    ],
)
def test_a_cell_that_json_does_not_know_is_written_plainly(value: object, expected: object) -> None:
    found = plain(value)
    assert found == expected
    assert type(found) is type(expected)


# Parquet


def test_parquet_keeps_types_nulls_and_unicode(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    file = tmp_path / "answer.parquet"
    sql = (
        "SELECT name, m49, existed_until, kind, 1.10::DECIMAL(18, 2) AS a, true AS f FROM countries "
        "WHERE iso3 IN ('CIV', 'XKX') ORDER BY iso3"
    )
    assert Answer(connection, sql).write_parquet(file) == 2
    table = parquet.read_table(file)
    assert table.to_pylist() == [
        {
            "name": "Côte d'Ivoire",
            "m49": "384",
            "existed_until": None,
            "kind": "current",
            "a": Decimal("1.10"),
            "f": True,
        },
        {
            "name": "Kosovo",
            "m49": None,
            "existed_until": None,
            "kind": "user_assigned",
            "a": Decimal("1.10"),
            "f": True,
        },
    ]
    assert str(table.schema.field("existed_until").type) == "date32[day]"
    assert parquet.ParquetFile(file).metadata.row_group(0).column(0).compression == "ZSTD"


def test_parquet_has_the_rows_of_all_batches(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    file = tmp_path / "answer.parquet"
    count = Answer(connection, f"SELECT i FROM range({2 * BATCH + 5}) AS t(i) ORDER BY i").write_parquet(file)
    assert count == 2 * BATCH + 5
    assert parquet.read_table(file).column("i").to_pylist() == list(range(2 * BATCH + 5))


def test_parquet_of_no_rows_has_its_columns(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    file = tmp_path / "answer.parquet"
    assert Answer(connection, "SELECT iso3, name FROM countries WHERE false").write_parquet(file) == 0
    assert parquet.read_table(file).column_names == ["iso3", "name"]


def test_parquet_keeps_columns_of_one_name_apart(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    file = tmp_path / "answer.parquet"
    Answer(connection, "SELECT 1 AS a, 2 AS a, 3 AS b").write_parquet(file)
    with duckdb.connect() as reader:
        assert reader.execute(f"FROM '{file}'").fetchall() == [(1, 2, 3)]


def test_writing_parquet_warns_of_nothing(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Answer(connection, "SELECT 1 AS a").write_parquet(tmp_path / "answer.parquet")
    assert [str(warning.message) for warning in caught] == []


@pytest.mark.parametrize("sql", ["SELECT INTERVAL 3 DAY AS x", "SELECT union_value(k := 1) AS x"])
def test_a_type_that_parquet_does_not_know_is_a_query_error(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, sql: str
) -> None:
    with pytest.raises(QueryError):
        Answer(connection, sql).write_parquet(tmp_path / "answer.parquet")
