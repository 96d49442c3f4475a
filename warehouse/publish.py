"""Publish a checked build by renaming it to the published path; the previous file is kept."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from schemas.files import flush
from warehouse.load import BuildError


def wal_of(file: Path) -> Path:
    """Path of a file's write-ahead log."""
    return file.with_name(file.name + ".wal")


def previous_of(published: Path) -> Path:
    """Path of the previously published file."""
    return published.with_name(f"{published.stem}.previous{published.suffix}")


def publish(built: Path, published: Path) -> None:
    """Rename `built` to `published`; readers that have the old file open keep it.

    A write-ahead log beside the published or previous file (left by a killed writer) would make the new file impossible
    to open, so it is first renamed to `….wal.stale`. Raises BuildError when the build itself has a write-ahead log.
    """
    if wal_of(built).exists():
        raise BuildError(f"{built.name} was not closed cleanly (a .wal is left beside it); it is not published.")
    published.parent.mkdir(parents=True, exist_ok=True)
    flush(built)
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
    with contextlib.suppress(OSError):  # already published; some file systems can't flush a folder
        flush(published.parent)
