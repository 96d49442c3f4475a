"""Fixtures of the tests over HTTP."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from http_shared import Answer, AtOnce, Line
from replica import Replica

from sources import client


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "Retry", AtOnce)
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "reply"


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


@pytest.fixture(scope="module")
def served() -> Iterator[Replica]:
    with Replica({}) as replica:
        yield replica


@pytest.fixture
def replica(served: Replica) -> Replica:
    served.behave()
    served.requests.clear()
    return served
