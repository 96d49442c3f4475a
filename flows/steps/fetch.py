"""Fetching sources into the archive, falling back to archived snapshots, and adding the bundled ones."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from flows.steps.fetch_reports import fetch_reports, validators_of
from flows.steps.ingest import FETCHED, InputFile, PublicationDates, ingest, keep_refused, now
from flows.steps.registry import read
from flows.steps.staging_cache import StagingCache
from schemas.source import Source
from sources import bundle, codebook, download
from sources.archive import Archive, Snapshot, sha256_of
from sources.catalogue import address
from sources.client import Client
from sources.errors import ArchiveError, CutOff, Refused, SourceError, Unavailable

log = logging.getLogger("peacekeeping.sources")

Outcome = Literal["fetched", "unchanged", "offline", "unreachable", "unavailable", "refused"]


@dataclass(frozen=True)
class FetchResult:
    """The outcome of fetching a source, in a word and a sentence, and the vintage that is now its newest."""

    source: str
    outcome: Outcome
    message: str
    vintage: str | None = None
    warnings: list[str] = field(default_factory=list)


def storable(source: Source, file: Path, folder: Path) -> Path:
    """The file, or, of a source that declares `remove_contacts`, a copy in `folder` without what must not be archived.

    Raises Refused when the parts to remove can't be found.
    """
    if not source.remove_contacts:
        return file
    copy = folder / f"{file.name}-without-contacts"
    copy.write_bytes(codebook.remove_contacts(file.read_bytes()))
    return copy


def bundled_complete(archive: Archive) -> bool:
    """Whether the archive has every bundled snapshot."""
    snapshots = (entry for entry in bundle.manifest() if entry["role"] == "snapshot")
    return all(archive.holds(entry["source"], entry["sha256"]) for entry in snapshots)


def ensure_bundled(archive: Archive, catalogue: Mapping[str, Source]) -> int:
    """Archive the bundled snapshots of the sources where they are missing; returns how many were."""
    added = 0
    for entry in bundle.manifest():
        wanted = entry["role"] == "snapshot" and entry["source"] in catalogue
        if not wanted or archive.holds(entry["source"], entry["sha256"]):
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
    """The newest snapshot whose vintage does not lie in the future."""
    snapshots = [snapshot for snapshot in archive.snapshots(source.name) if not snapshot.in_future()]
    return snapshots[-1] if snapshots else None


def fall_back(archive: Archive, source: Source, outcome: Outcome, why: str) -> FetchResult:
    """Fall back to the newest archived snapshot of a source, and record the check."""
    newest = _newest(archive, source)
    kept = f"Kept the {newest.origin} snapshot of {newest.vintage}." if newest else "There is no snapshot."
    result = FetchResult(source.name, outcome, f"{why} {kept}", newest.vintage if newest else None)
    return _record(archive, result, _last_reply(archive, source))


def _record(archive: Archive, result: FetchResult, reply: Mapping[str, Any]) -> FetchResult:
    """Record a check of a publisher, with the reply that the next check can compare with."""
    note = {"at": now(), "outcome": result.outcome, "message": result.message, "reply": reply}
    archive.note_check(result.source, note)
    return result


def _last_reply(archive: Archive, source: Source) -> Mapping[str, Any]:
    """The last archived reply: `url`, `sha256`, `validators`; empty where none is recorded."""
    try:
        reply = (archive.last_check(source.name) or {}).get("reply")
    except ArchiveError:  # this check writes it again
        return {}
    return reply if isinstance(reply, dict) else {}


def _usable(archive: Archive, source: Source, sha256: str) -> Snapshot | None:
    """The record of an undamaged snapshot; None also where its vintage lies in the future: it needs a new record."""
    record = archive.holds(source.name, sha256)
    return None if record is None or record.in_future() else record


def _gone_back(archive: Archive, current: Snapshot) -> list[str]:
    """A warning where the publisher sends an older vintage than one that it sent before."""
    same = [one for one in archive.snapshots(current.source) if one.url == current.url and not one.in_future()]
    if not same or same[-1].vintage <= current.vintage:
        return []
    return [
        f"the publisher sends the vintage {current.vintage} again, byte for byte, after that of {same[-1].vintage}, "
        "which stays the newest."
    ]


def fetch(archive: Archive, cache: StagingCache, source: Source, work: Path) -> FetchResult:
    """Fetch the newest state of a source and archive it, unless it is unchanged; the reply is kept in `work` meanwhile.

    New reports that are linked on a page are archived as well. Raises Unreachable, Unavailable or Refused where the
    dataset can't be fetched; the caller then uses `fall_back`.
    """
    known = _last_reply(archive, source).get("reports")
    reports = fetch_reports(archive, cache, source, work, known if isinstance(known, dict) else {})
    try:
        result, reply = _fetch_dataset(archive, cache, source, work)
    except SourceError:
        if reports.replies:
            _note_reports(archive, source, reports.replies)
        raise
    if source.reports:
        reply = {**reply, "reports": reports.replies}
        result = replace(
            result,
            outcome="fetched" if reports.messages else result.outcome,
            message=" ".join([result.message, *reports.messages]),
            vintage=max([result.vintage or "", *reports.vintages]) or None,
            warnings=[*result.warnings, *reports.warnings],
        )
    return _record(archive, result, reply)


def _note_reports(archive: Archive, source: Source, replies: Mapping[str, Any]) -> None:
    """Add the replies of reports to the recorded check, where the dataset itself could not be fetched."""
    try:
        check = archive.last_check(source.name) or {}
    except ArchiveError:  # this check writes it again
        check = {}
    note = {"at": now(), "outcome": "fetched", "message": "", **check}
    archive.note_check(source.name, {**note, "reply": {**_last_reply(archive, source), "reports": replies}})


def _fetch_dataset(
    archive: Archive, cache: StagingCache, source: Source, work: Path
) -> tuple[FetchResult, Mapping[str, Any]]:
    """Fetch the dataset at a source's address; returns the result, and the reply that the next check compares with."""
    last, request = _last_reply(archive, source), download.request_for(source)
    # A conditional request is only right for an undamaged snapshot of the same address.
    current = _usable(archive, source, str(last.get("sha256"))) if last.get("url") == request.url else None
    with tempfile.TemporaryDirectory(dir=work) as folder, Client(request.url) as client:
        try:
            reply = download.fetch(client, request, Path(folder) / "reply", validators_of(last) if current else [])
        except Refused as error:
            if error.file is None or source.remove_contacts:
                raise
            raise keep_refused(archive, InputFile(source, error.file, FETCHED, request.url), str(error)) from None
        if reply:
            file = storable(source, reply.path, Path(folder))
            sha256 = reply.sha256 if file == reply.path else sha256_of(file)
            last = {"url": reply.url, "sha256": sha256, "validators": [asdict(v) for v in reply.validators]}
            current = _usable(archive, source, sha256)
        if current:
            message = f"Unchanged since the vintage {current.vintage}."
            warnings = _gone_back(archive, current)
            return FetchResult(source.name, "unchanged", message, current.vintage, warnings), last
        if reply is None:
            raise AssertionError("not modified, but no validator was sent")
        metadata = source.live.metadata if source.live else None
        last_update = client.last_update(address(source, metadata)) if metadata else None
        dates = PublicationDates(None, last_update, reply.last_modified, reply.served_on)
        try:
            archived = ingest(archive, cache, InputFile(source, file, FETCHED, reply.url, dates))
        except CutOff as error:
            raise Unavailable(f"The reply was cut off: {error}") from error
    vintage = archived.record.vintage
    message = f"Fetched the vintage {vintage}: {archived.staged.rows_in:,} rows ({archived.record.dialect})."
    return FetchResult(source.name, "fetched", message, vintage, archived.warnings), last
