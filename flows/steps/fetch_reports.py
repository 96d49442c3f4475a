"""Fetching the reports that a publisher links on a page, each a file, into the archive of a source."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from flows.steps.ingest import FETCHED, InputFile, PublicationDates, ingest
from flows.steps.staging_cache import StagingCache
from schemas.source import Source
from sources import download
from sources.archive import Archive
from sources.catalogue import base_url
from sources.client import Client, Validator
from sources.errors import SourceError
from sources.links import linked_files

log = logging.getLogger("peacekeeping.sources")


@dataclass(frozen=True)
class _Into:
    """Where reports go: the archive of a source, through its checks; they are kept in `work` meanwhile."""

    archive: Archive
    cache: StagingCache
    source: Source
    work: Path


@dataclass
class FetchedReports:
    """What came of it: a sentence for each new report, the warnings, the newest vintage, and the replies by address.

    A reply has `sha256` and `validators`, with which the next request is conditional.
    """

    messages: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    vintages: list[str] = field(default_factory=list)
    replies: dict[str, Any] = field(default_factory=dict)


def validators_of(reply: Mapping[str, Any]) -> list[Validator]:
    """The validators (ETag, Last-Modified) of a recorded reply, for a conditional request."""
    try:
        return [Validator(**entry) for entry in reply["validators"]]
    except (KeyError, TypeError):
        return []


def fetch_reports(
    archive: Archive, cache: StagingCache, source: Source, work: Path, known: Mapping[str, Any]
) -> FetchedReports:
    """Look for new reports of a source and archive them. A fault is a warning: the archived reports are kept.

    known  the replies of the last time by address
    """
    fetched = FetchedReports()
    if source.reports is None:
        return fetched
    declared, page = source.reports, base_url(source.reports.publisher) + source.reports.page
    into = _Into(archive, cache, source, work)
    try:
        with Client(page) as client:
            links = linked_files(client, page, declared.link)
            if not links:
                fetched.warnings.append(
                    f"{page} links no report whose name is like {declared.link}; it may have moved."
                )
            for url in links[: declared.most]:
                last = known.get(url)
                request = download.Request(url, declared.content_types, pdf=True)
                try:
                    _fetch_one(client, request, into, last if isinstance(last, dict) else {}, fetched)
                except SourceError as error:
                    fetched.warnings.append(f"The report {url} was not archived: {error}")
    except SourceError as error:
        fetched.warnings.append(f"The page of the monthly reports can't be read: {error}")
    for warning in fetched.warnings:
        log.warning("%s: %s", source.name, warning)
    return fetched


def _fetch_one(
    client: Client, request: download.Request, into: _Into, last: Mapping[str, Any], fetched: FetchedReports
) -> None:
    """Fetch one report, unless it is unchanged since the `last` reply, and archive it. Raises SourceError."""
    archive, source, url = into.archive, into.source, request.url
    held = archive.holds(source.name, str(last.get("sha256")))
    with tempfile.TemporaryDirectory(dir=into.work) as folder:
        target = Path(folder) / "report.pdf"
        reply = download.fetch(client, request, target, validators_of(last) if held else [])
        if reply is None:
            fetched.replies[url] = last
            return
        if not archive.holds(source.name, reply.sha256):
            dates = PublicationDates(None, None, reply.last_modified, reply.served_on)
            done = ingest(archive, into.cache, InputFile(source, target, FETCHED, url, dates))
            fetched.vintages.append(done.record.vintage)
            fetched.warnings += done.warnings
            fetched.messages.append(
                f"Fetched the report to {done.staged.covers_to}: {done.staged.rows_in:,} rows ({done.record.dialect})."
            )
        fetched.replies[url] = {"sha256": reply.sha256, "validators": [asdict(one) for one in reply.validators]}
