"""Publishing: a checked build takes the published file's place by renaming; the file before it is kept."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from warehouse.load import BuildError


def wal_of(file: Path) -> Path:
    """Where DuckDB keeps the write-ahead log of a file."""
    return file.with_name(file.name + ".wal")


def previous_of(published: Path) -> Path:
    """Where the file published before is kept."""
    return published.with_name(f"{published.stem}.previous{published.suffix}")


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def publish(built: Path, published: Path) -> None:
    """Put `built` in the place of `published`; readers that have the old file open keep it.

    A write-ahead log beside the published file or the one before (somebody opened it for writing and was killed) would
    make the file that takes its place impossible to open: it is set aside first, as `….wal.stale`.

    Raises BuildError when the build was not closed cleanly (it has a log of its own).
    """
    if wal_of(built).exists():
        raise BuildError(f"{built.name} was not closed cleanly (a .wal is left beside it); it is not published.")
    published.parent.mkdir(parents=True, exist_ok=True)
    _flush(built)
    for stale in (wal_of(published), wal_of(previous_of(published))):
        if stale.exists():
            stale.replace(stale.with_name(stale.name + ".stale"))
    if published.exists():
        spare = published.with_name(f".{published.name}.link")
        spare.unlink(missing_ok=True)
        try:
            os.link(published, spare)
        except (NotImplementedError, PermissionError):  # a file system without hard links
            shutil.copyfile(published, spare)
        spare.replace(previous_of(published))
    built.replace(published)
    with contextlib.suppress(OSError):  # swapped in already; some file systems can't flush a folder
        _flush(published.parent)
