"""`peacekeeping serve`: a Prefect server with its UI, and a runner for the runs of every deployment."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click
from filelock import FileLock, Timeout

from flows import installation
from flows.local_run import on_hangup
from flows.server import NoServer, OwnServer, exit_now, local_port, running_server
from flows.steps import prefect_database, proxies, settings
from flows.steps.locking import note_holder, recorded_holder
from schemas.errors import ProjectError

SHORT_LIFE_SECONDS = 5.0  # a server that ends sooner would end again
STOP_SECONDS = 60.0


class CodeRemoved(ProjectError):
    """The installation was removed while it served."""


class ServedAlready(ProjectError):
    """Another process serves the deployments; a second one would pause their schedules when it stops."""


@contextmanager
def only_serve() -> Iterator[None]:
    """Hold the lock of this Prefect home's only `serve`. Raises ServedAlready with the process that holds it."""
    home = prefect_database.home(os.environ)
    home.mkdir(parents=True, exist_ok=True)
    file = home / "peacekeeping-serve.lock"
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ServedAlready(
            f"`peacekeeping serve` runs already with the Prefect home {home} ({recorded_holder(file)}). Stop it first, "
            "or name another home with PREFECT_HOME and another port with PREFECT_SERVER_API_PORT."
        ) from None
    try:
        note_holder(file, **{"data folder": str(settings.paths().data)})
        yield
    finally:
        lock.release()


def _require_unserved(url: str) -> None:
    """Raise ServedAlready where another machine's `serve` or a worker takes the runs of our deployments.

    A deployment is ready while somebody has looked for its runs within the last minute; a `serve` that stops pauses it.
    """
    from prefect import get_client
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags

    ours = DeploymentFilter(tags=DeploymentFilterTags(all_=["peacekeeping"]))
    with get_client(sync_client=True) as client:
        ready = [one for one in client.read_deployments(deployment_filter=ours) if one.status == "READY"]
    polled = [one for one in ready if not one.paused]
    if polled:
        at = max((one.last_polled for one in polled if one.last_polled), default=None)
        raise ServedAlready(
            f"The deployments on {url} are served already by a worker or by another machine's `peacekeeping serve` "
            f"(last seen {at:%Y-%m-%d %H:%M:%S} UTC). Stop that first; where it was killed, wait a minute."
        )


def _choose_server() -> tuple[str, OwnServer | None]:
    """A server that answers, else our own on this machine's port. Raises NoServer."""
    url = running_server()
    if url:
        return url, None
    configured = os.environ.get("PREFECT_API_URL")
    if configured:
        raise NoServer(f"No Prefect server answers at {configured} (PREFECT_API_URL). Start it, or unset the variable.")
    own = OwnServer(local_port(), ui=True)
    own.start()
    if not own.wait():
        raise NoServer(own.why())
    return own.api_url, own


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def _terminate(*_: Any) -> None:
    signal.raise_signal(signal.SIGTERM)


def _stop_without_code(removed: list[Path], file: Path) -> None:
    """Stop as at SIGTERM, so that runs in progress are stopped as well; end in any case."""
    removed.append(file)
    logging.raiseExceptions = False  # a log handler can lack its code
    signal.raise_signal(signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    exit_now(1)


def keep_up(own: OwnServer) -> None:
    """Start the server again whenever it ends, with the same database and address, until it is stopped.

    When that does not help (it ends at once, or does not answer), the process ends: the runner would wait for ever.
    """
    problem = ""
    while own.process is not None:
        began = time.monotonic()
        code = own.process.wait()
        if own.stopped or time.monotonic() - began < SHORT_LIFE_SECONDS:
            break
        click.echo(f"warning: the Prefect server ended ({code}) and is started again.", err=True)
        try:
            own.start()
        except ProjectError as error:
            problem = str(error)
            break
        if not own.wait():
            break
    if not own.stopped:
        problem = problem or own.why()
        click.echo(f"error: {problem} It does not start again; nothing is served any more.", err=True)
        exit_now(1)


def serve(show_timetable: Callable[[list[list[str]]], None]) -> None:
    """Serve every deployment until stopped (Ctrl-C, SIGTERM), which stops the server and the runs as well.

    show_timetable  prints rows of each deployment's name and when it runs

    Raises NoServer, PortTaken, DatabaseFault, ServedAlready; CodeRemoved when the installation is removed meanwhile.
    """
    proxies.require_usable()
    settings.apply_prefect_defaults()
    installation.make_paths_absolute()
    with only_serve():
        _serve(show_timetable)


def _serve(show_timetable: Callable[[list[list[str]]], None]) -> None:
    click.echo("Starting Prefect (a first start takes half a minute) …", err=True)
    signal.signal(signal.SIGTERM, _interrupt)
    on_hangup(_terminate)
    url, own = _choose_server()
    os.environ["PREFECT_API_URL"] = url
    os.environ["PEACEKEEPING_DATA"] = str(settings.paths().data)  # the runs are processes of their own
    removed: list[Path] = []
    try:
        if own:
            threading.Thread(target=keep_up, args=(own,), daemon=True).start()
        from prefect import serve as run_deployments

        from flows import automations, deployments

        installation.leave_working_directory()

        if own is None:
            _require_unserved(url)
        show_timetable(deployments.timetable())
        click.echo(f"The UI: {url.removesuffix('/api')}" + ("" if own else "  (a server that was running already)"))
        click.echo("Stop with Ctrl-C.", err=True)
        problem = automations.register_if_possible()
        if problem:
            click.echo(f"warning: the server did not take the rules and views ({problem}).", err=True)
        # Prefect's runner stops its runs and pauses the schedules at SIGTERM; at Ctrl-C it only leaves.
        signal.signal(signal.SIGINT, _terminate)
        installation.watch_code(partial(_stop_without_code, removed))
        run_deployments(*deployments.runner_deployments(), print_starting_message=False)
        if removed:
            raise CodeRemoved(
                f"{removed[0]} is gone: this installation was removed or moved, and no run can begin with it. Start "
                "`peacekeeping serve` of the one that replaces it."
            )
    finally:
        if own:
            own.stop()
