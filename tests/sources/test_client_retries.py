"""The HTTP client: which faults are retried, and with which pauses."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from http_shared import Answer, Line, error_of, fetch, head, in_turn
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from urllib3 import HTTPResponse
from werkzeug import Response

from sources import client
from sources.client import Retry
from sources.errors import Unavailable

# Temporary faults


@pytest.mark.parametrize("status", [408, 425, 429, 500, 501, 502, 503, 504, 507, 520, 599])
def test_a_temporary_fault_is_retried(httpserver: HTTPServer, target: Path, status: int) -> None:
    handler, times = in_turn(Response("later", status=status), Response("a,b\n"))
    httpserver.expect_request("/data").respond_with_handler(handler)
    fetch(httpserver.url_for("/data"), target)
    assert target.read_bytes() == b"a,b\n"
    assert len(times) == 2


@pytest.mark.parametrize("status", [408, 425, 429, 500, 507, 520])
def test_a_lasting_fault_is_unavailable_after_three_retries(httpserver: HTTPServer, target: Path, status: int) -> None:
    handler, times = in_turn(Response("broken", status=status))
    httpserver.expect_request("/data").respond_with_handler(handler)
    message = error_of(Unavailable, httpserver.url_for("/data"), target)
    assert "localhost" in message and str(status) in message
    assert len(times) == 4
    assert not target.exists()


ODD = [
    "", " ", "0.129", "-1", "soon", "1,5", "0x10", "Fri, 31 Dec 99999 23:59:59 GMT", "Fri, 31 Dec 2025 GMT", "9" * 5000,
    "Fri, 04 Apr " + "9" * 30 + " 10:00:00 GMT",
]  # fmt: skip


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The client's own retries; their pauses are recorded and not made."""
    monkeypatch.setattr(client, "Retry", Retry)
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    return pauses


@pytest.mark.parametrize("stated", ODD, ids=lambda text: text[:12])
@pytest.mark.parametrize("status", [429, 503, 520])
def test_an_invalid_retry_after_is_ignored(
    httpserver: HTTPServer, target: Path, slept: list[float], stated: str, status: int
) -> None:
    later = Response("later", status=status, headers={"Retry-After": stated})
    handler, times = in_turn(later, later, Response("a,b\n"))
    httpserver.expect_request("/data").respond_with_handler(handler)
    fetch(httpserver.url_for("/data"), target)
    assert len(times) == 3
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
    """A date in the past is no pause."""
    stated = format_datetime(datetime.now(UTC) + ahead, usegmt=True)
    handler, _ = in_turn(Response("later", status=503, headers={"Retry-After": stated}), Response("a,b\n"))
    httpserver.expect_request("/data").respond_with_handler(handler)
    fetch(httpserver.url_for("/data"), target)
    assert slept == ([pause] if pause else [])


@given(st.text(max_size=40) | st.from_regex(r"[A-Z][a-z]{2}, ?-?\d+ [A-Z][a-z]{2} -?\d+ \d*:?\d*:?\d* ?[+-]?\w*"))
def test_the_pause_is_bounded_for_any_retry_after(stated: str) -> None:
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


def test_a_connection_that_is_always_dropped_is_unavailable(answering: Callable[[Answer], Line], target: Path) -> None:
    line = answering(lambda _: None)
    assert "127.0.0.1" in error_of(Unavailable, line.url, target)
    assert len(line.requests) == 4
