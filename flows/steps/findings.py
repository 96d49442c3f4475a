"""What the summary of a run shows of a built file: failed checks, claims, reconciliations, changes."""

from __future__ import annotations

from pathlib import Path

import duckdb

from flows.steps.build import Build
from warehouse import diff
from warehouse.query import Answer, QueryError, connect

EXAMPLE_ROWS = 5
EXAMPLE_LETTERS = 400
_COUNTS = "SELECT count(*) FROM "
_FAILED = """
SELECT name, severity::VARCHAR AS severity, expected, found, description FROM meta.checks WHERE NOT passed
ORDER BY severity::VARCHAR, name
"""
_CLAIMS = "SELECT number, claim, verdict::VARCHAR AS verdict, because FROM meta.claims ORDER BY number"


def failed_checks(file: Path, queries: dict[str, str]) -> list[dict[str, object]]:
    """The failed checks of a built file: name, severity, expected, found, description, and some of the failing rows.

    queries  the SQL of the checks that expect to count no row, by name: the rows that such a query counts are at fault
    """
    try:
        with connect(file) as connection:
            failed = Answer(connection, _FAILED).records()
            for check in failed:
                check["rows"] = _failing_rows(connection, queries.get(str(check["name"]), ""))
    except QueryError:  # the build ended before its checks
        return []
    return failed


def _failing_rows(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The first rows that a check's query counts, as text; empty where the query is no plain count."""
    sql = " ".join(sql.split())
    if not sql.startswith(_COUNTS):
        return ""
    try:
        records = Answer(connection, f"SELECT * FROM {sql.removeprefix(_COUNTS)} LIMIT {EXAMPLE_ROWS}").records()
    except QueryError:
        return ""
    rows = [", ".join(f"{name}={value}" for name, value in row.items() if value is not None) for row in records]
    return "; ".join(row if len(row) <= EXAMPLE_LETTERS else f"{row[:EXAMPLE_LETTERS]}…" for row in rows)


def claims(file: Path) -> list[dict[str, object]]:
    """Number, claim, verdict and reason of each claim that a built file judged."""
    try:
        with connect(file) as connection:
            return Answer(connection, _CLAIMS).records()
    except QueryError:
        return []


def reconciliations(built: Build) -> list[dict[str, object]]:
    """The rows of marts.reconciliation_summary of a checked build."""
    with connect(built.file) as connection:
        return Answer(connection, "FROM marts.reconciliation_summary").records()


def changes(published: Path, built: Build) -> list[dict[str, object]] | None:
    """Rows added, removed and changed by table of main, from the published file to a build; most changed first.

    None where no published file can be compared.
    """
    try:
        compared = diff.compare(published, built.file, 0)
    except diff.DiffError:
        return None
    return [
        {"table": table.table, "added": table.added, "gone": table.gone, "changed": table.changed}
        for table in compared.differing
        if table.size
    ]
