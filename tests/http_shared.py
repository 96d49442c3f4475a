"""A server that sends exactly the bytes of a test, and shorthands for fetching from it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from werkzeug import Request, Response

from sources import download
from sources.client import Client, Retry
from sources.download import Download
from sources.errors import SourceError

Answer = Callable[[socket.socket], None]
TYPES = ("text/csv", "text/plain", "application/json", "application/gzip")


class AtOnce(Retry):
    """The client's retries without its own pauses; those that a server requests stay."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **(options | {"backoff_factor": 0, "backoff_jitter": 0}))


class Line:
    """A server that gives every connection to `answer`; `over` is set at the end of the test."""

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
            request = b""
            while b"\r\n\r\n" not in request:
                more = connection.recv(4096)
                if not more:
                    return  # the client only checked that the host can be reached
                request += more
            self.requests.append(request)
            answer(connection)

    def close(self) -> None:
        self.over.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(5)


def head(length: int | None, status: str = "200 OK", more: str = "") -> bytes:
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"HTTP/1.1 {status}\r\nContent-Type: text/csv\r\n{more}{size}\r\n\r\n".encode()


def fetch(url: str, target: Path) -> Download:
    """Download a file in one reply."""
    with Client(url) as session:
        fetched = download.fetch(session, download.Request(url, TYPES), target)
    assert fetched is not None
    return fetched


def last_update(url: str) -> str | None:
    with Client(url) as session:
        return session.last_update(url)


def error_of(kind: type[SourceError], url: str, target: Path) -> str:
    with pytest.raises(kind) as caught:
        fetch(url, target)
    assert type(caught.value) is kind
    return str(caught.value)


def in_turn(*responses: Response) -> tuple[Callable[[Request], Response], list[float]]:
    """A handler that gives the responses one after the other (then the last one again), and the times of its calls."""
    times: list[float] = []

    def handler(request: Request) -> Response:
        times.append(time.monotonic())
        return responses[min(len(times), len(responses)) - 1]

    return handler, times


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
