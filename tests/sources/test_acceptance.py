"""Bytes are judged before anything reads them: the kind of file a source promises, and whole."""

from __future__ import annotations

import contextlib
import gzip
import io
import tempfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sources import acceptance
from sources.acceptance import accept
from sources.errors import CutOff, Refused

CSV = b"mission,deaths\nMINUSMA,10\n"
BOM = b"\xef\xbb\xbf"
property_test = settings(max_examples=60, deadline=None)  # a busy machine is no fault
LETTERS = "a1 é’漢,;\"'<[{\r\n\t\ufeff"  # spelt out: all of Unicode takes seconds to draw from at first
TEXTS = st.text(LETTERS, max_size=300).map(lambda text: f"a{text}".encode())


def taken(payload: bytes) -> tuple[bytes, str]:
    """The text that a file of these bytes is taken for, and its format."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file"
        file.write_bytes(payload)
        accepted = accept(file)
        with accepted.open() as text:
            return text.read(), accepted.format


def why(payload: bytes) -> str:
    with pytest.raises(Refused) as caught:
        taken(payload)
    return str(caught.value)


# What is taken


def test_csv_is_taken_as_it_is() -> None:
    assert taken(CSV) == (CSV, "csv")


@pytest.mark.parametrize("text", [b'[{"a": 1}]', b'{"a": 1}', b'\n  [\n{"a": 1}]', b" {}"])
def test_json_is_told_from_csv(text: bytes) -> None:
    assert taken(text) == (text, "json")


@pytest.mark.parametrize("text", [b"a,b\n1,[2]\n", b'"{a}",b\n', b"\na,b\n", b"a<b,c\n<1,2\n"])
def test_brackets_further_on_do_not_make_it_json_or_a_page(text: bytes) -> None:
    assert taken(text)[1] == "csv"


@pytest.mark.parametrize(("text", "form"), [(CSV, "csv"), (b'[{"a": 1}]', "json")])
@pytest.mark.parametrize("packed", [False, True])
def test_byte_order_mark_is_removed(text: bytes, form: str, packed: bool) -> None:
    assert taken(gzip.compress(BOM + text) if packed else BOM + text) == (text, form)


def test_only_one_byte_order_mark_is_removed_and_only_at_the_start() -> None:
    assert taken(BOM + b"a\n" + BOM + b"1\n")[0] == b"a\n" + BOM + b"1\n"


def test_line_ends_and_names_beyond_ascii_are_kept() -> None:
    text = "état;n\r\nCôte d’Ivoire;1\r\nTürkiye;2\r\n".encode()
    assert taken(text)[0] == text


def test_gzip_is_unpacked_and_then_judged() -> None:
    assert taken(gzip.compress(b'[{"a": 1}]')) == (b'[{"a": 1}]', "json")


def test_gzip_of_several_members_is_one_text() -> None:
    assert taken(gzip.compress(b"a,b\n") + gzip.compress(b"1,2\n") + gzip.compress(b"3,4\n"))[0] == (b"a,b\n1,2\n3,4\n")


def test_zeros_after_the_last_member_are_padding() -> None:
    assert taken(gzip.compress(CSV) + b"\0" * 512)[0] == CSV


# What is refused, and what is said


@pytest.mark.parametrize(
    "page",
    [
        b"<!DOCTYPE html><html><head><title>Access denied</title></head></html>",
        b"\n\n  <!doctype HTML>\n<HTML><body>Access denied</body>",
        b"<html lang='en'>Access denied",
        b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><title>Access denied</title></html>',
        BOM + b"<html>Access denied</html>",
        gzip.compress(b"<html>Access denied</html>", mtime=0),
    ],
)
def test_html_page_is_refused_with_its_first_words(page: bytes) -> None:
    message = why(page)
    assert "HTML page" in message and "not CSV or JSON" in message
    assert "<" in message.partition("JSON: ")[2]


def test_the_glimpse_of_a_page_is_short_and_on_one_line() -> None:
    message = why(b"<html>\n\n" + b"Access denied \n" * 1000)
    assert "Access denied" in message and "\n" not in message and len(message) < 200


def test_white_space_before_a_page_does_not_hide_it() -> None:
    """Pages made from templates often start with screens of blank lines."""
    assert "HTML page" in why(b"\r\n" * 2000 + b"<!DOCTYPE html><html>Access denied</html>")


def test_xml_is_refused() -> None:
    assert "XML" in why(b'<?xml version="1.0"?><rows><row mission="UNMIK"/></rows>')


def test_pdf_is_refused() -> None:
    assert "PDF" in why(b"%PDF-1.7\n1 0 obj\n")


@pytest.mark.parametrize(
    "payload",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"PAR1\x15\x04\x15\0\x15",  # Parquet
        b"a,b\n1,\x002\n",
        b"a" * 5000 + b"\0",
    ],
)
def test_nul_bytes_are_refused_as_binary(payload: bytes) -> None:
    assert "NUL" in why(payload)
    assert "NUL" in why(gzip.compress(payload))


def test_empty_file_is_refused() -> None:
    assert "empty (0 bytes)" in why(b"")


@pytest.mark.parametrize(
    "payload",
    [
        b" ",
        b"\n",
        b" \t\r\n\x0b\x0c" * 2000,
        BOM,
        BOM + b"\n",
        gzip.compress(b"", mtime=0),
        gzip.compress(b"\n\n", mtime=0),
    ],
)
def test_white_space_alone_is_refused_as_empty(payload: bytes) -> None:
    assert "empty" in why(payload)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("packed", [False, True])
def test_utf16_is_refused_by_its_mark(encoding: str, packed: bool) -> None:
    text = "\ufeffmission,deaths\nMINUSMA,10\n".encode(encoding)
    message = why(gzip.compress(text) if packed else text)
    assert "UTF-16" in message and "UTF-8" in message


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_utf16_without_a_mark_is_refused_too(encoding: str) -> None:
    why("mission,deaths\n".encode(encoding))


@pytest.mark.parametrize(
    ("text", "byte", "line"),
    [
        ("state\nTürkiye\n", "0xfc", "line 2"),
        ("état\nx\n", "0xe9", "line 1"),
        ("state,n\r\nChad,1\r\nCôte d'Ivoire,2\r\nTürkiye,3\r\n", "0xf4", "line 3"),
        ("state\n" + "Chad\n" * 1233 + "Türkiye\n", "0xfc", "line 1,235"),
    ],
)
def test_latin1_is_refused_with_byte_and_line(text: str, byte: str, line: str) -> None:
    message = why(text.encode("latin-1"))
    assert byte in message and f"{line}." in message
    assert "Latin-1" in message


def test_text_that_ends_inside_a_letter_is_told_as_cut_off() -> None:
    with pytest.raises(CutOff, match=r"in the middle of a letter \(byte 0xc3 in line 2\)"):
        taken("a\nTü".encode()[:-1])


# What is packed is whole or refused


@property_test
@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_any_text_packed_in_any_members_is_taken_whole(parts: list[bytes]) -> None:
    assert taken(b"".join(map(gzip.compress, parts)))[0] == b"".join(parts)
    assert taken(b"".join(parts))[0] == b"".join(parts)


@property_test
@given(st.binary(max_size=200), st.data())
def test_any_cut_of_a_gzip_is_refused(content: bytes, data: st.DataObject) -> None:
    whole = gzip.compress(content)
    cut = whole[: data.draw(st.integers(2, len(whole) - 1))]
    assert "cut off" in why(cut)


def test_one_byte_left_of_a_gzip_is_refused() -> None:
    why(gzip.compress(CSV)[:1])


@property_test
@given(st.binary(max_size=200), st.binary(max_size=200), st.data())
def test_any_cut_inside_a_later_member_is_refused(first: bytes, second: bytes, data: st.DataObject) -> None:
    start, end = gzip.compress(first), gzip.compress(second)
    assert "gzip" in why(start + end[: data.draw(st.integers(1, len(end) - 1))])


@property_test
@given(TEXTS, st.data())
def test_no_damage_to_a_gzip_gives_other_bytes(content: bytes, data: st.DataObject) -> None:
    """Past its header (10 bytes), where a changed bit could be a changed value; unused bits may change freely."""
    packed = bytearray(gzip.compress(content))
    packed[data.draw(st.integers(10, len(packed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with contextlib.suppress(Refused):
        assert taken(bytes(packed))[0] == content


def test_truncated_gzip_is_refused() -> None:
    assert "cut off" in why(gzip.compress(CSV * 100)[:-9])
    assert "cut off" in why(gzip.compress(CSV)[:-1])  # all data there, the length's last byte missing


@pytest.mark.parametrize("place", [3, 14, -8, -4], ids=["flags", "data", "checksum", "length"])
def test_damaged_gzip_is_refused(place: int) -> None:
    packed = bytearray(gzip.compress(CSV))
    packed[place] ^= 0xFF
    assert "gzip" in why(bytes(packed))


def test_damaged_start_of_a_later_member_is_refused() -> None:
    """Else its rows would be lost without a word."""
    second = bytearray(gzip.compress(b"UNMIK,5\n"))
    second[0] ^= 0xFF
    assert "gzip" in why(gzip.compress(CSV) + bytes(second))


@pytest.mark.parametrize("rubbish", [b"\x1f", b"UNMIK,5\n", b"\0\0\0x"])
def test_anything_but_zeros_after_the_last_member_is_refused(rubbish: bytes) -> None:
    assert "gzip" in why(gzip.compress(CSV) + rubbish)


@property_test
@given(st.lists(TEXTS, min_size=1, max_size=4), st.integers(0, 500))
@example([b"x" * 10], 10)
@example([b"x" * 10], 9)
def test_the_limit_holds_to_the_byte(parts: list[bytes], limit: int) -> None:
    content = b"".join(parts)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(acceptance, "MAX_UNPACKED_BYTES", limit)
        if len(content) <= limit:
            assert taken(b"".join(map(gzip.compress, parts)))[0] == content
        else:
            assert "unpacks to more than" in why(b"".join(map(gzip.compress, parts)))


def test_gzip_bomb_is_refused_long_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 256 * 1024**2 <= acceptance.MAX_UNPACKED_BYTES <= 1024**3
    monkeypatch.setattr(acceptance, "MAX_UNPACKED_BYTES", 4_000_000)  # half a gigabyte would take seconds
    bomb = gzip.compress(b"a" * 64_000_000, compresslevel=1)
    tracemalloc.start()
    try:
        assert "4,000,000 bytes" in why(bomb)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16_000_000


def test_judging_a_large_file_takes_no_more_memory_than_a_small_one() -> None:
    peaks = []
    for size in (8_000_000, 32_000_000):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "file"
            file.write_bytes(b"MINUSMA,Chad,10\n" * (size // 16))
            tracemalloc.start()
            accept(file)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


@pytest.mark.parametrize("place", [-2, -1, 0, 1])
def test_a_letter_on_the_edge_of_two_blocks_is_read_whole(monkeypatch: pytest.MonkeyPatch, place: int) -> None:
    monkeypatch.setattr(acceptance, "BLOCK_BYTES", 64)
    text = b"a" * (64 + place) + "漢\n".encode() * 30
    assert taken(text)[0] == text
    assert "0xfc in line 2." in why(text[: text.index(b"\n") + 1] + b"\xfc" + text)


# Nothing else comes out


STARTS = st.sampled_from([b"", b"\x1f\x8b", b"\x1f\x8b\x08\0", BOM, b"\xff\xfe", b"PK\x03\x04", b"%PDF", b"<", b"[{"])


@property_test
@given(STARTS, st.one_of(st.binary(max_size=400), st.text(LETTERS, max_size=200).map(str.encode)), st.booleans())
@example(b"", b"\xc3", False)
@example(b"<", b"\xff" * 100, True)
def test_any_bytes_are_text_or_refused(start: bytes, rest: bytes, packed: bool) -> None:
    payload = gzip.compress(start + rest) if packed else start + rest
    try:
        text, form = taken(payload)
    except Refused as error:
        assert str(error) and "\n" not in str(error)
        return
    text.decode("utf-8")
    assert text.strip() and b"\0" not in text
    assert form == ("json" if text.lstrip()[:1] in (b"[", b"{") else "csv")


# Workbooks


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
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


def test_a_workbook_is_taken_as_it_is_where_the_source_has_one(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(BOOK)
    accepted = accept(file, workbook=True)
    with accepted.open() as opened:
        assert (accepted.format, opened.read()) == ("xlsx", BOOK)


def test_text_is_taken_as_ever_where_the_source_has_a_workbook_too(tmp_path: Path) -> None:
    file = tmp_path / "file"
    for text, form in ((CSV, "csv"), (b"[{}]", "json"), (gzip.compress(CSV), "csv")):
        file.write_bytes(text)
        assert accept(file, workbook=True).format == form


def test_a_workbook_is_refused_where_none_is_wanted() -> None:
    assert why(BOOK) == "This is an Excel workbook; expected CSV or JSON text. Export it first."
    assert why(zipped({"book.xlsx": BOOK})) == "This is an Excel workbook; expected CSV or JSON text. Export it first."


OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (OLD, "This is an old Excel file (.xls) or a workbook with a password;"),
        (zipped({"data.xls": OLD}), "This is an old Excel file (.xls) or a workbook with a password;"),
        (locked(BOOK), "The workbook has a password; expected one without."),
        (BOOK[:-30], "The zip archive or workbook is cut off before its end. Get it again."),
        (BOOK[: len(BOOK) // 2], "The zip archive or workbook is cut off before its end. Get it again."),
        (
            zipped({"xl/workbook.xml": b"<!DOCTYPE a><workbook/>"}),
            "xl/workbook.xml in the workbook declares a document type",
        ),
    ],
)
def test_what_is_no_whole_workbook_is_refused_with_the_reason(payload: bytes, told: str, tmp_path: Path) -> None:
    assert why_no_workbook(payload, tmp_path).startswith(told)


def test_an_old_excel_file_is_named_whatever_the_source_is_published_as() -> None:
    assert why(OLD).endswith("Save it again as .xlsx or CSV.")


def test_a_changed_byte_is_told_by_the_check_sum(tmp_path: Path) -> None:
    stored = zipped({"xl/workbook.xml": b"<workbook/>", "xl/sheet.xml": b"<c>22</c>"}, zipfile.ZIP_STORED)
    told = why_no_workbook(stored.replace(b"<c>22</c>", b"<c>23</c>"), tmp_path)
    assert told == (
        "The zip archive or workbook is cut off or damaged (Bad CRC-32 for file 'xl/sheet.xml'). Get it again."
    )


@pytest.mark.parametrize("alone", [False, True])
def test_a_workbook_that_unpacks_to_too_much_is_refused_without_unpacking_it_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alone: bool
) -> None:
    assert 64 * 1024**2 <= acceptance.MAX_WORKBOOK_BYTES <= acceptance.MAX_UNPACKED_BYTES
    monkeypatch.setattr(acceptance, "MAX_WORKBOOK_BYTES", 50_000_000)
    bomb = zipped({"xl/workbook.xml": b"<workbook/>", "xl/sheet.xml": bytes(50_000_000)})
    assert len(bomb) < 1 << 20
    tracemalloc.start()
    try:
        told = why_no_workbook(zipped({"a.xlsx": bomb}) if alone else bomb, tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 16 * acceptance.BLOCK_BYTES
    finally:
        tracemalloc.stop()
    assert told == (
        "The workbook unpacks to more than 50,000,000 bytes; no workbook of this source does. "
        "Save the sheet that is meant as CSV."
    )


@property_test
@given(st.integers(0, len(BOOK) - 1), st.integers(0, 255))
def test_a_workbook_with_any_byte_changed_is_taken_or_refused_never_an_error(at: int, byte: int) -> None:
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
def test_a_zip_of_one_text_is_taken_for_that_text(content: bytes, form: str, method: int) -> None:
    assert taken(zipped({"any.name": content}, method)) == (content.removeprefix(BOM), form)


def test_folders_and_what_macos_adds_beside_the_one_file_are_left_aside() -> None:
    packed = zipped({"figures/": b"", "figures/data.csv": CSV, "__MACOSX/figures/._data.csv": b"\0\5\x16\7"})
    assert taken(packed) == (CSV, "csv")


def test_a_zip_of_one_workbook_is_taken_for_that_workbook(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(zipped({"data.xlsx": BOOK}))
    accepted = accept(file, workbook=True)
    with accepted.open() as opened:
        assert (accepted.format, opened.read()) == ("xlsx", BOOK)


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (zipped({"a.csv": CSV, "b.csv": CSV}), "holds 2 files (a.csv, b.csv); expected exactly one"),
        (zipped({f"{n}.csv": CSV for n in range(5)}), "holds 5 files (0.csv, 1.csv, 2.csv, …); expected exactly one"),
        (zipped({}), "holds 0 files; expected exactly one"),
        (zipped({"empty/": b"", "__MACOSX/._a": b"x"}), "holds 0 files; expected exactly one"),
        (locked(zipped({"a.csv": CSV})), "The zip archive has a password; expected one without."),
        (
            zipped({"a.zip": zipped({"b.csv": CSV})}),
            "a.zip in the zip archive is a zip archive again. Unpack it first.",
        ),
        (zipped({"a.csv.gz": gzip.compress(CSV)}), "a.csv.gz in the zip archive is packed with gzip again."),
        (zipped({"a.pdf": b"%PDF-1.7\n"}), "This is a PDF"),
        (zipped({"a.csv": "Türkiye\n".encode("latin-1")}), "The file is not UTF-8: byte 0xfc in line 1."),
        (zipped({"a.csv": b"<html>no</html>"}), "HTML page"),
        (zipped({"a.csv": b""}), "empty"),
        (zipped({"a\nb.zip": zipped({"b.csv": CSV})}), "a b.zip in the zip archive"),
    ],
)
def test_any_other_zip_is_refused_with_the_reason(payload: bytes, told: str) -> None:
    assert told in why(payload) and "\n" not in why(payload)


def test_a_zip_that_unpacks_to_too_much_is_refused_long_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_any_cut_of_a_zip_is_told_as_cut_off(content: bytes, data: st.DataObject) -> None:
    whole = zipped({"a.csv": content})
    with pytest.raises(CutOff, match="cut off"):
        taken(whole[: data.draw(st.integers(4, len(whole) - 1))])


@property_test
@given(st.binary(max_size=200), st.data())
def test_any_cut_of_a_gzip_is_told_as_cut_off(content: bytes, data: st.DataObject) -> None:
    whole = gzip.compress(content)
    with pytest.raises(CutOff):
        taken(whole[: data.draw(st.integers(1, len(whole) - 1))])


@property_test
@given(st.integers(0, 200), st.integers(0, 255))
def test_a_zip_with_any_byte_changed_is_taken_or_refused_never_an_error(at: int, byte: int) -> None:
    packed = bytearray(zipped({"a.csv": CSV * 3}))
    packed[at % len(packed)] = byte
    with contextlib.suppress(Refused):
        taken(bytes(packed))
