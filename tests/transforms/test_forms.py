"""A file of a known form that people and spreadsheets saved again is read with the same cells and row numbers."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tempfile
import tracemalloc
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests_shared import CATALOGUE, stage_bytes

from flows.steps import registry
from schemas.validate import ContractError, CutOffError
from sources import bundle
from sources.errors import CutOff, Refused
from transforms import workbooks
from transforms.decoding import repaired
from transforms.dialects import Raw

NOTICAS = ["casualty_id", "incident_date", "mission_acronym", "casualty_nationality", "casualty_personnel_type",
           "type_of_incident"]  # fmt: skip
UCHISTORICAL = ["contributing_country", "mission_acronym", "personnel_type", "female_personnel", "male_personnel",
                "last_reporting_date"]  # fmt: skip
PKO = ["mission_acronym", "mission_name", "lead_department", "mission_isactive", "start_date", "end_date",
       "mission_location", "mission_longitude", "mission_latitude"]  # fmt: skip
CEB = ["government_donor", "entity", "rev_type", "calendar_year", "amount"]
SCALE = ["member_state", "period_from", "period_to", "rate_pct"]
COLUMNS = {
    "fatalities": NOTICAS,
    "uniformed_personnel": UCHISTORICAL,
    "missions": PKO,
    "assessed_contributions": CEB,
    "scale_of_assessments": ["member_state", "period_from", "period_to", "rb_rate_pct"],
}
IN_JSON = ["fatalities", "uniformed_personnel", "missions"]
Cells = Sequence[Sequence[Any]]


def read(source: str, payload: bytes) -> Raw:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file"
        file.write_bytes(payload)
        return registry.read(CATALOGUE[source], file)


def why(source: str, payload: bytes) -> str:
    with pytest.raises(ContractError) as caught:
        read(source, payload)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def printed(raw: Raw) -> dict[int, list[str]]:
    """The cells as published, by the number of their row."""
    return dict(zip(raw.printed.index.tolist(), raw.printed.to_numpy().tolist(), strict=True))


def to_csv(lines: Cells, separator: str = ",") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows(lines)
    return text.getvalue().encode()


def to_xlsx(**content: Cells) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, lines in content.items():
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append(list(line))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def to_zip(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def row(source: str, number: int = 0) -> list[str]:
    return [f"{column} {number}" for column in COLUMNS[source]]


def objects(source: str, rows: Cells) -> list[dict[str, Any]]:
    return [dict(zip(COLUMNS[source], cells, strict=True)) for cells in rows]


def ndjson(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(some, ensure_ascii=False) + "\n" for some in rows).encode()


# Every form gives the same cells

LETTERS = "aé漢ü1 .,;|\t\"'-\n[]{}:"  # no two of them are what UTF-8 looks like when it is decoded wrongly
CELL = st.text(LETTERS, max_size=6)
NAME = st.text(LETTERS, max_size=5).map(lambda text: f"a{text}")  # the first cell: a blank row is another thing
TITLE = st.text("abé .-", min_size=1, max_size=12).filter(lambda text: text.strip() != "")


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(IN_JSON),
    st.lists(st.tuples(NAME, CELL, CELL, CELL), min_size=2, max_size=5),
    st.lists(TITLE, max_size=10),
    st.integers(0, 3),
    st.integers(0, 2),
)
def test_a_table_reads_back_to_the_same_cells_in_every_form(
    source: str, cells: list[tuple[str, ...]], titles: list[str], columns: int, rows: int
) -> None:
    names = COLUMNS[source]
    table = [[*some, *["x"] * (len(names) - 4)] for some in cells]
    wide = [[*line, *[""] * columns] for line in [names, *table]]
    lines = [*([title, ""] for title in titles), [], *wide, *[[""] * (len(names) + columns)] * rows, *[["", ""]] * rows]
    rows_as_objects = objects(source, table)
    payloads = {
        **{f"csv {separator!r}": to_csv(lines, separator) for separator in ",;\t|"},
        "xlsx": to_xlsx(notes=[["See below"]], data=lines),
        "json": json.dumps(rows_as_objects).encode(),
        "ndjson": ndjson(rows_as_objects),
        "wrapped": json.dumps({"count": 2, "about": {"page": 1}, "data": rows_as_objects, "next": None}).encode(),
    }
    packed = {f"zip of {form}": to_zip(file=payload) for form, payload in payloads.items()}
    packed |= {f"gzip of {form}": gzip.compress(payload) for form, payload in payloads.items() if form != "xlsx"}
    for form, payload in {**payloads, **packed}.items():
        raw = read(source, payload)
        assert list(raw.printed.columns) == names, form
        assert printed(raw) == dict(enumerate(table, start=1)), form
        assert (raw.rows_read, len(raw.broken), raw.new_columns) == (len(table), 0, ()), form
        assert raw.sheet == ("data" if "xlsx" in form else None)


SNAPSHOTS = [(entry["source"], entry["file"]) for entry in bundle.manifest() if entry["role"] == "snapshot"]


@pytest.mark.parametrize(("source", "file"), SNAPSHOTS, ids=[file for _, file in SNAPSHOTS])
def test_every_bundled_file_reads_back_from_a_spreadsheet_and_with_semicolons(source: str, file: str) -> None:
    text = gzip.decompress((bundle.BUNDLED / file).read_bytes()).decode()
    lines = list(csv.reader(io.StringIO(text, newline="")))[:200]
    expected = read(source, to_csv(lines))
    for payload in (to_csv([["Title"], *lines], ";"), to_xlsx(Export=[["Title"], [], *lines]), to_zip(a=to_csv(lines))):
        raw = read(source, payload)
        assert raw.dialect == expected.dialect and raw.rows_read == expected.rows_read
        pd.testing.assert_frame_equal(raw.printed, expected.printed)


# CSV: separators, titles, blanks


@pytest.mark.parametrize("source", COLUMNS)
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_any_usual_separator_is_read_for_every_source(source: str, separator: str) -> None:
    assert printed(read(source, to_csv([COLUMNS[source], row(source)], separator))) == {1: row(source)}


def test_a_separator_in_the_cells_of_a_file_with_commas_is_no_separator() -> None:
    cells = ["a;b;c", "2019-01-20", "MINUSMA|x", "Chad", "Military", "\t"]
    assert printed(read("fatalities", to_csv([NOTICAS, cells]))) == {1: cells}


def test_the_first_line_that_fits_is_the_header_and_another_one_below_is_a_row() -> None:
    assert printed(read("missions", to_csv([PKO, PKO]))) == {1: PKO}


@pytest.mark.parametrize("titles", [0, 1, 10])
def test_up_to_ten_title_lines_stand_above_the_header(titles: int) -> None:
    above = [["UN peacekeeping, all missions"]] * titles
    for payload in (
        to_csv([*above, CEB, row("assessed_contributions")]),
        to_xlsx(a=[*above, CEB, row("assessed_contributions")]),
    ):
        assert printed(read("assessed_contributions", payload)) == {1: row("assessed_contributions")}


def test_the_line_in_which_excel_names_the_separator_is_a_title() -> None:
    assert printed(read("missions", b"sep=;\r\n" + to_csv([PKO, row("missions")], ";"))) == {1: row("missions")}


def test_more_title_lines_are_refused_with_the_columns_that_were_expected() -> None:
    told = why("missions", to_csv([["Title"]] * 11 + [PKO, row("missions")]))
    assert "the nearest is pko-csv, which needs the columns mission_acronym" in told


def test_a_missing_column_of_a_file_with_semicolons_is_told_with_the_separator() -> None:
    told = why("fatalities", to_csv([["A title"], NOTICAS[:-1], row("fatalities")[:-1]], ";"))
    assert told == (
        "This is no known form of fatalities: the nearest is psdata-csv, which needs the column type_of_incident. "
        "In the line that comes nearest to a header, its columns are separated by semicolons."
    )


def test_a_separator_that_is_not_read_is_told_with_those_that_are() -> None:
    assert why("fatalities", to_csv([NOTICAS, row("fatalities")], "^")).endswith(
        "there is one column; expected columns separated by commas, semicolons, tabs, pipes."
    )


@pytest.mark.parametrize("made", [to_csv, lambda lines: to_xlsx(a=lines)], ids=["csv", "xlsx"])
def test_blank_rows_are_counted_nowhere_and_the_others_keep_their_numbers(made: Any) -> None:
    lines = [PKO, row("missions", 1), [" "] * 9, row("missions", 3), [""] * 9, row("missions", 5), [""] * 9]
    raw = read("missions", made(lines))
    assert printed(raw) == {1: row("missions", 1), 3: row("missions", 3), 5: row("missions", 5)}
    assert (raw.rows_read, len(raw.broken)) == (3, 0)


def test_a_blank_row_of_the_wrong_width_is_none_and_any_other_is_broken() -> None:
    lines = [PKO, row("missions", 1), ["", "", " "], [""] * 30, ["x", "y"], row("missions", 5)]
    raw = read("missions", to_csv(lines) + b'"",""\r\n,,')
    assert printed(raw) == {1: row("missions", 1), 5: row("missions", 5)}
    assert raw.broken[["row_number", "text"]].to_numpy().tolist() == [[4, "x,y"]] and raw.rows_read == 3


@pytest.mark.parametrize("made", [to_csv, lambda lines: to_xlsx(a=lines)], ids=["csv", "xlsx"])
@pytest.mark.parametrize("place", [0, 4, 9])
def test_a_column_without_a_name_is_ignored_when_blank_and_refused_with_its_place_when_not(
    made: Any, place: int
) -> None:
    def lines(value: str) -> Cells:
        some = [PKO, row("missions", 1), row("missions", 2)]
        return [[*line[:place], cell, *line[place:]] for line, cell in zip(some, ["", "", value], strict=True)]

    assert printed(read("missions", made(lines(" ")))) == {1: row("missions", 1), 2: row("missions", 2)}
    assert why("missions", made(lines("seen"))) == (
        f"Column {place + 1} has no name in the header, and values: 'seen' in row 2. Name the column, or take it out."
    )


def test_hyphens_spaces_and_underscores_in_names_are_one() -> None:
    names = ["Casualty-Id", "INCIDENT DATE", "mission--acronym", "Casualty - Nationality", *NOTICAS[4:]]
    for payload in (to_csv([names, row("fatalities")]), to_xlsx(a=[names, row("fatalities")])):
        assert read("fatalities", payload).cells()["casualty_id"].tolist() == ["casualty_id 0"]


def test_a_header_cell_that_is_too_long_is_refused_in_one_sentence() -> None:
    assert "a cell of more than 131,072 characters" in why("missions", b"a" * 131_073 + b",b\n1,2\n")
    assert len(why("missions", b"a" * 131_000 + b",b\n1,2\n")) < 1000


def test_names_with_line_breaks_are_told_on_one_line() -> None:
    lines = [[*PKO[1:], "new\nname"], row("missions")]
    assert "New columns: new name." in why("missions", to_csv(lines)) and "new name" in why(
        "missions", to_xlsx(a=lines)
    )
    twice = [[*PKO, "mission\nname"], [*row("missions"), "x"]]
    assert why("missions", to_csv(twice)).startswith("The columns mission_name and mission name both stand for name;")
    broken = [[*PKO, "new\nname"], [*row("missions"), "CÃ´te"]]
    assert why("missions", to_csv(broken)).startswith("Row 1: new name: 'CÃ´te' was decoded wrongly")


def test_a_long_cell_below_the_header_is_read() -> None:
    cells = ["x" * 200_000, *row("missions")[1:]]
    assert printed(read("missions", to_csv([PKO, cells], ";"))) == {1: cells}


@pytest.mark.parametrize("end", ["MINUSMA,2", 'MINUSMA,"2,3\n4', f'{",".join(PKO[:-1])},"45,8'])
def test_a_csv_file_that_ends_within_its_last_row_is_told_as_cut_off(end: str) -> None:
    with pytest.raises(CutOffError, match="cut off"):
        read("missions", to_csv([PKO, row("missions")]) + end.encode())


def test_a_quote_that_is_not_closed_in_the_last_column_swallows_no_rows() -> None:
    rest = to_csv([row("missions", 2), row("missions", 3)])
    with pytest.raises(CutOffError, match="within quotes that open in row 2"):
        read("missions", to_csv([PKO, row("missions")]) + ",".join(PKO[:-1]).encode() + b',"x\r\n' + rest)


def test_a_last_cell_in_quotes_without_a_line_end_is_whole() -> None:
    payload = to_csv([PKO]) + ",".join(["a"] * 8).encode()
    assert printed(read("missions", payload + b',"1,5"'))[1][-1] == "1,5"
    assert printed(read("missions", payload + b',"say ""x"""'))[1][-1] == 'say "x"'
    assert printed(read("missions", payload + b',5"'))[1][-1] == '5"'


