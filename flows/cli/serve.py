"""The command `serve`."""

from __future__ import annotations

import click

from flows import serve as serving


@click.command()
def serve() -> None:
    """Start a Prefect server with its UI on loopback and run the schedules of every deployment, until stopped.

    A server that answers already (PREFECT_API_URL, or this machine's port) is used instead, and stays up. Ctrl-C or
    SIGTERM stops all that was started; the schedules are then paused, so that no late runs pile up.
    """
    serving.serve()
