"""Getting a dataset whole onto the disk: streamed, hashed on the way, in one reply or in pages.

psdata answers with a bare array and no count of pages, so pages are read until one is empty or missing: a short page
proves nothing where a server gives fewer rows than were asked for. A server that ignores page_num gives the same page
again; that is everything where it has another number of rows than were asked for, and else can't be told to be.

While pages are read the data can move: a row put in before what was read already shifts the others, so that one comes
twice, and a row taken out lets one be missed. The last row of each page is therefore asked for again at the end (from
a server that ignores per_page, the whole page); where it is another one now, everything is read anew.
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
MAX_PAGE_BYTES = 64 * 1024 * 1024  # a page is held in memory
READINGS = 3

log = logging.getLogger("peacekeeping.sources")


@dataclass(frozen=True)
class Wanted:
    """What to get: an address, the content types that are fit, the rows to ask for at once where it is in pages, and
    whether it may be an Excel workbook."""

    url: str
    content_types: Sequence[str]
    rows_per_page: int | None = None
    workbook: bool = False


def wanted(source: Source) -> Wanted:
    """What to get of a source that is published at an address. Raises CatalogueError for a wrong address."""
    if source.live is None:
        raise AssertionError(f"{source.name} is published at no address")
    return Wanted(address(source), source.live.content_types, source.live.rows_per_page, source.workbook)


@dataclass(frozen=True)
class Fetched:
    """A dataset on disk. `last_modified` is the ISO day the server names, if it does; a validator for each page.

    After those of pages with rows comes one without headers for the page after the last, where that was found empty.
    """

    path: Path
    sha256: str
    url: str
    last_modified: str | None
    validators: tuple[Validator, ...]


@dataclass(frozen=True)
class _Page:
    """A page that has rows: its number, how many they are, how many there are with those before, the last one."""

    number: int
    rows: int
    so_far: int
    last: Any


class _Moved(Exception):
    """The pages don't belong together; `rows_per_page` is what to ask for when they are read again."""

    def __init__(self, rows_per_page: int) -> None:
        super().__init__()
        self.rows_per_page = rows_per_page


class _Sink:
    """A file that is hashed while it is written, of a bounded size."""

    def __init__(self, file: BinaryIO, url: str) -> None:
        self.file, self.url = file, url
        self.hash, self.size = hashlib.sha256(), 0

    def write(self, piece: bytes) -> None:
        self.size += len(piece)
        _require_size(self.size, MAX_BYTES, self.url)
        self.hash.update(piece)
        self.file.write(piece)


class _Joined:
    """Pages as one JSON array in a file; one page alone stands there byte for byte."""

    def __init__(self, sink: _Sink) -> None:
        self.sink = sink
        self.pages: list[_Page] = []
        self._numbers: dict[bytes, int] = {}  # of the pages, by their hash
        self._end = b""

    def same_as(self, body: bytes) -> int | None:
        """The number of the page that has this body, if one does."""
        return self._numbers.get(hashlib.sha256(body).digest())

    def add(self, number: int, body: bytes, found: Sequence[Any]) -> None:
        """One more page; `found` are its rows."""
        if self._end:
            self.sink.write(b"," + _inside(body))
        else:
            end = body.rindex(b"]")
            self.sink.write(body[:end])
            self._end = body[end:]
        self._numbers[hashlib.sha256(body).digest()] = number
        if found:
            self.pages.append(_Page(number, len(found), self.rows() + len(found), found[-1]))

    def rows(self) -> int:
        return self.pages[-1].so_far if self.pages else 0

    def finish(self) -> None:
        """Close the array."""
        self.sink.write(self._end)


def _require_size(size: int, limit: int, url: str) -> None:
    if size > limit:
        raise Refused(f"{url} sends more than {limit:,} bytes; that is no file of this source.")


def fetch(client: Client, wanted: Wanted, target: Path, known: Sequence[Validator] = ()) -> Fetched | None:
    """Stream what is wanted to `target`; None when all of it is as `known` (a validator a page) says it was.

    Raises Unreachable, Unavailable or Refused like the client; Refused, too, for another content type, a page that is
    no array and too large a reply; Unavailable when the data did not stand still.
    """
    if wanted.rows_per_page is None:
        return _in_one(client, wanted, target, known)
    for _ in range(READINGS):
        try:
            return _in_pages(client, wanted, target, known)
        except _Moved as moved:
            log.info("%s changed while its pages were read; they are read again.", wanted.url)
            wanted, known = replace(wanted, rows_per_page=moved.rows_per_page), ()
    raise Unavailable(f"{wanted.url} changed each of the {READINGS} times that its pages were read. Try again later.")


def _in_one(client: Client, wanted: Wanted, target: Path, known: Sequence[Validator]) -> Fetched | None:
    with client.get(wanted.url, known=known[0] if len(known) == 1 else None) as reply:
        if reply.status == 304:
            return None
        with target.open("wb") as file:
            sink = _Sink(file, wanted.url)
            for piece in reply.pieces:
                sink.write(piece)
        _require_type(reply, wanted, target)
        if "json" in reply.kind() and sink.size <= MAX_PAGE_BYTES:
            _require_end(target.read_bytes(), wanted)
        return Fetched(target, sink.hash.hexdigest(), wanted.url, reply.last_modified(), _each((reply.validator,)))


def _each(validators: Sequence[Validator]) -> tuple[Validator, ...]:
    """The validators if every reply had one: else what has changed can't be asked."""
    return tuple(validators) if all(validator.headers() for validator in validators) else ()