def test_a_gzip_that_is_cut_off_is_told_as_such() -> None:
    with pytest.raises(CutOff):
        read("missions", gzip.compress(to_csv([PKO, row("missions")]))[:-4])


# JSON


@pytest.mark.parametrize("source", IN_JSON)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_key_twice_is_refused_with_its_name_and_row(source: str, number: int) -> None:
    rows = [json.dumps(some) for some in objects(source, [row(source, n) for n in range(3)])]
    rows[number - 1] = rows[number - 1].replace("{", '{"last_update": 1, "last_update": 2, ')
    told = f"Row {number} has the key 'last_update' twice; expected each key once."
    assert why(source, f"[{','.join(rows)}]".encode()) == told
    assert why(source, "\n".join(rows).encode()) == told
    assert why(source, f'{{"data": [{",".join(rows)}]}}'.encode()) == told


@pytest.mark.parametrize("source", IN_JSON)
def test_one_object_a_line_may_end_in_any_line_end_or_none(source: str) -> None:
    rows = [json.dumps(some) for some in objects(source, [row(source, 1), row(source, 2)])]
    for text in ("\n".join(rows), "\r\n".join(rows) + "\r\n", "\n\n".join(rows)):
        assert printed(read(source, text.encode())) == {1: row(source, 1), 2: row(source, 2)}


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
    assert printed(read("missions", payload)) == {1: row("missions", 1), 2: row("missions", 2)}


