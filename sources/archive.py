"""The raw archive: every snapshot's bytes under their SHA-256, each with a record of where and when it came from.

    raw/<source>/<sha256>            the bytes as they came
    raw/<source>/<sha256>.json       the record (written after the bytes: a snapshot counts once it has one)
    raw/<source>/last_checked.json   the last check of the publisher, and its outcome
    raw/refused/<source>/…           files that were refused, with the reason
    raw/builds/<build>.json          the snapshots that a published build was made of

Every file is replaced atomically, so a killed process leaves no incomplete file under its final name.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from schemas.files import SCRATCH, replacing
from sources import clock
from sources.errors import ArchiveError

LAST_CHECK = "last_checked.json"
RETRIEVAL = "day of retrieval"  # the basis of a vintage of which nothing else is known


@dataclass(frozen=True)
class Snapshot:
    """The record of one snapshot. Dates are ISO texts; `retrieved_at` is a UTC time or a day."""

    source: str
    sha256: str
    bytes: int
    vintage: str
    vintage_basis: str
    origin: str  # fetched | loaded | bundled
    url: str
    retrieved_at: str
    dialect: str
    accepted: list[dict[str, str]] = field(default_factory=list)  # checks overridden by hand: check, because, by, at

    def order(self) -> tuple[str, str, str]:
        """Sort key of publication order: vintage, then retrieval, then hash, so that there are no ties."""
        return (self.vintage, self.retrieved_at, self.sha256)

    def in_future(self) -> bool:
        """Whether its vintage is later than tomorrow (UTC; a publisher may be a day ahead), so that a clock was wrong.

        Such a snapshot is in no build and is not the newest.
        """
        return self.vintage > (clock.now().date() + timedelta(days=1)).isoformat()


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(target: Path, content: Any) -> None:
    """Write JSON atomically."""
    with replacing(target) as scratch:
        scratch.write_text(json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


def _read_json(path: Path, advice: str = "") -> dict[str, Any] | None:
    """A JSON object; None where there is no file. Raises ArchiveError when it can't be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise ArchiveError(f"The record {path} can't be read ({error}).{advice}") from error
    return content if isinstance(content, dict) else None


def _record_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.json")


class Archive:
    """The raw archive below a folder; made on first use."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, source: str, sha256: str) -> Path:
        """The path of a snapshot's bytes."""
        return self.root / source / sha256

    def add(self, file: Path, record: Snapshot) -> bool:
        """Copy a file into the archive; False when it is there already. An existing record is kept.

        Raises ArchiveError when the file's bytes are not those of its record.
        """
        if self.holds(record.source, record.sha256):
            return False
        with replacing(self.path(record.source, record.sha256)) as scratch:
            shutil.copyfile(file, scratch)
            if sha256_of(scratch) != record.sha256:
                raise ArchiveError(
                    f"The bytes of {record.source} are not those of their record ({record.sha256[:12]}…)."
                )
        if not self.find(record.source, record.sha256):
            self.restate(record)
        return True

    def restate(self, record: Snapshot) -> None:
        """Write or replace a snapshot's record."""
        content = {name: value for name, value in asdict(record).items() if value != []}
        write_json(_record_of(self.path(record.source, record.sha256)), content)

    def holds(self, source: str, sha256: str) -> Snapshot | None:
        """The record of a snapshot whose bytes are there and match their hash, or None."""
        record = self.find(source, sha256)
        path = self.path(source, sha256)
        return record if record and path.is_file() and sha256_of(path) == sha256 else None

    def find(self, source: str, sha256: str) -> Snapshot | None:
        """The record of a snapshot, or None. Raises ArchiveError when it can't be read."""
        record = _record_of(self.path(source, sha256))
        return _read_record(record) if record.exists() else None

    def snapshots(self, source: str) -> list[Snapshot]:
        """All snapshots of a source in publication order. Raises ArchiveError when a record can't be read."""
        records = [path for path in (self.root / source).glob("*.json") if path.name != LAST_CHECK]
        return sorted(map(_read_record, records), key=Snapshot.order)

    def require_whole(self, snapshot: Snapshot) -> Path:
        """The path of a snapshot's bytes. Raises ArchiveError when they can't be read or don't match their hash."""
        path = self.path(snapshot.source, snapshot.sha256)
        try:
            damaged = sha256_of(path) != snapshot.sha256
        except OSError as error:
            raise ArchiveError(f"The archived file {path} can't be read: {error.strerror}.") from error
        if damaged:
            raise ArchiveError(
                f"The archived file {path} is damaged: its SHA-256 is no longer its name. "
                f"Remove it and {path.name}.json, then refresh or load it again."
            )
        return path

    def clear_scratch(self) -> None:
        """Remove the scratch files of killed processes. Call only while nobody else writes."""
        for left in self.root.rglob(f"{SCRATCH}*"):
            left.unlink(missing_ok=True)

    def refuse(self, source: str, file: Path, why: str, url: str, at: str) -> Path:
        """Keep a copy of a refused file with the reason, outside the snapshots; the path of the copy."""
        target = self.root / "refused" / source / sha256_of(file)
        with replacing(target) as scratch:
            shutil.copyfile(file, scratch)
        write_json(_record_of(target), {"why": why, "url": url, "at": at, "bytes": file.stat().st_size})
        return target

    def note_check(self, source: str, outcome: dict[str, Any]) -> None:
        """Record a check of the publisher (or that there was none, offline) and its outcome."""
        write_json(self.root / source / LAST_CHECK, outcome)

    def last_check(self, source: str) -> dict[str, Any] | None:
        """The last recorded check of a source, or None. Raises ArchiveError when the record can't be read."""
        return _read_json(self.root / source / LAST_CHECK, " Remove it; the next refresh writes it.")

    def note_build(self, build_id: str, content: dict[str, Any]) -> None:
        """Record which snapshots a published build was made of, and when."""
        write_json(self.root / "builds" / f"{build_id}.json", content)

    def builds(self) -> list[str]:
        """The ids of all recorded builds, the one published last first."""
        ids = [path.stem for path in (self.root / "builds").glob("*.json")]
        return sorted(ids, key=lambda name: (str((self.build(name) or {}).get("published_at")), name), reverse=True)

    def build(self, build_id: str) -> dict[str, Any] | None:
        """The record of a published build, or None. Raises ArchiveError when it can't be read."""
        return _read_json(self.root / "builds" / f"{build_id}.json")


def _read_record(path: Path) -> Snapshot:
    """A snapshot's record. Raises ArchiveError when it can't be read, or has no valid vintage."""
    try:
        record = Snapshot(**json.loads(path.read_text(encoding="utf-8")))
        if not all(isinstance(part, str) for part in record.order()):
            raise TypeError("a date is missing")
        date.fromisoformat(record.vintage)
    except (ValueError, TypeError, OSError, RecursionError) as error:
        raise ArchiveError(f"The record {path} can't be read ({error}). Restore or remove it.") from error
    return record
