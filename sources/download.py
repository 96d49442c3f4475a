"""Getting a dataset whole onto the disk: streamed, hashed on the way, in one reply or in pages.

psdata answers with a bare array and no count of pages, so pages are read until a short one. While they are read the
data can move: a row put in before what was read already shifts the others, so that one comes twice, and a row taken
out lets one be missed. The last row of each page is therefore asked for again at the end; where it is another one
now, everything is read anew.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

from sources.acceptance import UTF8_MARK, accept
from sources.client import Client, Reply, Validator
from sources.errors import Refused, Unavailable

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


@dataclass(frozen=True)
class Fetched:
    """A dataset on disk. `last_modified` is the ISO day the server names, if it does; a validator for each page."""

    path: Path
    sha256: str
    url: str
    last_modified: str | None
    validators: tuple[Validator, ...]


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
    ends: dict[int, Any] = {}  # the last row of each full page, by its place in the whole
    validators: list[Validator] = []
    rows, last_modified = 0, None
    with target.open("wb") as file:
        sink = _Sink(file, wanted.url)
        for number in count(1):
            condition = known[number - 1] if number <= len(known) else None
            page = {"page_num": number, "per_page": size}
            with client.get(wanted.url, page, known=condition, or_missing=number > 1) as reply:
                if reply.status == 304:
                    if number == len(known):
                        return None
                    continue
                if number > 1 and not validators:
                    raise _Moved(size)  # the pages before are as they were and were not read
                known = ()
                body = _body(reply, wanted)
                found = _rows(reply, body, wanted, target)
            validators.append(reply.validator)
            last_modified = last_modified or reply.last_modified()
            if number == 1 and len(found) != size:
                sink.write(body)  # the whole dataset, as it came
            elif found:
                sink.write((b"[" if number == 1 else b",") + _inside(body))
            rows += len(found)
            if len(found) != size:
                break
            ends[rows] = found[-1]
            log.info("%s: %s rows so far.", wanted.url, f"{rows:,}")
        if ends:
            sink.write(b"]")
    # More rows than were asked for: the publisher doesn't page, and this is everything.
    if len(found) <= size:
        _require_still(client, wanted, target, rows, ends)
    return Fetched(target, sink.hash.hexdigest(), wanted.url, last_modified, _each(validators))


def _require_still(client: Client, wanted: Wanted, target: Path, rows: int, ends: Mapping[int, Any]) -> None:
    """Ask for the last row of each full page again, and for one after the last. Raises _Moved when they differ."""
    size = wanted.rows_per_page or 0
    for place in (*ends, rows + 1):
        with client.get(wanted.url, {"page_num": place, "per_page": 1}, or_missing=place > rows) as reply:
            found = _rows(reply, _body(reply, wanted), wanted, target)
        if place > rows and len(found) != 1:
            return  # nothing; or everything again, from a publisher that doesn't page
        if place > rows and not ends and rows:
            raise _Moved(rows)  # a short page, and yet not the last: the publisher gives no more at once
        if place > rows or found != [ends[place]]:
            raise _Moved(size)


def _body(reply: Reply, wanted: Wanted) -> bytes:
    body = bytearray()
    for piece in reply.pieces:
        body += piece
        _require_size(len(body), MAX_PAGE_BYTES, wanted.url)
    return bytes(body)


def _rows(reply: Reply, body: bytes, wanted: Wanted, target: Path) -> list[Any]:
    """The rows of a page; where the publisher has no such page, none. Raises Refused when it is no array."""
    if reply.status == 404:
        return []
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, list) and _is_fit(reply, wanted):
        return found
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


def _inside(body: bytes) -> bytes:
    """What stands between the brackets of an array."""
    return body.removeprefix(UTF8_MARK).strip()[1:-1]
