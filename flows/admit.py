"""Getting snapshots into the raw archive: from the publisher, from a file, from what is bundled.

Bytes are judged first (`sources.acceptance`), then the rows: a full staging, and how they differ from the vintages
published just before and after. Only what passed is archived, and what failed is kept apart with the reason.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from flows.shelf import Shelf
from flows.subjects import SUBJECTS, declaration_of, read, stage_rows
from schemas.validate import ContractError
from sources import bundle, codebook, download
from sources.archive import Archive, Snapshot, sha256_of
from sources.catalogue import Source
from sources.client import Client, Validator
from sources.errors import ArchiveError, Refused
from transforms import dialects, parsing
from transforms.drift import Neighbour, require_like_neighbours
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
    own = parsing.last_update(raw)
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


def storable(source: Source, file: Path, folder: Path) -> Path:
    """What may be stored of a file: itself, or a copy in `folder` without what its source says must never be.

    Raises Refused when what is to be left out can't be told.
    """
    if source.redact is None:
        return file
    copy = folder / f"{file.name}-redacted"
    copy.write_bytes(codebook.redacted(file.read_bytes()))
    return copy


@dataclass(frozen=True)
class Admitted:
    """A file that passed: its record in the archive, its staged rows, what wants a look, and whether it is new."""

    record: Snapshot
    staged: Staged
    warnings: list[str]
    new: bool


def admit(
    archive: Archive, shelf: Shelf, source: Source, file: Path, *, origin: str, url: str, stated: Stated
) -> Admitted:
    """Judge a file that may be stored and put it into the archive; what was staged to judge it goes on the shelf.

    Raises Refused with the reason when its bytes or rows are not what the source promises; the file is kept apart.
    """
    at = now()
    try:
        raw = read(source, file)
        vintage, basis = _vintage(raw, stated, date.fromisoformat(at[:10]))
        staged = stage_rows(source, raw, vintage)
        warnings = require_envelope(staged, declaration_of(source), vintage, _periods(source, staged))
        record = Snapshot(
            source=source.name,
            sha256=sha256_of(file),
            bytes=file.stat().st_size,
            vintage=vintage.isoformat(),
            vintage_basis=basis,
            origin=origin,
            url=url,
            retrieved_at=at,
            dialect=raw.dialect.name,
        )
        warnings += _held_against_neighbours(archive, shelf, source, record, staged)
    except (Refused, ContractError) as error:
        raise refused(archive, source, file, str(error), url, at) from error
    known = archive.find(source.name, record.sha256)
    if known and stated.by_hand and stated.by_hand != known.vintage:
        if known.vintage_basis != "day of retrieval":
            raise Refused(f"It is in the archive already, as the vintage {known.vintage} ({known.vintage_basis}).")
        archive.restate(record)
        new = True
    else:
        # What is known already but damaged or lost on the disk is put back under its own record.
        new = archive.add(file, known or record) and not known
        record = known or record
    if record.vintage == vintage.isoformat():
        shelf.keep(record, staged)
    return Admitted(record, staged, warnings, new)


def refused(archive: Archive, source: Source, file: Path, why: str, url: str, at: str) -> Refused:
    """The refusal of a file, which is kept apart (but for an empty one)."""
    kept = archive.refuse(source.name, file, why, url, at) if file.stat().st_size else None
    return Refused(why + (f" It is kept in {kept}." if kept else ""))


def _held_against_neighbours(
    archive: Archive, shelf: Shelf, source: Source, record: Snapshot, staged: Staged
) -> list[str]:
    """Hold the rows against the vintages of the same series just before and after; gives what wants a look.

    A neighbour that can't be used is left out: the build will say so. Raises ContractError like the comparison.
    """
    series = {dialect["name"]: dialect.get("series") for dialect in source.dialects}
    others = [
        other
        for other in archive.snapshots(source.name)
        if other.sha256 != record.sha256 and series.get(other.dialect) == series[record.dialect]
    ]
    before = max((other for other in others if other.order() < record.order()), key=Snapshot.order, default=None)
    after = min((other for other in others if other.order() > record.order()), key=Snapshot.order, default=None)
    coverage = source.declaration["coverage"]
    return require_like_neighbours(
        staged.rows,
        _neighbour(archive, shelf, source, before),
        _neighbour(archive, shelf, source, after),
        key=SUBJECTS[source.name].key,
        period=coverage["column"] if coverage["rule"] == "replace_periods" else None,
        bounds=source.declaration["envelope"]["against_neighbours"],
    )


def _neighbour(archive: Archive, shelf: Shelf, source: Source, snapshot: Snapshot | None) -> Neighbour | None:
    if snapshot is None:
        return None
    try:
        return Neighbour(date.fromisoformat(snapshot.vintage), shelf.staged(archive, source, snapshot).rows)
    except (ArchiveError, ContractError, Refused) as error:
        log.warning("%s: not held against the vintage %s: %s", source.name, snapshot.vintage, error)
        return None


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
    found = archive.snapshots(source.name)
    return found[-1] if found else None


def kept(archive: Archive, source: Source, outcome: Outcome, why: str) -> Obtained:
    """The outcome of a source that keeps its last good snapshot, told plainly and recorded as a check."""
    newest = _newest(archive, source)
    told = f"{why} Kept the {newest.origin} snapshot of {newest.vintage}." if newest else f"{why} There is no snapshot."
    _note(archive, source, outcome, told, _last_reply(archive, source))
    return Obtained(source.name, outcome, told, newest.vintage if newest else None)


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


def fetch(archive: Archive, shelf: Shelf, source: Source, work: Path) -> Obtained:
    """Ask the publisher for a source's newest state and archive it.

    Raises Unreachable, Unavailable or Refused; the caller falls back with `kept`.
    """
    last = _last_reply(archive, source)
    # Only what is held whole, from this address, can be said to stand.
    standing = archive.holds(source.name, str(last.get("sha256"))) if last.get("url") == source.url() else None
    known = _validators(last) if standing else []
    wanted = download.Wanted(source.url(), source.content_types, source.rows_per_page, source.workbook)
    with tempfile.TemporaryDirectory(dir=work) as folder, Client(wanted.url) as client:
        try:
            reply = download.fetch(client, wanted, Path(folder) / "reply", known)
        except Refused as error:
            if error.file is None or source.redact:
                raise
            raise refused(archive, source, error.file, str(error), wanted.url, now()) from None
        if reply:
            file = storable(source, reply.path, Path(folder))
            sha256 = reply.sha256 if file == reply.path else sha256_of(file)
            last = {"url": reply.url, "sha256": sha256, "validators": [asdict(v) for v in reply.validators]}
            standing = archive.holds(source.name, sha256)
        if standing:
            told = f"Unchanged since the vintage {standing.vintage}."
            _note(archive, source, "unchanged", told, last)
            return Obtained(source.name, "unchanged", told, standing.vintage)
        if reply is None:
            raise AssertionError("not modified, and nothing was asked about")
        metadata = client.last_update(source.url(source.metadata_path)) if source.metadata_path else None
        stated = Stated(by_metadata=metadata, last_modified=reply.last_modified)
        admitted = admit(archive, shelf, source, file, origin="fetched", url=reply.url, stated=stated)
    vintage, staged = admitted.record.vintage, admitted.staged
    told = f"Fetched the vintage {vintage}: {staged.rows_in:,} rows ({admitted.record.dialect})."
    _note(archive, source, "fetched", told, last)
    return Obtained(source.name, "fetched", told, vintage, admitted.warnings)