@pytest.mark.parametrize(
    ("payload", "told"),
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
def test_any_other_object_is_refused_with_what_came(payload: bytes, told: str) -> None:
    assert why("missions", payload).endswith(told)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["array", "wrapped", "lines"]), st.booleans(), st.data())
def test_any_cut_of_any_json_is_told_as_cut_off(form: str, ascii_only: bool, data: st.DataObject) -> None:
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
        read("missions", text[: data.draw(st.sampled_from(places))].encode())


@pytest.mark.parametrize(
    "cut",
    [
        "[", "{", '{"', '{"a', '{"a"', '{"a":', '{"a": 1.', '{"a": 1e', '{"a": 1e-', '{"a": -', '{"a": tru', '{"a": n', '{"a": "x',
        '{"a": "\\', '{"a": "\\u00', '{"a": [', '{"a": [{', '{"a": [{}', '{"a": [{},', '{"a": [{}]', '{"a": [{}], "n": 2.', "[{}", "[{},",
        '[{"a": 1.', '[{"a": -I', '[{"a": {"b": fal', '{"a": 1}\n{', '{"a": 1}\n{"b": 2E+',
    ],
)  # fmt: skip
def test_each_place_where_json_can_be_cut_is_told_as_cut_off(cut: str) -> None:
    with pytest.raises(CutOffError, match="cut off after . rows: it ends"):
        read("missions", cut.encode())


