"""What a built file says of itself that an inspector wants to see first: failed checks, the claims' verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flows.steps.build import Build
from warehouse import diff
from warehouse.query import Answer, QueryError, connect

ROWS_NAMED = 5
CELL_LETTERS = 400
_COUNTS = "SELECT count(*) FROM "
_FAILED = """
SELECT name, severity::VARCHAR AS severity, expected, found, description FROM meta.checks WHERE NOT passed
ORDER BY severity::VARCHAR, name
"""
_CLAIMS = "SELECT number, claim, verdict::VARCHAR AS verdict, because FROM meta.claims ORDER BY number"


def _records(connection: Any, sql: str) -> list[dict[str, object]]:
    return Answer(connection, sql).records()


def failed_checks(file: Path, queries: dict[str, str]) -> list[dict[str, object]]:
    """The checks that a built file failed: name, severity, expected, found, description, and some of the rows.

    queries  the SQL of those checks that expect nothing to be found, by name: what such a check counts are the rows at
             fault, so its query names them, too. A check that counts otherwise names none.
    """
    try:
        with connect(file) as connection:
            found = _records(connection, _FAILED)
            for check in found:
                check["rows"] = _rows_at_fault(connection, queries.get(str(check["name"]), ""))
    except QueryError:  # a build that ended before its checks
        return []
    return found


def _rows_at_fault(connection: Any, sql: str) -> str:
    """The first rows that a check counts, as text; empty where its query is no plain count."""
    sql = " ".join(sql.split())
    if not sql.startswith(_COUNTS):
        return ""
    try:
        named = _records(connection, f"SELECT * FROM {sql.removeprefix(_COUNTS)} LIMIT {ROWS_NAMED}")
    except QueryError:
        return ""
    rows = [", ".join(f"{name}={value}" for name, value in row.items() if value is not None) for row in named]
    return "; ".join(row if len(row) <= CELL_LETTERS else f"{row[:CELL_LETTERS]}…" for row in rows)


def claims(file: Path) -> list[dict[str, object]]:
    """Number, claim, verdict and why of each claim that a built file judged."""
    try:
        with connect(file) as connection:
            return _records(connection, _CLAIMS)
    except QueryError:
        return []


def reconciliations(built: Build) -> list[dict[str, object]]:
    """The rows of marts.reconciliation_summary of a checked build."""
    with connect(built.file) as connection:
        return _records(connection, "FROM marts.reconciliation_summary")


def changes(published: Path, built: Build) -> list[dict[str, object]] | None:
    """Rows added, gone and changed by table of main, from the published file to a build; most changed first.

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
