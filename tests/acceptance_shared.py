"""Shorthands for checking a file's bytes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st

from sources.acceptance import accept
from sources.errors import Refused

CSV = b"mission,deaths\nMINUSMA,10\n"
BOM = b"\xef\xbb\xbf"
property_test = settings(max_examples=60)  # a busy machine is no fault
LETTERS = "a1 é’漢,;\"'<[{\r\n\t\ufeff"  # spelt out: all of Unicode takes seconds to draw from at first
TEXTS = st.text(LETTERS, max_size=300).map(lambda text: f"a{text}".encode())


def taken(payload: bytes) -> tuple[bytes, str]:
    """The text and the format of a file with these bytes."""
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
