"""`peacekeeping serve`: a Prefect server with its UI and a runner that works off the deployments' schedules, in one."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import click

from flows import log_filters
from flows.cli import console
from flows.local_run import answers, local_api, when_the_terminal_closes
from flows.server import OwnServer
from flows.steps import settings


class NoServer(Exception):
    """No Prefect server came up."""


def _server() -> tuple[str, OwnServer | None]:
    """The configured server or the one on this machine's port, where one answers; else our own on that port."""
    configured = os.environ.get("PREFECT_API_URL", "").rstrip("/")
    for url in filter(None, (configured, local_api())):
        if answers(url):
            return url, None
    if configured:
        raise NoServer(f"No Prefect server answers at {configured} (PREFECT_API_URL). Start it, or unset the variable.")
    own = OwnServer(int(os.environ["PREFECT_SERVER_API_PORT"]), ui=True)
    own.start()
    if not own.wait():
        raise NoServer(
            f"The Prefect server did not come up on 127.0.0.1:{own.port}. Is the port taken? PREFECT_SERVER_API_PORT "
            "names another."
        )
    return own.api_url, own


def _stop(*_: Any) -> None:
    raise KeyboardInterrupt


def _terminate(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _keep_up(own: OwnServer) -> None:
    """Without its server the runner would go on asking for ever, and nobody would see that nothing runs."""
    if not own.keep_up():
        click.echo("error: the Prefect server ended and can't be kept up; nothing is served any more.", err=True)
        os._exit(1)


def serve() -> None:
    """Serve every deployment until stopped (Ctrl-C, SIGTERM); what was started is stopped with it.

    Raises NoServer.
    """
    settings.apply_prefect_defaults()
    click.echo("Starting Prefect (a first start takes half a minute) …", err=True)
    signal.signal(signal.SIGTERM, _stop)
    when_the_terminal_closes(_terminate)
    url, own = _server()
    os.environ["PREFECT_API_URL"] = url
    os.environ["PEACEKEEPING_DATA"] = str(settings.paths().data)  # the runs are processes of their own
    try:
        if own:
            threading.Thread(target=_keep_up, args=(own,), daemon=True).start()
        from prefect import serve as serve_all

        from flows import automations, deployments

        log_filters.quieten()

        entries = deployments.declared()
        rows = [[entry["name"], _when(entry)] for entry in entries]
        console.show_table(["deployment", "runs"], rows)
        click.echo(f"The UI: {url.removesuffix('/api')}" + ("" if own else "  (a server that was running already)"))
        click.echo("Stop with Ctrl-C.", err=True)
        _give_rules(automations.register)
        # Prefect's runner lets go of its runs and pauses the schedules when it meets SIGTERM; at Ctrl-C it just leaves.
        signal.signal(signal.SIGINT, _terminate)
        serve_all(*deployments.runner_deployments(), print_starting_message=False)
    finally:
        if own:
            own.stop()


def _give_rules(register: Callable[[], object]) -> None:
    """Give the server the rules of automations.yaml; one that can't take them serves all the same."""
    import httpx

    try:
        register()
    except httpx.HTTPError as error:  # Prefect's own for a refusal is one
        told = " ".join(str(error).split())[:200] or type(error).__name__
        click.echo(
            f"warning: the server did not take the rules for runs whose machine is gone ({told}): see its Automations.",
            err=True,
        )


def _when(entry: dict[str, Any]) -> str:
    schedules = [f"{one['cron']} {one['timezone']}" for one in entry.get("schedules", ())]
    unscheduled = "when a refresh has published something new" if entry.get("triggers") else "by hand"
    return ", ".join(schedules) or unscheduled
