"""Judging bytes: are they the kind of file a source promises, and whole? What the rows say is judged elsewhere."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Literal

from sources.errors import Refused

Format = Literal["csv", "json"]

MAX_UNPACKED_BYTES = 512 * 1024 * 1024
GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK\x03\x04"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
UTF8_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Accepted:
    """Plain UTF-8 text of a known format, without a byte order mark."""

    payload: bytes
    format: Format


def unpack(payload: bytes, limit: int = MAX_UNPACKED_BYTES) -> bytes:
    """Unpack gzip (one member or several), or give plain bytes back as they are.

    Raises Refused when the archive is cut off, damaged, or unpacks to more than `limit` bytes.
    """
    if not payload.startswith(GZIP_MAGIC):
        return payload
    out = bytearray()
    rest = payload
    while rest:
        member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            out += member.decompress(rest, limit - len(out) + 1)
        except zlib.error as error:
            raise Refused(f"The gzip file is damaged ({error}). Get it again.") from error
        if len(out) > limit:
            raise Refused(f"The gzip file unpacks to more than {limit:,} bytes; that is no file of this source.")
        if not member.eof:
            raise Refused("The gzip file is cut off before its end. Get it again.")
        rest = member.unused_data
        if not rest.strip(b"\0"):
            break  # padding after the last member
        if not rest.startswith(GZIP_MAGIC):
            raise Refused("The gzip file is damaged (something else follows its end). Get it again.")
    return bytes(out)


def accept(payload: bytes) -> Accepted:
    """Judge a file's bytes: CSV or JSON text in UTF-8, packed with gzip or not.

    Raises Refused for an empty file, a web page, a binary file, another encoding, a damaged gzip.
    """
    if not payload:
        raise Refused("The file is empty (0 bytes).")
    if payload.startswith(ZIP_MAGIC):
        raise Refused(
            "This is a zip archive or an Excel workbook; expected CSV or JSON text. Unpack or export it first."
        )
    if payload.startswith(b"%PDF"):
        raise Refused("This is a PDF; expected CSV or JSON text.")
    if payload == GZIP_MAGIC[:1]:
        raise Refused("The gzip file is cut off before its end. Get it again.")
    text = unpack(payload)
    if text.startswith(UTF16_MARKS):
        raise Refused("The file is UTF-16 text; expected UTF-8. Save it again as UTF-8.")
    text = text.removeprefix(UTF8_MARK)
    if b"\0" in text:
        raise Refused("The file is binary (it has NUL bytes); expected CSV or JSON text.")
    start = text.lstrip()[:2048]
    if not start:
        raise Refused("The file is empty (nothing but white space).")
    if start[:1] == b"<":
        kind = "an HTML page" if b"<html" in start.lower() or b"<!doctype html" in start.lower() else "XML or HTML"
        raise Refused(f"This is {kind}, not CSV or JSON: {_glimpse(start)}")
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise Refused(
            f"The file is not UTF-8: byte 0x{text[error.start]:02x} in line {line:,}. "
            "It is probably Windows-1252 or Latin-1; save it again as UTF-8."
        ) from error
    return Accepted(text, "json" if start[:1] in (b"[", b"{") else "csv")


def _glimpse(text: bytes) -> str:
    """The first words of an unexpected text, on one line, for the message."""
    words = " ".join(text.decode("utf-8", "replace").split())
    return words[:80] + ("…" if len(words) > 80 else "")
