"""The state of each source: what the published warehouse says of it, and when its publisher was last asked."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb

from flows.cli.freshness import Bounds, declared_bounds, judge
from flows.steps.settings import Paths
from sources.archive import Archive
from sources.catalogue import source_names
from warehouse.query import Answer, connect

SQL = """
SELECT source, max(vintage)::VARCHAR, min(covers_from)::VARCHAR, max(covers_to),
       count(*), sum(rows_in)::BIGINT, sum(rows_rejected)::BIGINT, sum(rows_merged)::BIGINT,
       arg_max(origin, vintage), arg_max(sha256, vintage)
FROM meta.snapshots WHERE origin <> 'register' GROUP BY source
"""
INCOMPLETE = """
SELECT source, period, measure, rows_rejected, published, missing, share_pct
FROM meta.incomplete_periods ORDER BY source, period
"""
ALL = "all"  # the period of a source that has none
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
        incomplete = _incomplete_periods(connection) if "meta.incomplete_periods" in tables else {}
        build_id = Answer(connection, "SELECT build_id FROM meta.builds").rows()[0][0]
        failed = Answer(connection, "SELECT name, expected, found FROM meta.checks WHERE NOT passed").records()
    entries = [
        {
            **_entry(name, known.get(name, WITHOUT_SNAPSHOTS), bounds, today),
            "rows": rows.get(name),
            "incomplete_periods": incomplete.get(name, []),
            **_last_check(archive, name),
        }
        for name, bounds in declared_bounds().items()
    ]
    record = archive.build(build_id) or {}
    return {
        "warehouse": str(where.warehouse),
        "build_id": build_id,
        "published_at": record.get("published_at"),
        "checks_failed": failed,
        "sources": entries,
    }


def _entry(name: str, known: tuple[Any, ...], bounds: Bounds | None, today: date) -> dict[str, Any]:
    """What the snapshots of a source say of it; `known` is its row of SQL."""
    vintage, first, last, snapshots, rows_in, rejected, merged, origin, sha256 = known
    freshness = judge(last, bounds, today)
    return {
        "source": name,
        "vintage": vintage,
        "covers_from": first,
        "covers_to": last and last.isoformat(),
        "freshness": freshness.state,
        "freshness_since": freshness.since and freshness.since.isoformat(),
        "late_after_days": bounds and bounds.late_after_days,
        "stale_after_days": bounds and bounds.stale_after_days,
        "rows_in": rows_in,
        "rejected": rejected,
        "merged": merged,
        "snapshots": snapshots,
        "newest_snapshot": sha256,
        "origin": origin,
    }


def _last_check(archive: Archive, name: str) -> dict[str, Any]:
    """When the publisher of a source was last asked, and what came of it."""
    checked = archive.last_check(name) or {}
    return {
        "last_checked": checked.get("at"),
        "outcome": checked.get("outcome"),
        "message": checked.get("message"),
    }


def _incomplete_periods(connection: duckdb.DuckDBPyConnection) -> dict[str, list[dict[str, Any]]]:
    """For each source its periods of which rows were rejected, in order."""
    found: dict[str, list[dict[str, Any]]] = {}
    for period in Answer(connection, INCOMPLETE).records():
        found.setdefault(period.pop("source"), []).append(period)
    return found


def told_incomplete(source: str, lacking: dict[str, Any]) -> str:
    """In words what a period of a source lacks."""
    period = "" if lacking["period"] == ALL else f" {lacking['period']}"
    rejected = f"{lacking['rows_rejected']:,} row{'' if lacking['rows_rejected'] == 1 else 's'} rejected"
    if lacking["missing"] is None:
        return f"{source}{period}: {rejected}; what they would add is not known"
    missing, whole = (_figure(one) for one in (lacking["missing"], lacking["published"] + lacking["missing"]))
    share = "" if lacking["share_pct"] is None else f" ({lacking['share_pct']:.1f} %)"
    return f"{source}{period} lacks about {missing} of {whole} {lacking['measure']}{share}, {rejected}"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.2f}"
