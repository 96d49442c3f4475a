"""Whether a port is free, and who has it."""

from __future__ import annotations

import os
import socket

import pytest

from flows import ports


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104
def test_the_process_that_has_a_port_is_named(host: str) -> None:
    with socket.socket() as taken:
        taken.bind((host, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ports.PortTaken, match=rf"port {port} .* is taken by process {os.getpid()} \("):
            ports.require_free(port)
    ports.require_free(port)


def test_a_port_on_which_nobody_listens_any_more_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()  # the server's side closes first: the port waits for late packets
    ports.require_free(port)
