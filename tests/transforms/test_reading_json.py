"""Reading JSON: every row or a refusal, and batches give the same cells as one read."""

from __future__ import annotations

import io
import json
import tracemalloc
from typing import Any

import pandas as pd
import pytest
from forms_shared import IN_JSON, objects, printed, refusal, row
from forms_shared import read as read_form
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.validate import ContractError, CutOffError
from transforms import reading_json
from transforms.reading_json import read_json

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**40), 2**40), st.floats(allow_nan=False, allow_infinity=False),
    st.text("a\u00e9\u6f22\U0001f600\"\\,]}[{ ", max_size=8),
)  # fmt: skip
OBJECTS = st.lists(st.dictionaries(st.sampled_from(["a", "b", "c"]), SCALARS, max_size=3), min_size=1, max_size=12)


def read(text: str | bytes) -> pd.DataFrame:
    return read_json(io.BytesIO(text if isinstance(text, bytes) else text.encode()))[0]


@settings(max_examples=80)
@given(
    OBJECTS, st.dictionaries(st.sampled_from(["d", "e"]), SCALARS), st.sampled_from([None, 1]), st.booleans(),
    st.integers(1, 5),
)  # fmt: skip
def test_an_array_a_wrapped_array_and_one_object_a_line_give_the_same_cells(
    rows: list[dict[str, Any]], beside: dict[str, Any], indent: int | None, ascii_only: bool, batch: int
) -> None:
    expected = read(json.dumps(rows))
    array = json.dumps(rows, indent=indent, ensure_ascii=ascii_only)
    forms = [
        array,
        json.dumps({**beside, "rows": rows}),
        json.dumps({"rows": rows, **beside}),
        "\n".join(json.dumps(row) for row in rows) + "\n{}",  # a blank row is no row
    ]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(reading_json, "ROWS_PER_BATCH", 100)
        for form in forms:
            pd.testing.assert_frame_equal(read(form), expected)
        patched.setattr(reading_json, "ROWS_PER_BATCH", batch)
        assert list(read(array).index) == list(expected.index)


@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
def test_batches_give_the_same_cells(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    rows = [{"a": 1, "b": None}, {"a": None, "b": "x"}, {"b": "y", "c": 250.0}, {}, {"a": 7, "c": None}]
    monkeypatch.setattr(reading_json, "ROWS_PER_BATCH", at_once)
    assert read(json.dumps(rows)).to_dict("split") == {
        "index": [1, 2, 3, 5],  # row 4 is blank
        "columns": ["a", "b", "c"],
        "data": [["1", "", ""], ["", "x", ""], ["", "y", "250"], ["7", "", ""]],
    }


@settings(max_examples=200)
@given(st.text('[]{},:"a1.e-tru \\n', max_size=40))
def test_any_text_is_rows_or_refused_in_one_sentence(text: str) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        expected = None
    try:
        rows = read(text)
    except ContractError as error:
        assert "\n" not in str(error)
        assert not (isinstance(expected, list) and all(isinstance(row, dict) and "" not in row for row in expected))
    else:
        if isinstance(expected, list):
            assert len(rows) == sum(any(str(value or "").strip() for value in row.values()) for row in expected)


def test_anything_but_rows_is_refused_with_the_reason() -> None:
    rows = '{"a":1},' * 45_000
    for text, reason in [
        ('[{"a": 1}] x', "something follows the end"),
        ('[{"a": 1} {"a": 2}]', "a comma or the end of the array was expected"),
        ('[{"a": 1},]', "can't be read as JSON"),
        ("[" * 100_000, "can't be read as JSON"),
        ('[{"a": "\\ud800"}]', "lone surrogate"),
        ('"rows"', "got a text"),
        ("17", "got a number"),
        (f"[{rows}{{'a':1}}]", "after 45,000 rows, Expecting property name"),
    ]:
        with pytest.raises(ContractError, match=reason):
            read(text)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_duplicate_key_is_refused_with_its_name_and_row(number: int) -> None:
    rows = [json.dumps(some) for some in objects("missions", [row("missions", n) for n in range(3)])]
    rows[number - 1] = rows[number - 1].replace("{", '{"last_update": 1, "last_update": 2, ')
    expected = f"Row {number} has the key 'last_update' twice; expected each key once."
    for text in (f"[{','.join(rows)}]", "\n".join(rows), f'{{"data": [{",".join(rows)}]}}'):
        assert refusal("missions", text.encode()) == expected


def test_one_object_a_line_may_end_in_any_line_end_or_none() -> None:
    for source in IN_JSON:
        rows = [json.dumps(some) for some in objects(source, [row(source, 1), row(source, 2)])]
        for text in ("\n".join(rows), "\r\n".join(rows) + "\r\n", "\n\n".join(rows)):
            assert printed(read_form(source, text.encode())) == {1: row(source, 1), 2: row(source, 2)}


@pytest.mark.parametrize(
    "around",
    [
        '{"data": %s}',
        '{"rows": %s, "total": 2}',
        '{"error": null, "warnings": [], "fields": ["a", "b"], "meta": {"a": [{"b": 1}]}, "value": %s}',
    ],
)
def test_the_one_array_of_objects_in_an_object_is_read(around: str) -> None:
    rows = json.dumps(objects("missions", [row("missions", 1), row("missions", 2)]))
    payload = around.replace("%s", rows).encode()
    assert printed(read_form("missions", payload)) == {1: row("missions", 1), 2: row("missions", 2)}


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b'{"a": [{"x": 1}], "b": [{"x": 1}]}', "Expected one array of rows, got two: 'a' and 'b'."),
        (b'{"error": "no such dataset"}', "one object a line; got an object with error."),
        (b'{"data": []}', "got an object with data."),
        (b'{"data": [{"a": 1}, 2]}', "element 2 is a number."),
        (b'{"data": [{"a": 1}]} {"data": []}', "after 1 rows, something follows the end of the rows."),
        (b'{"a": 1}\n[2]', "after 1 rows, something follows the end of the rows."),
        (b"{'a': 1}", "a key in double quotes was expected."),
        (b'{"a": 1}\n{"a" 1}', "after 1 rows, Expecting ':' delimiter."),
    ],
)
def test_any_other_object_is_refused_with_what_came(payload: bytes, message: str) -> None:
    assert refusal("missions", payload).endswith(message)


