"""How long the data's own work takes, beside this machine's floor: the same files read into DuckDB with plain SQL.

    python benchmarks/refresh.py [--rounds 5] [--whole]

`--whole` adds the whole command: with a warm Prefect home, against a running server, on a first start, and the quick
commands. Medians; every figure of one run on one machine, none of them a promise elsewhere.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from sources import bundle

COMMAND = str(Path(sys.executable).with_name("peacekeeping"))
OURS = """
import time, resource
from flows.steps import fetch, build, findings, publish, staging
from flows.steps.as_of import choose_snapshots
from flows.steps.summary import rejected_by_reason
from flows.steps.locking import only_writer
from flows.steps.identity import build_id
from flows.steps.settings import paths
from flows.steps.staging_cache import StagingCache
from sources.archive import Archive
from sources.catalogue import load_catalogue
began = time.perf_counter()
where, catalogue = paths(), load_catalogue()
archive = Archive(where.raw)
with only_writer(where):
    publish.clear_work(where)
    fetch.ensure_bundled(archive, catalogue)
    chosen = choose_snapshots(archive, catalogue)
    every = [snapshot for some in chosen.values() for snapshot in some]
    cache = StagingCache(where.staged)
    reports = [staging.stage_source(archive, cache, catalogue[n], some, where.work / n) for n, some in chosen.items()]
    built = build.build_file(build_id(every), reports, where.work / "build")
    build.check(built)
    findings.failed_checks(built.file, {}), findings.claims(built.file), findings.reconciliations(built)
    findings.changes(where.warehouse, built), rejected_by_reason(reports)
    publish.publish_build(built, every, where, archive, fetch.now())
    publish.clear_work(where)
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def floor(folder: Path) -> float:
    """The same bundled files into one DuckDB file, CREATE TABLE AS read_csv, nothing checked."""
    began = time.perf_counter()
    with duckdb.connect(str(folder / "floor.duckdb")) as connection:
        for place, entry in enumerate(bundle.manifest()):
            connection.execute(f"CREATE TABLE t{place} AS FROM read_csv('{bundle.BUNDLED / entry['file']}')")
    taken = time.perf_counter() - began
    (folder / "floor.duckdb").unlink()
    return taken


def ours(folder: Path, whole_process: bool = False) -> tuple[float, float]:
    """Seconds and peak MiB of staging, validating, building, checking, comparing and publishing, in a process.

    whole_process  count the interpreter's start and the imports, too
    """
    environment = os.environ | {"PEACEKEEPING_DATA": str(folder / "data")}
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", OURS], env=environment, capture_output=True, text=True, check=True)
    taken = time.perf_counter() - began
    seconds, peak = done.stdout.split()
    return taken if whole_process else float(seconds), float(peak)


def whole(arguments: list[str], command: str = COMMAND, **environment: str) -> float:
    """Seconds of one command as a process."""
    began = time.perf_counter()
    subprocess.run([command, *arguments], env=os.environ | environment, capture_output=True, check=True)
    return time.perf_counter() - began


def median(measure: Callable[[], float], rounds: int) -> float:
    return statistics.median(measure() for _ in range(rounds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--whole", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pairs = [(floor(folder), ours(folder)) for _ in range(options.rounds + 1)][1:]
        print(f"floor: DuckDB alone, nothing checked   {statistics.median(p[0] for p in pairs):6.2f} s")
        print(f"the data's own work                    {statistics.median(p[1][0] for p in pairs):6.2f} s", end="")
        print(f"   peak {statistics.median(p[1][1] for p in pairs):.0f} MiB")
        if not options.whole:
            return
        home = {"PREFECT_HOME": str(folder / "home"), "PEACEKEEPING_DATA": str(folder / "data")}
        alone = home | {"PREFECT_SERVER_API_PORT": "4998"}
        refresh = ["refresh", "--offline"]
        print(f"refresh --offline, first start         {whole(refresh, **alone):6.2f} s")
        print(
            f"refresh --offline, warm home           {median(lambda: whole(refresh, **alone), options.rounds):6.2f} s"
        )
        for quick in (["status"], ["sources"], ["query", "SELECT count(*) FROM fatalities"]):
            print(f"{quick[0]:<39}{median(lambda quick=quick: whole(quick, **alone), options.rounds):6.2f} s")
        os.environ.update(home)
        from flows.server import OwnServer
        from flows.steps import settings

        settings.apply_prefect_defaults()
        server = OwnServer()
        server.start()
        server.wait()
        served = home | {"PREFECT_API_URL": server.api_url}
        whole(refresh, **served)
        print(
            f"refresh --offline, running server      {median(lambda: whole(refresh, **served), options.rounds):6.2f} s"
        )
        server.stop()
    print(f"(this process: {resource.getrusage(resource.RUSAGE_SELF).ru_utime:.1f} s of its own)")


if __name__ == "__main__":
    main()
