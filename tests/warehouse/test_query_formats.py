"""The formats of a query's result: CSV, JSON and Parquet lose no row and no character."""

from __future__ import annotations

import csv
import io
import json
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


# CSV


def test_csv_has_a_header_and_null_is_empty(connection: duckdb.DuckDBPyConnection) -> None:
    text = as_csv(
        connection, "SELECT iso3, m49, existed_until FROM countries WHERE iso3 IN ('SCG', 'XKX') ORDER BY ALL"
    )
    assert text == "iso3,m49,existed_until\nSCG,891,2006-06-05\nXKX,,\n"


def test_csv_writes_amounts_with_their_cents_and_days_as_iso(connection: duckdb.DuckDBPyConnection) -> None:
    text = as_csv(connection, "SELECT 1.10::DECIMAL(18, 2) AS a, DATE '1948-05-29' AS d, 9007199254740993 AS big")
    assert text == "a,d,big\n1.10,1948-05-29,9007199254740993\n"


def test_csv_keeps_columns_of_one_name_and_the_header_without_rows(connection: duckdb.DuckDBPyConnection) -> None:
    assert as_csv(connection, "SELECT 1 AS a, 2 AS a, 3 AS b") == "a,a,b\n1,2,3\n"
    assert as_csv(connection, "SELECT iso3, name FROM countries WHERE false") == "iso3,name\n"


cells = st.one_of(
    st.none(), st.text(st.characters(codec="utf-8"), max_size=12), st.sampled_from(["", '"', "a,b", "\r\n", "\r"])
)


@settings(max_examples=40)
@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=4))
def test_any_text_comes_back_from_csv(
    connection: duckdb.DuckDBPyConnection, table: list[tuple[str | None, str | None]]
) -> None:
    values = ", ".join(f"({i}, {ddl.literal(a)}::VARCHAR, {ddl.literal(b)}::VARCHAR)" for i, (a, b) in enumerate(table))
    text = as_csv(connection, f"SELECT a, b FROM (VALUES {values}) AS t(i, a, b) ORDER BY i")
    read = list(csv.reader(io.StringIO(text, newline=""), strict=True))
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
def test_json_has_no_nan_and_no_infinity(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    assert len(as_json(connection, sql)) == 1


def test_json_takes_maps_keyed_by_days(connection: duckdb.DuckDBPyConnection) -> None:
    ((record),) = as_json(connection, "SELECT histogram(month_end) AS months FROM uniformed_personnel")
    assert record == {"months": {"2017-04-30": 6, "2017-05-31": 3, "2023-09-30": 4}}


@settings(max_examples=40)
@given(st.lists(cells, min_size=1, max_size=4))
def test_any_text_comes_back_from_json(connection: duckdb.DuckDBPyConnection, values: list[str | None]) -> None:
    listed = ", ".join(f"({i}, {ddl.literal(value)}::VARCHAR)" for i, value in enumerate(values))
    read = as_json(connection, f"SELECT a FROM (VALUES {listed}) AS t(i, a) ORDER BY i")
    assert read == [{"a": value} for value in values]


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
def test_a_cell_of_a_type_that_json_lacks_is_written_as_number_text_or_list(value: object, expected: object) -> None:
    written = plain(value)
    assert written == expected
    assert type(written) is type(expected)


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


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_every_format_has_the_rows_of_all_batches(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, form: str
) -> None:
    file, sql = tmp_path / f"answer.{form}", f"SELECT i FROM range({2 * BATCH + 5}) AS t(i) ORDER BY i"
    if form == "parquet":
        count = Answer(connection, sql).write_parquet(file)
    else:
        with file.open("w") as text:
            count = getattr(Answer(connection, sql), f"write_{form}")(text)
    assert count == 2 * BATCH + 5
    with duckdb.connect() as reader:
        assert reader.execute(f"SELECT i FROM '{file}'").fetchall() == [(i,) for i in range(count)]


def test_parquet_keeps_columns_of_one_name_and_those_without_rows(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    file = tmp_path / "answer.parquet"
    Answer(connection, "SELECT 1 AS a, 2 AS a, 3 AS b").write_parquet(file)
    with duckdb.connect() as reader:
        assert reader.execute(f"FROM '{file}'").fetchall() == [(1, 2, 3)]
    assert Answer(connection, "SELECT iso3, name FROM countries WHERE false").write_parquet(file) == 0
    assert parquet.read_table(file).column_names == ["iso3", "name"]


def test_row_groups_of_parquet_are_bounded_in_bytes(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    file = tmp_path / "answer.parquet"
    # 100,000 rows of 1,000 characters: 100 MB, of which each batch of 10,000 rows has 10 MB, and a group 32 MB or more.
    assert Answer(connection, "SELECT repeat('x', 1000) AS x FROM range(100_000)").write_parquet(file) == 100_000
    metadata = parquet.ParquetFile(file).metadata
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [40_000, 40_000, 20_000]


def test_writing_parquet_warns_of_nothing(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Answer(connection, "SELECT 1 AS a").write_parquet(tmp_path / "answer.parquet")
    assert [str(warning.message) for warning in caught] == []


@pytest.mark.parametrize("sql", ["SELECT INTERVAL 3 DAY AS x", "SELECT union_value(k := 1) AS x"])
def test_a_type_that_parquet_lacks_is_a_query_error(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, sql: str
) -> None:
    with pytest.raises(QueryError):
        Answer(connection, sql).write_parquet(tmp_path / "answer.parquet")
