"""Read the judged claims of a published warehouse, as records, plain text and Markdown.

This module imports neither pandera nor YAML, so that the command starts fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from warehouse.query import Answer, QueryError, plain
from warehouse.reports.formats import units

_CLAIMS = """
SELECT number, claim_id AS id, claim, printed_in, printed_on, stated, unit, verdict::VARCHAR AS verdict, because,
    caveats, citation, sources, snapshot_sha256s, rows_sql
FROM meta.claims ORDER BY number
"""
_FIGURES = """
SELECT claim_id, definition_id AS id, label, definition, is_main, value_text AS shown, value, unit, pending, sql
FROM meta.claim_figures ORDER BY claim_id, position
"""
_VINTAGES = "SELECT source, sha256, vintage FROM meta.snapshots"


class NoClaims(QueryError):
    """The warehouse has no tables of claims: older code built it."""


def _records(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    return [plain(record) for record in Answer(connection, sql).records()]


def read_claims(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Every claim with its figures and snapshots, by number.

    Raises NoClaims when the warehouse has no tables of claims.
    """
    tables = "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'meta' AND table_name LIKE 'claim%'"
    if Answer(connection, tables).rows() == [(0,)]:
        raise NoClaims("This warehouse was built before claims were kept.")
    vintages = {(row["source"], row["sha256"]): row["vintage"] for row in _records(connection, _VINTAGES)}
    figures: dict[str, list[dict[str, Any]]] = {}
    for figure in _records(connection, _FIGURES):
        figures.setdefault(figure.pop("claim_id"), []).append(figure)
    claims = []
    for claim in _records(connection, _CLAIMS):
        pairs = zip(claim.pop("sources"), claim.pop("snapshot_sha256s"), strict=True)
        claim["rests_on"] = [
            {"source": source, "vintage": vintages.get((source, sha256)), "sha256": sha256} for source, sha256 in pairs
        ]
        claims.append(claim | {"figures": figures.get(claim["id"], [])})
    return claims


def as_shown(figure: dict[str, Any]) -> str:
    """A figure with its unit and the number of pending values."""
    if figure["shown"] is None:
        return "no data"
    unit = f" ({units(figure['unit'], figure['shown'])})" if figure["unit"] else ""
    pending = f", {figure['pending']:,} still to be determined" if figure["pending"] else ""
    return f"{figure['shown']}{unit}{pending}"


def lines(claim: dict[str, Any]) -> list[str]:
    """One claim in full, as plain text."""
    unit = f" ({units(claim['unit'], claim['stated'])})" if claim["unit"] not in (None, "rank") else ""
    stated = f"{claim['stated']}{unit}" if claim["stated"] else "no figure"
    text = [f"{claim['number']}. {claim['id']}", "", claim["claim"]]
    text += [f"Printed in {claim['printed_in']}, {claim['printed_on']}.", f"Stated: {stated}", ""]
    text += [f"Verdict: {claim['verdict']}", claim["because"], "", "Figures (* what the claim most plainly means):"]
    for figure in claim["figures"]:
        text.append(f"{'*' if figure['is_main'] else '-'} {figure['label']}: {as_shown(figure)}")
        text.append(f"    {figure['definition']}")
    if claim["caveats"]:
        text += ["", f"Caveats: {claim['caveats']}"]
    text += ["", "Rests on:"]
    text += [f"- {one['source']}, vintage {one['vintage']}, SHA-256 {one['sha256']}" for one in claim["rests_on"]]
    return [*text, "", f"Citation: {claim['citation']}"]


def _cell(value: Any) -> str:
    return "" if value is None else " ".join(str(value).split()).replace("|", "\\|")


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """A table in Markdown."""
    bars = [f"| {' | '.join(map(_cell, row))} |" for row in [columns, *rows]]
    return [bars[0], "|" + "---|" * len(columns), *bars[1:]]


def markdown(claim: dict[str, Any]) -> list[str]:
    """One claim in full, in Markdown."""
    text = [f"## {claim['claim']}", "", f"Printed in {claim['printed_in']}, {claim['printed_on']}.", ""]
    text += [f"**{claim['verdict'].capitalize()}.** {claim['because']}", ""]
    rows = [
        [f"**{figure['label']}**" if figure["is_main"] else figure["label"], as_shown(figure), figure["definition"]]
        for figure in claim["figures"]
    ]
    text += markdown_table(["figure", "value", "definition"], rows)
    if claim["caveats"]:
        text += ["", f"Caveats: {claim['caveats']}"]
    rests = [[one["source"], one["vintage"], f"`{one['sha256']}`"] for one in claim["rests_on"]]
    text += ["", *markdown_table(["source", "vintage", "SHA-256"], rests)]
    return [*text, "", f"> {claim['citation']}"]