@pytest.mark.parametrize("form", ["wrapped", "lines"])
def test_other_json_is_read_a_piece_at_a_time_too(form: str) -> None:
    peaks = []
    for count in (40_000, 160_000):
        rows = [json.dumps(objects("missions", [row("missions")])[0])] * count
        payload = ("\n".join(rows) if form == "lines" else f'{{"data": [{",".join(rows)}]}}').encode()
        file = io.BytesIO(payload)
        tracemalloc.start()
        registry.dialects.read_json(file)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


# Workbooks


def test_cells_of_a_sheet_are_the_texts_that_its_csv_would_have() -> None:
    cells = [12, 250.0, 0.026, 1547942400000.0, 1e-05, datetime(2019, 1, 20), date(2019, 1, 21), True, None]
    (found,) = printed(read("missions", to_xlsx(a=[PKO, cells]))).values()
    assert found == ["12", "250", "0.026", "1547942400000", "0.00001", "2019-01-20", "2019-01-21", "TRUE", ""]
    others = [datetime(2019, 1, 20, 10, 30), time(10, 30), "=1+1", "#N/A", "007", " x ", -3, 10**15, 2.50]
    (found,) = printed(read("missions", to_xlsx(a=[PKO, others]))).values()
    # A formula without a stored value is blank.
    assert found == ["2019-01-20 10:30:00", "10:30:00", "", "#N/A", "007", " x ", "-3", "1000000000000000", "2.5"]


