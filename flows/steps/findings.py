"""What the summary of a run shows of a built file: failed checks, claims, reconciliations, changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pandas as pd

from flows.steps.build import Build
from flows.steps.staging import StageReport, of_all_sources
from schemas.tables.quality import REJECTED_ROWS
from warehouse import checks, diff
from warehouse.query import Answer, QueryError, connect

EXAMPLE_ROWS = 5
EXAMPLE_LETTERS = 400
_COUNTS = "SELECT count(*) FROM "
_FAILED = """
SELECT name, severity::VARCHAR AS severity, expected, found, description FROM meta.checks WHERE NOT passed
ORDER BY severity::VARCHAR, name
"""
_CLAIMS = "SELECT verdict::VARCHAR AS verdict, claim, because, number FROM meta.claims ORDER BY number"
_RECONCILIATIONS = """
SELECT name, unexplained, explained, agreeing, compared, known, reasons
FROM marts.reconciliation_summary ORDER BY unexplained DESC, name
"""


def failed_checks(file: Path) -> list[dict[str, object]]:
    """The failed checks of a built file: name, severity, expected, found, description, and some of the failing rows.

    Only a check that expects to count no row names failing rows: those that its query counts.
    """
    queries = {check.name: check.sql for check in checks.all_checks() if check.expect.max == 0}
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
    """Verdict, claim, reason and number of each claim that a built file judged, in the order of the list."""
    try:
        with connect(file) as connection:
            return Answer(connection, _CLAIMS).records()
    except QueryError:
        return []


def reconciliations(built: Build) -> list[dict[str, object]]:
    """The rows of marts.reconciliation_summary of a checked build, those with unexplained differences first."""
    with connect(built.file) as connection:
        return Answer(connection, _RECONCILIATIONS).records()


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


def rejected_by_reason(reports: Sequence[StageReport]) -> list[dict[str, object]]:
    """Rejected rows by source, column and check, the most frequent first, each with an example.

    Those of every snapshot count, as in meta.rejected_rows.
    """
    rows = of_all_sources(reports, REJECTED_ROWS)
    if rows.empty:
        return []
    keys = ["source", "column_name", "check_name"]
    rows = rows.drop_duplicates([*keys, "snapshot_sha256", "row_number"])
    columns = ["source", "rows", "example", "column_name", "check_name", "first_row"]
    grouped = rows.groupby(keys, dropna=False).agg(
        rows=("row_number", "size"), example=("reason", "first"), first_row=("row_number", "min")
    )
    ordered = grouped.sort_values("rows", ascending=False).reset_index()[columns]
    return [{str(name): _plain(value) for name, value in row.items()} for row in ordered.to_dict("records")]


def _plain(value: object) -> object:
    if isinstance(value, str):
        return value
    return None if pd.isna(value) else int(value)  # type: ignore[call-overload]
