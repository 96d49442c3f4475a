"""Whether the rule for lost runs leaves finished runs alone (flows/automations.yaml).

    python benchmarks/late_heartbeats.py [--runs 300] [--without-end]

Runs of a deployment end at about the moment of a sign of life, so that many of these come after the final state. The
signs of life come every second instead of every 30, and the rule waits 10 s, Prefect's least, instead of 120. One more
run is abandoned: the rule must find that one. With --without-end no run sends `peacekeeping.run-ended`.
"""

from __future__ import annotations

import argparse
import os
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

from timing import empty_folder, prefect_server

PROCESSES = 3
WITHIN_SECONDS = 10
FINAL = {"Published": "COMPLETED", "KeptLastGood": "CANCELLED", "Refused": "FAILED"}
LATE = """
    SELECT count(*), count(DISTINCT heartbeats.resource_id)
    FROM events AS heartbeats JOIN events AS ends USING (resource_id)
    WHERE heartbeats.event = 'prefect.flow-run.heartbeat' AND heartbeats.occurred > ends.occurred
        AND ends.event IN ('prefect.flow-run.Published', 'prefect.flow-run.KeptLastGood', 'prefect.flow-run.Refused')
"""


def short() -> Any:
    """A flow like this project's: it ends with a state that has a name."""
    from prefect import runtime
    from prefect.client.schemas.objects import State, StateType

    from flows import hooks
    from flows.decorators import pipeline_flow

    @pipeline_flow("short", lambda: "short")
    def run(name: str) -> State[Any]:
        time.sleep(random.uniform(0.95, 1.05))  # not a secret  # noqa: S311
        if name == "KeptLastGood":  # as flows.refresh.report
            hooks.report_end(runtime.flow_run.id, runtime.deployment.id)
        return State(type=StateType(FINAL[name]), name=name)

    return run


def work(deployment: str, count: int, with_end: bool) -> None:
    """Run a part of the runs, one after the other."""
    from prefect import flow_engine, get_client
    from prefect.exceptions import PrefectHTTPStatusError

    from flows import hooks

    flow_engine.MINIMUM_HEARTBEAT_INTERVAL = 1
    flow_engine.BaseFlowRunEngine.heartbeat_seconds = property(lambda _: 1)  # type: ignore[assignment,method-assign]
    if not with_end:
        hooks.report_end = lambda *_: None  # type: ignore[assignment]
    flow = short()
    with get_client(sync_client=True) as client:
        for number in range(count):
            name = list(FINAL)[number % len(FINAL)]
            run = None
            while run is None:
                with suppress(PrefectHTTPStatusError):  # the server is busy
                    run = client.create_flow_run_from_deployment(UUID(deployment), parameters={"name": name})
            flow_engine.run_flow(flow, flow_run=run, parameters={"name": name}, return_type="state")


def prepare() -> tuple[str, str]:
    """Register the rules and a deployment with one abandoned run; returns the ids of both."""
    from prefect import get_client
    from prefect.events import AutomationCore
    from prefect.states import Pending, Running

    from flows import automations

    automations.register()
    lost = automations.declared()[0]
    lost["trigger"]["within"] = WITHIN_SECONDS
    deployment = short().to_deployment("short", tags=["peacekeeping"]).apply()
    with get_client(sync_client=True) as client:
        (rule,) = client.read_automations_by_name(lost["name"])
        client.update_automation(rule.id, AutomationCore.model_validate(lost))
        abandoned = client.create_flow_run_from_deployment(deployment, parameters={"name": "Published"})
        for state in (Pending(), Running()):
            client.set_flow_run_state(abandoned.id, state)
    return str(deployment), str(abandoned.id)


def report(database: Path, abandoned: str) -> None:
    """Print what the server has recorded."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        states = connection.execute(
            "SELECT s.name, count(*) FROM flow_run_state AS s WHERE s.flow_run_id != ? GROUP BY 1 ORDER BY 1",
            [abandoned],
        ).fetchall()
        late, runs = connection.execute(LATE).fetchone()
        failed = connection.execute(
            "SELECT count(*) FROM events WHERE event = 'prefect.automation.action.failed'"
        ).fetchone()[0]
        found = connection.execute(
            "SELECT count(*) FROM flow_run_state WHERE flow_run_id = ? AND name = 'Crashed'", [abandoned]
        ).fetchone()[0]
    print(f"{late} signs of life of {runs} runs came after the final state")
    print(f"states that runs went through: {', '.join(f'{name} {count}' for name, count in states)}")
    print(f"actions of the rules that failed: {failed}")
    print(f"the abandoned run was found: {'yes' if found else 'no'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--without-end", action="store_true")
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        work(given.work[0], int(given.work[1]), not given.without_end)
        return
    with empty_folder() as folder, prefect_server() as served:
        os.environ |= served | {"PREFECT_LOGGING_LEVEL": "CRITICAL"}
        deployment, abandoned = prepare()
        time.sleep(2)  # until the server's own copy of the rule is the new one
        more = ["--without-end"] if given.without_end else []
        command = [sys.executable, __file__, *more, "--work", deployment, str(given.runs // PROCESSES)]
        for process in [subprocess.Popen(command) for _ in range(PROCESSES)]:
            process.wait()
        time.sleep(WITHIN_SECONDS + 10)  # the rule is looked at every few seconds
        report(folder / "home" / "prefect.db", abandoned)


if __name__ == "__main__":
    main()
