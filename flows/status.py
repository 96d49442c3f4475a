"""The state of each source: what the published warehouse says of it, and when its publisher was last asked."""

from __future__ import annotations

from datetime import date
from typing import Any

from flows.freshness import declared_bounds, judge
from flows.settings import Paths
from sources.archive import Archive
from sources.catalogue import source_names
from warehouse.query import Answer, connect

SQL = """
SELECT source, max(vintage)::VARCHAR, min(covers_from)::VARCHAR, max(covers_to),
       count(*), sum(rows_in)::BIGINT, sum(rows_rejected)::BIGINT, sum(rows_merged)::BIGINT,
       arg_max(origin, vintage), arg_max(sha256, vintage)
FROM meta.snapshots WHERE origin <> 'register' GROUP BY source
"""
WITHOUT_SNAPSHOTS = (None, None, None, 0, 0, 0, 0, None, None)
# Where the rows of a source lie, if not in the table of main that has its name.
# A warehouse that older code built can lack a table of a newer source.
TABLES = {
    "publisher_codebook": ["meta.publisher_datasets", "meta.publisher_columns"],
}


def read_status(where: Paths, today: date) -> dict[str, Any]:
    """Each source's vintage, coverage, freshness on the day `today`, rows and last check, and the published build.

    A source of which the warehouse has nothing has no dates and counts of 0. Raises QueryError when there is no
    warehouse, SourceError when a record or a declaration can't be read.
    """
    archive = Archive(where.raw)
    with connect(where.warehouse) as connection:
        known = {row[0]: row[1:] for row in Answer(connection, SQL).rows()}
        tables = {
            row[0] for row in Answer(connection, "SELECT schema_name || '.' || table_name FROM duckdb_tables()").rows()
        }
        rows = {
            name: sum(
                Answer(connection, f"SELECT count(*) FROM {table}").rows()[0][0]
                for table in TABLES.get(name, [f"main.{name}"])
                if table in tables
            )
            for name in source_names()
        }
        build_id = Answer(connection, "SELECT build_id FROM meta.builds").rows()[0][0]
        failed = Answer(connection, "SELECT name, expected, found FROM meta.checks WHERE NOT passed").rows()
    entries = []
    for name, bounds in declared_bounds().items():
        vintage, first, last, snapshots, rows_in, rejected, merged, origin, sha256 = known.get(name, WITHOUT_SNAPSHOTS)
        freshness = judge(last, bounds, today)
        checked = archive.last_check(name) or {}
        entries.append(
            {
                "source": name,
                "vintage": vintage,
                "covers_from": first,
                "covers_to": last and last.isoformat(),
                "freshness": freshness.state,
                "freshness_since": freshness.since and freshness.since.isoformat(),
                "late_after_days": bounds and bounds.late_after_days,
                "stale_after_days": bounds and bounds.stale_after_days,
                "rows": rows.get(name),
                "rows_in": rows_in,
                "rejected": rejected,
                "merged": merged,
                "snapshots": snapshots,
                "newest_snapshot": sha256,
                "origin": origin,
                "last_checked": checked.get("at"),
                "outcome": checked.get("outcome"),
                "message": checked.get("message"),
            }
        )
    record = archive.build(build_id) or {}
    return {
        "warehouse": str(where.warehouse),
        "build_id": build_id,
        "published_at": record.get("published_at"),
        "checks_failed": [dict(zip(("name", "expected", "found"), row, strict=True)) for row in failed],
        "sources": entries,
    }
