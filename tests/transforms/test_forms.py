"""A file that people or spreadsheets saved again has the same cells and row numbers in every form."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from forms_shared import (
    COLUMNS,
    IN_JSON,
    NOTICAS,
    PKO,
    csv_of,
    lines_of_json,
    objects,
    printed,
    read,
    refusal,
    row,
    xlsx_of,
    zip_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from tests_shared import stage_bytes

from schemas.validate import ContractError
from sources import bundle
from sources.errors import Refused
from transforms.decoding import repaired

LETTERS = "aé漢ü1 .,;|\t\"'-\n[]{}:"  # no two of them are what UTF-8 looks like when it is decoded wrongly
CELL = st.text(LETTERS, max_size=6)
NAME = st.text(LETTERS, max_size=5).map(lambda text: f"a{text}")  # the first cell: a blank row is another thing
TITLE = st.text("abé .-", min_size=1, max_size=12).filter(lambda text: text.strip() != "")


@settings(max_examples=25)
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
        **{f"csv {separator!r}": csv_of(lines, separator) for separator in ",;\t|"},
        "xlsx": xlsx_of(notes=[["See below"]], data=lines),
        "json": json.dumps(rows_as_objects).encode(),
        "ndjson": lines_of_json(rows_as_objects),
        "wrapped": json.dumps({"count": 2, "about": {"page": 1}, "data": rows_as_objects, "next": None}).encode(),
    }
    packed = {f"zip of {form}": zip_of(file=payload) for form, payload in payloads.items()}
    packed |= {f"gzip of {form}": gzip.compress(payload) for form, payload in payloads.items() if form != "xlsx"}
    for form, payload in {**payloads, **packed}.items():
        raw = read(source, payload)
        assert list(raw.printed.columns) == names, form
        assert printed(raw) == dict(enumerate(table, start=1)), form
        assert (raw.rows_read, len(raw.broken), raw.new_columns) == (len(table), 0, ()), form
        assert raw.sheet == ("data" if "xlsx" in form else None)


def test_every_bundled_file_reads_the_same_from_a_spreadsheet_with_semicolons_and_zipped() -> None:
    for entry in bundle.manifest():
        if entry["role"] != "snapshot":
            continue
        source, file = entry["source"], entry["file"]
        text = gzip.decompress((bundle.BUNDLED / file).read_bytes()).decode()
        lines = list(csv.reader(io.StringIO(text, newline="")))[:200]
        expected = read(source, csv_of(lines))
        titled = [["Title"], [], *lines]
        for payload in (csv_of(titled, ";"), xlsx_of(Export=titled), zip_of(a=csv_of(lines))):
            raw = read(source, payload)
            assert (raw.dialect, raw.rows_read) == (expected.dialect, expected.rows_read), file
            pd.testing.assert_frame_equal(raw.printed, expected.printed)


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


def test_a_text_that_was_decoded_wrongly_refuses_the_file_with_row_column_and_meaning() -> None:
    for source in COLUMNS:
        lines = [COLUMNS[source], *[row(source, n) for n in range(1, 30)]]
        lines[27][3] = lines[28][3] = "CÃ´te d'Ivoire"
        for payload in (csv_of(lines), xlsx_of(a=lines)):
            message = refusal(source, payload)
            assert message.startswith(f'Row 27: {COLUMNS[source][3]}: "CÃ´te d\'Ivoire" was decoded wrongly; ')
            assert 'it was probably "Côte d\'Ivoire".' in message and "UTF-8" in message


@pytest.mark.parametrize(
    "name",
    ["Côte d'Ivoire", "Côte d’Ivoire", "Türkiye", "Curaçao", "C\ufffdte d'Ivoire", "“Blue Helmets”", "São Tomé — Príncipe",
     "Réunion", "Åland", "Ñ", "Мали", "马里", "مالي", "£ 5 ½ °", "CÔTE D’IVOIRE"],
)  # fmt: skip
def test_genuine_names_are_read(name: str) -> None:
    lines = [NOTICAS, [name, *row("fatalities")[1:]]]
    assert printed(read("fatalities", csv_of(lines)))[1][0] == name
    assert printed(read("fatalities", lines_of_json(objects("fatalities", [lines[1]] * 2))))[2][0] == name


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
        "mission_strength", csv_of([names, ["1990-11-30", "ONUCA", "Honduras", "1", "11", "423", "NA", "NA", "423"]])
    )
    (counts,) = staged.rows[["mission", "contributors", "troops", "police", "observers", "total"]].to_numpy().tolist()
    assert counts == ["ONUCA", 11, 423, 0, 0, 423] and staged.signals.empty


# No file ends in a traceback

LINES = [PKO, *[row("missions", n) for n in range(3)]]
WHOLE = [
    csv_of([["Title"], *LINES], ";"),
    json.dumps(objects("missions", LINES[1:])).encode(),
    json.dumps({"n": 3, "data": objects("missions", LINES[1:])}).encode(),
    lines_of_json(objects("missions", LINES[1:])),
]
PIECES = st.sampled_from(
    [b'"', b",", b"\n", b"\r", b"{", b"}", b"[", b"]", b":", b"\\u", b"<", b"\xff", "\ufeff".encode(), b""]
)


@settings(max_examples=200)
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


@settings(max_examples=60)
@given(st.integers(0, 20), st.integers(0, 3000), st.integers(0, 9), PIECES)
def test_a_workbook_with_damage_inside_is_read_or_refused_in_one_sentence(
    member: int, at: int, length: int, piece: bytes
) -> None:
    with zipfile.ZipFile(io.BytesIO(xlsx_of(a=LINES))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = list(members)[member % len(members)]
    members[name] = members[name][:at] + piece + members[name][at + length :]
    try:
        read("missions", zip_of(**members))
    except (ContractError, Refused) as error:
        assert "\n" not in str(error)
