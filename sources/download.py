"""Download a dataset: streamed to disk and hashed, in one reply or in pages.

psdata replies with an array and no number of pages. Pages are read until one is empty or missing, because a server may
give fewer rows than requested. A server that ignores page_num repeats page 1; with another number of rows than
requested page 1 is complete, and otherwise the download is refused.

While pages are read, an inserted or deleted row shifts the others, so that a row is read twice or missed. At the end
the last row of each page is therefore requested again (the whole page where a server ignores per_page). If it differs,
all pages are read again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from sources.acceptance import UTF8_MARK, accept
from sources.catalogue import address
from sources.client import Client, Reply, Validator
from sources.errors import Refused, Unavailable

if TYPE_CHECKING:
    from schemas.source import Source

MAX_BYTES = 256 * 1024 * 1024
MAX_PAGE_BYTES = 64 * 1024 * 1024  # of a page, which is kept in memory
READINGS = 3

log = logging.getLogger("peacekeeping.sources")


@dataclass(frozen=True)
class Request:
    """What to download: URL, accepted content types, rows per page, and whether workbooks or PDFs are accepted."""

    url: str
    content_types: Sequence[str]
    rows_per_page: int | None = None
    workbook: bool = False
    pdf: bool = False


def request_for(source: Source) -> Request:
    """The request for a source with an address. Raises CatalogueError for a wrong address."""
    if source.live is None:
        raise AssertionError(f"{source.name} is published at no address")
    return Request(address(source), source.live.content_types, source.live.rows_per_page, source.workbook)


@dataclass(frozen=True)
class Download:
    """A dataset on disk, with the ISO days of Last-Modified and Date, and a validator for each page.

    An empty page after the last has a validator without headers.
    """

    path: Path
    sha256: str
    url: str
    last_modified: str | None
    served_on: str | None
    validators: tuple[Validator, ...]


@dataclass(frozen=True)
class _Page:
    """A page: its number, its number of rows, the number of rows up to its end, and its last row."""

    number: int
    rows: int
    so_far: int
    last: Any


class _Changed(Exception):
    """The data changed while pages were read. They are to be read again with `rows_per_page`."""

    def __init__(self, rows_per_page: int) -> None:
        super().__init__()
        self.rows_per_page = rows_per_page


class _Sink:
    """A file of limited size, hashed while it is written."""

    def __init__(self, file: BinaryIO, url: str) -> None:
        self.file, self.url = file, url
        self.hash, self.size = hashlib.sha256(), 0

    def write(self, chunk: bytes) -> None:
        self.size += len(chunk)
        _require_size(self.size, MAX_BYTES, self.url)
        self.hash.update(chunk)
        self.file.write(chunk)


class _JoinedPages:
    """Writes pages as one JSON array; a single page is written byte for byte."""

    def __init__(self, sink: _Sink) -> None:
        self.sink = sink
        self.pages: list[_Page] = []
        self._numbers: dict[bytes, int] = {}  # hash of a page: its number
        self._end = b""

    def same_as(self, body: bytes) -> int | None:
        """The number of the page with this body, or None."""
        return self._numbers.get(hashlib.sha256(body).digest())

    def add(self, number: int, body: bytes, rows: Sequence[Any]) -> None:
        """Write one more page."""
        if self._end:
            self.sink.write(b"," + _inside(body))
        else:
            end = body.rindex(b"]")
            self.sink.write(body[:end])
            self._end = body[end:]
        self._numbers[hashlib.sha256(body).digest()] = number
        if rows:
            self.pages.append(_Page(number, len(rows), self.count() + len(rows), rows[-1]))

    def count(self) -> int:
        return self.pages[-1].so_far if self.pages else 0

    def finish(self) -> None:
        """Close the array."""
        self.sink.write(self._end)


def _require_size(size: int, limit: int, url: str) -> None:
    if size > limit:
        raise Refused(f"{url} sends more than {limit:,} bytes; expected less of this source.")


def fetch(client: Client, request: Request, target: Path, known: Sequence[Validator] = ()) -> Download | None:
    """Download to `target`; None when nothing has changed since the replies with the `known` validators.

    Raises what the client raises; Refused also for another content type, a page that is no array and too large a reply;
    Unavailable also when the data kept changing.
    """
    if request.rows_per_page is None:
        return _in_one(client, request, target, known)
    for _ in range(READINGS):
        try:
            return _in_pages(client, request, target, known)
        except _Changed as change:
            log.info("%s changed while its pages were read; they are read again.", request.url)
            request, known = replace(request, rows_per_page=change.rows_per_page), ()
    raise Unavailable(f"{request.url} changed each of the {READINGS} times that its pages were read. Try again later.")


def _in_one(client: Client, request: Request, target: Path, known: Sequence[Validator]) -> Download | None:
    with client.get(request.url, known=known[0] if len(known) == 1 else None) as reply:
        if reply.status == 304:
            return None
        with target.open("wb") as file:
            sink = _Sink(file, request.url)
            for chunk in reply.pieces:
                sink.write(chunk)
        _require_type(reply, request, target)
        if "json" in reply.kind() and sink.size <= MAX_PAGE_BYTES:
            _require_end(target.read_bytes(), request)
        return _downloaded(target, sink, request, reply, _each((reply.validator,)))


def _downloaded(
    target: Path, sink: _Sink, request: Request, first: Reply, validators: tuple[Validator, ...]
) -> Download:
    return Download(target, sink.hash.hexdigest(), request.url, first.last_modified(), first.served_on(), validators)


def _each(validators: Sequence[Validator]) -> tuple[Validator, ...]:
    """The validators if every reply has one; otherwise none, because no conditional request is possible."""
    return tuple(validators) if all(validator.headers() for validator in validators) else ()


def _has_accepted_type(reply: Reply, request: Request) -> bool:
    """Whether the content type is accepted; a missing one is."""
    return reply.kind() in ("", *request.content_types)


def _require_type(reply: Reply, request: Request, file: Path) -> None:
    """Raise Refused for another content type."""
    if _has_accepted_type(reply, request):
        return
    message = f"{request.url} came as {reply.kind()}; expected {' or '.join(request.content_types)}."
    try:
        accept(file, workbook=request.workbook, pdf=request.pdf)
    except Refused as error:
        message += f" {error}"
    raise Refused(message, file)


def _in_pages(client: Client, request: Request, target: Path, known: Sequence[Validator]) -> Download | None:
    """Read all pages once. Raises _Changed when the data changed meanwhile."""
    size = request.rows_per_page or 0
    replies: list[Reply] = []
    with target.open("wb") as file:
        joined = _JoinedPages(_Sink(file, request.url))
        for number in count(1):
            condition = known[number - 1] if number <= len(known) else None
            page = {"page_num": number, "per_page": size}
            with client.get(request.url, page, known=condition, or_missing=number > 1) as reply:
                if reply.status == 304:
                    if number == len(known):
                        return None
                    continue
                body = read_body(reply, request.url, MAX_PAGE_BYTES)
                rows = _rows(reply, body, request, target)
            if condition and number > 1 and not replies:  # no page before has changed
                if rows or condition.headers():
                    raise _Changed(size)
                return None
            known = ()
            if number > 1 and (not rows or _is_repeated(joined, number, body, request)):
                break
            replies.append(reply)
            joined.add(number, body, rows)
            if not rows:
                break
            log.info("%s: %s rows so far.", request.url, f"{joined.count():,}")
        joined.finish()
    validators = _each([reply.validator for reply in replies])
    if joined.pages and not rows:  # the last page was empty
        _require_unchanged(client, request, target, joined.pages)
        validators = (*validators, Validator()) if validators else ()
    return _downloaded(target, joined.sink, request, replies[0], validators)


def _is_repeated(joined: _JoinedPages, number: int, body: bytes, request: Request) -> bool:
    """Whether page 2 repeats a complete page 1. Raises Refused when a page repeats part of the rows."""
    same = joined.same_as(body)
    if same is None:
        return False
    if number == 2 and joined.count() != request.rows_per_page:
        return True
    raise Refused(
        f"{request.url} gives page {same} again as page {number}: it ignores page_num or repeats its pages. "
        f"It is unknown whether {joined.count():,} rows are complete."
    )


def _require_unchanged(client: Client, request: Request, target: Path, pages: Sequence[_Page]) -> None:
    """Request the last row of each page again, and one row after the last. Raises _Changed when they differ.

    Where the publisher ignores per_page, complete pages are requested instead.
    """

    def rows_of(number: int, size: int) -> list[Any]:
        with client.get(request.url, {"page_num": number, "per_page": size}, or_missing=True) as reply:
            return _rows(reply, read_body(reply, request.url, MAX_PAGE_BYTES), request, target)

    if len(pages) > 1 and len(rows_of(1, 1)) != 1:
        for page in pages:
            again = rows_of(page.number, request.rows_per_page or 0)
            if len(again) != page.rows or again[-1] != page.last:
                raise _Changed(pages[0].rows)
        return
    for page in pages[:-1]:
        if rows_of(page.so_far, 1) != [page.last]:
            raise _Changed(pages[0].rows)
    # A row was added meanwhile, or left out by a publisher that limits the rows of a page.
    if rows_of(pages[-1].so_far + 1, 1):
        raise _Changed(pages[0].rows)


def read_body(reply: Reply, url: str, limit: int) -> bytes:
    """The whole body of a reply. Raises Refused where it has more bytes than the limit."""
    body = bytearray()
    for chunk in reply.pieces:
        body += chunk
        _require_size(len(body), limit, url)
    return bytes(body)


def _rows(reply: Reply, body: bytes, request: Request, target: Path) -> list[Any]:
    """The rows of a page; none where there is no such page.

    Raises Refused when it is no array, Unavailable when it is cut off.
    """
    if reply.status == 404:
        return []
    try:
        rows = json.loads(body)
    except (ValueError, RecursionError):
        rows = None
    if _has_accepted_type(reply, request):
        if isinstance(rows, list):
            return rows
        _require_end(body, request)
    page = target.with_name(f"{target.name}-page")
    page.write_bytes(body)
    _require_type(reply, request, page)
    expected = f"Expected a JSON array of rows from {request.url}."
    try:
        accept(page)
    except Refused as error:
        raise Refused(f"{expected} {error}", page) from None
    start = " ".join(body[:200].decode("utf-8", "replace").split())[:80]
    raise Refused(f"{expected} The reply begins with {start!r}.", page)


def _require_end(body: bytes, request: Request) -> None:
    """Raise Unavailable for incomplete JSON text."""
    text = body.decode("utf-8-sig", "ignore").strip()
    if text[:1] not in ("[", "{"):
        return
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        # At the place of the error the text ends, or a string, word, number or escape that the end interrupts begins.
        if error.msg.startswith("Unterminated string") or re.fullmatch(r"[-+.\\\w]*", text[error.pos :]):
            raise Unavailable(
                f"{request.url} sent JSON that is cut off: it ends after {len(body):,} bytes, before its last bracket."
            ) from error
    except (ValueError, RecursionError):  # a number of too many digits, or nested too deeply
        return


def _inside(body: bytes) -> bytes:
    """The text between the brackets of an array."""
    return body.removeprefix(UTF8_MARK).strip()[1:-1]
