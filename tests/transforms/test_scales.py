"""The scale of assessments: the Committee's workbook and the bundled figures have the same rates."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replica_data import scale_workbook
from tests_shared import CATALOGUE, load_bytes, stage_bytes, to_csv

from schemas.validate import ContractError
from sources.errors import Refused
from transforms import countries, scales
from transforms.staging import Staged
from transforms.workbooks import COLUMNS, read_xlsx

FILE = "scale_of_assessments_1946-2027.csv.gz"
WORKBOOK = "budget/Scale_of_Assessments_RB_1946-2027.xlsx"
NONE = "          -"
Cells = Sequence[Sequence[Any]]

# As the published sheet is laid out: a header of three lines, marks in a column of their own, rules, blank rows,
# a total, footnotes, and a stray path and date.
SHEET: Cells = [
    [None, None, None, 1959, None, 2022],
    [None, None, 1956, 1960, None, 2023],
    ["Member State", 1955, 1957, 1961, None, 2024],
    [None, "=", "=", "=", None, "=========="],
    ["Afghanistan", 0.08, 0.06, 0.06, None, 0.006],
    [],
    ["Egypt", 0.4, 0.36, "b/", " ", 0.139],
    ["Democratic Yemen ", NONE, NONE, 0.01, None, "-"],
    ["United Arab Republic", NONE, NONE, 0.32, "b/", NONE],
    ["United States of America", 33.33, 33.33, 32.51, None, 22],
    [],
    ["Total", 33.81, 33.75, 32.9, None, 22.145],
    [None, "      ======"],
    ["b/  For the years 1959, 1960 and 1961, Egypt and Syria were assessed jointly."],
    ["c:\\1946-2006scale (Excel)"],
    [pd.Timestamp("2005-11-07")],
]
RATES = [
    ("Afghanistan", "1955", "1955", "0.08"), ("Afghanistan", "1956", "1957", "0.06"),
    ("Afghanistan", "1959", "1961", "0.06"), ("Afghanistan", "2022", "2024", "0.006"), ("Egypt", "1955", "1955", "0.4"),
    ("Egypt", "1956", "1957", "0.36"), ("Egypt", "2022", "2024", "0.139"), ("Democratic Yemen ", "1959", "1961", "0.01"),
    ("United Arab Republic", "1959", "1961", "0.32"), ("United States of America", "1955", "1955", "33.33"),
    ("United States of America", "1956", "1957", "33.33"), ("United States of America", "1959", "1961", "32.51"),
    ("United States of America", "2022", "2024", "22"),
]  # fmt: skip


def xlsx(*sheets: Cells) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(f"Sheet {number}")
        for row in rows:
            sheet.append(list(row))
    payload = io.BytesIO()
    book.save(payload)
    return payload.getvalue()


def long(*sheets: Cells) -> pd.DataFrame:
    frame, broken, rows = read_xlsx(io.BytesIO(xlsx(*sheets)))
    assert len(broken) == 0 and rows == len(frame) and list(frame.columns) == COLUMNS
    return frame


def rates(*sheets: Cells) -> list[tuple[str, ...]]:
    return [tuple(row) for row in long(*sheets)[COLUMNS[:4]].to_numpy()]


def refusal(*sheets: Cells) -> str:
    with pytest.raises(ContractError) as caught:
        long(*sheets)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def states_of_today() -> list[str]:
    names = countries.countries_table().query("kind == 'current'")["name"]
    return list(names[countries.to_iso3(names).notna()])


def changed(row: int, column: int, value: Any) -> Cells:
    sheet = [[*cells, *[None] * (8 - len(cells))] for cells in SHEET]
    sheet[row - 1][column - 1] = value
    return sheet


@pytest.fixture(scope="module")
def scale(bundled: Callable[[str], Staged]) -> Staged:
    return bundled(FILE)


def rate(staged: Staged, iso3: str, year: int) -> float:
    rows = staged.rows
    periods = rows[(rows["contributor_iso3"] == iso3) & (rows["period_from"] <= year) & (rows["period_to"] >= year)]
    assert len(periods) == 1
    return float(periods["rate_pct"].iloc[0])


# The workbook


def test_a_wide_sheet_becomes_one_row_a_state_and_period_in_reading_order_with_its_cell() -> None:
    frame = long(SHEET)
    assert [tuple(row) for row in frame[COLUMNS[:4]].to_numpy()] == RATES
    assert list(frame.index) == list(range(1, len(RATES) + 1))
    assert list(frame["cell"][:5]) == ["B5", "C5", "D5", "F5", "B7"]


@pytest.mark.parametrize("mark", ["-", NONE, "–", " ", "", "b/", "=====", None])
def test_a_dash_a_blank_and_a_footnote_s_mark_are_no_row(mark: Any) -> None:
    assert rates(changed(5, 2, mark)) == RATES[1:]


moved = given(
    above=st.lists(
        st.sampled_from([[], ["Scale of assessments"], ["UNITED NATIONS", None, "regular budget"]]), max_size=4
    ),
    left=st.integers(0, 3),
    label=st.sampled_from(["Member State", "MEMBER STATE", " Member\nStates "]),
    other=st.booleans(),
)


@settings(max_examples=25)
@moved
def test_the_header_is_located_at_any_position(above: Cells, left: int, label: str, other: bool) -> None:
    sheet = [*above, [], *([*[None] * left, *cells] for cells in changed(3, 1, label))]
    assert rates(*([[["Notes"], ["Member State of the Organization", 1945]]] if other else []), sheet) == RATES


def test_a_label_on_the_header_s_first_line_is_found_too() -> None:
    sheet = [list(cells) for cells in SHEET]
    sheet[0][0], sheet[2][0] = "Member State", None
    assert rates(sheet) == RATES


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("1956/1957", ("1956", "1957")),
        ("1956-57", ("1956", "1957")),
        ("1956 – 1958", ("1956", "1958")),
        (1956.0, ("1956",) * 2),
    ],
)
def test_a_period_may_be_written_in_one_cell(text: Any, period: tuple[str, str]) -> None:
    assert rates([["Member State", text], ["Chad", 0.04]]) == [("Chad", *period, "0.04")]


@pytest.mark.parametrize("sheet", [[], [["Country", 1955], ["Chad", 0.04]], [["Member State", "Rate"], ["Chad", 0.04]]])
def test_a_sheet_without_the_header_is_refused_saying_what_was_expected(sheet: Cells) -> None:
    assert refusal(sheet) == (
        "No sheet of the workbook has a header with 'Member State' and years; expected one row a state, one column a period."
    )


@pytest.mark.parametrize(
    ("row", "column", "value", "message"),
    [
        (3, 5, "Note", "The header's column E: expected a year or a period such as 1956/1957, got 'Note'."),
        (3, 2, 19555, "The header's column B: expected a year or a period such as 1956/1957, got '19555'."),
        (3, 2, "1957/1955", "The header's column B: expected a year or a period such as 1956/1957, got '1957/1955'."),
        (3, 4, 1962, "The header's column D: expected a year or years in a row, got 1959, 1960, 1962."),
        (3, 7, 1957, "The year 1957 stands over two columns, C and G."),
        (5, 5, 0.5, "The cell E5 has '0.5', and its column has no year or period in the header."),
        (14, 3, 0.5, "The cell C14 stands below the last state or the total; expected no figure there, got '0.5'."),
    ],
)  # fmt: skip
def test_a_figure_whose_period_or_state_is_not_known_is_refused_with_its_place(
    row: int, column: int, value: Any, message: str
) -> None:
    assert refusal(changed(row, column, value)) == message


def test_a_header_without_figures_is_refused() -> None:
    assert refusal([["Member State", 1955], [None, "="]]).endswith("and no figures below it.")


def test_what_is_no_workbook_inside_is_refused_in_one_sentence() -> None:
    with pytest.raises(ContractError, match=r"^The workbook can't be read \(.*\)\.$"):
        read_xlsx(io.BytesIO(b"PK\x03\x04 and nothing"))


def test_footnotes_below_the_last_state_are_left_out_also_without_a_total() -> None:
    assert rates([row for row in SHEET if row[:1] != ["Total"]]) == RATES


def test_a_name_without_rates_and_a_rate_without_a_name_are_rejected_rows_not_lost() -> None:
    names = [name for name in states_of_today() if name not in ("Mali", "Chad")]
    odd: Cells = [["Heading"], [None, 0.5], ["Mali", "n/a"], ["Chad", 50.5]]
    sheet: Cells = [["Member State", *range(2001, 2011)], *odd, *([name, *[0.001] * 10] for name in names)]
    staged = stage_bytes("scale_of_assessments", xlsx(sheet), "2024-12-31")
    assert len(staged.rows) == 10 * len(names)
    assert [(row.row_number, row.column_name, row.reason) for row in staged.rejected.itertuples()] == [
        (1, "period_from", "period_from: expected a year from 1946 up to 2025, got nothing"),
        (1, "period_to", "period_to: expected a year from 1946 up to 2027, got nothing"),
        (1, "rate_pct", "rate_pct: expected a percentage from 0 up to 50, got nothing"),
        (2, "contributor", "contributor: expected a state's name, got nothing"),
        (3, "rate_pct", "rate_pct: expected a percentage from 0 up to 50, got 'n/a'"),
        (4, "rate_pct", "rate_pct: expected a percentage from 0 up to 50, got 50.5"),
    ]
    assert '"cell": "B4"' in staged.rejected["raw_row"].iloc[4]


# The rows


def compiled(*rows: tuple[str, int, int, str]) -> bytes:
    """Enough rows for the source's envelope, and these."""
    filled = [(name, year, year, "0.001") for name in states_of_today() for year in range(1990, 2020)]
    header = ("member_state", "period_from", "period_to", "rb_rate_pct")
    return to_csv([dict(zip(header, row, strict=True)) for row in [*filled, *rows]])


