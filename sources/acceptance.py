"""Judging bytes: are they the kind of file a source promises, and whole? What the rows say is judged elsewhere.

A file is read in blocks, so that its size is no matter for the memory.
"""

from __future__ import annotations

import codecs
import gzip
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, cast

from sources.errors import Refused

Format = Literal["csv", "json", "xlsx"]

MAX_UNPACKED_BYTES = 512 * 1024 * 1024
MAX_WORKBOOK_BYTES = 64 * 1024 * 1024  # unpacked; the one that is published has half a megabyte
BLOCK_BYTES = 1 << 20
GLIMPSE_BYTES = 2048
GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK\x03\x04"
EMPTY_ZIP_MAGIC = b"PK\x05\x06"
OLE_MAGIC = b"\xd0\xcf\x11\xe0"  # old Excel files, and new ones with a password
WORKBOOK = "xl/workbook.xml"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
UTF8_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Accepted:
    """A file of a known format: UTF-8 text, packed with gzip or not, or an Excel workbook."""

    path: Path
    format: Format

    def open(self) -> BinaryIO:
        """Its text from the start, unpacked and without a byte order mark; a workbook's bytes as they are."""
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


def accept(path: Path, *, workbook: bool = False) -> Accepted:
    """Judge a file's bytes: CSV or JSON text in UTF-8, packed with gzip or not; with `workbook` also an Excel workbook.

    Raises Refused for an empty file, a web page, a binary file, another encoding, a damaged gzip; for a zip that is no
    workbook, damaged, with a password, or unpacks to too much.
    """
    with path.open("rb") as plain:
        first = plain.read(len(ZIP_MAGIC))
    if not first:
        raise Refused("The file is empty (0 bytes).")
    if workbook and first in (ZIP_MAGIC, EMPTY_ZIP_MAGIC):
        _require_workbook(path)
        return Accepted(path, "xlsx")
    if workbook and first == OLE_MAGIC:
        raise Refused(
            "This is an old Excel file (.xls) or a workbook with a password; expected a workbook (.xlsx) without one. "
            "Save it again as .xlsx."
        )
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


def _require_workbook(path: Path) -> None:
    """Read a zip to its end, every member's check sum included. Raises Refused unless a workbook is in it, whole."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if WORKBOOK not in archive.namelist():
                told = ", ".join(member.filename for member in members[:3]) or "nothing"
                raise Refused(f"This is a zip archive of something else ({told}); expected an Excel workbook (.xlsx).")
            if any(member.flag_bits & 1 for member in members):
                raise Refused("The workbook has a password; expected one without. Save it again without the password.")
            left = MAX_WORKBOOK_BYTES
            for member in members:
                with archive.open(member) as file:
                    # The size that a zip states of a member can be wrong: what counts is what comes out.
                    while block := file.read(min(BLOCK_BYTES, left + 1)):
                        left -= len(block)
                        if left < 0:
                            raise Refused(
                                f"The workbook unpacks to more than {MAX_WORKBOOK_BYTES:,} bytes; "
                                "no workbook of this source does."
                            )
                        if b"<!DOCTYPE" in block:
                            raise Refused(f"{member.filename} in the workbook declares a document type; none does.")
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, NotImplementedError, ValueError, OSError) as error:
        raise Refused(f"The workbook is cut off or damaged ({error}). Get it again.") from error


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
