"""Check bytes: the file is of a known format and complete. Its rows are checked elsewhere.

Files are read in blocks, so that memory does not grow with their size.
"""

from __future__ import annotations

import codecs
import gzip
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, cast

from sources.errors import CutOff, Refused

Format = Literal["csv", "json", "xlsx", "pdf"]

MAX_UNPACKED_BYTES = 512 * 1024 * 1024
MAX_WORKBOOK_BYTES = 256 * 1024 * 1024  # unpacked; 109,000 rows of uniformed personnel have 43 MB
MAX_PDF_BYTES = 20_000_000  # the largest report of 2015-2025 has 0.8 MB
BLOCK_BYTES = 1 << 20
EXCERPT_BYTES = 2048
GZIP_MAGIC = b"\x1f\x8b"
PDF_MAGIC = b"%PDF"
ZIP_MAGIC = b"PK\x03\x04"
EMPTY_ZIP_MAGIC = b"PK\x05\x06"
OLE_MAGIC = b"\xd0\xcf\x11\xe0"  # old Excel files, and new ones with a password
WORKBOOK = "xl/workbook.xml"
MACOS_FOLDER = "__MACOSX/"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
UTF8_MARK = b"\xef\xbb\xbf"
PACKED_CUT_OFF = "The packed file (gzip or zip) is cut off before its end. Get it again."
# Exceptions from reading a damaged zip archive.
DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    struct.error,
    LookupError,  # an empty name
    RuntimeError,
    ValueError,
    OSError,
)


@dataclass(frozen=True)
class Accepted:
    """A file of a known format: UTF-8 text, packed with gzip or not, an Excel workbook, or a PDF.

    `member` is the name of the one file inside, where the file is a zip archive of it.
    """

    path: Path
    format: Format
    member: str | None = None

    def open(self) -> BinaryIO:
        """The text, unpacked and without a byte order mark; the bytes of a workbook or PDF as they are."""
        if self.member is None:
            file = _unpacked(self.path)
        else:
            with zipfile.ZipFile(self.path) as archive:
                file = cast("BinaryIO", archive.open(self.member))
        if self.member is not None and self.format in ("xlsx", "pdf"):
            with file:
                return io.BytesIO(file.read())  # reading a workbook or PDF needs seek
        if file.read(len(UTF8_MARK)) != UTF8_MARK:
            file.seek(0)
        return file


