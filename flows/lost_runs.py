"""Runs that were killed, which nobody could tell their Prefect server: the next run on the same data folder finds them.

A run names its scratch folder for itself and removes it at its end. Whoever holds the writer's lock and finds one knows
that its run is dead. (flows/automations.yaml answers for deployments' runs that were killed before they had the lock.)
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from uuid import UUID

from prefect import get_client
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Crashed

log = logging.getLogger("peacekeeping.refresh")

TOLD = "Its process was killed, or its machine went down; the next run found it. Nothing is half published."


def tell(scratch_folders: Sequence[str]) -> None:
    """Tell the server that the runs with these scratch folders are dead. A server that can't be told is no fault."""
    for name in scratch_folders:
        try:
            run_id = UUID(name)
        except ValueError:  # no run's
            continue
        try:
            with get_client(sync_client=True) as client:
                run = client.read_flow_run(run_id)
                if run.state is None or run.state.is_final():
                    continue
                ended = Cancelled if run.state.is_cancelling() else Crashed  # whom nobody could cancel any more
                client.set_flow_run_state(run_id, ended(message=TOLD), force=True)
                log.info("The run %s had been killed; what it left is cleared.", run.name)
        except ObjectNotFound:  # it ran with another server
            continue
        except Exception as error:  # whatever the client raises: this run's own work counts
            log.warning("The Prefect server could not be told of a killed run (%s).", type(error).__name__)
