"""The HTTP client over real sockets on loopback: polite, bounded in time and size, and plain about what went wrong."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from urllib3 import HTTPResponse
from werkzeug import Request, Response

from sources import client, download
from sources.client import Client, Retry, require_reachable
from sources.download import Fetched, Wanted
from sources.errors import Refused, SourceError, Unavailable, Unreachable

Answer = Callable[[socket.socket], None]
TYPES = ("text/csv", "text/plain", "application/json", "application/gzip")


class AtOnce(Retry):
    """The client's retries without its pauses (those that a server asks for stay)."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **(options | {"backoff_factor": 0, "backoff_jitter": 0}))


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "Retry", AtOnce)
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "reply"


class Line:
    """A server that says exactly what a test wants, byte by byte, to every request; `over` is set at the end."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/data"
        self.requests: list[bytes] = []
        self.over = threading.Event()
        self.threads: list[threading.Thread] = []

    def serve(self, answer: Answer) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self.talk, args=(connection, answer), daemon=True)
            self.threads.append(thread)
            thread.start()

    def talk(self, connection: socket.socket, answer: Answer) -> None:
        with connection, contextlib.suppress(OSError):
            heard = b""
            while b"\r\n\r\n" not in heard:
                more = connection.recv(4096)
                if not more:
                    return  # the knock that asks whether anybody is there
                heard += more
            self.requests.append(heard)
            answer(connection)

    def close(self) -> None:
        self.over.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(5)


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    yield made
    made.close()


@pytest.fixture
def answering(line: Line) -> Callable[[Answer], Line]:
    def start(answer: Answer) -> Line:
        thread = threading.Thread(target=line.serve, args=(answer,), daemon=True)
        thread.start()
        line.threads.append(thread)
        return line

    return start


def head(length: int | None, status: str = "200 OK", more: str = "") -> bytes:
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"HTTP/1.1 {status}\r\nContent-Type: text/csv\r\n{more}{size}\r\n\r\n".encode()


def fetch(url: str, target: Path) -> Fetched:
    """Get a file in one reply; any usual content type will do."""
    with Client(url) as session:
        fetched = download.fetch(session, Wanted(url, TYPES), target)
    assert fetched is not None
    return fetched


def last_update(url: str) -> str | None:
    with Client(url) as session:
        return session.last_update(url)


def told(kind: type[SourceError], url: str, target: Path) -> str:
    with pytest.raises(kind) as caught:
        fetch(url, target)
    assert type(caught.value) is kind
    return str(caught.value)


def in_turn(*responses: Response) -> tuple[Callable[[Request], Response], list[float]]:
    """A handler that gives the responses one after the other (the last one for ever), and when it was asked."""
    asked: list[float] = []

    def handler(request: Request) -> Response:
        asked.append(time.monotonic())
        return responses[min(len(asked), len(responses)) - 1]

    return handler, asked


# A good reply


def test_a_reply_is_on_disk_byte_for_byte(httpserver: HTTPServer, target: Path) -> None:
    body = os.urandom(300_000)
    httpserver.expect_request("/data").respond_with_data(body, content_type="text/csv")
    fetched = fetch(httpserver.url_for("/data"), target)
    assert target.read_bytes() == body
    assert (fetched.path, fetched.url) == (target, httpserver.url_for("/data"))
    assert fetched.sha256 == hashlib.sha256(body).hexdigest()


def test_a_reply_is_streamed_to_disk_while_it_comes(answering: Callable[[Answer], Line], target: Path) -> None:
    on_disk_before_the_end: list[int] = []

    def answer(connection: socket.socket) -> None:
        connection.sendall(head(400_000) + b"x" * 300_000)
        until = time.monotonic() + 3
        while time.monotonic() < until and not (target.exists() and target.stat().st_size >= 100_000):
            time.sleep(0.01)
        on_disk_before_the_end.append(target.stat().st_size)
        connection.sendall(b"x" * 100_000)

    fetch(answering(answer).url, target)
    assert on_disk_before_the_end[0] >= 100_000
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


# Temporary faults


@pytest.mark.parametrize("status", [408, 425, 429, 500, 501, 502, 503, 504, 507, 520, 599])
def test_a_temporary_fault_is_retried(httpserver: HTTPServer, target: Path, status: int) -> None:
    handler, asked = in_turn(Response("later", status=status), Response("a,b\n"))
    httpserver.expect_request("/data").respond_with_handler(handler)
    fetch(httpserver.url_for("/data"), target)
    assert target.read_bytes() == b"a,b\n"
    assert len(asked) == 2


@pytest.mark.parametrize("status", [408, 425, 429, 500, 507, 520])
def test_a_fault_for_ever_is_unavailable_after_three_retries(httpserver: HTTPServer, target: Path, status: int) -> None:
    handler, asked = in_turn(Response("broken", status=status))
    httpserver.expect_request("/data").respond_with_handler(handler)
    message = told(Unavailable, httpserver.url_for("/data"), target)
    assert "localhost" in message and str(status) in message
    assert len(asked) == 4
    assert not target.exists()


def test_retries_pause_before_asking_again(
    httpserver: HTTPServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "Retry", Retry)
    handler, asked = in_turn(Response(status=503), Response(status=503), Response("a,b\n"))
    httpserver.expect_request("/data").respond_with_handler(handler)
    fetch(httpserver.url_for("/data"), target)

    assert 0.5 < asked[2] - asked[1] < 4


def test_retry_after_is_honoured(httpserver: HTTPServer, target: Path) -> None:
    handler, asked = in_turn(Response("later", status=429, headers={"Retry-After": "1"}), Response("a,b\n"))
    httpserver.expect_request("/data").respond_with_handler(handler)
    fetch(httpserver.url_for("/data"), target)
    assert 0.95 <= asked[1] - asked[0] < 3


def test_retry_after_hours_is_not_waited_for(
    httpserver: HTTPServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.RETRY_AFTER_MAX_SECONDS <= 60
    monkeypatch.setattr(client, "RETRY_AFTER_MAX_SECONDS", 0.2)
    handler, asked = in_turn(Response("later", status=503, headers={"Retry-After": "7200"}), Response("a,b\n"))
    httpserver.expect_request("/data").respond_with_handler(handler)
    fetch(httpserver.url_for("/data"), target)
    assert 0.15 <= asked[1] - asked[0] < 2


ODD = [
    "", " ", "0.129", "-1", "soon", "1,5", "0x10", "Fri, 31 Dec 99999 23:59:59 GMT", "Fri, 31 Dec 2025 GMT", "9" * 5000,
    "Fri, 04 Apr " + "9" * 30 + " 10:00:00 GMT",
]  # fmt: skip


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The client's own retries; their pauses are listed and not made."""
    monkeypatch.setattr(client, "Retry", Retry)
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    return pauses


