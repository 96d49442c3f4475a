"""Whether a port of this machine is free, and which process has it."""

from __future__ import annotations

import contextlib
import errno
import socket
from pathlib import Path

from schemas.errors import ProjectError

PROC = Path("/proc")
LISTENING = "0A"  # in the column `st` of /proc/net/tcp


class PortTaken(ProjectError):
    """Another process listens on the port, or this user may not."""


def free_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def require_free(port: int) -> None:
    """Raise PortTaken where a server on loopback could not listen on the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                reason = f"is taken by {_owner(port)}, and no Prefect 3 server answers there. End that process"
            else:
                reason = f"can't be used ({error.strerror}). Give this user the right"
            raise PortTaken(
                f"The port {port} of 127.0.0.1 {reason}, or name another port with PREFECT_SERVER_API_PORT."
            ) from error


def _owner(port: int) -> str:
    """The process that listens on a port; Linux shows those of the same user."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port)}
    for process in PROC.glob("[0-9]*") if sockets else ():
        with contextlib.suppress(OSError):
            if any(str(link.readlink()) in sockets for link in (process / "fd").iterdir()):
                words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
                return f"process {process.name} ({' '.join(words[:3]).strip()[:80]})"
    return "another process"


def _inodes(port: int) -> set[str]:
    """The inodes of the sockets that listen on a port."""
    found = set()
    for table in (PROC / "net" / "tcp", PROC / "net" / "tcp6"):
        with contextlib.suppress(OSError):
            for line in table.read_text(encoding="ascii").splitlines()[1:]:
                cells = line.split()
                if cells[3] == LISTENING and int(cells[1].rpartition(":")[2], 16) == port:
                    found.add(cells[9])
    return found
