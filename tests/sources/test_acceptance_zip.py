"""Checks of bytes: Excel workbooks and zip archives of one file."""

from __future__ import annotations

import contextlib
import gzip
import io
import tempfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from acceptance_shared import BOM, CSV, property_test, taken, why
from hypothesis import given
from hypothesis import strategies as st

from sources import acceptance
from sources.acceptance import accept
from sources.errors import CutOff, Refused

# Workbooks


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)  # without the time, so that test ids are stable
    return packed.getvalue()


BOOK = zipped({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>", "xl/sheet.xml": b"<sheet/>" * 99})


def locked(archive: bytes) -> bytes:
    """The archive with the flag of encryption set for every member, in both of its directories."""
    changed = bytearray(archive)
    for start, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = 0
        while (place := changed.find(start, place)) >= 0:
            changed[place + flags] |= 1
            place += 4
    return bytes(changed)


def why_no_workbook(payload: bytes, folder: Path) -> str:
    file = folder / "file"
    file.write_bytes(payload)
    with pytest.raises(Refused) as caught:
        accept(file, workbook=True)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_workbook_is_accepted_where_the_source_has_one(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(BOOK)
    accepted = accept(file, workbook=True)
    with accepted.open() as opened:
        assert (accepted.format, opened.read()) == ("xlsx", BOOK)


def test_text_is_accepted_also_where_workbooks_are(tmp_path: Path) -> None:
    file = tmp_path / "file"
    for text, form in ((CSV, "csv"), (b"[{}]", "json"), (gzip.compress(CSV), "csv")):
        file.write_bytes(text)
        assert accept(file, workbook=True).format == form


def test_a_workbook_is_refused_where_the_source_has_none() -> None:
    assert why(BOOK) == "This is an Excel workbook; expected CSV or JSON text. Export it first."
    assert why(zipped({"book.xlsx": BOOK})) == "This is an Excel workbook; expected CSV or JSON text. Export it first."


OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (OLD, "This is an old Excel file (.xls) or a workbook with a password;"),
        (zipped({"data.xls": OLD}), "This is an old Excel file (.xls) or a workbook with a password;"),
        (locked(BOOK), "The workbook has a password; expected one without."),
        (BOOK[:-30], "The zip archive or workbook is cut off before its end. Get it again."),
        (BOOK[: len(BOOK) // 2], "The zip archive or workbook is cut off before its end. Get it again."),
        (
            zipped({"xl/workbook.xml": b"<!DOCTYPE a><workbook/>"}),
            "xl/workbook.xml in the workbook declares a document type; workbooks do not",
        ),
    ],
)
def test_a_damaged_or_old_workbook_is_refused_with_the_reason(payload: bytes, reason: str, tmp_path: Path) -> None:
    assert why_no_workbook(payload, tmp_path).startswith(reason)


def test_an_old_excel_file_is_named_whatever_the_source_is_published_as() -> None:
    assert why(OLD).endswith("Save it again as .xlsx or CSV.")


def test_a_changed_byte_is_found_by_the_check_sum(tmp_path: Path) -> None:
    stored = zipped({"xl/workbook.xml": b"<workbook/>", "xl/sheet.xml": b"<c>22</c>"}, zipfile.ZIP_STORED)
    reason = why_no_workbook(stored.replace(b"<c>22</c>", b"<c>23</c>"), tmp_path)
    assert reason == (
        "The zip archive or workbook is cut off or damaged (Bad CRC-32 for file 'xl/sheet.xml'). Get it again."
    )


@pytest.mark.parametrize("alone", [False, True])
def test_a_workbook_that_unpacks_to_too_much_is_refused_in_little_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alone: bool
) -> None:
    assert 64 * 1024**2 <= acceptance.MAX_WORKBOOK_BYTES <= acceptance.MAX_UNPACKED_BYTES
    monkeypatch.setattr(acceptance, "MAX_WORKBOOK_BYTES", 50_000_000)
    bomb = zipped({"xl/workbook.xml": b"<workbook/>", "xl/sheet.xml": bytes(50_000_000)})
    assert len(bomb) < 1 << 20
    tracemalloc.start()
    try:
        reason = why_no_workbook(zipped({"a.xlsx": bomb}) if alone else bomb, tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 16 * acceptance.BLOCK_BYTES
    finally:
        tracemalloc.stop()
    assert reason == (
        "The workbook unpacks to more than 50,000,000 bytes; no workbook of this source does. Save the sheet as CSV."
    )


@property_test
@given(st.integers(0, len(BOOK) - 1), st.integers(0, 255))
def test_a_workbook_with_any_byte_changed_is_accepted_or_refused(at: int, byte: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file"
        file.write_bytes(BOOK[:at] + bytes([byte]) + BOOK[at + 1 :])
        with contextlib.suppress(Refused):
            accept(file, workbook=True)


# A zip archive of one file


@pytest.mark.parametrize(
    ("content", "form"), [(CSV, "csv"), (b'[{"a": 1}]', "json"), (BOM + CSV, "csv"), (b'{"a": 1}\n{"a": 2}\n', "json")]
)
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_of_one_text_is_accepted_as_that_text(content: bytes, form: str, method: int) -> None:
    assert taken(zipped({"any.name": content}, method)) == (content.removeprefix(BOM), form)


def test_folders_and_what_macos_adds_beside_the_one_file_are_ignored() -> None:
    packed = zipped({"figures/": b"", "figures/data.csv": CSV, "__MACOSX/figures/._data.csv": b"\0\5\x16\7"})
    assert taken(packed) == (CSV, "csv")


def test_a_zip_of_one_workbook_is_accepted_as_that_workbook(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(zipped({"data.xlsx": BOOK}))
    accepted = accept(file, workbook=True)
    with accepted.open() as opened:
        assert (accepted.format, opened.read()) == ("xlsx", BOOK)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (zipped({"a.csv": CSV, "b.csv": CSV}), "has 2 files (a.csv, b.csv); expected exactly one"),
        (zipped({f"{n}.csv": CSV for n in range(5)}), "has 5 files (0.csv, 1.csv, 2.csv, …); expected exactly one"),
        (zipped({}), "has 0 files; expected exactly one"),
        (zipped({"empty/": b"", "__MACOSX/._a": b"x"}), "has 0 files; expected exactly one"),
        (locked(zipped({"a.csv": CSV})), "The zip archive has a password; expected one without."),
        (
            zipped({"a.zip": zipped({"b.csv": CSV})}),
            "a.zip in the zip archive is a zip archive again. Unpack it first.",
        ),
        (zipped({"a.csv.gz": gzip.compress(CSV, mtime=0)}), "a.csv.gz in the zip archive is packed with gzip again."),
        (zipped({"a.pdf": b"%PDF-1.7\n"}), "This is a PDF"),
        (zipped({"a.csv": "Türkiye\n".encode("latin-1")}), "The file is not UTF-8: byte 0xfc in line 1."),
        (zipped({"a.csv": b"<html>no</html>"}), "HTML page"),
        (zipped({"a.csv": b""}), "empty"),
        (zipped({"a\nb.zip": zipped({"b.csv": CSV})}), "a b.zip in the zip archive"),
    ],
)
def test_any_other_zip_is_refused_with_the_reason(payload: bytes, reason: str) -> None:
    assert reason in why(payload) and "\n" not in why(payload)


def test_a_zip_that_unpacks_to_too_much_is_refused_in_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceptance, "MAX_UNPACKED_BYTES", 4_000_000)
    bomb = zipped({"a.csv": b"a" * 64_000_000})
    tracemalloc.start()
    try:
        assert "4,000,000 bytes" in why(bomb)
        assert tracemalloc.get_traced_memory()[1] < 16_000_000
    finally:
        tracemalloc.stop()


def test_a_workbook_in_a_zip_that_is_too_large_itself_is_refused_for_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptance, "MAX_WORKBOOK_BYTES", 1000)
    large = zipped({"xl/workbook.xml": b"<workbook/>", "xl/sheet.xml": b"<sheet/>" * 200}, zipfile.ZIP_STORED)
    assert "unpacks to more than 1,000 bytes" in why_no_workbook(zipped({"a.xlsx": large}), tmp_path)


@property_test
@given(st.binary(min_size=1, max_size=200), st.data())
def test_any_cut_of_a_zip_is_cut_off(content: bytes, data: st.DataObject) -> None:
    whole = zipped({"a.csv": content})
    with pytest.raises(CutOff, match="cut off"):
        taken(whole[: data.draw(st.integers(4, len(whole) - 1))])


@property_test
@given(st.binary(max_size=200), st.data())
def test_any_cut_of_a_gzip_is_cut_off(content: bytes, data: st.DataObject) -> None:
    whole = gzip.compress(content)
    with pytest.raises(CutOff):
        taken(whole[: data.draw(st.integers(1, len(whole) - 1))])


@property_test
@given(st.integers(0, 200), st.integers(0, 255))
def test_a_zip_with_any_byte_changed_is_accepted_or_refused(at: int, byte: int) -> None:
    packed = bytearray(zipped({"a.csv": CSV * 3}))
    packed[at % len(packed)] = byte
    with contextlib.suppress(Refused):
        taken(bytes(packed))