@pytest.mark.parametrize("source", COLUMNS)
def test_the_sheet_that_fits_is_found_and_named_among_others(source: str) -> None:
    table = [COLUMNS[source], row(source)]
    raw = read(source, to_xlsx(Notes=[["About", "this"]], Empty=[], Figures=[["Title"], [], *table]))
    assert (raw.sheet, printed(raw)) == ("Figures", {1: row(source)})


def test_several_sheets_that_fit_are_refused_with_their_names() -> None:
    table = [CEB, row("assessed_contributions")]
    assert why("assessed_contributions", to_xlsx(y2023=table, y2024=table, notes=[["x"]])) == (
        "The sheets 'y2023', 'y2024' all fit; expected one. Keep the one that is meant."
    )


def test_a_workbook_in_which_no_sheet_fits_is_refused_with_its_sheets_and_what_is_missing() -> None:
    assert why("fatalities", to_xlsx(notes=[["x"]], data=[["Title"], NOTICAS[1:], row("fatalities")[1:]])) == (
        "This is no known form of fatalities: the nearest is psdata-csv, which needs the column casualty_id. "
        "The workbook has the sheets 'notes', 'data'; 'data' comes nearest."
    )
    assert why("fatalities", to_xlsx(a=[])) == "The workbook has no sheet with any value."
    assert why("fatalities", to_xlsx(a=[NOTICAS])) == "The sheet 'a' has a header and no rows."


def test_a_workbook_for_the_scale_is_read_as_the_committees_or_as_the_compiled_figures() -> None:
    laid_out = to_xlsx(a=[["Member State", 1955], ["Chad", 0.04]])
    raw = read("scale_of_assessments", laid_out)
    assert (raw.dialect.name, raw.sheet, raw.cells()["rate_pct"].tolist()) == ("committee-xlsx", None, ["0.04"])
    table = to_xlsx(a=[COLUMNS["scale_of_assessments"], ["Chad", 1955, 1955, 0.04]])
    raw = read("scale_of_assessments", table)
    assert (raw.dialect.name, raw.sheet, raw.cells()["rate_pct"].tolist()) == ("compiled-csv", "a", ["0.04"])
    assert "No sheet of the workbook has a header with 'Member State'" in why(
        "scale_of_assessments", to_xlsx(a=[["x"]])
    )


def test_a_workbook_for_a_source_that_is_only_json_is_refused() -> None:
    assert why("publisher_codebook", to_xlsx(a=[["x"]])) == "publisher_codebook is published as JSON; this is XLSX."


