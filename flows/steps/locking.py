"""One writer at a time: operating system locks, which the system releases when their process dies."""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from flows.steps.settings import Paths
from schemas.errors import ProjectError

log = logging.getLogger("peacekeeping.lock")

WAIT_SECONDS = 1800.0


class DataFolderError(ProjectError):
    """The data folder can't be used; the message says why and what to do."""


class BusyError(ProjectError):
    """Another process was still writing when the waiting time was up."""


def require_folder(paths: Paths) -> None:
    """Create the data folder and check that it can be written. Raises DataFolderError."""
    try:
        for folder in (paths.data, paths.raw, paths.work):
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f".probe-{os.getpid()}"
            probe.write_bytes(b"ok")
            probe.unlink(missing_ok=True)  # a process on another host can have the same id
    except OSError as error:
        raise DataFolderError(
            f"The data folder {paths.data} can't be written: {error.strerror or error}. "
            "Make it writable, or name another with PEACEKEEPING_DATA."
        ) from error


@contextlib.contextmanager
def only_writer(paths: Paths, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the data folder's lock; while another process holds it, log that and wait up to `wait_seconds`.

    Raises DataFolderError, or BusyError when the time is up.
    """
    require_folder(paths)
    lock = FileLock(paths.lock)
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            log.warning("Another run is writing to %s (%s); waiting for it.", paths.data, recorded_holder(paths.lock))
            lock.acquire(timeout=wait_seconds)
    except Timeout:
        raise BusyError(
            f"Another run is still writing to {paths.data} ({recorded_holder(paths.lock)}); gave up after "
            f"{wait_seconds:g} s. Nothing was changed."
        ) from None
    try:
        note_holder(paths.lock)
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def only_builder_of(paths: Paths, day: date, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the lock of the warehouse as of a day; refreshes and builds of other days are not affected.

    Raises DataFolderError, or BusyError when the time is up.
    """
    file = paths.lock_of(day)
    lock = FileLock(file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=wait_seconds)
    except Timeout:
        raise BusyError(
            f"Another run is still building as of {day}; gave up after {wait_seconds:g} s. Nothing was changed."
        ) from None
    except OSError as error:
        raise DataFolderError(f"{file} can't be locked: {error.strerror or error}.") from error
    try:
        yield
    finally:
        lock.release()


def holder(paths: Paths) -> str | None:
    """The process that holds the writer's lock; None when it is free. The lock itself is not taken."""
    try:
        import fcntl
    except ImportError:  # not a Unix: the lock can't be tested without taking it
        return None
    try:
        with paths.lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except OSError:
        return recorded_holder(paths.lock)
    return None


def note_holder(lock: Path, **details: str) -> None:
    """Write beside a lock which process took it, since when, and details by name."""
    note = {"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds"), **details}
    lock.with_suffix(".json").write_text(json.dumps(note), encoding="utf-8")


def recorded_holder(lock: Path) -> str:
    """The process that took a lock last, from its note."""
    try:
        note = json.loads(lock.with_suffix(".json").read_text(encoding="utf-8"))
        process = f"process {note.pop('pid')}, since {note.pop('since')}"
        return ", ".join([process, *(f"{name} {value}" for name, value in note.items())])
    except (OSError, ValueError, KeyError):
        return "an unnamed process"
