"""Two hosts on one Prefect server on PostgreSQL, and Dask: tests/end_to_end/many_machines.py holds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from end_to_end.many_machines import SKIPPED

SCRIPT = Path(__file__).with_name("many_machines.py")
FEW = "1965-12-31"  # the missions until then: enough pages for every Dask worker, and few enough for a test


@pytest.mark.timeout(400)
def test_two_hosts_and_a_cluster_share_a_server_on_postgresql_and_a_data_folder() -> None:
    done = subprocess.run([sys.executable, SCRIPT, FEW], capture_output=True, text=True, timeout=380)
    if done.returncode == SKIPPED:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-6000:]}"
    assert "All held." in done.stdout and "Traceback" not in done.stderr
    assert all(f"stopped {name}" in done.stdout for name in ("host-1", "host-2", "server", "postgres"))
