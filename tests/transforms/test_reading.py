"""Reading CSV files: separators, title lines, blank rows, quotes and cut-off files."""

from __future__ import annotations

import gzip

import pytest
from forms_shared import CEB, COLUMNS, NOTICAS, PKO, Cells, csv_of, printed, read, refusal, row, xlsx_of

from schemas.validate import CutOffError
from sources.errors import CutOff


def test_any_usual_separator_is_read_for_every_source() -> None:
    for source in COLUMNS:
        for separator in ",;\t|":
            payload = csv_of([COLUMNS[source], row(source)], separator)
            assert printed(read(source, payload)) == {1: row(source)}, (source, separator)


def test_a_separator_in_the_cells_of_a_file_with_commas_is_no_separator() -> None:
    cells = ["a;b;c", "2019-01-20", "MINUSMA|x", "Chad", "Military", "\t"]
    assert printed(read("fatalities", csv_of([NOTICAS, cells]))) == {1: cells}


def test_the_first_line_that_fits_is_the_header_and_another_one_below_is_a_row() -> None:
    assert printed(read("missions", csv_of([PKO, PKO]))) == {1: PKO}


def test_up_to_ten_title_lines_above_the_header_are_skipped() -> None:
    for titles in (0, 1, 10):
        lines = [*([["UN peacekeeping, all missions"]] * titles), CEB, row("assessed_contributions")]
        for payload in (csv_of(lines), xlsx_of(a=lines)):
            assert printed(read("assessed_contributions", payload)) == {1: row("assessed_contributions")}


def test_the_line_in_which_excel_names_the_separator_is_a_title() -> None:
    assert printed(read("missions", b"sep=;\r\n" + csv_of([PKO, row("missions")], ";"))) == {1: row("missions")}


def test_more_title_lines_are_refused_with_the_columns_that_were_expected() -> None:
    message = refusal("missions", csv_of([["Title"]] * 11 + [PKO, row("missions")]))
    assert "the nearest is pko-csv, which needs the columns mission_acronym" in message


def test_a_missing_column_of_a_file_with_semicolons_names_the_separator() -> None:
    message = refusal("fatalities", csv_of([["A title"], NOTICAS[:-1], row("fatalities")[:-1]], ";"))
    assert message == (
        "This is no known form of fatalities: the nearest is psdata-csv, which needs the column type_of_incident. "
        "In the line that comes nearest to a header, its columns are separated by semicolons."
    )


def test_a_separator_that_is_not_read_lists_the_separators_that_are() -> None:
    assert refusal("fatalities", csv_of([NOTICAS, row("fatalities")], "^")).endswith(
        "there is one column; expected columns separated by commas, semicolons, tabs, pipes."
    )


def test_blank_rows_are_counted_nowhere_and_the_others_keep_their_numbers() -> None:
    lines = [PKO, row("missions", 1), [" "] * 9, row("missions", 3), [""] * 9, row("missions", 5), [""] * 9]
    for payload in (csv_of(lines), xlsx_of(a=lines)):
        raw = read("missions", payload)
        assert printed(raw) == {1: row("missions", 1), 3: row("missions", 3), 5: row("missions", 5)}
        assert (raw.rows_read, len(raw.broken)) == (3, 0)


def test_a_blank_row_of_the_wrong_width_is_none_and_any_other_is_broken() -> None:
    lines = [PKO, row("missions", 1), ["", "", " "], [""] * 30, ["x", "y"], row("missions", 5)]
    raw = read("missions", csv_of(lines) + b'"",""\r\n,,')
    assert printed(raw) == {1: row("missions", 1), 5: row("missions", 5)}
    assert raw.broken[["row_number", "text"]].to_numpy().tolist() == [[4, "x,y"]] and raw.rows_read == 3


@pytest.mark.parametrize("place", [0, 4, 9])
def test_a_column_without_a_name_is_ignored_when_blank_and_refused_with_its_place_otherwise(place: int) -> None:
    def lines(value: str) -> Cells:
        table = [PKO, row("missions", 1), row("missions", 2)]
        return [[*line[:place], cell, *line[place:]] for line, cell in zip(table, ["", "", value], strict=True)]

    for write in (csv_of, lambda lines: xlsx_of(a=lines)):
        assert printed(read("missions", write(lines(" ")))) == {1: row("missions", 1), 2: row("missions", 2)}
        assert refusal("missions", write(lines("seen"))) == (
            f"Column {place + 1} has no name in the header, and values: 'seen' in row 2. Name the column, or take it out."
        )


def test_hyphens_spaces_and_underscores_in_names_are_one() -> None:
    names = ["Casualty-Id", "INCIDENT DATE", "mission--acronym", "Casualty - Nationality", *NOTICAS[4:]]
    for payload in (csv_of([names, row("fatalities")]), xlsx_of(a=[names, row("fatalities")])):
        assert read("fatalities", payload).cells()["casualty_id"].tolist() == ["casualty_id 0"]


def test_a_header_cell_that_is_too_long_is_refused_in_one_sentence() -> None:
    assert "a cell of more than 131,072 characters" in refusal("missions", b"a" * 131_073 + b",b\n1,2\n")
    assert len(refusal("missions", b"a" * 131_000 + b",b\n1,2\n")) < 1000


def test_names_with_line_breaks_are_shown_on_one_line() -> None:
    lines = [[*PKO[1:], "new\nname"], row("missions")]
    assert "New columns: new name." in refusal("missions", csv_of(lines)) and "new name" in refusal(
        "missions", xlsx_of(a=lines)
    )
    twice = [[*PKO, "mission\nname"], [*row("missions"), "x"]]
    assert refusal("missions", csv_of(twice)).startswith(
        "The columns mission_name and mission name both stand for name;"
    )
    broken = [[*PKO, "new\nname"], [*row("missions"), "CÃ´te"]]
    assert refusal("missions", csv_of(broken)).startswith("Row 1: new name: 'CÃ´te' was decoded wrongly")


def test_a_long_cell_below_the_header_is_read() -> None:
    cells = ["x" * 200_000, *row("missions")[1:]]
    assert printed(read("missions", csv_of([PKO, cells], ";"))) == {1: cells}


@pytest.mark.parametrize("end", ["MINUSMA,2", 'MINUSMA,"2,3\n4', f'{",".join(PKO[:-1])},"45,8'])
def test_a_csv_file_that_ends_within_its_last_row_is_refused_as_cut_off(end: str) -> None:
    with pytest.raises(CutOffError, match="cut off"):
        read("missions", csv_of([PKO, row("missions")]) + end.encode())


def test_a_quote_that_is_not_closed_in_the_last_column_takes_in_no_rows() -> None:
    rest = csv_of([row("missions", 2), row("missions", 3)])
    with pytest.raises(CutOffError, match="within quotes that open in row 2"):
        read("missions", csv_of([PKO, row("missions")]) + ",".join(PKO[:-1]).encode() + b',"x\r\n' + rest)


def test_a_last_cell_in_quotes_without_a_line_end_is_complete() -> None:
    payload = csv_of([PKO]) + ",".join(["a"] * 8).encode()
    assert printed(read("missions", payload + b',"1,5"'))[1][-1] == "1,5"
    assert printed(read("missions", payload + b',"say ""x"""'))[1][-1] == 'say "x"'
    assert printed(read("missions", payload + b',5"'))[1][-1] == '5"'


def test_a_gzip_that_is_cut_off_is_refused_as_cut_off() -> None:
    with pytest.raises(CutOff):
        read("missions", gzip.compress(csv_of([PKO, row("missions")]))[:-4])
