"""Writing files: atomic replacement, and CSV. In this package because every other package may import it."""

from __future__ import annotations

import contextlib
import csv
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

SCRATCH = ".new-"


def flush(path: Path) -> None:
    """Write a file's or folder's content to the disk (fsync)."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def link_target(file: Path) -> Path:
    """Where a symbolic link leads, whether or not something is there; the file itself where it is no link."""
    return Path(os.path.realpath(file))  # unlike Path.resolve, it raises nothing for a link that leads to itself


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A scratch file beside the target, renamed to it at the end; nothing changes on an error.

    Where the target is a symbolic link, the file that it leads to is replaced, and the link stays. Readers see the old
    file or the new one. A killed process leaves a scratch file whose name starts with SCRATCH.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    target = link_target(target)
    handle, name = tempfile.mkstemp(prefix=SCRATCH, dir=target.parent)
    os.close(handle)
    scratch = Path(name)
    try:
        yield scratch
        flush(scratch)
        scratch.chmod(0o644)
        scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)


def csv_writer(file: IO[str]) -> Callable[[Iterable[Any]], Any]:
    """A function that writes one row of CSV; None is an empty cell."""
    plain = csv.writer(file, lineterminator="\n")
    # Python 3.11's writer leaves a lone carriage return unquoted, and readers would end the row there.
    quoted = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def write(row: Iterable[Any]) -> Any:
        cells = ["" if cell is None else cell for cell in row]
        careful = any(isinstance(cell, str) and "\r" in cell for cell in cells)
        return (quoted if careful else plain).writerow(cells)

    return write
