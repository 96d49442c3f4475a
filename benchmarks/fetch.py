"""How long a live fetch of the uniformed personnel (101,381 rows in pages) takes, and its memory.

    python benchmarks/fetch.py [--rounds 5]

The publishers' replica serves them from a process of its own. Fetched: downloaded, staged, checked and archived;
unchanged: requested again. The floor is requesting all pages and keeping nothing. Medians; the peak memory is that of
the process, imports included.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from timing import python, rounds, show

REPLICA = Path(__file__).parents[1] / "tests" / "replica.py"
FLOOR = """
import os, resource, time
import requests
address, began, page = os.environ["PEACEKEEPING_PSDATA_URL"] + "/data/DPO-UCHISTORICAL/json", time.perf_counter(), 0
with requests.Session() as session:
    while page == 0 or len(rows) == 10_000:
        page += 1
        rows = session.get(address, params={"page_num": page, "per_page": 10_000}).json()
print("floor", time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
FETCH = """
import resource, sys, time
from pathlib import Path
from flows.steps import fetch
from flows.steps.staging_cache import StagingCache
from sources.archive import Archive
from sources.catalogue import load_catalogue
source, folder = load_catalogue()["uniformed_personnel"], Path(sys.argv[1])
for _ in range(2):
    began = time.perf_counter()
    outcome = fetch.fetch(Archive(folder / "raw"), StagingCache(folder / "staged"), source, folder).outcome
    print(outcome, time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def measure(code: str, url: str) -> list[tuple[str, float, float]]:
    """What was done, seconds, and peak MiB, as a fetching process printed them."""
    with tempfile.TemporaryDirectory() as folder:
        lines = [line.split() for line in python(code, folder, PEACEKEEPING_PSDATA_URL=url).splitlines()]
    return [(what, float(taken), float(peak)) for what, taken, peak in lines]


def main() -> None:
    """Measure and print."""
    count = rounds(__doc__)
    command = [sys.executable, REPLICA, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as replica:
        assert replica.stdout  # noqa: S101
        url = [replica.stdout.readline() for _ in range(2)][1].partition("=")[2].strip()
        measure(FLOOR, url)  # the replica makes the rows at the first request
        lines = [line for _ in range(count) for code in (FLOOR, FETCH) for line in measure(code, url)]
        replica.terminate()
    floor = statistics.median(taken for what, taken, _ in lines if what == "floor")
    for name in ("floor", "fetched", "unchanged"):
        taken, peak = (statistics.median(line[part] for line in lines if line[0] == name) for part in (1, 2))
        show(taken, f"{name}, peak {peak:.0f} MiB", None if name == "floor" else floor)


if __name__ == "__main__":
    main()