@pytest.mark.parametrize("stated", ODD, ids=lambda text: text[:12])
@pytest.mark.parametrize("status", [429, 503, 520])
def test_a_retry_after_that_is_no_time_is_ignored_and_the_own_pause_made(
    httpserver: HTTPServer, target: Path, slept: list[float], stated: str, status: int
) -> None:
    later = Response("later", status=status, headers={"Retry-After": stated})
    handler, asked = in_turn(later, later, Response("a,b\n"))
    httpserver.expect_request("/data").respond_with_handler(handler)
    fetch(httpserver.url_for("/data"), target)
    assert len(asked) == 3
    (pause,) = slept  # the first retry is made at once
    assert 0.8 <= pause <= 1.0


@pytest.mark.parametrize(("stated", "pause"), [("7", 7), (" 7 ", 7), ("30", 30), ("31", 30), ("7200", 30)])
def test_a_retry_after_in_seconds_is_the_pause_up_to_the_limit(
    httpserver: HTTPServer, target: Path, slept: list[float], stated: str, pause: float
) -> None:
    handler, _ = in_turn(Response("later", status=503, headers={"Retry-After": stated}), Response("a,b\n"))
    httpserver.expect_request("/data").respond_with_handler(handler)
    fetch(httpserver.url_for("/data"), target)
    assert slept == [pause]


@pytest.mark.parametrize(("ahead", "pause"), [(timedelta(days=365), 30), (timedelta(days=-365), None)])
def test_a_retry_after_that_is_a_date_is_the_pause_up_to_the_limit(
    httpserver: HTTPServer, target: Path, slept: list[float], ahead: timedelta, pause: float | None
) -> None:
    """A date that is over asks for no pause, so the own one is made: none before the first retry."""
    stated = format_datetime(datetime.now(UTC) + ahead, usegmt=True)
    handler, _ = in_turn(Response("later", status=503, headers={"Retry-After": stated}), Response("a,b\n"))
    httpserver.expect_request("/data").respond_with_handler(handler)
    fetch(httpserver.url_for("/data"), target)
    assert slept == ([pause] if pause else [])


