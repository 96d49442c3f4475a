"""What the command `refresh` prints: the run's log lines as it goes, and its summary at the end."""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING

from rich.console import Console

from flows.cli import console
from flows.steps.summary import COUNTS

if TYPE_CHECKING:
    from flows.steps.summary import Summary


class RunProgress(logging.Handler):
    """Log lines on standard error: in a terminal with the seconds since the start, piped the warnings only.

    Errors are left to `show`.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO if sys.stderr.isatty() else logging.WARNING)
        self.began = time.perf_counter()
        self.console = Console(stderr=True)
        self.status = self.console.status("Refreshing (a first start of Prefect takes half a minute) …")

    def start(self) -> None:
        """Show the log lines from now on."""
        logger = logging.getLogger("peacekeeping")
        logger.setLevel(logging.INFO)
        logger.addHandler(self)
        if sys.stderr.isatty():
            self.status.start()

    def stop(self) -> None:
        """Show no more; safe to call twice."""
        logging.getLogger("peacekeeping").removeHandler(self)
        self.status.stop()

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR:
            return
        text = f"{'warning: ' if record.levelno == logging.WARNING else ''}{record.getMessage()}"
        if sys.stderr.isatty():
            self.console.print(f"{time.perf_counter() - self.began:5.1f} s  {text}", markup=False, highlight=False)
        else:
            print(text, file=sys.stderr, flush=True)


def show(summary: Summary) -> None:
    """Print what a refresh did, without the warnings that were printed as it went."""
    if summary.staged:
        lines = summary.lines()
        console.show_table(list(lines[0]), [list(line.values()) for line in lines])
        print(COUNTS, file=sys.stderr)
    for result in summary.obtained:
        if result.outcome in ("fetched", "unchanged", "offline") and not sys.stderr.isatty():
            print(f"{result.source}: {result.message}", file=sys.stderr)
    for failure in summary.failures:
        print(f"error: {failure}", file=sys.stderr)
    if summary.published:
        print(f"Published build {summary.build_id} to {summary.warehouse} in {summary.seconds:.1f} s.")
    elif summary.nothing_new:
        print(f"Nothing new: build {summary.build_id} is published in {summary.warehouse} (--force builds it again).")
    else:
        print("Nothing was published; the warehouse is as it was.", file=sys.stderr)
