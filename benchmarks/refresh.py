"""How long a refresh and a backfill take, and what of it is Prefect.

    python benchmarks/refresh.py [--rounds 5]

The floor of the pipeline's own work (stage, build, check, publish, without Prefect) is DuckDB reading the bundled files
into one database, nothing checked. The floor of Prefect's share, which is the command with a running server minus the
own work in a process, is an empty flow of as many tasks. Medians; first start and backfill once.
"""

from __future__ import annotations

import statistics
from pathlib import Path

import duckdb
from timing import NO_SERVER, empty_folder, median, peacekeeping, prefect_server, python, rounds, seconds, show

from sources import bundle
from sources.catalogue import load_catalogue

WORK = """
import resource, time
from flows.steps import as_of, build, fetch, publish
from flows.steps.locking import only_writer
from flows.steps.settings import paths
from flows.steps.staging_cache import StagingCache
from sources.archive import Archive
from sources.catalogue import load_catalogue
began = time.perf_counter()
where, catalogue = paths(), load_catalogue()
archive = Archive(where.raw)
with only_writer(where):
    fetch.ensure_bundled(archive, catalogue)
    chosen = as_of.choose_snapshots(archive, catalogue)
    built, _ = build.build_from_snapshots(archive, StagingCache(where.staged), catalogue, chosen, where.work)
    publish.publish_build(built, [snapshot for some in chosen.values() for snapshot in some], where, archive, fetch.now())
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
EMPTY_FLOW = """
import sys
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

@task(cache_policy=NO_CACHE, persist_result=False)
def nothing():
    return None

@flow(persist_result=False)
def empty(tasks: int):
    for _ in range(tasks):
        nothing()

empty(int(sys.argv[1]))
"""
BACKFILL = """
from flows.steps.settings import apply_prefect_defaults
apply_prefect_defaults()
from flows.backfill import backfill
backfill("2021-12-31", "2025-12-31", every="year")
"""
REFRESH = ("refresh", "--offline", "--force")
TASKS = 4 + len(load_catalogue())  # load, build, check, publish, and one for each source


def read_plainly(folder: Path) -> None:
    """Read the bundled files into one DuckDB file, CREATE TABLE AS read_csv."""
    file = folder / "floor.duckdb"
    with duckdb.connect(str(file)) as connection:
        for number, entry in enumerate(bundle.manifest()):
            connection.execute(f"CREATE TABLE t{number} AS FROM read_csv('{bundle.BUNDLED / entry['file']}')")
    file.unlink()


def main() -> None:
    """Measure and print."""
    count = rounds(__doc__)
    with empty_folder() as folder:
        floor = median(count, lambda: read_plainly(folder))
        show(floor, "floor: the bundled files read by DuckDB alone")
        python(WORK)  # fills the staging cache
        works = [tuple(map(float, python(WORK).split())) for _ in range(count)]
        peak = statistics.median(peak for _, peak in works)
        show(statistics.median(taken for taken, _ in works), f"the pipeline's own work (peak {peak:.0f} MiB)", floor)
    with empty_folder():
        show(seconds(lambda: peacekeeping(*REFRESH, **NO_SERVER)), "refresh --offline, first start")
        show(median(count, lambda: peacekeeping(*REFRESH, **NO_SERVER)), "refresh --offline, its own server")
        with prefect_server() as server:
            command = median(count, lambda: peacekeeping(*REFRESH, **server))
            show(command, "refresh --offline, running server")
            floor = median(count, lambda: python(EMPTY_FLOW, str(TASKS), **server))
            show(floor, f"floor: an empty flow of {TASKS} tasks, running server")
            show(command - median(count, lambda: python(WORK)), "Prefect's share of the refresh", floor)
            show(seconds(lambda: python(BACKFILL, **server)), "backfill of five years, running server")


if __name__ == "__main__":
    main()