@given(st.text(max_size=40) | st.from_regex(r"[A-Z][a-z]{2}, ?-?\d+ [A-Z][a-z]{2} -?\d+ \d*:?\d*:?\d* ?[+-]?\w*"))
def test_whatever_a_retry_after_states_the_pause_is_bounded(stated: str) -> None:
    reply = HTTPResponse(headers={"Retry-After": stated}, status=429)
    pause = Retry(retry_after_max=30).get_retry_after(reply)
    assert pause is None or 0 <= pause <= 30


def test_a_connection_dropped_before_the_answer_is_retried(
    answering: Callable[[Answer], Line], line: Line, target: Path
) -> None:
    def answer(connection: socket.socket) -> None:
        if len(line.requests) > 1:
            connection.sendall(head(4) + b"a,b\n")

    fetch(answering(answer).url, target)
    assert target.read_bytes() == b"a,b\n"


def test_a_connection_dropped_for_ever_is_unavailable(answering: Callable[[Answer], Line], target: Path) -> None:
    line = answering(lambda _: None)
    assert "127.0.0.1" in told(Unavailable, line.url, target)
    assert len(line.requests) == 4


# Refusals


@pytest.mark.parametrize("status", [204, 400, 401, 403, 404, 410])
def test_another_status_is_refused_at_once(httpserver: HTTPServer, target: Path, status: int) -> None:
    httpserver.expect_request("/data").respond_with_data(b"", status=status)
    message = told(Refused, httpserver.url_for("/data"), target)
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
    message = told(Refused, httpserver.url_for("/data"), target)
    assert "localhost" in message and "127.0.0.1" in message
    assert other.requests == []
    assert not target.exists()


def test_redirect_elsewhere_after_one_at_home_is_refused(httpserver: HTTPServer, target: Path) -> None:
    httpserver.expect_request("/data").respond_with_data(status=302, headers={"Location": "/next"})
    httpserver.expect_request("/next").respond_with_data(status=307, headers={"Location": "http://127.0.0.1:9/x"})
    assert "127.0.0.1" in told(Refused, httpserver.url_for("/data"), target)


