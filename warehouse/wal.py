"""Write-ahead logs beside a warehouse file. A build is closed before it is published, so none belongs to one."""

from __future__ import annotations

import contextlib
from itertools import count
from pathlib import Path


def wal_of(file: Path) -> Path:
    """Path of a file's write-ahead log."""
    return file.with_name(file.name + ".wal")


def set_aside(wal: Path) -> Path:
    """Rename a log to `….wal.stale`, or `….wal.stale-2` and so on where that is taken; returns the new path.

    A program that has the log open goes on writing to it. Does nothing where another process renamed it meanwhile.
    """
    names = (f"{wal.name}.stale" if number == 1 else f"{wal.name}.stale-{number}" for number in count(1))
    kept = next(path for path in map(wal.with_name, names) if not path.exists())
    with contextlib.suppress(FileNotFoundError):
        wal.rename(kept)
    return kept
