"""The HTTP client: broken and stalled replies, no connection, and proxies."""

from __future__ import annotations

import gzip
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from http_shared import Answer, Line, closed_port, error_of, fetch, head
from pytest_httpserver import HTTPServer

from sources import client
from sources.client import require_reachable
from sources.errors import Refused, SourceError, Unavailable, Unreachable

# Broken and stalled replies


def test_a_body_cut_off_is_unavailable(answering: Callable[[Answer], Line], target: Path) -> None:
    line = answering(lambda connection: connection.sendall(head(1000) + b"a,b\n1,2\n"))
    assert error_of(Unavailable, line.url, target) == (
        "The reply of 127.0.0.1 was cut off (8 bytes came, 992 are missing)."
    )


def test_a_body_cut_off_between_chunks_is_unavailable(answering: Callable[[Answer], Line], target: Path) -> None:
    line = answering(lambda connection: connection.sendall(head(None) + b"4\r\na,b\n\r\n"))
    assert error_of(Unavailable, line.url, target) == "The reply of 127.0.0.1 was cut off."


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
    """As sent by a server that packs while it sends: the stated length is right."""
    packed = gzip.compress(ROWS)[:-missing]
    length = {"length": len(packed), "chunk": None, "connection": -1}[ending]
    line = answering(lambda connection: connection.sendall(as_gzip(length, packed)))
    assert "127.0.0.1 was cut off" in error_of(Unavailable, line.url, target)


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("step", [1, 1000])
def test_a_gzip_encoding_that_is_complete_is_unpacked_however_it_arrives(
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
    assert "127.0.0.1 is damaged gzip" in error_of(Unavailable, line.url, target)


def test_only_gzip_is_requested(httpserver: HTTPServer, target: Path) -> None:
    httpserver.expect_request("/data").respond_with_data(b"a,b\n")
    fetch(httpserver.url_for("/data"), target)
    assert httpserver.log[0][0].headers["Accept-Encoding"] == "gzip"


def test_a_slow_gzip_encoding_is_given_up_after_the_total_time(
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

    assert "0.3 s" in error_of(Unavailable, answering(answer).url, target)


@pytest.mark.parametrize("start", [head(1000) + b"a,b\n", b""], ids=["in the body", "before the status"])
def test_a_reply_that_stalls_is_unavailable(
    answering: Callable[[Answer], Line], line: Line, target: Path, monkeypatch: pytest.MonkeyPatch, start: bytes
) -> None:
    monkeypatch.setattr(client, "READ_SECONDS", 0.1)

    def answer(connection: socket.socket) -> None:
        connection.sendall(start)
        line.over.wait(200)

    assert "127.0.0.1" in error_of(Unavailable, answering(answer).url, target)


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_slow_body_is_given_up_after_the_total_time(
    answering: Callable[[Answer], Line], line: Line, target: Path, monkeypatch: pytest.MonkeyPatch, chunked: bool
) -> None:
    """Each byte arrives within READ_SECONDS, so the download ends only by WHOLE_SECONDS."""
    monkeypatch.setattr(client, "WHOLE_SECONDS", 0.3)

    def answer(connection: socket.socket) -> None:
        connection.sendall(head(None if chunked else 10_000))
        while not line.over.wait(0.02):
            connection.sendall(b"1\r\nx\r\n" if chunked else b"x")

    assert "0.3 s" in error_of(Unavailable, answering(answer).url, target)


def test_every_wait_has_an_end() -> None:
    assert client.REACH_SECONDS <= 2
    assert client.CONNECT_SECONDS <= 10 and client.READ_SECONDS <= 60 and client.WHOLE_SECONDS <= 900


# No connection


def test_a_closed_port_is_unreachable(target: Path) -> None:
    message = error_of(Unreachable, f"http://127.0.0.1:{closed_port()}/data", target)
    assert "127.0.0.1" in message and "refused" in message
    assert not target.exists()


def test_an_unknown_name_is_unreachable(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*arguments: Any, **options: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    message = error_of(Unreachable, "https://publisher.example/data", target)
    assert "publisher.example" in message and "looked up" in message


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example"])
@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_invalid_name_is_an_error_that_names_it(target: Path, host: str) -> None:
    with pytest.raises((Unreachable, Refused)) as caught:
        fetch(f"http://{host}/data", target)
    assert host in str(caught.value) and "did not answer" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999/data", "http://127.0.0.1:port/data", "http://[::1/data"])
def test_an_invalid_address_is_a_source_error(target: Path, url: str) -> None:
    with pytest.raises(SourceError):
        fetch(url, target)


@pytest.mark.parametrize("hanging", ["getaddrinfo", "create_connection"])
def test_a_look_up_or_connection_that_hangs_is_given_up(
    target: Path, monkeypatch: pytest.MonkeyPatch, hanging: str
) -> None:
    assert require_reachable.__defaults__ == (client.REACH_SECONDS,)
    monkeypatch.setattr(require_reachable, "__defaults__", (0.1,))
    over = threading.Event()

    def hangs(*arguments: Any, **options: Any) -> Any:
        over.wait(200)
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, hanging, hangs)
    try:
        message = error_of(Unreachable, "https://publisher.example/data", target)
    finally:
        over.set()
    assert message == "publisher.example did not answer within 0.1 s."


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://publisher.example/data", ("publisher.example", 443)),
        ("http://publisher.example/data", ("publisher.example", 80)),
        ("http://publisher.example:8080/data", ("publisher.example", 8080)),
        ("http://[::1]:8080/data", ("::1", 8080)),
    ],
)
def test_host_and_port_of_the_address_are_connected_to(
    monkeypatch: pytest.MonkeyPatch, url: str, address: tuple[str, int]
) -> None:
    connections: list[Any] = []

    def refuses(at: Any, *arguments: Any, **options: Any) -> Any:
        connections.append(at)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "create_connection", refuses)
    with pytest.raises(Unreachable):
        require_reachable(url)
    assert connections == [address]


# Proxies


@pytest.mark.parametrize("scheme", ["http://", ""], ids=["address", "host and port"])
def test_a_configured_proxy_is_used(
    answering: Callable[[Answer], Line], target: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    """The publisher's name is looked up by the proxy, not by the client."""
    line = answering(lambda connection: connection.sendall(head(4) + b"a,b\n"))
    monkeypatch.setenv("http_proxy", f"{scheme}127.0.0.1:{line.port}")
    fetch("http://publisher.invalid/data", target)
    assert target.read_bytes() == b"a,b\n"
    assert line.requests[0].startswith(b"GET http://publisher.invalid/data ")


def test_a_proxy_is_not_used_for_an_excepted_host(
    httpserver: HTTPServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("no_proxy", "localhost")
    httpserver.expect_request("/data").respond_with_data(b"a,b\n")
    fetch(httpserver.url_for("/data"), target)
    assert target.read_bytes() == b"a,b\n"


def test_an_unreachable_proxy_is_named(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    assert "127.0.0.1" in error_of(Unreachable, "http://publisher.invalid/data", target)
