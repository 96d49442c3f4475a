"""The command `serve`."""

from __future__ import annotations

from functools import partial

import click

from flows import serve as serving
from flows.cli import console


@click.command()
def serve() -> None:
    """Start a Prefect server with its UI on loopback and run the schedules of every deployment, until stopped.

    A server that answers already (PREFECT_API_URL, or this machine's port) is used instead, and stays up. Ctrl-C or
    SIGTERM stops all that was started; the schedules are then paused, so that no late runs pile up.
    """
    serving.serve(partial(console.show_table, ["deployment", "runs"]))
