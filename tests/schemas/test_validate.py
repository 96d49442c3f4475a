"""Splitting a frame into valid rows and faults: no row is lost or changed, and a frame without a column is refused."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.incoming.personnel import uniformed_personnel_schema
from schemas.validate import FAULT_COLUMNS, ContractError, TableError, faults, no_faults, require, split

BOUNDS = {"month_end": {"min": "1990-01-01"}, "total": {"max": 20000}, "female": {"max": 20000}}
SCHEMA = uniformed_personnel_schema(BOUNDS, date(2020, 2, 10))

# Each column's values, and whether a row may have it. Valid values are written here, not read from the schema.
CELLS: dict[str, dict[Any, bool]] = {
    "month_end": {"1989-12-31": False, "1990-01-01": True, "2020-02-29": True, "2020-03-01": False, None: False},
    "mission": {"UNAMA": True, None: True, "a;b": False, "7": False},
    "contributor": {"Chad": True, None: True},
    "personnel_type": {"Troops": True, "anything": True, None: False},
    "female": {0: True, None: True, -3: False, 20001: False},
    "male": {5: True, None: True, -1: False, 99999: True},
    "total": {0: True, 20000: True, 20001: False, -1: False, None: False},
    "contributor_iso3": {"TCD": True, None: True, "tcd": False},
}
DTYPES = {"month_end": "datetime64[us]", **dict.fromkeys(("female", "male", "total"), "Int64")}


def typed(rows: list[dict[str, Any]], numbers: list[int]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(CELLS), index=pd.Index(numbers, name="row_number", dtype="int64"))
    return frame.astype({name: DTYPES.get(name, "str") for name in CELLS})


row = st.fixed_dictionaries({name: st.sampled_from(list(values)) for name, values in CELLS.items()})
numbered_rows = st.dictionaries(st.integers(1, 10**6), row, max_size=30)


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(numbered_rows)
def test_every_row_passes_unchanged_or_is_rejected_with_each_of_its_faults(rows: dict[int, dict[str, Any]]) -> None:
    frame = typed(list(rows.values()), list(rows))
    wrong = {
        number: sorted(name for name, value in cells.items() if not CELLS[name][value])
        for number, cells in rows.items()
        if not all(CELLS[name][value] for name, value in cells.items())
    }
    passed, rejected = split(frame, SCHEMA)
    pd.testing.assert_frame_equal(passed, frame.loc[[number for number in rows if number not in wrong]])
    columns = {int(number): sorted(group) for number, group in rejected.groupby("row_number")["column_name"]}
    assert columns == wrong
    assert len(rejected) == sum(map(len, wrong.values()))
    assert list(rejected.columns) == FAULT_COLUMNS
    assert rejected["reason"].str.match(r"\w+: expected .+, got .+").all()


def test_a_frame_without_faults_is_returned_unchanged() -> None:
    frame = typed([{name: next(v for v, ok in values.items() if ok) for name, values in CELLS.items()}], [41])
    passed, rejected = split(frame, SCHEMA)
    pd.testing.assert_frame_equal(passed, frame)
    assert len(rejected) == 0
    assert list(rejected.columns) == FAULT_COLUMNS


def test_rows_keep_the_numbers_they_have_in_the_file() -> None:
    right = {name: next(v for v, ok in values.items() if ok) for name, values in CELLS.items()}
    passed, rejected = split(typed([right, {**right, "total": -1}, right], [7, 100, 2]), SCHEMA)
    assert list(passed.index) == [7, 2]
    assert list(rejected["row_number"]) == [100]


def test_a_long_text_is_cut_in_its_reason() -> None:
    schema = pa.DataFrameSchema({"x": pa.Column("str", pa.Check.isin(["a"]), metadata={"expects": "an a"})})
    _, rejected = split(pd.DataFrame({"x": pd.Series(["b" * 500], dtype="str")}), schema)
    assert rejected["reason"].tolist() == ["x: expected an a, got '" + "b" * 60 + "'"]


def test_a_frame_without_a_required_column_is_refused_with_its_name() -> None:
    schema = pa.DataFrameSchema({"iso3": pa.Column("str")}, name="incoming.anything")
    with pytest.raises(ContractError, match="incoming.anything.*iso3"):
        split(pd.DataFrame({"name": pd.Series(["Chad"], dtype="str")}), schema)


def test_faults_have_one_row_a_row_number() -> None:
    numbers = pd.Index([3, 9])
    same = faults(numbers, "total", "sum", "total: expected 3, got 4")
    assert same.to_dict("list") == {
        "row_number": [3, 9],
        "column_name": ["total", "total"],
        "check_name": ["sum", "sum"],
        "reason": ["total: expected 3, got 4"] * 2,
    }
    each = faults(numbers, None, "row", pd.Series(["first", "second"], index=[9, 3]))
    assert each["reason"].tolist() == ["first", "second"]  # by position, whatever the index
    assert each["column_name"].isna().all()


def test_no_faults_is_an_empty_frame_of_the_same_columns() -> None:
    assert list(no_faults().columns) == ["row_number", "column_name", "check_name", "reason"]
    assert len(no_faults()) == 0


def test_a_table_error_counts_the_cases_of_each_column() -> None:
    schema = pa.DataFrameSchema({"x": pa.Column("Int64", pa.Check.ge(0)), "y": pa.Column("str")}, name="main.x")
    frame = pd.DataFrame({"x": pd.Series([-1, -2, 3], dtype="Int64"), "y": pd.Series(["a", None, "b"], dtype="str")})
    with pytest.raises(TableError) as caught:
        require(frame, schema)
    x, y = sorted(str(caught.value).splitlines())
    assert x.startswith("main.x: x: ")
    assert "2 case(s)" in x
    assert y.startswith("main.x: y: not_nullable: 1 case(s)")
