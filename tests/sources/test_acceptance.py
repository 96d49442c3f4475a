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


@pytest.mark.parametrize(
    ("payload", "text", "form"),
    [
        (CSV, CSV, "csv"),
        (b'[{"a": 1}]', b'[{"a": 1}]', "json"),
        (b'\n  [\n{"a": 1}]', b'\n  [\n{"a": 1}]', "json"),
        (b" {}", b" {}", "json"),
        # Brackets further on are neither JSON nor a web page.
        (b"a,b\n1,[2]\n", b"a,b\n1,[2]\n", "csv"),
        (b'"{a}",b\n', b'"{a}",b\n', "csv"),
        (b"a<b,c\n<1,2\n", b"a<b,c\n<1,2\n", "csv"),
        # One byte order mark is removed, at the start only.
        (BOM + CSV, CSV, "csv"),
        (gzip.compress(BOM + b"[{}]", mtime=0), b"[{}]", "json"),
        (BOM + b"a\n" + BOM + b"1\n", b"a\n" + BOM + b"1\n", "csv"),
        ("état;n\r\nCôte d’Ivoire;1\r\n".encode(), "état;n\r\nCôte d’Ivoire;1\r\n".encode(), "csv"),
        # Several gzip members are one text; zeros after the last are padding.
        (gzip.compress(b"a,b\n", mtime=0) + gzip.compress(b"1,2\n", mtime=0), b"a,b\n1,2\n", "csv"),
        (gzip.compress(CSV, mtime=0) + b"\0" * 512, CSV, "csv"),
    ],
)
def test_csv_and_json_are_accepted(payload: bytes, text: bytes, form: str) -> None:
    assert taken(payload) == (text, form)


# Refused files

UTF16 = "\ufeffmission,deaths\nMINUSMA,10\n"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"<!DOCTYPE html><html><head><title>Access denied</title></head></html>", "This is an HTML page, not CSV"),
        (b"\n\n  <!doctype HTML>\n<HTML><body>Access denied</body>", "HTML page"),
        (b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><title>Denied</title></html>', "HTML page"),
        (BOM + b"<html>Access denied</html>", "not CSV or JSON: <html>Access denied"),
        (gzip.compress(b"<html>Access denied</html>", mtime=0), "HTML page"),
        (b"\r\n" * 2000 + b"<!DOCTYPE html><html>Access denied</html>", "HTML page"),
        (b"<html>\n\n" + b"Access denied \n" * 1000, "<html> Access denied"),
        (b'<?xml version="1.0"?><rows><row mission="UNMIK"/></rows>', "XML"),
        (b"%PDF-1.7\n1 0 obj\n", "PDF"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "NUL"),
        (b"PAR1\x15\x04\x15\0\x15", "NUL"),  # Parquet
        (gzip.compress(b"a,b\n1,\x002\n", mtime=0), "NUL"),
        (b"a" * 5000 + b"\0", "NUL"),
        ("mission,deaths\n".encode("utf-16-le"), "NUL"),
        (UTF16.encode("utf-16-le"), "UTF-16 text; expected UTF-8"),
        (gzip.compress(UTF16.encode("utf-16-be"), mtime=0), "UTF-16 text; expected UTF-8"),
        (b"", "empty (0 bytes)"),
        (b" \t\r\n\x0b\x0c" * 2000, "empty"),
        (BOM + b"\n", "empty"),
        (gzip.compress(b"\n\n", mtime=0), "empty"),
    ],
)
def test_anything_else_is_refused_with_the_reason(payload: bytes, reason: str) -> None:
    message = why(payload)
    assert reason in message and "\n" not in message and len(message) < 200


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
    """A bit is changed after the header of 10 bytes; the file is refused, or unpacks to the same bytes."""
    packed = bytearray(gzip.compress(content))
    packed[data.draw(st.integers(10, len(packed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with contextlib.suppress(Refused):
        assert taken(bytes(packed))[0] == content


def test_a_damaged_gzip_is_refused() -> None:
    for place in (3, 14, -8, -4):  # flags, data, check sum, length
        packed = bytearray(gzip.compress(CSV))
        packed[place] ^= 0xFF
        assert "gzip" in why(bytes(packed))
    for rubbish in (b"\x1f", b"UNMIK,5\n", b"\0\0\0x", b"\xe0" + gzip.compress(b"UNMIK,5\n")[1:]):
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