def test_states_are_resolved_as_they_existed_on_the_period_s_first_day() -> None:
    expected = [
        ("Germany, Federal Republic of    e/", 1971, "DEU"),
        ("Germany    e/", 1989, "DEU"),
        ("German Democratic Republic  e/", 1971, "DDR"),
        ("Democratic Yemen ", 1968, "YMD"),
        ("Czechoslovakia", 1946, "CSK"),
        ("Union of Soviet Socialist Republics", 1946, "SUN"),
        ("United Arab Republic", 1959, "XUA"),
        ("Serbia (formerly Yugoslavia) f/", 1988, "YUG"),
        ("Serbia (formerly Yugoslavia) f/", 2003, "YUG"),
        ("Serbia (formerly Yugoslavia) f/", 2004, "SCG"),
        ("Serbia (formerly Yugoslavia) f/", 2007, "SRB"),
        ("Myanmar (formerly  Burma)", 1948, "MMR"),
        ("Ukraine (formerly Ukrainian Soviet Socialist Republic)", 1946, "UKR"),
        ("Democratic Republic of the Congo (formerly Zaire)", 1960, "COD"),
        ("Atlantis (formerly Yugoslavia)", 2007, None),
        ("Atlantis", 1977, None),
    ]
    names, years, iso3 = (pd.Series(values) for values in zip(*expected, strict=True))
    codes = scales.states(names, pd.to_datetime(years.astype(str) + "-01-01"), "scale_of_assessments")
    assert codes.where(codes.notna(), None).tolist() == iso3.where(iso3.notna(), None).tolist()