def test_a_sheet_that_is_too_wide_or_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = to_xlsx(a=[PKO, [*row("missions"), *["x"] * workbooks.MAX_COLUMNS]])
    assert why("missions", wide) == "Row 2 of the sheet 'a' has more than 1,000 columns."
    monkeypatch.setattr(workbooks, "MAX_SHEET_ROWS", 3)
    assert read("missions", to_xlsx(a=[PKO, row("missions"), row("missions")])).rows_read == 2
    assert "more than 3 rows" in why("missions", to_xlsx(a=[PKO, row("missions"), [], row("missions")]))
    monkeypatch.setattr(workbooks, "MAX_CELLS", 17)
    assert "or 17 cells" in why("missions", to_xlsx(a=[PKO, row("missions")]))


@pytest.mark.parametrize("source", ["missions", "scale_of_assessments"])
def test_a_cell_far_below_all_others_is_refused_and_not_waited_for(source: str) -> None:
    book = to_xlsx(a=[PKO, row("missions")])
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["xl/worksheets/sheet1.xml"] = members["xl/worksheets/sheet1.xml"].replace(
        b'<row r="2"', b'<row r="900000000"'
    )
    assert "more than 1,048,576 rows" in why(source, to_zip(**members))


def test_a_header_twice_in_a_sheet_is_refused() -> None:
    assert why("missions", to_xlsx(a=[[*PKO, "end_date"], [*row("missions"), "x"]])) == (
        "The header has the column 'end_date' twice."
    )


# Text that was decoded wrongly


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("Côte d'Ivoire", "latin-1"), ("Türkiye", "cp1252"), ("Curaçao", "cp1252"), ("Côte d’Ivoire", "cp1252"),
     ("São Tomé", "latin-1"), ("Мали", "latin-1"), ("“x”", "latin-1"), ("É", "cp1252")],
)  # fmt: skip
def test_text_that_was_decoded_wrongly_is_recognised(text: str, encoding: str) -> None:
    assert repaired(text.encode().decode(encoding)) == text
    assert repaired(text) is None and repaired("Chad") is None


def test_the_bytes_that_windows_1252_leaves_open_are_recognised_beside_its_own() -> None:
    assert repaired("â€œxâ€\x9d") == "“x”"


@pytest.mark.parametrize("source", COLUMNS)
@pytest.mark.parametrize("place", [0, 3])
def test_a_text_that_was_decoded_wrongly_refuses_the_file_with_row_column_and_meaning(source: str, place: int) -> None:
    lines = [COLUMNS[source], *[row(source, n) for n in range(1, 30)]]
    lines[27][place] = lines[28][place] = "CÃ´te d'Ivoire"
    for payload in (to_csv(lines), to_xlsx(a=lines)):
        told = why(source, payload)
        assert told.startswith(f'Row 27: {COLUMNS[source][place]}: "CÃ´te d\'Ivoire" was decoded wrongly; ')
        assert 'it was probably "Côte d\'Ivoire".' in told and "UTF-8" in told


@pytest.mark.parametrize(
    "name",
    ["Côte d'Ivoire", "Côte d’Ivoire", "Türkiye", "Curaçao", "C\ufffdte d'Ivoire", "“Blue Helmets”", "São Tomé — Príncipe",
     "Réunion", "Åland", "Ñ", "Мали", "马里", "مالي", "£ 5 ½ °", "CÔTE D’IVOIRE"],
)  # fmt: skip
def test_genuine_names_are_read(name: str) -> None:
    lines = [NOTICAS, [name, *row("fatalities")[1:]]]
    assert printed(read("fatalities", to_csv(lines)))[1][0] == name
    assert printed(read("fatalities", ndjson(objects("fatalities", [lines[1]] * 2))))[2][0] == name


# The publishers' own files


