"""Getting snapshots into the raw archive: from the publisher, or from the bundled files. `ingest` checks them."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from flows.steps.ingest import FETCHED, Offered, Stated, ingest, now, refused
from flows.steps.registry import read
from flows.steps.staging_cache import StagingCache
from schemas.source import Source
from sources import bundle, codebook, download
from sources.archive import Archive, Snapshot, sha256_of
from sources.catalogue import address
from sources.client import Client, Validator
from sources.errors import ArchiveError, CutOff, Refused, Unavailable

log = logging.getLogger("peacekeeping.sources")

Outcome = Literal["fetched", "unchanged", "offline", "unreachable", "unavailable", "refused"]


@dataclass(frozen=True)
class FetchResult:
    """What came of asking for a source: which snapshot is the newest now, and why that one."""

    source: str
    outcome: Outcome
    message: str
    vintage: str | None = None
    warnings: list[str] = field(default_factory=list)


def storable(source: Source, file: Path, folder: Path) -> Path:
    """What may be stored of a file: itself, or a copy in `folder` without what its source says must never be.

    Raises Refused when what is to be left out can't be told.
    """
    if not source.remove_contacts:
        return file
    copy = folder / f"{file.name}-redacted"
    copy.write_bytes(codebook.redacted(file.read_bytes()))
    return copy


def ensure_bundled(archive: Archive, catalogue: Mapping[str, Source]) -> int:
    """Put the bundled snapshots of the sources into the archive where they are missing (history starts with them); how
    many were."""
    added = 0
    for entry in bundle.manifest():
        if entry["role"] != "snapshot" or entry["source"] not in catalogue:
            continue
        if archive.holds(entry["source"], entry["sha256"]):
            continue
        file = bundle.BUNDLED / entry["file"]
        added += archive.add(
            file,
            Snapshot(
                source=entry["source"],
                sha256=entry["sha256"],
                bytes=entry["bytes"],
                vintage=entry["vintage"],
                vintage_basis=entry["vintage_basis"].replace("_", " "),
                origin="bundled",
                url=f"bundled/{entry['file']}",
                retrieved_at=entry["retrieved_at"],
                dialect=read(catalogue[entry["source"]], file).dialect.name,
            ),
        )
    return added


def _newest(archive: Archive, source: Source) -> Snapshot | None:
    """The newest snapshot; one whose vintage lies in the future is not."""
    found = [snapshot for snapshot in archive.snapshots(source.name) if not snapshot.in_future()]
    return found[-1] if found else None


def fall_back(archive: Archive, source: Source, outcome: Outcome, why: str) -> FetchResult:
    """The outcome of a source that keeps its last good snapshot, told plainly and recorded as a check."""
    newest = _newest(archive, source)
    told = f"{why} Kept the {newest.origin} snapshot of {newest.vintage}." if newest else f"{why} There is no snapshot."
    _note(archive, source, outcome, told, _last_reply(archive, source))
    return FetchResult(source.name, outcome, told, newest.vintage if newest else None)


def _note(archive: Archive, source: Source, outcome: Outcome, told: str, reply: Mapping[str, Any]) -> None:
    """Record a check, with the reply that the next one can ask the publisher about."""
    archive.note_check(source.name, {"at": now(), "outcome": outcome, "message": told, "reply": reply})


def _last_reply(archive: Archive, source: Source) -> Mapping[str, Any]:
    """The last reply that was archived: `url`, `sha256`, `validators`; empty where none is recorded."""
    try:
        reply = (archive.last_check(source.name) or {}).get("reply")
    except ArchiveError:  # it is written anew by this check
        return {}
    return reply if isinstance(reply, dict) else {}


def _validators(reply: Mapping[str, Any]) -> list[Validator]:
    """What to name a recorded reply by when asking whether it still stands."""
    try:
        return [Validator(**entry) for entry in reply["validators"]]
    except (KeyError, TypeError):
        return []


def _standing(archive: Archive, source: Source, sha256: str) -> Snapshot | None:
    """The record of a snapshot that is held whole; one with a vintage in the future gets a new record."""
    record = archive.holds(source.name, sha256)
    return None if record is None or record.in_future() else record


def fetch(archive: Archive, cache: StagingCache, source: Source, work: Path) -> FetchResult:
    """Ask the publisher for a source's newest state and archive it.

    Raises Unreachable, Unavailable or Refused; the caller falls back with `fall_back`.
    """
    last, wanted = _last_reply(archive, source), download.wanted(source)
    # Only what is held whole, from this address, can be said to stand.
    standing = _standing(archive, source, str(last.get("sha256"))) if last.get("url") == wanted.url else None
    known = _validators(last) if standing else []
    with tempfile.TemporaryDirectory(dir=work) as folder, Client(wanted.url) as client:
        try:
            reply = download.fetch(client, wanted, Path(folder) / "reply", known)
        except Refused as error:
            if error.file is None or source.remove_contacts:
                raise
            raise refused(archive, Offered(source, error.file, FETCHED, wanted.url), str(error)) from None
        if reply:
            file = storable(source, reply.path, Path(folder))
            sha256 = reply.sha256 if file == reply.path else sha256_of(file)
            last = {"url": reply.url, "sha256": sha256, "validators": [asdict(v) for v in reply.validators]}
            standing = _standing(archive, source, sha256)
        if standing:
            told = f"Unchanged since the vintage {standing.vintage}."
            _note(archive, source, "unchanged", told, last)
            return FetchResult(source.name, "unchanged", told, standing.vintage)
        if reply is None:
            raise AssertionError("not modified, and nothing was asked about")
        metadata = source.live.metadata if source.live else None
        last_update = client.last_update(address(source, metadata)) if metadata else None
        stated = Stated(by_metadata=last_update, last_modified=reply.last_modified)
        try:
            ingested = ingest(archive, cache, Offered(source, file, FETCHED, reply.url, stated))
        except CutOff as error:
            raise Unavailable(f"The reply was cut off: {error}") from error
    vintage, staged = ingested.record.vintage, ingested.staged
    told = f"Fetched the vintage {vintage}: {staged.rows_in:,} rows ({ingested.record.dialect})."
    _note(archive, source, "fetched", told, last)
    return FetchResult(source.name, "fetched", told, vintage, ingested.warnings)
