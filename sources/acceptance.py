"""Judging bytes: are they the kind of file a source promises, and whole? What the rows say is judged elsewhere.

A file is read in blocks, so that its size is no matter for the memory.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, cast

from sources.errors import Refused

Format = Literal["csv", "json"]

MAX_UNPACKED_BYTES = 512 * 1024 * 1024
BLOCK_BYTES = 1 << 20
GLIMPSE_BYTES = 2048
GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK\x03\x04"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
UTF8_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Accepted:
    """A file of UTF-8 text of a known format, packed with gzip or not."""

    path: Path
    format: Format

    def open(self) -> BinaryIO:
        """Its text from the start: unpacked, without a byte order mark."""
        file = _unpacked(self.path)
        if file.read(len(UTF8_MARK)) != UTF8_MARK:
            file.seek(0)
        return file


def _unpacked(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    return cast("BinaryIO", gzip.open(path)) if packed else path.open("rb")


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    """The file's bytes, unpacked. Raises Refused when gzip is cut off, damaged, or unpacks to too much."""
    size = 0
    try:
        while block := file.read(BLOCK_BYTES):
            size += len(block)
            if size > MAX_UNPACKED_BYTES:
                raise Refused(
                    f"The file unpacks to more than {MAX_UNPACKED_BYTES:,} bytes; no file of this source does."
                )
            yield block
    except EOFError:
        raise Refused("The gzip file is cut off before its end. Get it again.") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise Refused(f"The gzip file is damaged ({error}). Get it again.") from error


def accept(path: Path) -> Accepted:
    """Judge a file's bytes: CSV or JSON text in UTF-8, packed with gzip or not.

    Raises Refused for an empty file, a web page, a binary file, another encoding, a damaged gzip.
    """
    with path.open("rb") as plain:
        first = plain.read(len(ZIP_MAGIC))
    if not first:
        raise Refused("The file is empty (0 bytes).")
    if first == ZIP_MAGIC:
        raise Refused(
            "This is a zip archive or an Excel workbook; expected CSV or JSON text. Unpack or export it first."
        )
    if first == b"%PDF":
        raise Refused("This is a PDF; expected CSV or JSON text.")
    if first == GZIP_MAGIC[:1]:
        raise Refused("The gzip file is cut off before its end. Get it again.")
    decoder, lines, start = codecs.getincrementaldecoder("utf-8")(), 1, b""
    with _unpacked(path) as file:
        for number, block in enumerate(_blocks(file)):
            if number == 0 and block.startswith(UTF16_MARKS):
                raise Refused("The file is UTF-16 text; expected UTF-8. Save it again as UTF-8.")
            text = block.removeprefix(UTF8_MARK) if number == 0 else block
            if b"\0" in text:
                raise Refused("The file is binary (it has NUL bytes); expected CSV or JSON text.")
            if len(start) < GLIMPSE_BYTES:
                start = (start + text).lstrip()[:GLIMPSE_BYTES]
                _require_no_page(start)
            _decode(decoder, text, lines)
            lines += text.count(b"\n")
        _decode(decoder, b"", lines, final=True)
    if not start:
        raise Refused("The file is empty (nothing but white space).")
    return Accepted(path, "json" if start[:1] in (b"[", b"{") else "csv")


def _require_no_page(start: bytes) -> None:
    if start.startswith(b"<"):
        kind = "an HTML page" if b"<html" in start.lower() or b"<!doctype html" in start.lower() else "XML or HTML"
        raise Refused(f"This is {kind}, not CSV or JSON: {_glimpse(start)}")


def _decode(decoder: codecs.IncrementalDecoder, block: bytes, line: int, *, final: bool = False) -> None:
    """Raise Refused at the first byte that is no UTF-8; `line` is the one in which the block begins."""
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError as error:
        # What a block ends in the middle of stands in `object` before the next one; it has no line break.
        line += error.object.count(b"\n", 0, error.start)
        raise Refused(
            f"The file is not UTF-8: byte 0x{error.object[error.start]:02x} in line {line:,}. "
            "It is probably Windows-1252 or Latin-1; save it again as UTF-8."
        ) from error


def _glimpse(text: bytes) -> str:
    """The first words of an unexpected text, on one line, for the message."""
    words = " ".join(text.decode("utf-8", "replace").split())
    return words[:80] + ("…" if len(words) > 80 else "")
