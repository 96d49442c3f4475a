"""What Prefect adds to a refresh against a running server, beside the floor: an empty flow of as many tasks.

    python benchmarks/prefect_share.py [--rounds 5]

Every figure is of whole processes, in turn, in one run; medians. Prefect's share is the command `refresh --offline
--force` less the same work without Prefect (staging, building, checking, comparing, publishing). The floor is a process
that runs a flow of as many tasks, each of which does nothing, once as Prefect comes and once as `refresh` is set
(without the heartbeat, which costs a second at the end of a flow).
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

from refresh import ours, whole

EMPTY = """
import sys
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

@task(cache_policy=NO_CACHE, persist_result=False)
def nothing():
    return None

@flow(persist_result=False)
def empty(tasks: int):
    for _ in range(tasks):
        nothing()

with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None} if "--quiet" in sys.argv else {}):
    empty(int(sys.argv[1]))
"""
TARGET_SECONDS, TARGET_OF_FLOOR = 3.0, 1.2


def empty(tasks: int, *options: str) -> float:
    """Seconds of a process that runs a flow of so many empty tasks."""
    return whole(["-c", EMPTY, str(tasks), *options], command=sys.executable)


def tasks_of_first_run(api_url: str) -> int:
    """How many task runs the first refresh had."""
    import requests

    asked = {"flows": {"name": {"any_": ["refresh"]}}, "sort": "START_TIME_ASC", "limit": 1}
    (run,) = requests.post(f"{api_url}/flow_runs/filter", json=asked, timeout=10).json()
    of_run = {"flow_runs": {"id": {"any_": [run["id"]]}}}
    return int(requests.post(f"{api_url}/task_runs/count", json=of_run, timeout=10).json())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ |= {"PREFECT_HOME": str(folder / "home"), "PEACEKEEPING_DATA": str(folder / "data")}
        from flows.server import OwnServer
        from flows.steps import settings

        settings.apply_prefect_defaults()
        server = OwnServer()
        server.start()
        try:
            if not server.wait():
                sys.exit("No Prefect server came up.")
            os.environ["PREFECT_API_URL"] = server.api_url
            refresh = ["refresh", "--offline", "--force"]
            whole(refresh)
            whole(refresh)  # by its end all that the first one did is on record
            tasks = tasks_of_first_run(server.api_url)
            table = [
                (whole(refresh), ours(folder, whole_process=True)[0], empty(tasks), empty(tasks, "--quiet"))
                for _ in range(rounds)
            ]
        finally:
            server.stop()
    command, work, floor, quiet = (statistics.median(column) for column in zip(*table, strict=True))
    share = statistics.median(row[0] - row[1] for row in table)
    print(f"refresh --offline --force, running server    {command:5.2f} s")
    print(f"the same work without Prefect                {work:5.2f} s")
    print(f"Prefect's share                              {share:5.2f} s   (to be under {TARGET_SECONDS} s)")
    print(f"an empty flow of {tasks} tasks                   {floor:5.2f} s   share/floor {share / floor:.2f}", end="")
    print(f"   (to be under {TARGET_OF_FLOOR})")
    print(f"the same without heartbeat                   {quiet:5.2f} s   share/floor {share / quiet:.2f}")


if __name__ == "__main__":
    main()