def test_redirect_from_https_to_http_is_refused(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Redirecting(requests.adapters.BaseAdapter):
        def __init__(self, **_: Any) -> None:
            super().__init__()

        def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
            asked.append(str(request.url))
            response = requests.Response()
            response.request, response.url, response.status_code = request, str(request.url), 302
            response.headers["Location"] = "http://publisher.example/data"
            response._content = b""
            return response

        def close(self) -> None:
            pass

    monkeypatch.setattr(client, "HTTPAdapter", Redirecting)
    monkeypatch.setattr(client, "require_reachable", lambda _: None)
    assert "http://publisher.example" in told(Refused, "https://publisher.example/data", target)
    assert asked == ["https://publisher.example/data"]


@pytest.mark.parametrize("goal", ["ftp://127.0.0.1/data", "http://[::1/data", "http://127.0.0.1:port/", "file:///etc"])
def test_redirect_to_nonsense_is_refused(answering: Callable[[Answer], Line], target: Path, goal: str) -> None:
    line = answering(lambda connection: connection.sendall(head(0, "302 Found", f"Location: {goal}\r\n")))
    told(Refused, line.url, target)
    assert len(line.requests) == 1


def hops(httpserver: HTTPServer, count: int) -> str:
    """An address that redirects so often before it gives the file."""
    for hop in range(count):
        httpserver.expect_request(f"/{hop}").respond_with_data(status=302, headers={"Location": f"/{hop + 1}"})
    httpserver.expect_request(f"/{count}").respond_with_data(b"a,b\n")
    return httpserver.url_for("/0")


def test_five_redirects_are_followed(httpserver: HTTPServer, target: Path) -> None:
    fetch(hops(httpserver, 5), target)
    assert target.read_bytes() == b"a,b\n"


def test_six_redirects_are_refused(httpserver: HTTPServer, target: Path) -> None:
    assert "5" in told(Refused, hops(httpserver, 6), target)
    assert not target.exists()


def test_redirects_in_a_circle_are_refused(httpserver: HTTPServer, target: Path) -> None:
    httpserver.expect_request("/data").respond_with_data(status=302, headers={"Location": "/data"})
    told(Refused, httpserver.url_for("/data"), target)
    assert len(httpserver.log) == 6


def test_a_reply_over_the_size_limit_is_refused(
    httpserver: HTTPServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "MAX_BYTES", 1000)
    httpserver.expect_request("/fits").respond_with_data(b"x" * 1000)
    httpserver.expect_request("/over").respond_with_data(b"x" * 1001)
    fetch(httpserver.url_for("/fits"), target)
    assert target.read_bytes() == b"x" * 1000
    assert "1,000 bytes" in told(Refused, httpserver.url_for("/over"), target)


def test_the_size_limit_holds_for_what_a_packed_transfer_unpacks_to(
    httpserver: HTTPServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "MAX_BYTES", 1_000_000)
    packed = gzip.compress(b"\0" * 20_000_000)
    httpserver.expect_request("/data").respond_with_data(packed, headers={"Content-Encoding": "gzip"})
    assert "1,000,000 bytes" in told(Refused, httpserver.url_for("/data"), target)
    assert target.stat().st_size <= 1_000_000


def test_an_endless_reply_is_refused_at_the_limit(
    answering: Callable[[Answer], Line], target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "MAX_BYTES", 1_000_000)

    def answer(connection: socket.socket) -> None:
        connection.sendall(head(None))
        while True:
            connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")

    told(Refused, answering(answer).url, target)


# Broken and stalled replies


def test_a_body_cut_off_is_unavailable(answering: Callable[[Answer], Line], target: Path) -> None:
    line = answering(lambda connection: connection.sendall(head(1000) + b"a,b\n1,2\n"))
    assert told(Unavailable, line.url, target) == (
        "The reply of 127.0.0.1 was cut off (8 bytes came, 992 more were announced)."
    )


def test_a_body_cut_off_between_chunks_is_unavailable(answering: Callable[[Answer], Line], target: Path) -> None:
    line = answering(lambda connection: connection.sendall(head(None) + b"4\r\na,b\n\r\n"))
    assert told(Unavailable, line.url, target) == "The reply of 127.0.0.1 was cut off."


def as_gzip(length: int | None, body: bytes) -> bytes:
    """A reply in gzip encoding: of a stated length, in one chunk (None) or until the connection ends (-1)."""
    if length == -1:
        return b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Encoding: gzip\r\n\r\n" + body
    sent = body if length is not None else b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    return head(length, more="Content-Encoding: gzip\r\n") + sent


ROWS = b"".join(b"%d,%d\n" % (n, n * n) for n in range(2000))


@pytest.mark.parametrize("ending", ["length", "chunk", "connection"])
@pytest.mark.parametrize("missing", [1, 8, 9, 500], ids=lambda count: f"{count} bytes missing")
def test_a_gzip_encoding_without_its_end_is_cut_off(
    answering: Callable[[Answer], Line], target: Path, missing: int, ending: str
) -> None:
    """As sent by a server that packs while it sends: what announces the length of the reply is right."""
    packed = gzip.compress(ROWS)[:-missing]
    length = {"length": len(packed), "chunk": None, "connection": -1}[ending]
    line = answering(lambda connection: connection.sendall(as_gzip(length, packed)))
    assert "127.0.0.1 was cut off" in told(Unavailable, line.url, target)


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("step", [1, 1000])
def test_a_gzip_encoding_that_is_whole_is_unpacked_however_it_arrives(
    answering: Callable[[Answer], Line], target: Path, parts: int, step: int
) -> None:
    packed = gzip.compress(ROWS) * parts

    def answer(connection: socket.socket) -> None:
        sent = as_gzip(len(packed), packed)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(sent), step):
            connection.sendall(sent[at : at + step])

    fetch(answering(answer).url, target)
    assert target.read_bytes() == ROWS * parts