@pytest.mark.real
@pytest.mark.parametrize(
    ("source", "file", "dialect", "rows"),
    [
        ("fatalities", "fatalities/DPPADPOSS-FATALITIES_2025-04.csv", "psdata-csv", 4429),
        ("fatalities", "fatalities/odp_noticas_2021-06.csv", "portal-2021-csv", 4117),
        ("assessed_contributions", "budget/ceb_government_donor_revenue_2024.csv", "ceb-export-csv", 8976),
        ("scale_of_assessments", "budget/Scale_of_Assessments_RB_1946-2027.xlsx", "committee-xlsx", 6162),
        ("missions", "missions/DPPADPOSS-PKO_2024-02.csv", "pko-csv", 81),
        ("mission_strength", "troops/ipi_data_mission_2017-03.csv", "ipi-published-csv", 5330),
    ],
)
def test_the_publishers_own_files_are_read(
    source: str, file: str, dialect: str, rows: int, published_vintages: Path
) -> None:
    raw = read(source, (published_vintages / file).read_bytes())
    assert (raw.dialect.name, raw.rows_read, len(raw.broken), raw.new_columns) == (dialect, rows, 0, ())


@pytest.mark.real
def test_ipis_own_file_has_the_rows_of_the_compiled_one(published_vintages: Path) -> None:
    own, compiled = (
        stage_bytes("mission_strength", payload, "2026-11-24").rows.drop(columns="snapshot_row")
        for payload in (
            (published_vintages / "troops/ipi_data_mission_2017-03.csv").read_bytes(),
            (bundle.BUNDLED / "mission_strength_1990-11_2017-03.csv.gz").read_bytes(),
        )
    )
    key = ["month_end", "mission"]
    assert len(own) == 5330
    pd.testing.assert_frame_equal(own.sort_values(key, ignore_index=True), compiled.sort_values(key, ignore_index=True))


def test_na_in_ipis_own_file_is_a_blank_count_which_is_zero() -> None:
    names = ["Date", "Mission", "Country of Mission", "Mission - NAM", "Number of Contributors", "Troops", "Police",
             "Observers", "Total"]  # fmt: skip
    staged = stage_bytes(
        "mission_strength", to_csv([names, ["1990-11-30", "ONUCA", "Honduras", "1", "11", "423", "NA", "NA", "423"]])
    )
    (found,) = staged.rows[["mission", "contributors", "troops", "police", "observers", "total"]].to_numpy().tolist()
    assert found == ["ONUCA", 11, 423, 0, 0, 423] and staged.signals.empty


# No file ends in a traceback

LINES = [PKO, *[row("missions", n) for n in range(3)]]
WHOLE = [
    to_csv([["Title"], *LINES], ";"),
    json.dumps(objects("missions", LINES[1:])).encode(),
    json.dumps({"n": 3, "data": objects("missions", LINES[1:])}).encode(),
    ndjson(objects("missions", LINES[1:])),
]
PIECES = st.sampled_from(
    [b'"', b",", b"\n", b"\r", b"{", b"}", b"[", b"]", b":", b"\\u", b"<", b"\xff", "\ufeff".encode(), b""]
)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(WHOLE), st.lists(st.tuples(st.integers(0, 700), st.integers(0, 9), PIECES), min_size=1, max_size=3)
)
def test_a_damaged_text_is_read_or_refused_in_one_sentence(
    payload: bytes, changes: list[tuple[int, int, bytes]]
) -> None:
    for at, length, piece in changes:
        payload = payload[:at] + piece + payload[at + length :]
    try:
        read("missions", payload)
    except (ContractError, Refused) as error:
        assert "\n" not in str(error)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 20), st.integers(0, 3000), st.integers(0, 9), PIECES)
def test_a_workbook_with_damage_inside_is_read_or_refused_in_one_sentence(
    member: int, at: int, length: int, piece: bytes
) -> None:
    with zipfile.ZipFile(io.BytesIO(to_xlsx(a=LINES))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = list(members)[member % len(members)]
    members[name] = members[name][:at] + piece + members[name][at + length :]
    try:
        read("missions", to_zip(**members))
    except (ContractError, Refused) as error:
        assert "\n" not in str(error)
