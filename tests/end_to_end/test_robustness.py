"""Two writers, a killed process, a full disk, a folder that can't be written: the published warehouse stands."""

from __future__ import annotations

import contextlib
import random
import resource
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from tests_shared import CATALOGUE

from sources.archive import Archive


def verify(shell: Any) -> None:
    """The warehouse opens and answers; every archived file is what its record says."""
    assert shell.ask("SELECT count(*) FROM fatalities") == "4423"
    archive = Archive(shell.data / "raw")
    for name in CATALOGUE:
        for snapshot in archive.snapshots(name):
            archive.read(snapshot)


def test_two_refreshes_at_once_both_end_and_one_waits(copy: Any) -> None:
    processes = [copy.start("refresh", "--offline", "--force") for _ in range(2)]
    told = [process.communicate(timeout=200) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], told
    assert sum("Another run is writing" in errors for _, errors in told) == 1
    verify(copy)


def test_a_refresh_killed_at_any_moment_leaves_everything_whole_and_the_next_completes(copy: Any) -> None:
    random.seed(2019)
    began = time.perf_counter()
    copy("refresh", "--offline", "--force")
    whole = time.perf_counter() - began
    for moment in (random.uniform(0.3, 0.95) for _ in range(3)):
        process = copy.start("refresh", "--offline", "--force")
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(moment * whole)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        verify(copy)
    copy("refresh", "--offline", "--force")
    verify(copy)
    assert list((copy.data / "work").iterdir()) == []


def test_a_full_disk_is_told_and_leaves_the_published_file(copy: Any) -> None:
    """A limit on the size of files stands for the full disk: the build's writes fail the same way in the middle."""
    before = copy.warehouse.read_bytes()
    limit = 6_000_000  # the warehouse takes 9 MB, everything else a run writes is smaller
    assert len(before) > limit

    def tighten() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [copy.command, "refresh", "--offline", "--force"],
        cwd=copy.folder,
        env=copy.environment(),
        text=True,
        capture_output=True,
        preexec_fn=tighten,
        timeout=240,
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert "error: " in done.stderr and ("large" in done.stderr or "space" in done.stderr or "write" in done.stderr)
    assert copy.warehouse.read_bytes() == before
    verify(copy)


@pytest.mark.parametrize("command", [["refresh", "--offline"], ["load", "fatalities", "f"]])
def test_a_data_folder_that_cannot_be_written_is_told(fresh: Any, command: list[str]) -> None:
    (fresh.folder / "f").write_bytes(b"x")
    fresh.extra["PEACEKEEPING_DATA"] = str(fresh.folder / "f" / "data")  # below a file: no folder can be there
    told = fresh(*command, code=1).stderr
    assert "can't be written" in told and "PEACEKEEPING_DATA" in told


def test_a_corrupt_or_foreign_warehouse_file_is_told(fresh: Any) -> None:
    fresh.data.mkdir()
    fresh.warehouse.write_bytes(b"not a database" * 1000)
    assert "can't be opened" in fresh("query", "SELECT 1", code=1).stderr


def test_a_stale_log_beside_the_warehouse_does_not_stop_the_next_refresh(copy: Any) -> None:
    Path(f"{copy.warehouse}.wal").write_bytes(b"left by somebody")
    copy("refresh", "--offline", "--force")
    verify(copy)
    assert not Path(f"{copy.warehouse}.wal").exists() and Path(f"{copy.warehouse}.wal.stale").exists()
