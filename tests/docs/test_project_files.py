"""LICENSE and CITATION.cff: they are there, valid, and name the current version."""

from __future__ import annotations

from importlib.metadata import metadata
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def test_the_citation_file_is_valid_and_names_the_current_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    # What the schema of version 1.2.0 requires, and the keys it allows that are used here.
    assert citation["cff-version"] == "1.2.0" and citation["message"] and citation["title"]
    assert citation["authors"] == [{"name": "the peacekeeping authors"}]
    assert set(citation) <= {
        "cff-version", "message", "title", "abstract", "type", "version", "license", "authors", "keywords",
    }  # fmt: skip
    assert (citation["type"], citation["license"]) == ("software", "MIT")
    assert citation["version"] == metadata("peacekeeping")["Version"]


def test_the_licence_is_mit_for_the_code_and_names_the_terms_of_the_data() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert text.startswith("MIT License\n\nCopyright (c) 2026 the peacekeeping authors\n")
    assert "sources/bundled" in (ROOT / "DATA-LICENCES.md").read_text(encoding="utf-8")