def _unpacked(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    return cast("BinaryIO", gzip.open(path)) if packed else path.open("rb")


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    """The unpacked bytes. Raises Refused for damaged gzip or too many bytes, CutOff at an early end."""
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
        raise CutOff(PACKED_CUT_OFF) from None
    except gzip.BadGzipFile as error:
        raise Refused(f"The gzip file is damaged ({error}). Get it again.") from error
    except zlib.error as error:
        raise Refused(f"The packed file (gzip or zip) is damaged ({error}). Get it again.") from error


def accept(path: Path, *, workbook: bool = False, pdf: bool = False) -> Accepted:
    """Check a file's bytes: CSV or JSON text in UTF-8, plain, packed with gzip, or the only file of a zip archive.

    With `workbook` it may be an Excel workbook, with `pdf` a PDF, plain or in a zip archive. Raises Refused for any
    other file: empty, a web page, binary, in another encoding, damaged, with a password, or unpacking to too much;
    CutOff for an incomplete gzip or zip file.
    """
    with path.open("rb") as plain:
        first = plain.read(len(ZIP_MAGIC))
    if not first:
        raise Refused("The file is empty (0 bytes).")
    if first in (ZIP_MAGIC, EMPTY_ZIP_MAGIC):
        return _accept_zip(path, workbook, pdf)
    if pdf and first == PDF_MAGIC:
        _require_pdf_size(path.stat().st_size)
        return Accepted(path, "pdf")
    _require_readable(first)
    if first == GZIP_MAGIC[:1]:
        raise CutOff(PACKED_CUT_OFF)
    with _unpacked(path) as file:
        return Accepted(path, _check_text(file))


def _require_readable(first: bytes) -> None:
    """Refuse formats that are recognised by their first bytes and never read."""
    if first == OLE_MAGIC:
        raise Refused(
            "This is an old Excel file (.xls) or a workbook with a password; expected CSV or JSON text or a "
            "workbook (.xlsx) without a password. Save it again as .xlsx or CSV."
        )
    if first == PDF_MAGIC:
        raise Refused("This is a PDF; expected CSV or JSON text.")


def _check_text(file: BinaryIO) -> Format:
    """The format of a text, read to its end. Raises Refused unless it is UTF-8 and no web page; or as _blocks."""
    decoder, lines, start = codecs.getincrementaldecoder("utf-8")(), 1, b""
    for number, block in enumerate(_blocks(file)):
        if number == 0 and block.startswith(UTF16_MARKS):
            raise Refused("The file is UTF-16 text; expected UTF-8. Save it again as UTF-8.")
        text = block.removeprefix(UTF8_MARK) if number == 0 else block
        if b"\0" in text:
            raise Refused("The file is binary (it has NUL bytes); expected CSV or JSON text.")
        if len(start) < EXCERPT_BYTES:
            start = (start + text).lstrip()[:EXCERPT_BYTES]
            _require_no_web_page(start)
        _decode(decoder, text, lines)
        lines += text.count(b"\n")
    _decode(decoder, b"", lines, final=True)
    if not start:
        raise Refused("The file is empty (nothing but white space).")
    return "json" if start[:1] in (b"[", b"{") else "csv"


def _accept_zip(path: Path, workbook: bool, pdf: bool) -> Accepted:
    """Check a zip archive: an Excel workbook, or an archive of exactly one file that is accepted."""
    if not zipfile.is_zipfile(path):
        raise CutOff("The zip archive or workbook is cut off before its end. Get it again.")
    with _damage_refused("zip archive or workbook"), zipfile.ZipFile(path) as archive:
        if WORKBOOK in archive.namelist():
            _require_workbook(archive, workbook)
            return Accepted(path, "xlsx")
        member = _only_member(archive)
        with archive.open(member) as file:
            first = file.read(len(ZIP_MAGIC))
        if first.startswith(GZIP_MAGIC):
            raise Refused(f"{_named(member)} in the zip archive is packed with gzip again. Unpack it first.")
        if pdf and first == PDF_MAGIC:
            _require_pdf_size(member.file_size)
            with archive.open(member) as file:
                _require_pdf_size(len(file.read(MAX_PDF_BYTES + 1)))
            return Accepted(path, "pdf", member.filename)
        if first != ZIP_MAGIC:
            _require_readable(first)
            with archive.open(member) as file:
                return Accepted(path, _check_text(cast("BinaryIO", file)), member.filename)
        with archive.open(member) as file:
            inside = io.BytesIO(file.read(MAX_WORKBOOK_BYTES + 1))
        _require_size(inside.getbuffer().nbytes)
        with _damage_refused("file in the zip archive"), zipfile.ZipFile(inside) as nested:
            if WORKBOOK not in nested.namelist():
                raise Refused(f"{_named(member)} in the zip archive is a zip archive again. Unpack it first.")
            _require_workbook(nested, workbook)
        return Accepted(path, "xlsx", member.filename)


@contextmanager
def _damage_refused(what: str) -> Iterator[None]:
    """Turn the standard library's exceptions for a damaged archive into Refused."""
    try:
        yield
    except DAMAGES as error:
        raise Refused(f"The {what} is cut off or damaged ({error}). Get it again.") from error


def _only_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The only file of an archive, besides folders and what macOS adds. Raises Refused for any other number."""
    files = [
        member for member in archive.infolist() if not member.is_dir() and not member.filename.startswith(MACOS_FOLDER)
    ]
    if len(files) != 1:
        names = ", ".join(map(_named, files[:3])) + (", …" if len(files) > 3 else "")
        raise Refused(
            f"The zip archive has {len(files):,} files{f' ({names})' if files else ''}; expected exactly one, CSV or "
            "JSON text or an Excel workbook (.xlsx). Unpack it and load the right file."
        )
    if files[0].flag_bits & 1:
        raise Refused("The zip archive has a password; expected one without. Unpack it first.")
    return files[0]


def _require_workbook(archive: zipfile.ZipFile, workbook: bool) -> None:
    """Read a workbook to its end with all check sums. Raises Refused where none is expected or it is damaged."""
    if not workbook:
        raise Refused("This is an Excel workbook; expected CSV or JSON text. Export it first.")
    members = archive.infolist()
    if any(member.flag_bits & 1 for member in members):
        raise Refused("The workbook has a password; expected one without. Save it again without the password.")
    size = 0
    for member in members:
        with archive.open(member) as file:
            # The size that a zip file states can be wrong.
            while block := file.read(min(BLOCK_BYTES, MAX_WORKBOOK_BYTES - size + 1)):
                size += len(block)
                _require_size(size)
                if b"<!DOCTYPE" in block:
                    raise Refused(f"{_named(member)} in the workbook declares a document type; workbooks do not.")


def _named(member: zipfile.ZipInfo) -> str:
    return _excerpt(member.filename.encode("utf-8", "replace"))


def _require_size(size: int) -> None:
    if size > MAX_WORKBOOK_BYTES:
        raise Refused(
            f"The workbook unpacks to more than {MAX_WORKBOOK_BYTES:,} bytes; no workbook of this source does. "
            "Save the sheet as CSV."
        )


def _require_pdf_size(size: int) -> None:
    if size > MAX_PDF_BYTES:
        raise Refused(
            f"The PDF has more than {MAX_PDF_BYTES:,} bytes; no report of this source has. Load the report itself."
        )


def _require_no_web_page(start: bytes) -> None:
    if start.startswith(b"<"):
        kind = "an HTML page" if b"<html" in start.lower() or b"<!doctype html" in start.lower() else "XML or HTML"
        raise Refused(f"This is {kind}, not CSV or JSON: {_excerpt(start)}")


def _decode(decoder: codecs.IncrementalDecoder, block: bytes, line: int, *, final: bool = False) -> None:
    """Raise Refused at the first byte that is no UTF-8, CutOff at an end within a letter. `line`: of the block."""
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError as error:
        # `object` starts with the bytes of an incomplete letter of the block before; they have no line break.
        line += error.object.count(b"\n", 0, error.start)
        if final:
            raise CutOff(
                f"The file ends in the middle of a letter (byte 0x{error.object[error.start]:02x} in line {line:,}): "
                "it is cut off or no UTF-8. Get it again; if that does not help, save it as UTF-8."
            ) from error
        raise Refused(
            f"The file is not UTF-8: byte 0x{error.object[error.start]:02x} in line {line:,}. "
            "It is probably Windows-1252 or Latin-1; save it again as UTF-8."
        ) from error


def _excerpt(text: bytes) -> str:
    """The first words of a text, on one line."""
    words = " ".join(text.decode("utf-8", "replace").split())
    return words[:80] + ("…" if len(words) > 80 else "")