def test_the_united_arab_republic_is_a_dissolved_state_of_egypt_and_syria() -> None:
    row = countries.countries_table().set_index("iso3").loc["XUA"]
    assert (row["kind"], row["successors_iso3"]) == ("dissolved", "EGY;SYR")


def test_separators_binary_fractions_repeats_and_contradictions() -> None:
    staged = stage_bytes(
        "scale_of_assessments",
        compiled(
            ("Yemen", 1977, 1977, "0.026000000000000002"), ("Yemen", 1977, 1977, "0.026"), ("Yemen", 1977, 1977, "0.03"),
            ("Mali", 1977, 1977, "1,5"), ("Chad", 1977, 1976, "1"), ("Atlantis", 1977, 1977, "1"),
            ("France", 2025, 2027, "4.1"), ("France", 2026, 2028, "4.1"),
        ),
        "2024-12-31",
    )  # fmt: skip
    late = staged.rows[staged.rows["period_from"].isin([1977, 2025])]
    assert list(late["contributor_iso3"]) == ["YEM", "FRA"] and list(late["rate_pct"]) == [0.026, 4.1]
    assert list(staged.merged["rule"]) == ["identical_row"]
    assert sorted(set(staged.rejected["check_name"])) == [
        "doubled_key", "ends_before_it_begins", "not_a_number", "not_above_maximum", "unknown_state",
    ]  # fmt: skip
    assert ("unresolved_contributor", "Atlantis", 1) in list(staged.signals.itertuples(index=False, name=None))


def test_a_rate_over_30_is_a_signal_and_stays(scale: Staged) -> None:
    assert list(scale.signals.itertuples(index=False, name=None)) == [
        ("rate_over_30_pct", "United States of America", 17)
    ]
    assert rate(scale, "USA", 1946) == 39.89 and rate(scale, "USA", 1973) == 31.52