@pytest.mark.parametrize("damage", ["check sum", "middle"])
def test_a_damaged_gzip_encoding_is_unavailable(answering: Callable[[Answer], Line], target: Path, damage: str) -> None:
    packed = bytearray(gzip.compress(ROWS))
    packed[-5 if damage == "check sum" else len(packed) // 2] ^= 0xFF
    line = answering(lambda connection: connection.sendall(as_gzip(len(packed), bytes(packed))))
    assert "127.0.0.1 is damaged gzip" in told(Unavailable, line.url, target)


def test_only_the_encoding_is_asked_for_whose_end_is_checked(httpserver: HTTPServer, target: Path) -> None:
    httpserver.expect_request("/data").respond_with_data(b"a,b\n")
    fetch(httpserver.url_for("/data"), target)
    assert httpserver.log[0][0].headers["Accept-Encoding"] == "gzip"


def test_a_gzip_encoding_that_trickles_is_given_up_when_the_whole_time_is_up(
    answering: Callable[[Answer], Line], line: Line, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "WHOLE_SECONDS", 0.3)
    packed = gzip.compress(os.urandom(50_000))

    def answer(connection: socket.socket) -> None:
        connection.sendall(as_gzip(len(packed), b""))
        for byte in packed[:500]:
            if line.over.wait(0.01):
                return
            connection.sendall(bytes([byte]))

    assert "0.3 s" in told(Unavailable, answering(answer).url, target)


def test_a_stalled_body_is_unavailable(
    answering: Callable[[Answer], Line], line: Line, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "READ_SECONDS", 0.3)

    def answer(connection: socket.socket) -> None:
        connection.sendall(head(1000) + b"a,b\n")
        line.over.wait(10)

    started = time.monotonic()
    assert "127.0.0.1" in told(Unavailable, answering(answer).url, target)
    assert time.monotonic() - started < 3


def test_an_answer_that_never_starts_is_unavailable(
    answering: Callable[[Answer], Line], line: Line, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "READ_SECONDS", 0.1)

    def answer(_: socket.socket) -> None:
        line.over.wait(10)

    answering(answer)
    started = time.monotonic()
    assert "127.0.0.1" in told(Unavailable, line.url, target)
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_body_that_trickles_is_given_up_when_the_whole_time_is_up(
    answering: Callable[[Answer], Line], line: Line, target: Path, monkeypatch: pytest.MonkeyPatch, chunked: bool
) -> None:
    """Every byte comes well within READ_SECONDS, so only WHOLE_SECONDS can end it."""
    monkeypatch.setattr(client, "WHOLE_SECONDS", 0.3)

    def answer(connection: socket.socket) -> None:
        connection.sendall(head(None if chunked else 10_000))
        until = time.monotonic() + 2
        while time.monotonic() < until and not line.over.wait(0.02):
            connection.sendall(b"1\r\nx\r\n" if chunked else b"x")

    started = time.monotonic()
    assert "0.3 s" in told(Unavailable, answering(answer).url, target)
    assert time.monotonic() - started < 1.5


def test_every_wait_has_an_end() -> None:
    assert client.REACH_SECONDS <= 2
    assert client.CONNECT_SECONDS <= 10 and client.READ_SECONDS <= 60 and client.WHOLE_SECONDS <= 900


# No connection


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def test_a_closed_port_is_unreachable(target: Path) -> None:
    message = told(Unreachable, f"http://127.0.0.1:{closed_port()}/data", target)
    assert "127.0.0.1" in message and "refused" in message
    assert not target.exists()


def test_a_name_nobody_knows_is_unreachable(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*arguments: Any, **options: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    message = told(Unreachable, "https://publisher.example/data", target)
    assert "publisher.example" in message and "looked up" in message


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example"])
@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_name_that_can_be_no_name_is_told_at_once(target: Path, host: str) -> None:
    started = time.monotonic()
    with pytest.raises((Unreachable, Refused)) as caught:
        fetch(f"http://{host}/data", target)
    assert host in str(caught.value) and "did not answer" not in str(caught.value)
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999/data", "http://127.0.0.1:port/data", "http://[::1/data"])
def test_an_address_that_can_be_no_address_is_a_source_error(target: Path, url: str) -> None:
    with pytest.raises(SourceError):
        fetch(url, target)


def test_a_name_look_up_that_hangs_is_given_up_in_time(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert require_reachable.__defaults__ == (client.REACH_SECONDS,)
    monkeypatch.setattr(require_reachable, "__defaults__", (0.3,))

    over = threading.Event()

    def hangs(*arguments: Any, **options: Any) -> Any:
        over.wait(20)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    started = time.monotonic()
    try:
        message = told(Unreachable, "https://publisher.example/data", target)
        assert time.monotonic() - started < 2
    finally:
        over.set()
    assert "publisher.example" in message and "0.3 s" in message


def test_a_host_that_answers_nothing_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def drops(*arguments: Any, **options: Any) -> Any:
        over.wait(20)
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", drops)
    started = time.monotonic()
    try:
        with pytest.raises(Unreachable, match=r"publisher\.example"):
            require_reachable("https://publisher.example/data", 0.1)
        assert time.monotonic() - started < 2
    finally:
        over.set()


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://publisher.example/data", ("publisher.example", 443)),
        ("http://publisher.example/data", ("publisher.example", 80)),
        ("http://publisher.example:8080/data", ("publisher.example", 8080)),
        ("http://[::1]:8080/data", ("::1", 8080)),
    ],
)
def test_the_port_of_the_address_is_knocked_on(
    monkeypatch: pytest.MonkeyPatch, url: str, address: tuple[str, int]
) -> None:
    knocked: list[Any] = []

    def refuses(at: Any, *arguments: Any, **options: Any) -> Any:
        knocked.append(at)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "create_connection", refuses)
    with pytest.raises(Unreachable):
        require_reachable(url)
    assert knocked == [address]


