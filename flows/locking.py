"""One writer at a time: an operating system lock on the data folder, which a killed process cannot leave behind."""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime

from filelock import FileLock, Timeout

from flows.settings import Paths

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
            probe.unlink()
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


def _who(name: str, paths: Paths) -> str:
    try:
        told = json.loads((paths.data / name).read_text())
        return f"process {told['pid']}, since {told['since']}"
    except (OSError, ValueError, KeyError):
        return "an unnamed process"
