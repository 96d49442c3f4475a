"""Old runs are removed from the Prefect server: this project's own, after PEACEKEEPING_RETENTION_DAYS (default 180).

Prefect's vacuum (prefect.toml) then removes the logs and artifacts that have no run any more, and events after a week.
It is not used for the runs themselves, because it would remove those of other projects on the same server as well.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from prefect import get_client
from prefect.client.schemas.objects import TERMINAL_STATES
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

log = logging.getLogger("peacekeeping.run")

BULK_DELETE = "/flow_runs/bulk_delete"  # not in the client's list of paths
AT_ONCE = 50  # the server's limit
REQUESTS = 20  # what is left is removed by the next runs


def remove_old_runs(days: int) -> int:
    """Remove this project's runs that ended over `days` ago; 0 keeps all. Returns how many were removed.

    The run with the newest artifact of a key is kept. A server that refuses is a warning.
    """
    removed = 0
    if not days:
        return removed
    try:
        # By default a server that is gone is asked for a minute.
        with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 1}), get_client(sync_client=True) as client:
            newest = client.request("POST", "/artifacts/latest/filter", json={"limit": 200}).json()
            old = {
                "id": {"not_any_": [one["flow_run_id"] for one in newest if one["flow_run_id"]]},
                "tags": {"all_": ["peacekeeping"]},
                "state": {"type": {"any_": sorted(TERMINAL_STATES)}},
                "end_time": {"before_": (datetime.now(UTC) - timedelta(days=days)).isoformat()},
            }
            body = {"flow_runs": old, "limit": AT_ONCE}
            for _ in range(REQUESTS):
                deleted = client.request("POST", BULK_DELETE, json=body).json()["deleted"]  # type: ignore[arg-type]
                removed += len(deleted)
                if len(deleted) < AT_ONCE:
                    break
    except Exception as error:  # whatever the client raises: the run itself is done
        log.warning("The Prefect server did not remove old runs (%s).", type(error).__name__)
    if removed:
        log.info("Removed %s runs that ended over %s days ago from the Prefect server.", removed, days)
    return removed
