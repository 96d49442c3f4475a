"""Monthly reports as PDFs: every layout is read exactly, or refused with the place and both figures."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_pdfs import (
    LAYOUTS,
    Drawn,
    Figures,
    Form,
    Line,
    Text,
    drawn_pages,
    expected,
    lines_of,
    pdf,
    report,
    rows_of,
)
from tests_shared import CATALOGUE

from schemas.report_layout import ReportLayout
from schemas.validate import ContractError, CutOffError
from sources import bundle
from transforms import countries
from transforms.reports import packed, pages
from transforms.reports.reading import read_report

DAY = date(2020, 2, 29)
CONTRIBUTORS = ["Algeria", "Bosnia and Herzegovina", "Iran (Islamic Republic of)", "Congo", "United States of America"]
MISSIONS = ["MINURSO", "MINUSCA", "UNMISS"]
DATED = [layout for layout in LAYOUTS.values() if not layout.undated]


def holds(layout: ReportLayout, held: str) -> bool:
    return any(held in column.holds for column in layout.columns)


def types_of(layout: ReportLayout) -> list[str]:
    return list(layout.types) or list(dict.fromkeys(column.type for column in layout.columns if column.type))


def arranged(layout: ReportLayout, rows: Sequence[Figures]) -> list[Figures]:
    """Rows in the order of a layout, without what it does not print; of a table of types with every type."""
    if not holds(layout, "mission"):
        rows = list({(row.contributor, row.type): row._replace(mission="") for row in rows}.values())
    if not layout.types:
        kinds, names = types_of(layout), {(row.mission, row.contributor) for row in rows}
        known = {(row.mission, row.contributor, row.type): row for row in rows}
        rows = [known.get((*name, kind), Figures(*name, kind, 0, 0)) for name in names for kind in kinds]
    groups = layout.groups or ("mission", "contributor")
    inner = [held for held in ("mission", "contributor", "type") if held not in groups]
    return sorted(rows, key=lambda row: [getattr(row, held) for held in (*groups, *inner)])


def sample(layout: ReportLayout) -> list[Figures]:
    rows = [
        Figures(mission, contributor, kind, 1200 * place + len(mission), place * 3)
        for place, contributor in enumerate(CONTRIBUTORS)
        for mission in MISSIONS
        for kind in types_of(layout)
    ]
    return arranged(layout, rows)


def refused(payload: bytes) -> str:
    """Why a PDF is refused."""
    with pytest.raises(ContractError) as error:
        rows_of(payload)
    return str(error.value)


@pytest.mark.parametrize("layout", DATED, ids=lambda layout: str(layout.name))
def test_every_layout_is_read_across_pages(layout: ReportLayout) -> None:
    rows = sample(layout)
    assert rows_of(report(layout, rows, DAY, Form(per_page=11))) == expected(layout, rows, DAY)


FIGURE = st.integers(0, 9_999)
MANY = st.lists(
    st.builds(Figures, st.sampled_from(MISSIONS), st.sampled_from(CONTRIBUTORS), st.integers(0, 3), FIGURE, FIGURE),
    min_size=1,
    max_size=20,
    unique_by=lambda row: row[:3],
)
FORMS = st.builds(
    Form,
    per_page=st.integers(3, 40),
    left=st.floats(5, 60),
    top=st.floats(20, 60),
    size=st.floats(6, 9),
    pitch=st.floats(1.7, 2.4),
)


@settings(max_examples=20)
@given(name=st.sampled_from([layout.name for layout in DATED]), many=MANY, form=FORMS)
def test_any_rows_are_read_wherever_they_stand_on_the_page(name: str, many: list[Figures], form: Form) -> None:
    layout = LAYOUTS[name]
    kinds = types_of(layout)
    rows = arranged(layout, [row._replace(type=kinds[int(row.type)]) for row in many])
    assert rows_of(report(layout, rows, DAY, form)) == expected(layout, rows, DAY)


@pytest.mark.parametrize("name", ["A1", "A1b", "A2", "B", "D1", "D2", "D3", "D4", "S"])
def test_a_wrong_figure_is_refused_with_its_place_and_both_figures(name: str) -> None:
    layout = LAYOUTS[name]
    rows = sample(layout)
    lines = lines_of(layout, rows)
    place = next(number for number, line in enumerate(lines) if "type" in line.texts)
    figures = {column: figure + (column.casefold() in ("m", "male", "total", "totals")) for column, figure in
               lines[place].figures.items()}  # fmt: skip
    lines[place] = Line(lines[place].texts, figures)
    message = refused(report(layout, rows, DAY, lines=lines))
    group = [row for row in rows if all(getattr(row, held) == getattr(rows[0], held) for held in layout.groups)]
    outer = [row for row in rows if getattr(row, layout.groups[0]) == getattr(rows[0], layout.groups[0])]
    printed = [sum(row.male + row.female for row in some) for some in (group, outer)]
    printed += [sum(row.male for row in some) for some in (group, outer)]
    assert any(f"prints {figure:,} as the total of" in message for figure in printed), message
    assert any(f"add up to {figure + 1:,}." in message for figure in printed), message
    assert message.startswith("Page 1, line ")


def test_a_row_whose_sexes_do_not_add_up_is_refused() -> None:
    layout = LAYOUTS["F2"]
    lines = [
        Line({"mission": "UNMISS", "contributor": "Congo", "type": "Troops"}, {"Male": 5, "Female": 1, "Total": 7})
    ]
    assert refused(report(layout, [], DAY, lines=lines)) == (
        "Page 1, line 1 (UNMISS, Congo, Troops): Male and Female add up to 6, the report prints 7. A row is missing, "
        "misprinted or misread; nothing is loaded. Get the file again; if it stays, load the month's figures as CSV."
    )


def test_a_wrapped_name_is_one_name() -> None:
    layout = LAYOUTS["D2"]
    rows = [Figures("UNMISS", "Iran (Islamic Republic of)", "staff", 3, 1)]
    first, row, *others = lines_of(layout, rows)
    wrapped = [
        first,
        Line({**row.texts, "contributor": "Iran (Islamic"}, row.figures),
        Line({"contributor": "Republic of)"}, {}),
    ]
    form = Form(pitch=1.5)
    assert rows_of(report(layout, rows, DAY, form, [*wrapped, *others])) == expected(layout, rows, DAY)
    message = refused(report(layout, rows, DAY, Form(pitch=2.2), [*wrapped, *others]))
    assert message.startswith("Page 1, line 6: 'Republic of)' stands without figures.")


def test_a_report_without_a_date_is_refused() -> None:
    layout = LAYOUTS["W"]
    rows = arranged(layout, [Figures("UNMISS", "Congo", "Troops", 9, 2)])
    assert refused(report(layout, rows, DAY)).startswith(
        "The report prints no date, and its grand total is not that of 2019-10, the only known ones without."
    )


def test_missing_pages_are_named() -> None:
    for name, message in {
        "D3": "The PDF has 3 numbered pages, and page 1 of them says that it is page 1 of 4",
        "A2": "Page 3, line 15: the total of Iran (Islamic Republic of) is missing; expected one for each contributor.",
        "F2": "The PDF is cut off before its end",
    }.items():
        layout = LAYOUTS[name]
        rows, lines = sample(layout), lines_of(layout, sample(layout))
        whole = report(layout, rows, DAY, Form(per_page=-(-len(lines) // 4)))
        if name == "F2":
            assert refused(whole[:-200]).startswith(message)
            continue
        table = whole.index(b"/Kids[")
        kids = whole[table : whole.index(b"]", table)]
        shorter = kids.rsplit(b" ", 3)[0]
        cut = whole.replace(kids, shorter + b" " * (len(kids) - len(shorter)))
        with pytest.raises(CutOffError) as error:
            rows_of(cut)
        assert str(error.value).startswith(message)


def test_a_whole_report_without_the_mark_of_its_end_is_read_where_a_grand_total_shows_its_end() -> None:
    for name in ("S", "F2"):
        layout = LAYOUTS[name]
        whole = report(layout, sample(layout), DAY)
        unmarked = whole.replace(b"%%EOF\n", b"\n")
        if name == "S":
            assert rows_of(unmarked) == rows_of(whole)
        else:
            assert refused(unmarked).startswith("The PDF is cut off before its end")


def test_a_cover_and_a_page_after_the_table_are_no_part_of_it() -> None:
    cover = Drawn([Text(200, 300, "Contributors to peacekeeping")])
    for name in ("A1", "D3", "S"):
        layout = LAYOUTS[name]
        rows = sample(layout)
        drawn = drawn_pages(layout, lines_of(layout, rows), DAY, Form(per_page=30))
        assert rows_of(pdf([cover, *drawn, Drawn(drawn[0].texts[:2])])) == expected(layout, rows, DAY)


def test_zeros_without_a_type_are_no_row() -> None:
    layout = LAYOUTS["A2"]
    rows = arranged(layout, [Figures("UNMISS", "Congo", "FPU", 3, 1)])
    first, *others = lines_of(layout, rows)
    ghost = Line({"mission": "UNMIK"}, {"MALE": 0, "FEMALE": 0, "TOTAL": 0})
    assert rows_of(report(layout, rows, DAY, lines=[first, ghost, *others])) == expected(layout, rows, DAY)
    other = Line({"mission": "UNMIK"}, {"MALE": 1, "FEMALE": 0, "TOTAL": 1})
    assert "expected a row or a total of the layout A2" in refused(
        report(layout, rows, DAY, lines=[first, other, *others])
    )


def test_a_pdf_of_something_else_is_refused_with_how_it_begins() -> None:
    other = pdf([Drawn([Text(30, 40, "Annual report of the fisheries board")])])
    message = refused(other)
    assert "got a text that begins 'Annual report of the fisheries board'" in message
    assert "(today's: Mission, Country, Personnel Type, Male, Female, Total)" in message
    scan = pdf([Drawn(rules=[(10, 10, 500, 700)])] * 2)
    assert refused(scan).startswith("The PDF has 2 pages and no text: it is a scan or a picture;")
    ranking = report(LAYOUTS["S"], sample(LAYOUTS["S"]), DAY)
    message = refused(pdf([Drawn([Text(30, 40, "Ranking of donors"), *(
        Text(30 + 70 * place, 80, heading) for place, heading in enumerate(["Country Name", "POST", "MALE", "FEMALE", "TOTAL"])
    )])]))  # fmt: skip
    assert "under the title 'Ranking of donors'; expected one with 'Summary of Contribution'" in message
    assert refused(ranking[: len(ranking) // 2]).startswith("The PDF is cut off before its end")


def test_a_password_or_damage_is_one_sentence() -> None:
    locked = f"/ID[<{'00' * 16}><{'00' * 16}>]/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<{'11' * 32}>/U<{'22' * 32}>>>"
    message = refused(pdf([Drawn([Text(30, 40, "x")])], trailer=locked))
    assert message == (
        "The PDF has a password; expected a monthly report of uniformed personnel, with its text and without one. "
        "Save it without the password."
    )
    damaged = refused(b"%PDF-1.4\n%%EOF\n")
    assert "it is cut off or damaged; expected a monthly report" in damaged
    assert damaged.endswith("Get it again.")


def test_too_much_is_refused_before_it_is_read() -> None:
    page = Drawn([Text(30, 40, "Mission Country Personnel Type Male Female Total")])
    assert refused(pdf([page] * (pages.MAX_PAGES + 1))).startswith("The PDF has more than 200 pages;")
    long = Drawn([Text(30, 40, "9" * 60)] * 400)
    assert refused(pdf([long])).startswith("Page 1 of the PDF has more than 20,000 letters;")
    bomb = zlib.compress(b"0 " * (packed.MAX_STREAM_BYTES // 2 + 1))
    whole = pdf([page])
    stream = b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(bomb), bomb)
    assert refused(whole.replace(b"<</CreationDate", stream + b"<</CreationDate").replace(b"<<>>", stream)).startswith(
        "The PDF unpacks to more than"
    )
    twice = zlib.compress(bomb)
    stream = b"<</Length %d/Filter[/FlateDecode/FlateDecode]>>stream\n%s\nendstream" % (len(twice), twice)
    assert refused(whole.replace(b"<<>>", stream)).startswith("The PDF unpacks to more than")


def test_the_declared_layouts_are_those_of_the_bundled_months() -> None:
    with gzip.open(bundle.BUNDLED / "uniformed_personnel_2015-01_2025-07.csv.gz", "rt", encoding="utf-8") as text:
        bundled = {row["report_layout"] for row in csv.DictReader(text)}
    assert bundled == set(LAYOUTS)


# The compilation cut these three names of layout A1 where the column of the missions begins; the report prints them whole.
CUT = {
    "Moldova, Republic of": "Moldova, Republic",
    "Tanzania, United Republic of": "Tanzania, United Republic",
    "The former Yugoslav Republic of Macedonia": "The former Yugoslav",
}


def difference(file: Path, data: Path) -> tuple[Counter[tuple[str, ...]], Counter[tuple[str, ...]]]:
    """The rows that only the PDF has, and those that only the compiled figures of its month have."""
    with file.open("rb") as report_file:
        (frame, _, _), _ = read_report(report_file)
    month = frame["month_end"].iloc[0]
    if frame["report_layout"].iloc[0] == "A1":
        cut = frame["contributor_as_printed"].map(lambda name: CUT.get(name, name))
        whole = frame["contributor_as_printed"]
        source = CATALOGUE["uniformed_personnel"].name
        assert countries.to_iso3(whole, source).tolist() == countries.to_iso3(cut, source).tolist()
        frame["contributor_as_printed"] = cut
    with gzip.open(data / "facts/uniformed_personnel_monthly_2015-01_2025-07.csv.gz", "rt", encoding="utf-8") as text:
        facts = Counter(
            (*row[:2], " ".join(row[2].split()), *row[3:]) for row in csv.reader(text) if row[0] == month
        )  # one name has two spaces, where a line ends in its cell
    got = Counter(tuple(row) for row in frame.itertuples(index=False, name=None))
    assert facts
    return got - facts, facts - got


QUICK = ["2015_01", "2018_03", "2023_09", "2025_01"]


@pytest.mark.real
@pytest.mark.parametrize("month", QUICK)
def test_the_published_pdf_of_a_layout_is_the_compiled_figures_cell_by_cell(
    month: str, published_vintages: Path
) -> None:
    file = published_vintages / f"troops/pdf/UN_country_contributions_{month}.pdf"
    assert difference(file, published_vintages.parent) == (Counter(), Counter())


@pytest.mark.real
@pytest.mark.slow
def test_every_published_pdf_is_the_compiled_figures_cell_by_cell(published_vintages: Path) -> None:
    files = sorted((published_vintages / "troops/pdf").glob("*.pdf"))
    assert len(files) >= 32
    assert {file.name: difference(file, published_vintages.parent) for file in files} == dict.fromkeys(
        (file.name for file in files), (Counter(), Counter())
    )


@pytest.mark.real
def test_the_month_is_the_pages_and_never_the_file_names(published_vintages: Path) -> None:
    with (published_vintages / "troops/pdf/UN_country_contributions_2020_06.pdf").open("rb") as file:
        (frame, _, _), made_on = read_report(io.BytesIO(file.read()))
    assert (set(frame["month_end"]), made_on) == ({"2022-06-30"}, date(2022, 9, 23))
