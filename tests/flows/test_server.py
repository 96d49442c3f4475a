"""Keeping a server up: started again when it ends, unless that does not help or it was stopped."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest
from processes import alive

from flows.server import OwnServer


def process(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)


def test_a_server_that_ends_at_once_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    server, begun = OwnServer(), []
    monkeypatch.setattr(server, "start", lambda: begun.append(True))
    server.process = process("")
    assert server.keep_up() is False and begun == []


def test_a_server_that_does_not_come_up_again_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.server.SHORT_LIFE_SECONDS", 0.0)
    server, begun = OwnServer(), []

    def start() -> None:
        begun.append(True)
        server.process = process("raise SystemExit(1)")

    monkeypatch.setattr(server, "start", start)
    server.process = process("")
    assert server.keep_up() is False and begun == [True]


def test_a_server_that_was_stopped_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    server, begun, results = OwnServer(), [], []
    monkeypatch.setattr(server, "start", lambda: begun.append(True))
    server.process = process("import sys; sys.stdin.read()")
    watching = threading.Thread(target=lambda: results.append(server.keep_up()))
    watching.start()
    time.sleep(0.2)
    server.stop()
    watching.join(10)
    assert results == [True] and begun == []


def test_a_server_ends_with_the_process_that_started_it() -> None:
    code = "from flows.server import OwnServer as S; s = S(); s.start(); print(s.process.pid, flush=True); input()"
    parent = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    server = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    while alive(server):
        time.sleep(0.1)
