"""The Prefect server of a command: behind a proxy, with a database that it can't use, and on a disk that fills up."""

from __future__ import annotations

import resource
import shutil
import socketserver
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from end_to_end.conftest import Shell


@pytest.fixture
def alone(tmp_path: Path, prefect_home: Path) -> Shell:
    """A shell whose commands start their own server."""
    shutil.copytree(prefect_home, tmp_path / "prefect")
    return Shell(tmp_path)


class Proxy(socketserver.ThreadingTCPServer):
    """An HTTP proxy on loopback that keeps the first line of each request and answers each with 404."""

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        self.requested: list[str] = []
        super().__init__(("127.0.0.1", 0), Refusal)
        self.url = f"http://me:secret@127.0.0.1:{self.server_address[1]}"


class Refusal(socketserver.StreamRequestHandler):
    server: Proxy

    def handle(self) -> None:
        line = self.rfile.readline().decode()
        if line:  # the client tries the connection first
            self.server.requested.append(line)
            self.wfile.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


@pytest.mark.slow
def test_publishers_are_requested_through_the_proxy_and_the_own_server_directly(alone: Shell, proxy: Proxy) -> None:
    publisher = "http://publisher.invalid"
    for name in ("PSDATA", "CEB", "CONTRIBUTIONS"):
        alone.extra[f"PEACEKEEPING_{name}_URL"] = publisher
    alone.extra |= {"HTTP_PROXY": proxy.url, "https_proxy": proxy.url}
    alone("refresh", code=1)  # the replies are refused, and what is bundled is published
    assert alone.warehouse.exists()
    assert proxy.requested and {line.split("/")[2] for line in proxy.requested} == {"publisher.invalid"}
    findings = alone("doctor").stdout
    assert "http://***@127.0.0.1" in findings and "for publisher.invalid; none for loopback" in findings


def test_a_database_that_is_damaged_is_named_at_once(tmp_path: Path) -> None:
    shell, file = Shell(tmp_path), tmp_path / "prefect" / "prefect.db"
    file.parent.mkdir()
    file.write_bytes(b"no database" * 1000)
    for command in ("refresh", "serve", "doctor"):
        done = shell(command, code=1)
        assert f"Prefect's database {file} is damaged (file is not a database)" in done.stdout + done.stderr
    assert not shell.warehouse.exists()


@pytest.mark.slow
def test_a_build_is_published_and_reported_when_the_server_can_not_record_it(alone: Shell) -> None:
    refresh = alone.start("refresh", "--offline")
    while not list(alone.data.glob("work/*")):
        time.sleep(0.05)
    (server,) = [child for child in psutil.Process(refresh.pid).children() if "flows.server" in child.cmdline()]
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (1, 1))  # as on a full disk, its files can't grow
    printed, warned = refresh.communicate(timeout=240)
    assert refresh.returncode == 0, warned
    assert "Published build" in printed and alone.warehouse.exists()
    assert "no full record of" in warned and "Traceback" not in warned
