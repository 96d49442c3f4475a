"""The state of each source: what the published warehouse says of it, and when its publisher was last asked."""

from __future__ import annotations

from typing import Any

from flows.settings import Paths
from sources.archive import Archive
from sources.catalogue import source_names
from warehouse.query import Answer, connect

SQL = """
SELECT source, max(vintage)::VARCHAR, min(covers_from)::VARCHAR, max(covers_to)::VARCHAR,
       count(*), sum(rows_in)::BIGINT, sum(rows_rejected)::BIGINT, sum(rows_merged)::BIGINT,
       arg_max(origin, vintage), arg_max(sha256, vintage)
FROM meta.snapshots WHERE origin <> 'register' GROUP BY source
"""
ROWS = """
SELECT 'fatalities', count(*) FROM main.fatalities
UNION ALL SELECT 'uniformed_personnel', count(*) FROM main.uniformed_personnel
UNION ALL SELECT 'assessed_contributions', count(*) FROM main.assessed_contributions
UNION ALL SELECT 'missions', count(*) FROM main.missions
"""


def read_status(where: Paths) -> dict[str, Any]:
    """Each source's vintage, coverage, rows and last check, and the published build.

    Raises QueryError when there is no warehouse, SourceError when a record can't be read.
    """
    archive = Archive(where.raw)
    with connect(where.warehouse) as connection:
        known = {row[0]: row[1:] for row in Answer(connection, SQL).rows()}
        rows = dict(Answer(connection, ROWS).rows())
        build_id = Answer(connection, "SELECT build_id FROM meta.builds").rows()[0][0]
        failed = Answer(connection, "SELECT name, expected, found FROM meta.checks WHERE NOT passed").rows()
    entries = []
    for name in source_names():
        vintage, first, last, snapshots, rows_in, rejected, merged, origin, sha256 = known.get(name, (None,) * 9)
        checked = archive.last_check(name) or {}
        entries.append(
            {
                "source": name,
                "vintage": vintage,
                "covers_from": first,
                "covers_to": last,
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
