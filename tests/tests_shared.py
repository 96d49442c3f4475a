"""Shorthands of the tests: stage a file's bytes as the pipeline does, and write rows as CSV or JSON."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from flows.steps.ingest import LOADED, ArchivedFile, InputFile, PublicationDates, ingest
from flows.steps.registry import read, stage_rows
from flows.steps.staging_cache import StagingCache
from schemas.source import Licence, Source
from schemas.validate import ContractError
from sources import bundle
from sources.archive import Archive
from sources.catalogue import load_catalogue
from transforms.envelope import rejected_share
from transforms.staging import Staged

CATALOGUE = load_catalogue()


def described(title: str, publisher: str, licence: tuple[str, str], landing_page: str) -> Source:
    """A declaration with this title, publisher, licence (name, URL) and landing page."""
    source = CATALOGUE["fatalities"]
    return source.model_copy(
        update={
            "title": title,
            "publisher": source.publisher.model_copy(update={"title": publisher}),
            "licence": Licence(name=licence[0], url=licence[1]),
            "landing_page": landing_page,
        }
    )


def stage_bytes(source: str, payload: bytes, vintage: str = "2025-07-31") -> Staged:
    """Accept, read and stage a file's bytes as the pipeline does."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file"
        file.write_bytes(payload)
        raw = read(CATALOGUE[source], file)
    staged = stage_rows(CATALOGUE[source], raw, date.fromisoformat(vintage))
    for problem in rejected_share(staged, CATALOGUE[source]):
        raise ContractError(problem.text)
    return staged


def load_bytes(root: Path, source: str, payload: bytes, stated: PublicationDates = PublicationDates()) -> ArchivedFile:  # noqa: B008
    """Put a file's bytes into the archive below `root` as `peacekeeping load` does."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file"
        file.write_bytes(payload)
        cache = StagingCache(root.with_name("staged"))
        return ingest(Archive(root), cache, InputFile(CATALOGUE[source], file, LOADED, "file", stated))


def to_csv(rows: list[dict[str, Any]], **options: Any) -> bytes:
    """Rows as CSV bytes."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator=options.get("lineterminator", "\n"))
    writer.writeheader()
    writer.writerows(rows)
    return options.get("mark", "").encode("utf-8") + text.getvalue().encode("utf-8")


def to_json(rows: list[dict[str, Any]]) -> bytes:
    """Rows as the API's bare array."""
    return json.dumps(rows, ensure_ascii=False).encode("utf-8")


def read_csv(file: Path) -> list[dict[str, str]]:
    """A bundled file's rows as printed."""
    with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def bundled_rows(name: str) -> list[dict[str, Any]]:
    """A bundled file's rows as printed, by the file's name."""
    return [dict(row) for row in read_csv(bundle.BUNDLED / name)]
