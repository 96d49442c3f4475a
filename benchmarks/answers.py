"""How long the warehouse takes to answer: every view of marts, the claims, one briefing, all of them.

    python benchmarks/answers.py [--rounds 5]

Reads the published warehouse (PEACEKEEPING_DATA), changes nothing. Medians; the first round of each warms the file's
pages. The floor beside them: reading every row of the table that most of the views read, in the same connection.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flows.steps.briefings import BriefingWriter
from flows.steps.settings import paths
from warehouse.claims.files import load_claims
from warehouse.claims.judge import judged
from warehouse.query import connect


def median_ms(rounds: int, work: Callable[[], Any]) -> float:
    """Milliseconds of one call, the median of so many after one to warm up."""
    work()
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with connect(paths().warehouse) as connection, tempfile.TemporaryDirectory() as scratch:

        def ask(sql: str) -> Callable[[], Any]:
            return lambda: connection.execute(sql).fetchall()

        views = [
            str(name)
            for (name,) in connection.execute(
                "SELECT view_name FROM duckdb_views() WHERE schema_name = 'marts' ORDER BY 1"
            ).fetchall()
        ]
        questions = {f"marts.{name}": f"SELECT count(*), hash(list(v)) FROM marts.{name} AS v" for name in views}
        questions["marts.deadliest_missions(...)"] = (
            "FROM marts.deadliest_missions(up_to := DATE '2019-01-25', incident_type := 'Malicious Act')"
        )
        questions["marts.top_contributors(...)"] = "FROM marts.top_contributors('MINUSMA', DATE '2019-01-25')"
        questions["floor: every row of main.uniformed_personnel"] = (
            "SELECT count(*), hash(list(p)) FROM main.uniformed_personnel AS p"
        )
        for name, sql in questions.items():
            print(f"{median_ms(rounds, ask(sql)):8.1f} ms  {name}", flush=True)
        claims = load_claims()
        print(f"{median_ms(rounds, lambda: judged(connection, claims)):8.1f} ms  {len(claims)} claims judged")

        def pages(mission: str | None) -> Callable[[], Any]:
            return lambda: BriefingWriter(connection, Path(scratch)).write(mission)

        print(
            f"{median_ms(rounds, pages('MINUSMA')):8.1f} ms  one briefing (MINUSMA), in a process that has vl-convert loaded"
        )
        began = time.perf_counter()
        written = pages(None)()
        print(f"{1000 * (time.perf_counter() - began):8.1f} ms  all {len(written.pages)} briefings and their index")


if __name__ == "__main__":
    main()
