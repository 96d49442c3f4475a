"""The HTTP client over sockets on loopback: good replies, refusals and the publisher's metadata."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import socket
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import requests
from http_shared import Answer, Line, closed_port, error_of, fetch, head, last_update
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer

from sources import client, download
from sources.client import Client
from sources.errors import Refused

# A good reply


def test_a_reply_is_on_disk_byte_for_byte(httpserver: HTTPServer, target: Path) -> None:
    body = os.urandom(300_000)
    httpserver.expect_request("/data").respond_with_data(body, content_type="text/csv")
    fetched = fetch(httpserver.url_for("/data"), target)
    assert target.read_bytes() == body
    assert (fetched.path, fetched.url) == (target, httpserver.url_for("/data"))
    assert fetched.sha256 == hashlib.sha256(body).hexdigest()


def test_a_reply_is_streamed_to_disk_while_it_comes(answering: Callable[[Answer], Line], target: Path) -> None:
    size_before_the_end: list[int] = []

    def answer(connection: socket.socket) -> None:
        connection.sendall(head(400_000) + b"x" * 300_000)
        until = time.monotonic() + 3
        while time.monotonic() < until and not (target.exists() and target.stat().st_size >= 100_000):
            time.sleep(0.01)
        size_before_the_end.append(target.stat().st_size)
        connection.sendall(b"x" * 100_000)

    fetch(answering(answer).url, target)
    assert size_before_the_end[0] >= 100_000
    assert target.stat().st_size == 400_000


def test_a_packed_file_stays_packed_and_a_packed_transfer_is_unpacked(httpserver: HTTPServer, target: Path) -> None:
    packed = gzip.compress(b"a,b\n1,2\n")
    httpserver.expect_request("/file").respond_with_data(packed, content_type="application/gzip")
    httpserver.expect_request("/transfer").respond_with_data(packed, headers={"Content-Encoding": "gzip"})
    fetch(httpserver.url_for("/file"), target)
    assert target.read_bytes() == packed
    fetch(httpserver.url_for("/transfer"), target)
    assert target.read_bytes() == b"a,b\n1,2\n"


@pytest.mark.parametrize(
    ("stated", "day"),
    [
        ("Fri, 04 Apr 2025 10:00:00 GMT", "2025-04-04"),
        ("Sun, 20 Jan 2019 23:59:59 GMT", "2019-01-20"),
        (None, None),
        ("", None),
        ("yesterday", None),
        ("Fri, 99 Apr 2025 10:00:00 GMT", None),
        ("Fri, 04 Apr 99999999999999999999 10:00:00 GMT", None),
    ],
)
def test_last_modified_is_read_as_a_day(
    httpserver: HTTPServer, target: Path, stated: str | None, day: str | None
) -> None:
    headers = {} if stated is None else {"Last-Modified": stated}
    httpserver.expect_request("/data").respond_with_data(b"a\n", headers=headers)
    assert fetch(httpserver.url_for("/data"), target).last_modified == day


def test_user_agent_names_the_project(httpserver: HTTPServer, target: Path) -> None:
    httpserver.expect_request("/data").respond_with_data(b"[]")
    fetch(httpserver.url_for("/data"), target)
    last_update(httpserver.url_for("/data"))
    agents = [request.headers["User-Agent"] for request, _ in httpserver.log]
    assert len(agents) == 2
    assert all(agent.startswith(f"peacekeeping/{version('peacekeeping')} ") for agent in agents)


# Refusals


@pytest.mark.parametrize("status", [204, 400, 401, 403, 404, 410])
def test_another_status_is_refused_at_once(httpserver: HTTPServer, target: Path, status: int) -> None:
    httpserver.expect_request("/data").respond_with_data(b"", status=status)
    message = error_of(Refused, httpserver.url_for("/data"), target)
    assert str(status) in message and httpserver.url_for("/data") in message
    assert len(httpserver.log) == 1
    assert not target.exists()


def test_redirect_on_the_same_host_is_followed(httpserver: HTTPServer, target: Path) -> None:
    httpserver.expect_request("/old").respond_with_data(status=301, headers={"Location": "new?x=1"})
    httpserver.expect_request("/new", query_string="x=1").respond_with_data(
        status=302, headers={"Location": httpserver.url_for("/newest")}
    )
    httpserver.expect_request("/newest").respond_with_data(b"a,b\n")
    fetch(httpserver.url_for("/old"), target)
    assert target.read_bytes() == b"a,b\n"


def test_redirect_to_another_host_is_refused(
    httpserver: HTTPServer, answering: Callable[[Answer], Line], target: Path
) -> None:
    other = answering(lambda connection: connection.sendall(head(4) + b"a,b\n"))
    httpserver.expect_request("/data").respond_with_data(status=302, headers={"Location": other.url})
    message = error_of(Refused, httpserver.url_for("/data"), target)
    assert "localhost" in message and "127.0.0.1" in message
    assert other.requests == []
    assert not target.exists()


def test_redirect_to_another_host_after_one_on_the_same_is_refused(httpserver: HTTPServer, target: Path) -> None:
    httpserver.expect_request("/data").respond_with_data(status=302, headers={"Location": "/next"})
    httpserver.expect_request("/next").respond_with_data(status=307, headers={"Location": "http://127.0.0.1:9/x"})
    assert "127.0.0.1" in error_of(Refused, httpserver.url_for("/data"), target)


def test_redirect_from_https_to_http_is_refused(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    urls: list[str] = []

    class Redirecting(requests.adapters.BaseAdapter):
        def __init__(self, **_: Any) -> None:
            super().__init__()

        def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
            urls.append(str(request.url))
            response = requests.Response()
            response.request, response.url, response.status_code = request, str(request.url), 302
            response.headers["Location"] = "http://publisher.example/data"
            response._content = b""
            return response

        def close(self) -> None:
            pass

    monkeypatch.setattr(client, "HTTPAdapter", Redirecting)
    monkeypatch.setattr(client, "require_reachable", lambda _: None)
    assert "http://publisher.example" in error_of(Refused, "https://publisher.example/data", target)
    assert urls == ["https://publisher.example/data"]


@pytest.mark.parametrize("goal", ["ftp://127.0.0.1/data", "http://[::1/data", "http://127.0.0.1:port/", "file:///etc"])
def test_redirect_to_an_invalid_address_is_refused(
    answering: Callable[[Answer], Line], target: Path, goal: str
) -> None:
    line = answering(lambda connection: connection.sendall(head(0, "302 Found", f"Location: {goal}\r\n")))
    error_of(Refused, line.url, target)
    assert len(line.requests) == 1


def hops(httpserver: HTTPServer, count: int) -> str:
    """An address that redirects so often before it gives the file."""
    for hop in range(count):
        httpserver.expect_request(f"/{hop}").respond_with_data(status=302, headers={"Location": f"/{hop + 1}"})
    httpserver.expect_request(f"/{count}").respond_with_data(b"a,b\n")
    return httpserver.url_for("/0")


def test_five_redirects_are_followed_and_six_refused(httpserver: HTTPServer, target: Path) -> None:
    fetch(hops(httpserver, 5), target)
    assert target.read_bytes() == b"a,b\n"
    httpserver.clear()
    assert "redirects more than 5 times" in error_of(Refused, hops(httpserver, 6), target)


def test_a_reply_over_the_size_limit_is_refused(
    httpserver: HTTPServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "MAX_BYTES", 1000)
    httpserver.expect_request("/fits").respond_with_data(b"x" * 1000)
    httpserver.expect_request("/over").respond_with_data(b"x" * 1001)
    fetch(httpserver.url_for("/fits"), target)
    assert target.read_bytes() == b"x" * 1000
    assert "1,000 bytes" in error_of(Refused, httpserver.url_for("/over"), target)


def test_the_size_limit_holds_for_what_a_packed_transfer_unpacks_to(
    httpserver: HTTPServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "MAX_BYTES", 1_000_000)
    packed = gzip.compress(b"\0" * 20_000_000)
    httpserver.expect_request("/data").respond_with_data(packed, headers={"Content-Encoding": "gzip"})
    assert "1,000,000 bytes" in error_of(Refused, httpserver.url_for("/data"), target)
    assert target.stat().st_size <= 1_000_000


def test_an_endless_reply_is_refused_at_the_limit(
    answering: Callable[[Answer], Line], target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "MAX_BYTES", 1_000_000)

    def answer(connection: socket.socket) -> None:
        connection.sendall(head(None))
        while True:
            connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")

    error_of(Refused, answering(answer).url, target)


# The publisher's metadata


@pytest.mark.parametrize(
    ("content", "day"),
    [
        ([{"Dataset ID": "X", "Last Update Date": "2025-04-04"}], "2025-04-04"),
        ({"Dataset ID": "X", "Last Update Date": "2025-04-04"}, "2025-04-04"),
        ([{"Last Update Date": "2025-04-04T10:00:00"}], "2025-04-04"),
        ([{"Last Update Date": None}], None),
        ([{"Last Update Date": ""}], None),
        ([{"Dataset ID": "X"}], None),
        ({}, None),
        ([], None),
        (None, None),
        ("2025-04-04", None),
        ([["Last Update Date", "2025-04-04"]], None),
        ([{"Last Update Date": "unknown"}], None),
        ([{"Last Update Date": "04/04/2025"}], None),
        ([{"Last Update Date": "2025-13-45"}], None),
        ([{"Last Update Date": {"day": 4}}], None),
    ],
)
def test_last_update_is_an_iso_day_or_none(httpserver: HTTPServer, content: Any, day: str | None) -> None:
    httpserver.expect_request("/metadata").respond_with_json(content)
    assert last_update(httpserver.url_for("/metadata")) == day


WORDS = st.text("0123456789-T:/ é", max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS | st.dates().map(str),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stated=JSON, listed=st.booleans())
def test_any_metadata_gives_an_iso_day_or_none(httpserver: HTTPServer, stated: Any, listed: bool) -> None:
    entry = {"Last Update Date": stated}
    httpserver.clear()
    httpserver.expect_request("/metadata").respond_with_json([entry] if listed else entry)
    day = last_update(httpserver.url_for("/metadata"))
    assert day is None or date.fromisoformat(day)


def test_broken_metadata_is_none(httpserver: HTTPServer) -> None:
    for body in (b"", b"<html>", b'[{"Last Update Date": "2025', b"\xff\xfe", b"\0" * 10, b"[" * 100_000):
        httpserver.clear()
        httpserver.expect_request("/metadata").respond_with_data(body)
        assert last_update(httpserver.url_for("/metadata")) is None
    httpserver.clear()
    httpserver.expect_request("/metadata").respond_with_data(b"[]", headers={"Content-Encoding": "gzip"})
    assert last_update(httpserver.url_for("/metadata")) is None


@pytest.mark.parametrize("status", [404, 500, 503])
def test_metadata_that_is_not_served_is_none(httpserver: HTTPServer, status: int) -> None:
    httpserver.expect_request("/metadata").respond_with_json([{"Last Update Date": "2025-04-04"}], status=status)
    assert last_update(httpserver.url_for("/metadata")) is None


def test_metadata_from_another_host_is_none(httpserver: HTTPServer, answering: Callable[[Answer], Line]) -> None:
    body = json.dumps([{"Last Update Date": "2025-04-04"}]).encode()
    other = answering(lambda connection: connection.sendall(head(len(body)) + body))
    httpserver.expect_request("/metadata").respond_with_data(status=302, headers={"Location": other.url})
    assert last_update(httpserver.url_for("/metadata")) is None
    assert other.requests == []


def test_metadata_that_can_not_be_reached_is_none(httpserver: HTTPServer) -> None:
    with Client(httpserver.url_for("/")) as session:
        assert session.last_update(f"http://127.0.0.1:{closed_port()}/metadata") is None


def test_incomplete_metadata_is_none(
    answering: Callable[[Answer], Line], line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "READ_SECONDS", 0.1)

    def answer(connection: socket.socket) -> None:
        connection.sendall(head(1000) + b'[{"Last Update Date": "2025-04-04"}]')
        if len(line.requests) > 1:
            line.over.wait(200)

    answering(answer)
    assert last_update(line.url) is None  # cut off
    assert last_update(line.url) is None  # stalled
