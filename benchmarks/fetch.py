"""How long a live fetch of the uniformed personnel takes, and how much memory: paged, accepted and archived.

    python benchmarks/fetch.py [--rounds 3]

The publishers' replica serves the bundled months (101,381 rows), and then the same and as many moved eleven years back,
from a process of its own.

    floor       the same pages got with requests alone, kept nowhere
    downloaded  got by the client, joined, hashed, on the disk
    fetched     that, and staged to judge the rows, archived
    unchanged   asked for again

Medians, every figure of one run on one machine. The peak is of the whole process, imports included.
"""

from __future__ import annotations

import argparse
import calendar
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

SERVER = """
import sys
from benchmarks.fetch import doubled
from replica import PERSONNEL, Replica
with Replica() as replica:
    rows = replica.rows(PERSONNEL)
    replica.put(PERSONNEL, rows if sys.argv[1] == "1" else doubled(rows))
    print(replica.psdata_url, flush=True)
    sys.stdin.read()
"""
PEAK = "resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024"
OURS = f"""
import resource, sys, time
from pathlib import Path
from flows.steps import fetch
from flows.steps.staging_cache import StagingCache
from sources.archive import Archive
from sources.catalogue import load_catalogue
imports = {PEAK}
source, folder = load_catalogue()["uniformed_personnel"], Path(sys.argv[1])
archive, cache = Archive(folder / "raw"), StagingCache(folder / "staged")
for _ in range(2):
    began = time.perf_counter()
    outcome = fetch.fetch(archive, cache, source, folder).outcome
    print(outcome, time.perf_counter() - began, {PEAK}, imports)
"""
DOWNLOAD = f"""
import resource, sys, time
from pathlib import Path
from sources import download
from sources.catalogue import load_catalogue
from sources.client import Client
source = load_catalogue()["uniformed_personnel"]
imports, began = {PEAK}, time.perf_counter()
wanted = download.wanted(source)
with Client(wanted.url) as client:
    download.fetch(client, wanted, Path(sys.argv[1]) / "reply")
print("downloaded", time.perf_counter() - began, {PEAK}, imports)
"""
FLOOR = f"""
import os, resource, sys, time
import requests
imports = {PEAK}
address, began, page = os.environ["PEACEKEEPING_PSDATA_URL"] + "/data/DPO-UCHISTORICAL/json", time.perf_counter(), 0
with requests.Session() as session:
    while page == 0 or len(rows) == 10_000:
        page += 1
        rows = session.get(address, params={{"page_num": page, "per_page": 10_000}}).json()
print("floor", time.perf_counter() - began, {PEAK}, imports)
"""


def doubled(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """The rows, and as many whose months lie eleven years earlier."""
    moved = []
    for row in rows:
        day = datetime.fromtimestamp(int(str(row["last_reporting_date"])) / 1000, UTC)
        year = day.year - 11
        earlier = datetime(year, day.month, calendar.monthrange(year, day.month)[1], tzinfo=UTC)
        moved.append(row | {"last_reporting_date": int(earlier.timestamp()) * 1000})
    return rows + moved


@contextmanager
def serving(times: int) -> Iterator[str]:
    """The address of a replica in a process of its own."""
    command = [sys.executable, "-c", SERVER, str(times)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        if server.stdin and server.stdout:
            yield server.stdout.readline().strip()
            server.stdin.close()


def measured(code: str, address: str) -> list[tuple[str, float, float, float]]:
    """What a fetching process printed: what it did, seconds, peak and peak of the imports in MiB."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", code, folder],
            env=os.environ | {"PEACEKEEPING_PSDATA_URL": address},
            capture_output=True,
            text=True,
            check=True,
        )
    lines = [line.split() for line in done.stdout.splitlines()]
    return [(what, float(seconds), float(peak), float(imports)) for what, seconds, peak, imports in lines]


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Time and memory of a live fetch of the uniformed personnel.")
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args(arguments).rounds
    for times in (1, 2):
        with serving(times) as address:
            measured(FLOOR, address)  # the replica makes its pages once
            found = [
                line for _ in range(rounds) for code in (FLOOR, DOWNLOAD, OURS) for line in measured(code, address)
            ]
        for what in ("floor", "downloaded", "fetched", "unchanged"):
            some = [line for line in found if line[0] == what]
            seconds, peak, imports = (statistics.median(line[part] for line in some) for part in (1, 2, 3))
            print(
                f"{101_381 * times:,} rows, {what}: {seconds:.2f} s, "
                f"peak {peak:.0f} MiB (with the imports alone {imports:.0f})"
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
