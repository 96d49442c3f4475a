"""What a built file says of itself that an inspector wants to see first: failed checks, the claims' verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from flows.steps.build import Build
from flows.steps.staging import StageReport
from schemas.tables.quality import REJECTED_ROWS
from warehouse import checks, diff
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


def failed_checks(file: Path) -> list[dict[str, object]]:
    """The failed checks of a built file: name, severity, expected, found, description, and some of the rows at fault.

    Only a check that allows no row has rows at fault: those that its query counts.
    """
    queries = {check.name: check.sql for check in checks.all_checks() if check.expect.max == 0}
    try:
        with connect(file) as connection:
            failed = _records(connection, _FAILED)
            for check in failed:
                check["rows"] = _rows_at_fault(connection, queries.get(str(check["name"]), ""))
    except QueryError:  # a build that ended before its checks
        return []
    return failed


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


def rejected_by_reason(reports: Sequence[StageReport]) -> list[dict[str, object]]:
    """Rejected rows by source, column and check, the most frequent first, each with an example."""
    files = [report.folder / f"{REJECTED_ROWS.full_name}.parquet" for report in reports if report.accounts]
    frames = [pd.read_parquet(file) for file in files]
    rows = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    if rows.empty:
        return []
    keys = ["source", "column_name", "check_name"]
    grouped = rows.groupby(keys, dropna=False).agg(
        rows=("row_number", "nunique"), example=("reason", "first"), first_row=("row_number", "min")
    )
    ordered = grouped.sort_values("rows", ascending=False).reset_index()
    return [{str(name): _plain(value) for name, value in row.items()} for row in ordered.to_dict("records")]


def _plain(value: object) -> object:
    if isinstance(value, str):
        return value
    return None if pd.isna(value) else int(value)  # type: ignore[call-overload]
