"""Running the flow from the command line: a reachable Prefect server, else one of its own for the time of the run."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from flows import console, settings
from flows.artifacts import Summary
from flows.settings import Paths

log = logging.getLogger("peacekeeping")

PROBE_SECONDS = 1.0


class _Lines(logging.Handler):
    """Progress on standard error: the pipeline's lines with the time since the start, warnings marked."""

    def __init__(self, status: Any) -> None:
        super().__init__(logging.INFO if sys.stderr.isatty() else logging.WARNING)
        self.began = time.perf_counter()
        self.status = status

    def emit(self, record: logging.LogRecord) -> None:
        mark = {logging.WARNING: "warning: ", logging.ERROR: "error: "}.get(record.levelno, "")
        text = f"{mark}{record.getMessage()}"
        if self.status is None:
            print(text, file=sys.stderr, flush=True)
        else:
            self.status.console.print(
                f"{time.perf_counter() - self.began:5.1f} s  {text}", markup=False, highlight=False
            )


def _answers(api_url: str) -> bool:
    """Whether a Prefect server answers at the address."""
    import requests  # noqa: PLC0415

    try:
        reply = requests.get(f"{api_url}/admin/version", timeout=PROBE_SECONDS)
        return reply.ok and str(reply.json())[:1] == "3"
    except (requests.RequestException, ValueError):
        return False


@contextlib.contextmanager
def _server() -> Iterator[str]:
    """The Prefect server to use: the configured one if it answers, one on this machine's port if there is one, else
    none, and Prefect brings one up for the run; gives what to tell."""
    from prefect.settings import PREFECT_API_URL, PREFECT_SERVER_API_PORT, temporary_settings  # noqa: PLC0415

    configured = PREFECT_API_URL.value()
    local = f"http://127.0.0.1:{PREFECT_SERVER_API_PORT.value()}/api"
    if configured and _answers(configured):
        yield f"Prefect server {configured}"
    elif configured != local and _answers(local):
        with temporary_settings({PREFECT_API_URL: local}):
            yield f"Prefect server {local}"
    else:
        with temporary_settings(restore_defaults={PREFECT_API_URL}):
            if configured:
                host = urlsplit(configured).netloc
                log.warning("The Prefect server at %s does not answer; this run uses one of its own.", host)
            yield "a Prefect server of its own"


def run_refresh(where: Paths, sources: list[str] | None, *, offline: bool, live: bool, wait_seconds: float) -> Summary:
    """Run the flow `refresh` in this process and give its summary; failures stand in it, none are raised."""
    from rich.console import Console  # noqa: PLC0415

    settings.apply_prefect_defaults()
    # The run's log goes to the server in full; on the terminal the pipeline speaks for itself.
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "INFO")
    screen = Console(stderr=True) if sys.stderr.isatty() else None
    status = screen.status("Starting Prefect (a first start takes half a minute) …") if screen else None
    handler = _Lines(status)
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    os.environ["PEACEKEEPING_DATA"] = str(where.data)
    try:
        with status or contextlib.nullcontext():
            from flows.refresh import refresh  # noqa: PLC0415

            with _server() as told:
                if status:
                    status.update(f"Running on {told} …")
                state = refresh(sources, offline, live, wait_seconds, return_state=True)
                return _summary_of(state)
    finally:
        log.removeHandler(handler)


def _summary_of(state: Any) -> Summary:
    result = state.result(raise_on_failure=False)
    if isinstance(result, Summary):
        return result
    return Summary(failures=[str(state.message or result)])


def show(summary: Summary, where: Paths) -> None:
    """Print what a refresh did."""
    if summary.staged:
        lines = summary.lines()
        console.show_table(list(lines[0]), [list(line.values()) for line in lines])
    for obtained in summary.obtained:
        print(f"{obtained.source}: {obtained.message}", file=sys.stderr)
    for warning in summary.warnings:
        if not any(warning == f"{o.source}: {o.message}" for o in summary.obtained):
            print(f"warning: {warning}", file=sys.stderr)
    for failure in summary.failures:
        print(f"error: {failure}", file=sys.stderr)
    if summary.published:
        print(f"Published build {summary.build_id} to {where.warehouse} in {summary.seconds:.1f} s.")
    else:
        print("Nothing was published; the warehouse is as it was.", file=sys.stderr)
