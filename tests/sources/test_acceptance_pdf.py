"""PDFs: accepted where a source has one, plain or in a zip archive, and up to a size."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from sources import acceptance
from sources.acceptance import accept
from sources.errors import Refused

PDF = b"%PDF-1.7\n\x00\xff not text\n%%EOF\n"


def zipped(folder: Path) -> Path:
    file = folder / "report.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("report.pdf", PDF)
    return file


def test_a_pdf_is_accepted_where_one_is_expected(tmp_path: Path) -> None:
    plain = tmp_path / "report"
    plain.write_bytes(PDF)
    for file, member in ((plain, None), (zipped(tmp_path), "report.pdf")):
        accepted = accept(file, pdf=True)
        assert (accepted.format, accepted.member) == ("pdf", member)
        with accepted.open() as opened:
            assert opened.read() == PDF
            assert opened.seek(0) == 0  # reading needs it
        with pytest.raises(Refused, match=r"^This is a PDF; expected CSV or JSON text\.$"):
            accept(file)


def test_a_larger_pdf_than_any_report_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceptance, "MAX_PDF_BYTES", len(PDF) - 1)
    plain = tmp_path / "report"
    plain.write_bytes(PDF)
    for file in (plain, zipped(tmp_path)):
        with pytest.raises(Refused, match=r"^The PDF has more than 26 bytes; no report of this source has\."):
            accept(file, pdf=True)
