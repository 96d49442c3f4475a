"""The raw archive: every snapshot's bytes under their SHA-256, each with a record of where and when it came from.

    raw/<source>/<sha256>            the bytes as they came
    raw/<source>/<sha256>.json       the record (written after the bytes: a snapshot counts once it has one)
    raw/<source>/last_checked.json   when the publisher was last asked, and what came of it
    raw/refused/<source>/…           what failed acceptance, with why
    raw/builds/<build>.json          which snapshots a published build was made of

Every file is written aside, flushed and renamed into place, so a killed process leaves no half file that counts.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sources.errors import ArchiveError


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
    accepted: list[dict[str, str]] = field(default_factory=list)  # checks let pass by hand: check, because, by, at

    def order(self) -> tuple[str, str, str]:
        """Publication order; a tie goes to the later retrieval, then to the hash, so that it is total."""
        return (self.vintage, self.retrieved_at, self.sha256)

    def in_future(self) -> bool:
        """Whether its vintage is later than tomorrow (UTC; a publisher may be a day ahead): the clock was wrong when it
        came, or is wrong now. Such a snapshot is in no build, and is not the newest."""
        return self.vintage > (datetime.now(UTC).date() + timedelta(days=1)).isoformat()


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """A scratch path beside the target; on leaving without an error it is flushed and renamed into place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".new-", dir=target.parent)
    os.close(handle)
    scratch = Path(name)
    try:
        yield scratch
        with scratch.open("rb") as file:
            os.fsync(file.fileno())
        scratch.chmod(0o644)
        scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)


def write_json(target: Path, content: Any) -> None:
    """Write JSON atomically: readers see the old file or the new one."""
    with _replacing(target) as scratch:
        scratch.write_text(json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


class Archive:
    """The raw archive below a folder; made on first use."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, source: str, sha256: str) -> Path:
        """Where the bytes of a snapshot lie."""
        return self.root / source / sha256

    def add(self, file: Path, record: Snapshot) -> bool:
        """Put a copy of a file into the archive; False when it was there already (its first record stands).

        Raises ArchiveError when the file's bytes are not those of its record.
        """
        if self.holds(record.source, record.sha256):
            return False
        with _replacing(self.path(record.source, record.sha256)) as scratch:
            shutil.copyfile(file, scratch)
            if sha256_of(scratch) != record.sha256:
                raise ArchiveError(
                    f"The bytes of {record.source} are not those of their record ({record.sha256[:12]}…)."
                )
        if not self.find(record.source, record.sha256):
            self.restate(record)
        return True

    def restate(self, record: Snapshot) -> None:
        """Write a snapshot's record (anew): a stated vintage takes the place of the day it was loaded."""
        content = {name: value for name, value in asdict(record).items() if value != []}
        write_json(self._note(record.source, record.sha256), content)

    def holds(self, source: str, sha256: str) -> Snapshot | None:
        """The record of a snapshot whose bytes are there and are those of their hash, or None."""
        record = self.find(source, sha256)
        path = self.path(source, sha256)
        return record if record and path.is_file() and sha256_of(path) == sha256 else None

    def find(self, source: str, sha256: str) -> Snapshot | None:
        """The record of a snapshot, or None. Raises ArchiveError when it can't be read."""
        note = self._note(source, sha256)
        return self._read_record(note) if note.exists() else None

    def _note(self, source: str, sha256: str) -> Path:
        path = self.path(source, sha256)
        return path.with_name(path.name + ".json")

    def _read_record(self, note: Path) -> Snapshot:
        try:
            record = Snapshot(**json.loads(note.read_text(encoding="utf-8")))
            if not all(isinstance(part, str) for part in record.order()):
                raise TypeError("a date is missing")
            date.fromisoformat(record.vintage)
        except (ValueError, TypeError, OSError, RecursionError) as error:
            raise ArchiveError(f"The record {note} can't be read ({error}). Restore or remove it.") from error
        return record

    def snapshots(self, source: str) -> list[Snapshot]:
        """All snapshots of a source in publication order. Raises ArchiveError when a record can't be read."""
        notes = [note for note in (self.root / source).glob("*.json") if note.name != "last_checked.json"]
        return sorted((self._read_record(note) for note in notes), key=Snapshot.order)

    def require_whole(self, snapshot: Snapshot) -> Path:
        """Where the bytes of a snapshot lie. Raises ArchiveError when they can't be read or are not those recorded."""
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
        """Remove the scratch files that killed processes left. Call while nobody else writes."""
        for left in self.root.rglob(".new-*"):
            left.unlink(missing_ok=True)

    def refuse(self, source: str, file: Path, why: str, url: str, at: str) -> Path:
        """Keep a copy of a file that failed acceptance apart, with the reason; it never enters a build."""
        target = self.root / "refused" / source / sha256_of(file)
        with _replacing(target) as scratch:
            shutil.copyfile(file, scratch)
        about = {"why": why, "url": url, "at": at, "bytes": file.stat().st_size}
        write_json(target.with_name(target.name + ".json"), about)
        return target

    def note_check(self, source: str, outcome: dict[str, Any]) -> None:
        """Record that the publisher was asked (or not, offline) and what came of it."""
        write_json(self.root / source / "last_checked.json", outcome)

    def last_check(self, source: str) -> dict[str, Any] | None:
        """The last recorded check of a source, or None."""
        path = self.root / source / "last_checked.json"
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise ArchiveError(
                f"The record {path} can't be read ({error}). Remove it; the next refresh writes it."
            ) from error
        return found if isinstance(found, dict) else None

    def note_build(self, build_id: str, content: dict[str, Any]) -> None:
        """Record which snapshots a published build was made of, and when."""
        write_json(self.root / "builds" / f"{build_id}.json", content)

    def builds(self) -> list[str]:
        """The ids of all recorded builds, the one published last first."""
        found = [
            (str((self.build(note.stem) or {}).get("published_at")), note.stem)
            for note in (self.root / "builds").glob("*.json")
        ]
        return [name for _, name in sorted(found, reverse=True)]

    def build(self, build_id: str) -> dict[str, Any] | None:
        """The record of a published build, or None."""
        path = self.root / "builds" / f"{build_id}.json"
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise ArchiveError(f"The record {path} can't be read ({error}).") from error
        return found if isinstance(found, dict) else None