def test_the_bundled_figures_are_complete_and_have_the_known_rates(scale: Staged) -> None:
    assert (len(scale.rows), len(scale.rejected), len(scale.merged), scale.rows_read) == (6162, 0, 0, 6162)
    assert (str(scale.covers_from), str(scale.covers_to)) == ("1946-01-01", "2027-12-31")
    assert [rate(scale, "USA", year) for year in (2022, 2023, 2024)] == [22, 22, 22]
    assert rate(scale, "CHN", 2025) == rate(scale, "CHN", 2027) == 20.004
    assert rate(scale, "XUA", 1960) == 0.32 and rate(scale, "SCG", 2006) == 0.019
    assert (scale.rows["period_from"] == 2025).sum() == 193 and (scale.rows["period_from"] == 1946).sum() == 53


def test_the_bundled_sums_are_100_from_1998_on_but_for_2003(scale: Staged) -> None:
    sums = scale.rows.groupby("period_from")["rate_pct"].sum()
    late = sums[sums.index >= 1998].round(6)
    assert late[late != 100].to_dict() == {2003: 101.087}
    assert sums.round(6).loc[[1955, 1971, 1993]].to_list() == [105.4, 108.2, 99.17]
    rows = scale.rows[scale.rows["period_from"] == 2003].set_index("contributor_iso3")["rate_pct"]
    assert round(rows.drop(["CHE", "TLS"]).sum(), 6) == 99.812 and rows["CHE"] == 1.274


def table(staged: Staged) -> pd.DataFrame:
    return staged.rows.drop(columns="snapshot_row").sort_values(scales.KEY, ignore_index=True)


@pytest.mark.real
def test_the_published_workbook_and_the_bundled_figures_are_the_same_table(
    scale: Staged, published_vintages: Path
) -> None:
    staged = stage_bytes("scale_of_assessments", (published_vintages / WORKBOOK).read_bytes(), "2024-12-31")
    assert staged.dialect == "committee-xlsx" and len(staged.rejected) == 0 and len(staged.rows) == 6162
    pd.testing.assert_frame_equal(table(staged), table(scale), check_exact=True)


@pytest.mark.real
def test_every_figure_of_the_published_sheet_is_a_row_or_the_total(published_vintages: Path) -> None:
    payload = (published_vintages / WORKBOOK).read_bytes()
    sheet = openpyxl.load_workbook(io.BytesIO(payload), data_only=True).active
    figures = [
        (cell.coordinate, row[0].value)
        for row in sheet.iter_rows(min_row=4)
        for cell in row[1:]
        if isinstance(cell.value, (int, float))
    ]
    frame, _, _ = read_xlsx(io.BytesIO(payload))
    assert list(frame["cell"]) == [cell for cell, name in figures if name != "Total"]
    assert len([cell for cell, name in figures if name == "Total"]) == frame["period_from"].nunique() == 44


def test_the_replica_s_workbook_has_the_bundled_figures(scale: Staged) -> None:
    staged = stage_bytes("scale_of_assessments", scale_workbook().body, "2024-12-31")
    assert staged.dialect == "committee-xlsx"
    pd.testing.assert_frame_equal(table(staged), table(scale), check_exact=True)


def test_a_newer_workbook_replaces_the_periods_that_it_covers_and_no_others(tmp_path: Path) -> None:
    from flows.steps.registry import tables_of
    from transforms.vintages import Vintage

    old = stage_bytes("scale_of_assessments", compiled(("Yemen", 1977, 1977, "0.03")), "2020-12-31")
    new = stage_bytes(
        "scale_of_assessments", compiled(("Yemen", 2025, 2027, "0.04")).replace(b"0.001", b"0.002"), "2024-12-31"
    )
    vintages = [
        Vintage(name * 64, pd.Timestamp(day).date(), staged)
        for name, day, staged in (("a", "2020-12-31", old), ("b", "2024-12-31", new))
    ]
    source = CATALOGUE["scale_of_assessments"]
    rows = tables_of(source, vintages)["main.scale_of_assessments"]
    yemen = rows[rows["contributor_iso3"] == "YEM"].set_index("period_from")
    assert yemen.loc[[1977, 1990, 2025], "rate_pct"].to_list() == [0.03, 0.002, 0.04]
    assert yemen.loc[[1977, 1990], "snapshot_sha256"].str[0].to_list() == ["a", "b"]


def test_a_workbook_of_the_scale_is_loaded_for_this_source_and_refused_for_others(tmp_path: Path) -> None:
    workbook = scale_workbook().body
    assert load_bytes(tmp_path / "raw", "scale_of_assessments", workbook).record.dialect == "committee-xlsx"
    with pytest.raises(Refused, match="The workbook has the sheets 'Scale'"):
        load_bytes(tmp_path / "raw", "missions", workbook)
