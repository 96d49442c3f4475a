"""Publish a checked build by renaming it to the published path; the previous file is kept."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from schemas.files import flush, link_target
from warehouse.load import BuildError
from warehouse.wal import set_aside, wal_of

# Errors of a rename or a hard link to another file system, or of one that has no hard links.
ELSEWHERE = {errno.EXDEV, errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK}


def previous_of(published: Path) -> Path:
    """Path of the previously published file."""
    return published.with_name(f"{published.stem}.previous{published.suffix}")


def publish(built: Path, published: Path) -> None:
    """Rename `built` to `published`; readers that have the old file open keep it.

    Where `published` is a symbolic link, its target is replaced, also on another file system, and the link stays.
    A write-ahead log beside the published or previous file (left by a killed writer) would make the new file impossible
    to open, so it is first renamed to `….wal.stale`. Raises BuildError when the build itself has a write-ahead log, or
    when a link leads into a folder that does not exist.
    """
    if wal_of(built).exists():
        raise BuildError(f"{built.name} was not closed cleanly (a .wal is left beside it); it is not published.")
    published.parent.mkdir(parents=True, exist_ok=True)
    target, previous = _target(published), _target(previous_of(published))
    flush(built)
    for file in {published, target, previous_of(published), previous}:
        if wal_of(file).exists():
            set_aside(wal_of(file))
    if target.exists():
        with _spare(previous) as spare:
            try:
                os.link(target, spare)
            except OSError as error:
                if error.errno not in ELSEWHERE:
                    raise
                _copy(target, spare)
            spare.replace(previous)
    _move(built, target)
    with contextlib.suppress(OSError):  # already published; some file systems can't flush a folder
        flush(target.parent)


def _target(file: Path) -> Path:
    """The file itself, or the target of the symbolic link that it is; its folder exists."""
    target = link_target(file)
    if not target.parent.is_dir():
        raise BuildError(
            f"{file} is a link to {target}, whose folder does not exist. Make that folder, or remove the link."
        )
    return target


@contextlib.contextmanager
def _spare(file: Path) -> Iterator[Path]:
    """A scratch path beside a file, free, and removed at the end; what a killed run left there is removed first."""
    spare = file.with_name(f".{file.name}.link")
    spare.unlink(missing_ok=True)
    try:
        yield spare
    finally:
        spare.unlink(missing_ok=True)


def _move(source: Path, target: Path) -> None:
    """Rename a file; copy it first where the target is on another file system."""
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with _spare(target) as spare:
            _copy(source, spare)
            spare.replace(target)
        source.unlink()


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    flush(target)
