"""Keeping a server up: started again when it ends, unless that does not help or it was stopped."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest
from processes import alive

from flows import serve
from flows.server import OwnServer


@pytest.fixture
def exits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The exit codes with which `serve` would have ended the process."""
    codes: list[int] = []
    monkeypatch.setattr(serve, "exit_now", codes.append)
    return codes


def process(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)


def test_a_server_that_ends_at_once_is_given_up(monkeypatch: pytest.MonkeyPatch, exits: list[int]) -> None:
    server, begun = OwnServer(), []
    monkeypatch.setattr(server, "start", lambda: begun.append(True))
    server.process = process("")
    serve.keep_up(server)
    assert begun == [] and exits == [1]


def test_a_server_that_does_not_come_up_again_is_given_up(monkeypatch: pytest.MonkeyPatch, exits: list[int]) -> None:
    monkeypatch.setattr("flows.serve.SHORT_LIFE_SECONDS", 0.0)
    server, begun = OwnServer(), []

    def start() -> None:
        begun.append(True)
        server.process = process("raise SystemExit(1)")

    monkeypatch.setattr(server, "start", start)
    server.process = process("")
    serve.keep_up(server)
    assert begun == [True] and exits == [1]


def test_a_server_that_was_stopped_is_left_alone(monkeypatch: pytest.MonkeyPatch, exits: list[int]) -> None:
    server, begun = OwnServer(), []
    monkeypatch.setattr(server, "start", lambda: begun.append(True))
    server.process = process("import sys; sys.stdin.read()")
    watching = threading.Thread(target=serve.keep_up, args=(server,))
    watching.start()
    time.sleep(0.2)
    server.stop()
    watching.join(10)
    assert not watching.is_alive() and begun == [] and exits == []


def test_a_server_ends_with_the_process_that_started_it() -> None:
    code = "from flows.server import OwnServer as S; s = S(); s.start(); print(s.process.pid, flush=True); input()"
    parent = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    server = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    while alive(server):
        time.sleep(0.1)