@settings(max_examples=150)
@given(st.sampled_from(["array", "wrapped", "lines"]), st.booleans(), st.data())
def test_any_cut_of_any_json_is_refused_as_cut_off(form: str, ascii_only: bool, data: st.DataObject) -> None:
    rows = [{"a": 1.5, "é": "x\\\u0300\U0001f600"}, {"a": -2e-7, "b": None}, {"a": True, "b": {"c": [False, "é"]}}]
    texts = [json.dumps(some, ensure_ascii=ascii_only) for some in rows]
    text = {
        "array": f"[{', '.join(texts)}]",
        "wrapped": f'{{"n": 3, "data": [{",".join(texts)}]}}',
        "lines": "\n".join(texts),
    }[form]
    ends = {len(texts[0]), len(texts[0]) + 1, len(texts[0]) + 1 + len(texts[1]), len(texts[0]) + 2 + len(texts[1])}
    places = [at for at in range(2, len(text)) if form != "lines" or at not in ends]
    with pytest.raises(CutOffError, match="cut off"):
        read_form("missions", text[: data.draw(st.sampled_from(places))].encode())


@pytest.mark.parametrize(
    "cut",
    [
        "[", "{", '{"', '{"a', '{"a"', '{"a":', '{"a": 1.', '{"a": 1e', '{"a": 1e-', '{"a": -', '{"a": tru', '{"a": n', '{"a": "x',
        '{"a": "\\', '{"a": "\\u00', '{"a": [', '{"a": [{', '{"a": [{}', '{"a": [{},', '{"a": [{}]', '{"a": [{}], "n": 2.', "[{}", "[{},",
        '[{"a": 1.', '[{"a": -I', '[{"a": {"b": fal', '{"a": 1}\n{', '{"a": 1}\n{"b": 2E+',
    ],
)  # fmt: skip
def test_each_place_where_json_can_be_cut_is_refused_as_cut_off(cut: str) -> None:
    with pytest.raises(CutOffError, match="cut off after . rows: it ends"):
        read_form("missions", cut.encode())


def test_four_times_the_rows_take_much_less_than_four_times_the_memory() -> None:
    for form in ("[%s]", '{"data": [%s]}', "lines"):
        peaks = []
        for count in (25_000, 100_000):
            rows = ['{"mission":"MINUSMA","country":"Chad","n":10}'] * count
            payload = "\n".join(rows) if form == "lines" else form % ",".join(rows)
            file = io.BytesIO(payload.encode())
            tracemalloc.start()
            read_json(file)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert peaks[1] < 2 * peaks[0], form