# Proxies


@pytest.mark.parametrize("scheme", ["http://", ""], ids=["address", "host and port"])
def test_a_proxy_in_force_is_asked_in_place_of_the_host(
    answering: Callable[[Answer], Line], target: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    """Behind a proxy the publisher's name can often not be looked up at all. Both spellings are usual."""
    line = answering(lambda connection: connection.sendall(head(4) + b"a,b\n"))
    monkeypatch.setenv("http_proxy", f"{scheme}127.0.0.1:{line.port}")
    fetch("http://publisher.invalid/data", target)
    assert target.read_bytes() == b"a,b\n"
    assert line.requests[0].startswith(b"GET http://publisher.invalid/data ")


def test_a_proxy_is_left_alone_where_it_is_not_in_force(
    httpserver: HTTPServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("no_proxy", "localhost")
    httpserver.expect_request("/data").respond_with_data(b"a,b\n")
    fetch(httpserver.url_for("/data"), target)
    assert target.read_bytes() == b"a,b\n"


def test_a_dead_proxy_is_unreachable_and_named(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    assert "127.0.0.1" in told(Unreachable, "http://publisher.invalid/data", target)


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


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(stated=JSON, listed=st.booleans())
def test_whatever_the_metadata_states_is_an_iso_day_or_none(httpserver: HTTPServer, stated: Any, listed: bool) -> None:
    entry = {"Last Update Date": stated}
    httpserver.clear()
    httpserver.expect_request("/metadata").respond_with_json([entry] if listed else entry)
    found = last_update(httpserver.url_for("/metadata"))
    assert found is None or date.fromisoformat(found)


@pytest.mark.parametrize("body", [b"", b"<html>", b'[{"Last Update Date": "2025', b"\xff\xfe", b"\0" * 10])
def test_broken_metadata_is_none(httpserver: HTTPServer, body: bytes) -> None:
    httpserver.expect_request("/metadata").respond_with_data(body)
    assert last_update(httpserver.url_for("/metadata")) is None


def test_metadata_nested_without_end_is_none(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/metadata").respond_with_data(b"[" * 100_000)
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


def test_metadata_cut_off_is_none(answering: Callable[[Answer], Line]) -> None:
    body = b'[{"Last Update Date": "2025-04-04"}]'
    line = answering(lambda connection: connection.sendall(head(1000) + body))
    assert last_update(line.url) is None


def test_metadata_that_stalls_is_none(
    answering: Callable[[Answer], Line], line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "READ_SECONDS", 0.2)

    def answer(connection: socket.socket) -> None:
        connection.sendall(head(1000) + b"[{")
        line.over.wait(10)

    assert last_update(answering(answer).url) is None


def test_metadata_packed_wrongly_is_none(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/metadata").respond_with_data(b"[]", headers={"Content-Encoding": "gzip"})
    assert last_update(httpserver.url_for("/metadata")) is None
