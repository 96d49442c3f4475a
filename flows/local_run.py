"""Running the flow from the command line: a reachable Prefect server, else one of its own for the time of the run."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flows import hooks
from flows.cli import console
from flows.server import OwnServer
from flows.steps import settings
from flows.steps.settings import Paths

if TYPE_CHECKING:
    from flows.steps.summary import Summary

log = logging.getLogger("peacekeeping")

PROBE_SECONDS = 1.0
TERMINATED = 143  # 128 and the number of SIGTERM


class _Lines(logging.Handler):
    """Progress on standard error: the pipeline's lines with the time since the start; piped, the warnings alone.

    Failures are left to the end, where `show` tells them all.
    """

    def __init__(self, status: Any) -> None:
        super().__init__(logging.INFO if sys.stderr.isatty() else logging.WARNING)
        self.began = time.perf_counter()
        self.status = status

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR:
            return
        text = f"{'warning: ' if record.levelno == logging.WARNING else ''}{record.getMessage()}"
        if self.status is None:
            print(text, file=sys.stderr, flush=True)
        else:
            self.status.console.print(
                f"{time.perf_counter() - self.began:5.1f} s  {text}", markup=False, highlight=False
            )


def server_version(api_url: str) -> str | None:
    """The version of the Prefect server at the address; None when none answers."""
    if not api_url.startswith(("http://", "https://")):
        return None
    try:
        with urllib.request.urlopen(f"{api_url.rstrip('/')}/admin/version", timeout=PROBE_SECONDS) as reply:  # noqa: S310
            return str(json.load(reply))
    except (urllib.error.URLError, OSError, ValueError):
        return None


def answers(api_url: str) -> bool:
    """Whether a Prefect server answers at the address."""
    return (server_version(api_url) or "").startswith("3.")


def local_api() -> str:
    """The address of a server on this machine's port."""
    return f"http://127.0.0.1:{os.environ['PREFECT_SERVER_API_PORT']}/api"


def _choose_server() -> tuple[str | None, OwnServer | None]:
    """The Prefect server to use: the configured one if it answers, else one on this machine's port, else our own.

    What is configured can stand in a profile that only Prefect can read, and importing Prefect takes a second; our own
    server is started before that, and stopped again in the rare case that it was not needed.
    """
    local = local_api()
    found = local if answers(local) else None
    own = None if found or os.environ.get("PREFECT_API_URL") else OwnServer()
    if own:
        own.start()
    from prefect.settings import PREFECT_API_URL

    configured = PREFECT_API_URL.value()
    if configured and configured.rstrip("/") != found:
        if answers(configured):
            found = str(configured)
        else:
            host = urlsplit(configured).netloc
            log.warning("The Prefect server at %s does not answer; this run uses another.", host)
    if found and own:
        own.stop()
        return found, None
    if not found and not own:
        own = OwnServer()
        own.start()
    return found, own


def when_the_terminal_closes(handler: Callable[..., None]) -> None:
    """Answer SIGHUP, unless somebody asked for it not to matter (nohup). Windows has none."""
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, handler)


def _warm_up() -> None:
    """Import what the flow's first steps would import, while the server is still starting."""
    import pyarrow.parquet  # noqa: F401


def run_refresh(where: Paths, report: Callable[[Summary], int], **parameters: Any) -> Summary:
    """Run the flow `refresh` in this process and give its summary; failures stand in it, none are raised.

    report  tells a summary and gives the exit code: called here when the process can only end at once
    parameters  the flow's own
    """
    from rich.console import Console

    settings.apply_prefect_defaults()
    # The run's log goes to the server in full; on the terminal the pipeline speaks for itself.
    # So do the client's complaints about a server that died, an event each: `_leaving` says it in a sentence.
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_DEBUG_LEVEL", "CRITICAL")
    logging.raiseExceptions = False
    with contextlib.suppress(ValueError):  # not on the main thread
        signal.signal(signal.SIGTERM, _terminated)
        when_the_terminal_closes(_terminated)
    os.environ["PEACEKEEPING_DATA"] = str(where.data)
    status = None
    if sys.stderr.isatty():
        status = Console(stderr=True).status("Starting Prefect (a first start takes half a minute) …")
    handler = _Lines(status)
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    try:
        with status or contextlib.nullcontext():
            url, own = _choose_server()
            from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

            from flows import refresh_tasks
            from flows.refresh import refresh

            if own:
                _warm_up()
                url = own.api_url if own.wait() else None
            if status:
                status.update(f"Refreshing (Prefect server {url or 'of its own'}) …")
            # Without an address Prefect brings up its own ephemeral server.
            # Heartbeats tell a server of runs elsewhere that died; here they would cost a second at the end of each.
            updates = {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, **({PREFECT_API_URL: url} if url else {})}
            refresh_tasks.without_server = _leaving(report, status)
            hooks.server_stays = own is None and url is not None
            with temporary_settings(updates=updates, restore_defaults=None if url else {PREFECT_API_URL}):
                return _run(refresh, parameters)
    finally:
        log.removeHandler(handler)


_told = False  # whether SIGTERM came


def _terminated(*_: Any) -> None:
    """SIGTERM, once Prefect has told its server: a sentence instead of a bare end."""
    global _told  # noqa: PLW0603
    if not _told:
        print("terminated; the published warehouse is whole", file=sys.stderr, flush=True)
    _told = True
    raise SystemExit(TERMINATED)


def _run(refresh: Any, parameters: Mapping[str, Any]) -> Summary:
    """Run the flow. What Prefect itself can't do (no server comes up, its database can't be written) is a failure."""
    from prefect import tags

    from flows.artifacts import summary_of
    from flows.steps.summary import Summary

    try:
        with tags("peacekeeping", "command", *parameters.get("sources") or []):
            return summary_of(refresh(**parameters, return_state=True))
    except KeyboardInterrupt:
        if _told:  # SIGTERM within a query, which DuckDB took for its own
            raise SystemExit(TERMINATED) from None
        raise
    except Exception as error:  # whatever Prefect raises: the flow's own faults end in its state
        told = " ".join(str(error).split())[:300] or type(error).__name__
        return Summary(failures=[f"Prefect could not run the flow ({told}). The published warehouse is whole."])


def _leaving(report: Callable[[Summary], int], status: Any) -> Callable[[Summary], None]:
    """What to do when the steps are through and their server is gone: Prefect would try for minutes to tell it how the
    run ended, and then fail. What the steps came to counts, so it is told here, and the process ends."""

    def leave(summary: Summary) -> None:
        if status:
            status.stop()
        log.warning("The Prefect server went away during the run, and so has no full record of it.")
        code = report(summary)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    return leave


def show(summary: Summary) -> None:
    """Print what a refresh did; what the run has told as it went is not said again."""
    if summary.staged:
        lines = summary.lines()
        console.show_table(list(lines[0]), [list(line.values()) for line in lines])
    for obtained in summary.obtained:
        if obtained.outcome in ("fetched", "unchanged", "offline") and not sys.stderr.isatty():
            print(f"{obtained.source}: {obtained.message}", file=sys.stderr)
    for failure in summary.failures:
        print(f"error: {failure}", file=sys.stderr)
    if summary.published:
        print(f"Published build {summary.build_id} to {summary.warehouse} in {summary.seconds:.1f} s.")
    elif summary.nothing_new:
        print(f"Nothing new: build {summary.build_id} stands in {summary.warehouse} (--force builds it anew).")
    else:
        print("Nothing was published; the warehouse is as it was.", file=sys.stderr)
