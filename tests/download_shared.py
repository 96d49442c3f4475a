"""Publishers that serve rows in pages, well and badly, and shorthands for downloading from them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pytest_httpserver import HTTPServer
from replica import FATALITIES, Replica
from werkzeug import Request, Response

from sources import download
from sources.client import Client, Validator
from sources.download import Download

JSON = ["application/json"]
Row = dict[str, Any]


def casualties(count: int) -> list[Row]:
    """Rows that differ only in their keys, as 726 of the real ones do."""
    return [
        {"id": n, "casualty_id": f"MINUSMA-2019-01-{n:05d}", "mission_acronym": "MINUSMA"} for n in range(1, count + 1)
    ]


def url(replica: Replica) -> str:
    return f"{replica.psdata_url}/data/{FATALITIES}/json"


def fetch(address: str, folder: Path, rows_per_page: int | None, known: tuple[Validator, ...] = ()) -> Download | None:
    with Client(address) as session:
        return download.fetch(session, download.Request(address, JSON, rows_per_page), folder / "reply", known)


def rows_of(fetched: Download | None) -> list[Row]:
    assert fetched is not None
    content = fetched.path.read_bytes()
    assert hashlib.sha256(content).hexdigest() == fetched.sha256
    rows: list[Row] = json.loads(content)
    return rows


class Publisher:
    """Serves rows in pages as psdata does, at most `most` a page. `after` is called after each reply.

    A page after the last has the status `beyond`. With `tags` each page with rows has an ETag.
    """

    def __init__(
        self, server: HTTPServer, rows: list[Row], *, most: int = 10**9, beyond: int = 200, tags: bool = False
    ) -> None:
        self.rows, self.most, self.beyond, self.tags = rows, most, beyond, tags
        self.requested: list[tuple[int, int]] = []
        self.statuses: list[int] = []
        self.url = server.url_for("/data")
        server.expect_request("/data").respond_with_handler(self.answer)

    def page(self, number: int, size: int, /) -> list[Row]:
        size = min(size, self.most)
        return self.rows[(number - 1) * size : number * size]

    def answer(self, request: Request) -> Response:
        number, size = int(request.args["page_num"]), int(request.args["per_page"])
        self.requested.append((number, size))
        page = self.page(number, size)
        status = 200 if page else self.beyond
        answer = Response(json.dumps(page) if status == 200 else "{}", status=status, content_type="application/json")
        if self.tags and page:
            answer.add_etag()
            answer.make_conditional(request)
        self.statuses.append(answer.status_code)
        self.after()
        return answer

    def after(self) -> None:
        """Called after each reply; subclasses change the rows here."""


class FixedPages(Publisher):
    """Gives 50 rows a page, whatever size is requested."""

    def page(self, number: int, _size: int, /) -> list[Row]:
        return self.rows[(number - 1) * 50 : number * 50]


class FirstPage(Publisher):
    """Gives the first rows, whatever page is requested."""

    def page(self, _number: int, size: int, /) -> list[Row]:
        return self.rows[:size]


class Everything(Publisher):
    """Gives all rows, whatever page is requested."""

    def page(self, _number: int, _size: int, /) -> list[Row]:
        return self.rows


class FarPages(Publisher):
    """Gives at most `most` rows a page; its first row is that of a page of the requested size."""

    def page(self, number: int, size: int, /) -> list[Row]:
        return self.rows[(number - 1) * size :][: min(size, self.most)]


class LastPageAgain(Publisher):
    """Gives the last page for each one after it."""

    def page(self, number: int, size: int, /) -> list[Row]:
        return super().page(min(number, -(-len(self.rows) // size)), size)


class FirstPageAgain(Publisher):
    """Gives the first page for each one after the last."""

    def page(self, number: int, size: int, /) -> list[Row]:
        return super().page(number, size) or super().page(1, size)
