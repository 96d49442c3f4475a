"""Checks of bytes: text in UTF-8, plain or packed with gzip."""

from __future__ import annotations

import contextlib
import gzip
import tempfile
import tracemalloc
from pathlib import Path

import pytest
from acceptance_shared import BOM, CSV, LETTERS, TEXTS, property_test, taken, why
from hypothesis import example, given
from hypothesis import strategies as st

from sources import acceptance
from sources.acceptance import accept
from sources.errors import CutOff, Refused

# Accepted text


def test_csv_is_accepted_unchanged() -> None:
    assert taken(CSV) == (CSV, "csv")


@pytest.mark.parametrize("text", [b'[{"a": 1}]', b'{"a": 1}', b'\n  [\n{"a": 1}]', b" {}"])
def test_json_is_reason_from_csv(text: bytes) -> None:
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


# Refused files


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


def test_the_excerpt_of_a_page_is_short_and_on_one_line() -> None:
    message = why(b"<html>\n\n" + b"Access denied \n" * 1000)
    assert "Access denied" in message and "\n" not in message and len(message) < 200


def test_a_page_after_white_space_is_recognised() -> None:
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


def test_text_that_ends_inside_a_letter_is_cut_off() -> None:
    with pytest.raises(CutOff, match=r"in the middle of a letter \(byte 0xc3 in line 2\)"):
        taken("a\nTü".encode()[:-1])


# Packed files


@property_test
@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_any_text_in_any_gzip_members_is_accepted(parts: list[bytes]) -> None:
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
    """Otherwise its rows would be lost."""
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


def test_a_gzip_bomb_is_refused_in_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_memory_does_not_grow_with_the_file() -> None:
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
def test_a_letter_across_two_blocks_is_read(monkeypatch: pytest.MonkeyPatch, place: int) -> None:
    monkeypatch.setattr(acceptance, "BLOCK_BYTES", 64)
    text = b"a" * (64 + place) + "漢\n".encode() * 30
    assert taken(text)[0] == text
    assert "0xfc in line 2." in why(text[: text.index(b"\n") + 1] + b"\xfc" + text)


# Any bytes


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
