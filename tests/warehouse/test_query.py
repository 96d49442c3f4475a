"""Querying the published warehouse: a query changes nothing, reaches nothing outside, and returns every row."""

from __future__ import annotations

import io
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse.query import BATCH, Answer, QueryError, bounded_memory, connect, records


@pytest.fixture(scope="module")
def connection(small: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(small) as connection:
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return Answer(connection, sql).rows()


def error_of(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The text of the QueryError that this SQL gives."""
    with pytest.raises(QueryError) as caught:
        rows(connection, sql)
    return str(caught.value)


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
    answer = error_of(connection, sql)
    assert "read-only" in answer
    assert "`refresh`" in answer
    assert "\n" not in answer


@pytest.mark.parametrize(
    "sql", ["SELECT 1; SELECT 2", "SELECT 1; DROP TABLE main.fatalities", "SELECT 1;\n-- then\nSET x = 1;"]
)
def test_a_second_statement_is_refused_and_none_is_run(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    assert error_of(connection, sql).startswith("One statement at a time")


@pytest.mark.parametrize("sql", ["SELECT 1;", "SELECT 1; -- done", " ;SELECT 1; ; ", "SELECT /* ; */ 1"])
def test_a_semicolon_makes_no_second_statement(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    assert rows(connection, sql) == [(1,)]


def test_a_query_that_writes_changes_no_file(small: Path, tmp_path: Path) -> None:
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
    answer = error_of(connection, sql.format(file=tmp_path / "secret.csv", folder=tmp_path))
    assert "can't reach files or the network; use --output to write the answer." in answer
    assert "\n" not in answer
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.duckdb", "secret.csv"]


def test_a_file_named_in_from_is_no_table(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    assert "secret.csv" in error_of(connection, f"SELECT * FROM '{tmp_path / 'secret.csv'}'")


def test_python_s_own_variables_are_no_tables(connection: duckdb.DuckDBPyConnection) -> None:
    import pandas as pd

    secret = pd.DataFrame({"x": [1]})
    assert "secret does not exist" in error_of(connection, "SELECT * FROM secret")
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
    answer = error_of(connection, sql)
    assert "the configuration has been locked" in answer
    assert "\n" not in answer


@pytest.mark.parametrize(
    "sql", ["DROP TABLE main.fatalities", "SELECT * FROM read_csv('/etc/hostname')", "LOAD httpfs"]
)
def test_a_refusal_consists_of_whole_sentences(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    reason, _, advice = error_of(connection, sql).partition(" The warehouse is" if "DROP" in sql else " Queries can't")
    assert reason.endswith((".", "!")) and advice.endswith(".")


# What is wrong with a query


@pytest.mark.parametrize("sql", ["", "   ", "\n\t", ";", " ; ;", "-- only a comment", "/* only\na comment */"])
def test_an_empty_query_is_reported(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    assert error_of(connection, sql) == "The query is empty."


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("SELEC 1", "SELEC"),
        ("SELECT nationality FROM main.fatalities", "nationality"),
        ("SELECT * FROM main.deaths", "deaths"),
        ("SELECT 'x'::INTEGER", "'x'"),
        ("SELECT error('raised by the query')", "raised by the query"),
        ("SELECT ?", "1"),
    ],
)
def test_wrong_sql_says_what_is_wrong_in_its_first_line(
    connection: duckdb.DuckDBPyConnection, sql: str, named: str
) -> None:
    assert named in error_of(connection, sql).splitlines()[0]


# Two batches; only the last row can't be had. The padding keeps DuckDB from running ahead of the reader.
LATE = (
    f"SELECT CAST(CASE WHEN i = {2 * BATCH - 1} THEN 'no number' ELSE '1' END AS INTEGER) AS x, "
    f"repeat(i::VARCHAR, 200) AS padding FROM range({2 * BATCH}) AS t(i)"
)


def test_an_error_while_rows_are_read_is_a_query_error(connection: duckdb.DuckDBPyConnection) -> None:
    answer = Answer(connection, LATE)  # DuckDB has not come to the last row yet
    assert answer.columns == ["x", "padding"]
    batches = answer.batches()
    assert len(next(batches)) == BATCH
    with pytest.raises(QueryError, match="no number"):
        next(batches)


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_an_error_while_the_answer_is_written_is_a_query_error(
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
        "    print('started', flush=True)\n"
        "    try:\n"
        "        Answer(c, 'SELECT sum(a.i * b.i) FROM range(1_000_000_000) a(i), range(10_000) b(i)').rows()\n"
        "    except KeyboardInterrupt:\n"
        "        print('stopped')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(small)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "started\n"
        time.sleep(0.3)
        running.send_signal(signal.SIGINT)
        try:
            assert running.communicate(timeout=20)[0] == "stopped\n"
        finally:
            running.kill()


# Limits

ENDLESS = "SELECT sum(a.i * b.i) FROM range(1_000_000_000) a(i), range(10_000) b(i)"
ENDLESS_ROWS = "SELECT i, repeat('x', 100) AS x FROM range(1_000_000_000_000) t(i)"


@pytest.mark.parametrize("form", ["rows", "csv", "json", "parquet"])
def test_a_query_without_end_is_stopped_while_it_works_and_while_its_rows_are_read(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, form: str
) -> None:
    answer = Answer(connection, ENDLESS if form == "rows" else ENDLESS_ROWS, seconds=0.3)
    with pytest.raises(QueryError, match=r"took more than 0\.3 s and was stopped.*--timeout") as caught:
        if form == "rows":
            answer.rows()
        elif form == "parquet":
            answer.write_parquet(tmp_path / "answer.parquet")
        else:
            getattr(answer, f"write_{form}")(io.StringIO())
    assert "\n" not in str(caught.value) and not answer.busy
    assert rows(connection, "SELECT count(*) FROM main.fatalities") == [(8,)]


def test_the_time_of_a_slow_reader_does_not_count(connection: duckdb.DuckDBPyConnection) -> None:
    batches = Answer(connection, f"SELECT i FROM range({2 * BATCH}) t(i)", seconds=1).batches()
    read = len(next(batches))
    time.sleep(1.1)
    assert read + sum(map(len, batches)) == 2 * BATCH


@pytest.fixture
def little_memory(small: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a copy: DuckDB opens a file with one configuration at a time."""
    with connect(Path(shutil.copy(small, tmp_path / "copy.duckdb")), "100MB") as connection:
        yield connection


def test_a_query_beyond_its_memory_is_an_error_and_nothing_spills_to_disk(
    little_memory: duckdb.DuckDBPyConnection,
) -> None:
    assert rows(little_memory, "SELECT current_setting('temp_directory')") == [("",)]
    sql = "SELECT max(x) FROM (SELECT md5(i::VARCHAR) AS x FROM range(5_000_000) t(i) ORDER BY x)"
    message = error_of(little_memory, sql)
    assert "more memory than it may use" in message and "--memory" in message and "\n" not in message
    assert rows(little_memory, "SELECT count(*) FROM main.fatalities") == [(8,)]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds a process's memory")
def test_memory_that_duckdb_does_not_count_is_limited_too(little_memory: duckdb.DuckDBPyConnection) -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with bounded_memory(little_memory):
        message = error_of(little_memory, "SELECT length(list_sort(range(200_000_000)))")
        assert "more memory than it may use" in message
    assert rows(little_memory, "SELECT count(*) FROM main.fatalities") == [(8,)]
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_the_connection_answers_after_a_fault(connection: duckdb.DuckDBPyConnection) -> None:
    error_of(connection, "SELECT * FROM main.deaths")
    error_of(connection, LATE)
    assert rows(connection, "SELECT count(*) FROM main.fatalities") == [(8,)]


# Files that can't be opened


def test_a_warehouse_that_is_not_there_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="Run `peacekeeping refresh` first") as caught:
        connect(tmp_path / "warehouse.duckdb")
    assert str(tmp_path / "warehouse.duckdb") in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["empty", "no database", "cut off", "a byte changed"])
