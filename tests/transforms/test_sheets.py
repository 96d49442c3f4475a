"""Reading workbooks: the sheet that fits, its cells as text, and sheets that are refused."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime, time

import pytest
from forms_shared import CEB, COLUMNS, NOTICAS, PKO, printed, read, refusal, row, xlsx_of, zip_of

from transforms import workbooks


def test_cells_of_a_sheet_are_the_texts_that_its_csv_would_have() -> None:
    cells = [12, 250.0, 0.026, 1547942400000.0, 1e-05, datetime(2019, 1, 20), date(2019, 1, 21), True, None]
    (texts,) = printed(read("missions", xlsx_of(a=[PKO, cells]))).values()
    assert texts == ["12", "250", "0.026", "1547942400000", "0.00001", "2019-01-20", "2019-01-21", "TRUE", ""]
    others = [datetime(2019, 1, 20, 10, 30), time(10, 30), "=1+1", "#N/A", "007", " x ", -3, 10**15, 2.50]
    (texts,) = printed(read("missions", xlsx_of(a=[PKO, others]))).values()
    # A formula without a stored value is blank.
    assert texts == ["2019-01-20 10:30:00", "10:30:00", "", "#N/A", "007", " x ", "-3", "1000000000000000", "2.5"]


def test_the_sheet_that_fits_is_chosen_and_named_among_others() -> None:
    for source, columns in COLUMNS.items():
        table = [columns, row(source)]
        raw = read(source, xlsx_of(Notes=[["About", "this"]], Empty=[], Figures=[["Title"], [], *table]))
        assert (raw.sheet, printed(raw)) == ("Figures", {1: row(source)})


def test_several_sheets_that_fit_are_refused_with_their_names() -> None:
    table = [CEB, row("assessed_contributions")]
    assert refusal("assessed_contributions", xlsx_of(y2023=table, y2024=table, notes=[["x"]])) == (
        "The sheets 'y2023', 'y2024' all fit; expected one. Keep the one that is meant."
    )


def test_a_workbook_in_which_no_sheet_fits_is_refused_with_its_sheets_and_what_is_missing() -> None:
    assert refusal("fatalities", xlsx_of(notes=[["x"]], data=[["Title"], NOTICAS[1:], row("fatalities")[1:]])) == (
        "This is no known form of fatalities: the nearest is psdata-csv, which needs the column casualty_id. "
        "The workbook has the sheets 'notes', 'data'; 'data' comes nearest."
    )
    assert refusal("fatalities", xlsx_of(a=[])) == "The workbook has no sheet with any value."
    assert refusal("fatalities", xlsx_of(a=[NOTICAS])) == "The sheet 'a' has a header and no rows."


def test_a_workbook_for_the_scale_is_read_as_the_committees_or_as_the_compiled_figures() -> None:
    laid_out = xlsx_of(a=[["Member State", 1955], ["Chad", 0.04]])
    raw = read("scale_of_assessments", laid_out)
    assert (raw.dialect.name, raw.sheet, raw.cells()["rate_pct"].tolist()) == ("committee-xlsx", None, ["0.04"])
    table = xlsx_of(a=[COLUMNS["scale_of_assessments"], ["Chad", 1955, 1955, 0.04]])
    raw = read("scale_of_assessments", table)
    assert (raw.dialect.name, raw.sheet, raw.cells()["rate_pct"].tolist()) == ("compiled-csv", "a", ["0.04"])
    assert "No sheet of the workbook has a header with 'Member State'" in refusal(
        "scale_of_assessments", xlsx_of(a=[["x"]])
    )


def test_a_workbook_for_a_source_that_is_only_json_is_refused() -> None:
    assert refusal("publisher_codebook", xlsx_of(a=[["x"]])) == "publisher_codebook is published as JSON; this is XLSX."


def test_a_sheet_that_is_too_wide_or_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = xlsx_of(a=[PKO, [*row("missions"), *["x"] * workbooks.MAX_COLUMNS]])
    assert refusal("missions", wide) == "Row 2 of the sheet 'a' has more than 1,000 columns."
    monkeypatch.setattr(workbooks, "MAX_SHEET_ROWS", 3)
    assert read("missions", xlsx_of(a=[PKO, row("missions"), row("missions")])).rows_read == 2
    assert "more than 3 rows" in refusal("missions", xlsx_of(a=[PKO, row("missions"), [], row("missions")]))
    monkeypatch.setattr(workbooks, "MAX_CELLS", 17)
    assert "or 17 cells" in refusal("missions", xlsx_of(a=[PKO, row("missions")]))


@pytest.mark.parametrize("source", ["missions", "scale_of_assessments"])
def test_a_cell_far_below_all_others_is_refused_at_once(source: str) -> None:
    book = xlsx_of(a=[PKO, row("missions")])
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["xl/worksheets/sheet1.xml"] = members["xl/worksheets/sheet1.xml"].replace(
        b'<row r="2"', b'<row r="900000000"'
    )
    assert "more than 1,048,576 rows" in refusal(source, zip_of(**members))


def test_a_header_twice_in_a_sheet_is_refused() -> None:
    assert refusal("missions", xlsx_of(a=[[*PKO, "end_date"], [*row("missions"), "x"]])) == (
        "The header has the column 'end_date' twice."
    )
