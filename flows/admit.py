"""Getting snapshots into the raw archive: from the publisher, from a file, from what is bundled.

Bytes are judged first (`sources.acceptance`), then the rows (a full staging); only what passed both is archived, and
what failed is kept apart with the reason.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from flows.shelf import Shelf
from flows.subjects import declaration_of, read, stage_rows
from schemas.validate import ContractError
from sources import bundle, client
from sources.archive import Archive, Snapshot
from sources.catalogue import Source
from sources.errors import Refused
from transforms import dialects
from transforms.staging import Staged, require_envelope

log = logging.getLogger("peacekeeping.sources")

Outcome = Literal["fetched", "unchanged", "offline", "unreachable", "unavailable", "refused"]


@dataclass(frozen=True)
class Stated:
    """What is known of a file's publication besides its rows, the most reliable first; each an ISO day or None."""

    by_hand: str | None = None
    by_metadata: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True)
class Obtained:
    """What came of asking for a source: which snapshot is the newest now, and why that one."""

    source: str
    outcome: Outcome
    message: str
    vintage: str | None = None
    warnings: list[str] = field(default_factory=list)


def now() -> str:
    """The time in UTC, to the second, as records have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _vintage(raw: dialects.Raw, stated: Stated, today: date) -> tuple[date, str]:
    """The publication date and what it rests on: the rows' own last_update before anything said about the file.

    Raises Refused when what is said contradicts the rows, or the date lies in the future.
    """
    own = dialects.last_update(raw)
    if own is not None and stated.by_hand not in (None, own.isoformat()):
        raise Refused(f"Its rows say that they were last updated on {own}, which is not the stated {stated.by_hand}.")
    candidates = (
        (own.isoformat() if own else None, "last_update of the rows"),
        (stated.by_hand, "stated"),
        (stated.by_metadata, "the publisher's metadata"),
        (stated.last_modified, "Last-Modified"),
        (today.isoformat(), "day of retrieval"),
    )
    for text, basis in candidates:
        if not text:
            continue
        vintage = date.fromisoformat(text)
        if vintage <= today + timedelta(days=1):
            return vintage, basis
        if basis in ("last_update of the rows", "stated"):
            raise Refused(f"Its publication date ({basis}), {vintage}, lies in the future.")
        log.warning("%s says %s, which lies in the future; it is not used.", basis, text)
    raise AssertionError("today lies in the future")


def admit(
    archive: Archive, source: Source, payload: bytes, *, origin: str, url: str, stated: Stated
) -> tuple[Snapshot, Staged, list[str], bool]:
    """Judge a file and put it into the archive: its record, its staged rows, warnings, and whether it is new.

    Raises Refused with the reason when its bytes or rows are not what the source promises; the file is kept apart.
    """
    at = now()
    try:
        raw = read(source, payload)
        vintage, basis = _vintage(raw, stated, date.fromisoformat(at[:10]))
        staged = stage_rows(source, raw, vintage)
        warnings = require_envelope(staged, declaration_of(source), vintage, _periods(source, staged))
    except (Refused, ContractError) as error:
        kept = archive.refuse(source.name, payload, str(error), url, at) if payload else None
        raise Refused(f"{error}" + (f" It is kept in {kept}." if kept else "")) from error
    record = Snapshot(
        source=source.name,
        sha256=hashlib.sha256(payload).hexdigest(),
        bytes=len(payload),
        vintage=vintage.isoformat(),
        vintage_basis=basis,
        origin=origin,
        url=url,
        retrieved_at=at,
        dialect=raw.dialect.name,
    )
    known = archive.find(source.name, record.sha256)
    if known is None:
        return record, staged, warnings, archive.add(payload, record)
    if stated.by_hand and stated.by_hand != known.vintage:
        if known.vintage_basis != "day of retrieval":
            raise Refused(f"It is in the archive already, as the vintage {known.vintage} ({known.vintage_basis}).")
        archive.restate(record)
        return record, staged, warnings, True
    return known, staged, warnings, False


def _periods(source: Source, staged: Staged) -> pd.Series[Any] | None:
    """Each tidy row's month or year, for a source whose envelope bounds the rows of each."""
    declared = source.declaration
    return staged.rows[declared["coverage"]["column"]] if "rows_per_period" in declared["envelope"] else None


def ensure_bundled(archive: Archive, catalogue: Mapping[str, Source]) -> int:
    """Put the bundled snapshots into the archive where they are missing (history starts with them); how many were."""
    added = 0
    for entry in bundle.manifest():
        if entry["role"] != "snapshot":
            continue
        if archive.holds(entry["source"], entry["sha256"]):
            continue
        payload = (bundle.BUNDLED / entry["file"]).read_bytes()
        added += archive.add(
            payload,
            Snapshot(
                source=entry["source"],
                sha256=entry["sha256"],
                bytes=entry["bytes"],
                vintage=entry["vintage"],
                vintage_basis=entry["vintage_basis"].replace("_", " "),
                origin="bundled",
                url=f"bundled/{entry['file']}",
                retrieved_at=entry["retrieved_at"],
                dialect=read(catalogue[entry["source"]], payload).dialect.name,
            ),
        )
    return added


def _newest(archive: Archive, source: Source) -> Snapshot | None:
    found = archive.snapshots(source.name)
    return found[-1] if found else None


def kept(archive: Archive, source: Source, outcome: Outcome, why: str) -> Obtained:
    """The outcome of a source that keeps its last good snapshot, told plainly and recorded as a check."""
    newest = _newest(archive, source)
    told = f"{why} Kept the {newest.origin} snapshot of {newest.vintage}." if newest else f"{why} There is no snapshot."
    archive.note_check(source.name, {"at": now(), "outcome": outcome, "message": told})
    return Obtained(source.name, outcome, told, newest.vintage if newest else None)


def fetch(archive: Archive, shelf: Shelf, source: Source, work: Path) -> Obtained:
    """Ask the publisher for a source's newest state and archive it; what was staged to judge it goes on the shelf.

    Raises Unreachable, Unavailable or Refused; the caller falls back with `kept`.
    """
    with tempfile.TemporaryDirectory(dir=work) as folder:
        reply = client.fetch(source.url(), Path(folder) / "reply")
        payload = reply.path.read_bytes()
    known = archive.find(source.name, hashlib.sha256(payload).hexdigest())
    if known:
        told = f"Unchanged since the vintage {known.vintage}."
        archive.note_check(source.name, {"at": now(), "outcome": "unchanged", "message": told})
        return Obtained(source.name, "unchanged", told, known.vintage)
    metadata = client.last_update(source.url(source.metadata_path)) if source.metadata_path else None
    record, staged, warnings, _ = admit(
        archive,
        source,
        payload,
        origin="fetched",
        url=reply.url,
        stated=Stated(by_metadata=metadata, last_modified=reply.last_modified),
    )
    shelf.keep(record, staged)
    told = f"Fetched the vintage {record.vintage}: {staged.rows_in:,} rows ({record.dialect})."
    archive.note_check(source.name, {"at": now(), "outcome": "fetched", "message": told})
    return Obtained(source.name, "fetched", told, record.vintage, warnings)
