"""How long the warehouse takes to answer, in one process: every mart, the claims, the codebook, the briefings.

    python benchmarks/answers.py [--rounds 5]

Reads the published warehouse (PEACEKEEPING_DATA). Medians, after one call to warm up; all briefings once. The floor is
reading every row of the table that most marts read, in the same connection.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from timing import median, rounds, seconds, show

from flows.steps.briefings import BriefingWriter
from flows.steps.settings import paths
from warehouse.claims.files import load_claims
from warehouse.claims.judge import judged
from warehouse.query import connect

READ_ALL = "SELECT count(*), hash(list(t)) FROM {} AS t"
QUERIES = {
    "marts.deadliest_missions(...)": "FROM marts.deadliest_missions("
    "up_to := DATE '2019-01-25', incident_type := 'Malicious Act')",
    "marts.top_contributors(...)": "FROM marts.top_contributors('MINUSMA', DATE '2019-01-25')",
    "meta.published_names": "FROM meta.published_names",
}


def main() -> None:
    """Measure and print."""
    count = rounds(__doc__)
    claims = load_claims()
    with connect(paths().warehouse) as connection, tempfile.TemporaryDirectory() as scratch:

        def ask(sql: str) -> float:
            return median(count, lambda: connection.execute(sql).fetchall())

        def brief(mission: str | None) -> object:
            return BriefingWriter(connection, Path(scratch)).write(mission)

        floor = ask(READ_ALL.format("main.uniformed_personnel"))
        show(floor, "floor: every row of main.uniformed_personnel")
        views = connection.execute("SELECT view_name FROM duckdb_views() WHERE schema_name = 'marts' ORDER BY 1")
        marts = {f"marts.{name}": READ_ALL.format(f"marts.{name}") for (name,) in views.fetchall()}
        for name, sql in (marts | QUERIES).items():
            show(ask(sql), name, floor)
        show(median(count, lambda: judged(connection, claims)), f"{len(claims)} claims judged", floor)
        show(median(count, lambda: brief("MINUSMA")), "the briefing of MINUSMA", floor)
        show(seconds(lambda: brief(None)), "all briefings", floor)


if __name__ == "__main__":
    main()
