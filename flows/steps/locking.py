"""One writer at a time: an operating system lock on the data folder, which a killed process cannot leave behind."""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime

from filelock import FileLock, Timeout

from flows.steps.settings import Paths

log = logging.getLogger("peacekeeping.lock")

WAIT_SECONDS = 1800.0


class DataFolderError(Exception):
    """The data folder can't be used; the text says why and what to do."""


class BusyError(Exception):
    """Another process is writing, and it was not waited for, or not long enough."""


def require_folder(paths: Paths) -> None:
    """Make the data folder and see that it can be written. Raises DataFolderError."""
    try:
        for folder in (paths.data, paths.raw, paths.work):
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f".probe-{os.getpid()}"
            probe.write_bytes(b"ok")
            probe.unlink(missing_ok=True)  # another host's process can have the same number
    except OSError as error:
        raise DataFolderError(
            f"The data folder {paths.data} can't be written: {error.strerror or error}. "
            "Free it, or name another with PEACEKEEPING_DATA."
        ) from error


@contextlib.contextmanager
def only_writer(paths: Paths, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the data folder's lock; while another process holds it, say so and wait up to `wait_seconds`.

    Raises DataFolderError, or BusyError when the time is up.
    """
    require_folder(paths)
    lock = FileLock(paths.lock)
    holder = paths.lock.with_suffix(".json")
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            log.warning("Another run is writing to %s (%s); waiting for it.", paths.data, _who(holder.name, paths))
            lock.acquire(timeout=wait_seconds)
    except Timeout:
        raise BusyError(
            f"Another run is still writing to {paths.data} ({_who(holder.name, paths)}); gave up after "
            f"{wait_seconds:g} s. Nothing was changed."
        ) from None
    try:
        holder.write_text(json.dumps({"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}))
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def only_builder_of(paths: Paths, day: date, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the lock of one day's as-of warehouse: builds of other days, and a refresh, go on beside it.

    Raises DataFolderError, or BusyError when the time is up.
    """
    file = paths.lock_of(day)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(file)
        lock.acquire(timeout=wait_seconds)
    except OSError as error:
        if isinstance(error, Timeout):
            raise BusyError(
                f"Another run is still building as of {day}; gave up after {wait_seconds:g} s. Nothing was changed."
            ) from None
        raise DataFolderError(f"{file} can't be locked: {error.strerror or error}.") from error
    try:
        yield
    finally:
        lock.release()


def holder(paths: Paths) -> str | None:
    """Who holds the writer's lock; None when it is free. The lock is not taken: nobody has to wait for the question."""
    try:
        import fcntl
    except ImportError:  # not a Unix: there it can't be asked without taking it
        return None
    try:
        with paths.lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except OSError:
        return _who(paths.lock.with_suffix(".json").name, paths)
    return None


def _who(name: str, paths: Paths) -> str:
    try:
        told = json.loads((paths.data / name).read_text())
        return f"process {told['pid']}, since {told['since']}"
    except (OSError, ValueError, KeyError):
        return "an unnamed process"
