"""What the benchmarks share: timed calls and processes, a data folder, and a Prefect server."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

COMMAND = str(Path(sys.executable).with_name("peacekeeping"))
# A port without a server, so that a refresh starts its own.
NO_SERVER = {"PREFECT_SERVER_API_PORT": "4998"}


def rounds(description: str | None) -> int:
    """The option --rounds of a benchmark."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="calls measured; the median is shown (default 5)")
    return int(parser.parse_args().rounds)


def seconds(work: Callable[[], object]) -> float:
    """Seconds of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def median(count: int, work: Callable[[], object]) -> float:
    """Median seconds of `count` calls, after one that warms the caches."""
    work()
    return statistics.median(seconds(work) for _ in range(count))


def run(*command: str, **environment: str) -> str:
    """Run a process and return what it printed. Raises CalledProcessError when it fails."""
    done = subprocess.run([*command], env=os.environ | environment, capture_output=True, text=True, check=True)
    return done.stdout


def peacekeeping(*arguments: str, **environment: str) -> str:
    return run(COMMAND, *arguments, **environment)


def python(code: str, *arguments: str, **environment: str) -> str:
    return run(sys.executable, "-c", code, *arguments, **environment)


def show(taken: float, what: str, floor: float | None = None) -> None:
    """Print a line: seconds, what was measured, and how many times the floor that is."""
    times = f"   {taken / floor:.1f} x floor" if floor else ""
    print(f"{taken:8.3f} s  {what}{times}", flush=True)


@contextmanager
def empty_folder() -> Iterator[Path]:
    """A temporary folder whose `data` and `home` are PEACEKEEPING_DATA and PREFECT_HOME."""
    with tempfile.TemporaryDirectory() as name:
        os.environ |= {"PEACEKEEPING_DATA": f"{name}/data", "PREFECT_HOME": f"{name}/home"}
        yield Path(name)


@contextmanager
def prefect_server() -> Iterator[dict[str, str]]:
    """A running Prefect server in the current PREFECT_HOME; gives the variable that leads to it."""
    from flows.server import OwnServer
    from flows.steps import settings

    settings.apply_prefect_defaults()
    server = OwnServer()
    server.start()
    try:
        if not server.wait():
            sys.exit("The Prefect server did not start.")
        yield {"PREFECT_API_URL": server.api_url}
    finally:
        server.stop()