def _is_fit(reply: Reply, wanted: Wanted) -> bool:
    """Whether the reply says to be what is wanted; one that says nothing is judged by its bytes alone."""
    return reply.kind() in ("", *wanted.content_types)


def _require_type(reply: Reply, wanted: Wanted, file: Path) -> None:
    """Refuse a reply that says it is something else."""
    if _is_fit(reply, wanted):
        return
    told = f"{wanted.url} came as {reply.kind()}; expected {' or '.join(wanted.content_types)}."
    try:
        accept(file, workbook=wanted.workbook)
    except Refused as error:
        told += f" {error}"
    raise Refused(told, file)


def _in_pages(client: Client, wanted: Wanted, target: Path, known: Sequence[Validator]) -> Fetched | None:
    """One reading of all pages. Raises _Moved when they don't belong together."""
    size = wanted.rows_per_page or 0
    replies: list[Reply] = []
    with target.open("wb") as file:
        joined = _Joined(_Sink(file, wanted.url))
        for number in count(1):
            condition = known[number - 1] if number <= len(known) else None
            page = {"page_num": number, "per_page": size}
            with client.get(wanted.url, page, known=condition, or_missing=number > 1) as reply:
                if reply.status == 304:
                    if number == len(known):
                        return None
                    continue
                body = _body(reply, wanted)
                found = _rows(reply, body, wanted, target)
            if condition and number > 1 and not replies:  # the pages before are as they were and were not read
                if found or condition.headers():
                    raise _Moved(size)
                return None
            known = ()
            if number > 1 and (not found or _is_repeated(joined, number, body, wanted)):
                break
            replies.append(reply)
            joined.add(number, body, found)
            if not found:
                break
            log.info("%s: %s rows so far.", wanted.url, f"{joined.rows():,}")
        joined.finish()
    validators = _each([reply.validator for reply in replies])
    if joined.pages and not found:  # they ended with a page without rows
        _require_still(client, wanted, target, joined.pages)
        validators = (*validators, Validator()) if validators else ()
    return Fetched(target, joined.sink.hash.hexdigest(), wanted.url, replies[0].last_modified(), validators)


def _is_repeated(joined: _Joined, number: int, body: bytes, wanted: Wanted) -> bool:
    """Whether page 2 is page 1 again and both are everything. Raises Refused when a page repeats part of the rows."""
    same = joined.same_as(body)
    if same is None:
        return False
    if number == 2 and joined.rows() != wanted.rows_per_page:
        return True
    raise Refused(
        f"{wanted.url} gives page {same} again as page {number}: it ignores page_num or repeats its pages, so that "
        f"it can't be known whether {joined.rows():,} rows are all."
    )


def _require_still(client: Client, wanted: Wanted, target: Path, pages: Sequence[_Page]) -> None:
    """Ask for the last row of each page again, and for one after them all. Raises _Moved when they differ.

    Where the publisher ignores per_page, the whole pages are asked for instead.
    """

    def rows(number: int, size: int) -> list[Any]:
        with client.get(wanted.url, {"page_num": number, "per_page": size}, or_missing=True) as reply:
            return _rows(reply, _body(reply, wanted), wanted, target)

    if len(pages) > 1 and len(rows(1, 1)) != 1:
        for page in pages:
            again = rows(page.number, wanted.rows_per_page or 0)
            if len(again) != page.rows or again[-1] != page.last:
                raise _Moved(pages[0].rows)
        return
    for page in pages[:-1]:
        if rows(page.so_far, 1) != [page.last]:
            raise _Moved(pages[0].rows)
    # A row after the last was put in meanwhile, or left out by a publisher that gives no more rows at once.
    if rows(pages[-1].so_far + 1, 1):
        raise _Moved(pages[0].rows)


def _body(reply: Reply, wanted: Wanted) -> bytes:
    body = bytearray()
    for piece in reply.pieces:
        body += piece
        _require_size(len(body), MAX_PAGE_BYTES, wanted.url)
    return bytes(body)


def _rows(reply: Reply, body: bytes, wanted: Wanted, target: Path) -> list[Any]:
    """The rows of a page; where the publisher has no such page, none.

    Raises Refused when it is no array, Unavailable when it is the start of one.
    """
    if reply.status == 404:
        return []
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if _is_fit(reply, wanted):
        if isinstance(found, list):
            return found
        _require_end(body, wanted)
    page = target.with_name(f"{target.name}-page")
    page.write_bytes(body)
    _require_type(reply, wanted, page)
    told = f"Expected a JSON array of rows from {wanted.url}."
    try:
        accept(page)
    except Refused as error:
        raise Refused(f"{told} {error}", page) from None
    came = " ".join(body[:200].decode("utf-8", "replace").split())[:80]
    raise Refused(f"{told} What came begins with {came!r}.", page)


def _require_end(body: bytes, wanted: Wanted) -> None:
    """Raise Unavailable for JSON text that ends before its array or object does."""
    text = body.decode("utf-8-sig", "ignore").strip()
    if text[:1] not in ("[", "{"):
        return
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        # After the last place that could be read there is nothing, or the start of a string, word, number or escape.
        if error.msg.startswith("Unterminated string") or re.fullmatch(r"[-+.\\\w]*", text[error.pos :]):
            raise Unavailable(
                f"{wanted.url} sent JSON that is cut off: it ends after {len(body):,} bytes, before its last bracket."
            ) from error
    except (ValueError, RecursionError):  # a number of too many digits, or nested too deeply
        return


def _inside(body: bytes) -> bytes:
    """What stands between the brackets of an array."""
    return body.removeprefix(UTF8_MARK).strip()[1:-1]
