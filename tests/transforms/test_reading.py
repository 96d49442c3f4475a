"""A file is read whole or refused, whatever its size, and in pieces gives what it gives at once."""

from __future__ import annotations

import io
import json
import tracemalloc
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.validate import ContractError, CutOffError
from transforms import reading
from transforms.reading import read_json

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**40), 2**40), st.floats(allow_nan=False, allow_infinity=False),
    st.text("a\u00e9\u6f22\U0001f600\"\\,]}[{ ", max_size=8),
)  # fmt: skip
OBJECTS = st.lists(st.dictionaries(st.sampled_from(["a", "b", "c"]), SCALARS, max_size=3), min_size=1, max_size=12)


def read(payload: bytes) -> pd.DataFrame:
    return read_json(io.BytesIO(payload))[0]


@settings(max_examples=200, deadline=None)
@given(OBJECTS, st.integers(1, 9), st.sampled_from([None, 1]), st.booleans())
def test_an_array_in_small_blocks_has_the_elements_that_the_standard_parser_finds(
    rows: list[dict[str, Any]], block: int, indent: int | None, ascii_only: bool
) -> None:
    payload = json.dumps(rows, indent=indent, ensure_ascii=ascii_only).encode()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(reading, "BLOCK_BYTES", block)
        assert list(reading._elements(io.BytesIO(payload))) == rows


@settings(max_examples=200, deadline=None)
@given(OBJECTS, st.dictionaries(st.sampled_from(["d", "e"]), SCALARS), st.integers(1, 9), st.booleans())
def test_wrapped_rows_and_rows_a_line_in_small_blocks_are_those_of_the_array(
    rows: list[dict[str, Any]], beside: dict[str, Any], block: int, last: bool
) -> None:
    wrapped = {**beside, "rows": rows} if last else {"rows": rows, **beside}
    lines = "\n".join(json.dumps(row) for row in [*rows, {}])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(reading, "BLOCK_BYTES", block)
        assert list(reading._elements(io.BytesIO(json.dumps(wrapped).encode()))) == rows
        assert list(reading._elements(io.BytesIO(lines.encode()))) == [*rows, {}]


@pytest.mark.parametrize("number", ["1.5", "1e5", "1e+5", "-1.25e-7", "12"])
@pytest.mark.parametrize("block", range(1, 30))
def test_a_number_beside_the_rows_is_read_whole_on_the_edge_of_two_blocks(
    number: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BLOCK_BYTES", block)
    assert list(reading._elements(io.BytesIO(f'{{"n": {number}, "rows": [{{"a": 1}}]}}'.encode()))) == [{"a": 1}]


@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
def test_rows_read_in_batches_are_those_read_at_once(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    rows = [{"a": 1, "b": None}, {"a": None, "b": "x"}, {"b": "y", "c": 250.0}, {}, {"a": 7, "c": None}]
    monkeypatch.setattr(reading, "ROWS_AT_ONCE", at_once)
    assert read(json.dumps(rows).encode()).to_dict("split") == {
        "index": [1, 2, 3, 5],  # a row without any value is none
        "columns": ["a", "b", "c"],
        "data": [["1", "", ""], ["", "x", ""], ["", "y", "250"], ["7", "", ""]],
    }


@settings(max_examples=200, deadline=None)
@given(OBJECTS, st.data())
def test_any_cut_of_an_array_is_refused(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    payload = json.dumps(rows).encode()
    with pytest.raises(CutOffError, match="cut off"):
        read(payload[: data.draw(st.integers(1, len(payload) - 1))])


@settings(max_examples=200, deadline=None)
@given(st.text('[]{},:"a1.e-tru \\n', max_size=40))
def test_any_text_is_rows_or_refused_in_one_sentence(text: str) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        expected = None
    try:
        found = read(text.encode())
    except ContractError as error:
        assert "\n" not in str(error)
        assert not (isinstance(expected, list) and all(isinstance(row, dict) and "" not in row for row in expected))
    else:
        if isinstance(expected, list):
            assert len(found) == sum(any(str(value or "").strip() for value in row.values()) for row in expected)


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (b'[{"a": 1}] x', "something follows the end"),
        (b'[{"a": 1} {"a": 2}]', "a comma or the end of the array was expected"),
        (b'[{"a": 1},]', "can't be read as JSON"),
        (b"[" * 100_000, "can't be read as JSON"),
        (b'[{"a": "\\ud800"}]', "lone surrogate"),
        (b'"rows"', "got a text"),
        (b"17", "got a number"),
    ],
)
def test_what_is_no_array_of_rows_is_told(payload: bytes, told: str) -> None:
    with pytest.raises(ContractError, match=told):
        read(payload)


def test_a_fault_far_into_the_file_is_told_with_the_rows_before_it() -> None:
    rows = b'{"a":1},' * 45_000
    with pytest.raises(ContractError, match="after 45,000 rows, Expecting property name"):
        read(b"[" + rows + b"{'a':1}]")


def test_reading_four_times_the_rows_takes_much_less_than_four_times_the_memory() -> None:
    peaks = []
    for count in (40_000, 160_000):
        payload = io.BytesIO(b"[" + b",".join([b'{"mission":"MINUSMA","country":"Chad","n":10}'] * count) + b"]")
        tracemalloc.start()
        read_json(payload)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]