def test_a_damaged_warehouse_says_what_to_do(small: Path, tmp_path: Path, damage: str) -> None:
    content = bytearray(small.read_bytes())
    for place in (4196, 8292):  # a byte of each of the two headers
        content[place] ^= 0xFF
    contents = {
        "empty": b"",
        "no database": b"month_end,mission,total\n" * 1000,
        "cut off": small.read_bytes()[:100_000],
    }
    file = tmp_path / "locked" / "warehouse.duckdb"
    file.parent.mkdir()
    file.write_bytes(contents.get(damage, content))
    with pytest.raises(QueryError) as caught:
        connect(file)
    answer = str(caught.value)
    assert str(file) in answer and "refresh" in answer
    assert "Another program" not in answer and "\n" not in answer


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


def test_columns_and_records_have_the_names_of_the_query(connection: duckdb.DuckDBPyConnection) -> None:
    sql = """SELECT iso3, m49 AS "its code" FROM countries WHERE iso3 = 'FRA'"""
    assert Answer(connection, sql).columns == ["iso3", "its code"]
    assert Answer(connection, sql).records() == records(connection.execute(sql)) == [{"iso3": "FRA", "its code": "250"}]


def test_marts_and_the_dictionary_are_queried_like_tables(connection: duckdb.DuckDBPyConnection) -> None:
    assert rows(connection, "SELECT count(*) FROM marts.assessment_shares") == [(9,)]
    assert rows(connection, "SELECT unit FROM meta.columns WHERE column_name = 'amount_usd' AND table_name[1] = 'a'")
    assert ("fatalities",) in rows(connection, "SHOW TABLES")
