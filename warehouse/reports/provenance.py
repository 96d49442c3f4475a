"""The claims about a mission, and the sources behind a page with their snapshots and defects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schemas.source import Source
from warehouse.reports.scope import Queries, Row, Scope

# The sources behind each section, in the order of the page.
SECTIONS: dict[str, tuple[str, ...]] = {
    "head": ("missions", "mission_register"),
    "toll": ("fatalities",),
    "people": ("uniformed_personnel", "mission_strength", "peacekeeping_levels"),
    "pay": ("assessed_contributions", "peacekeeping_levels"),
    "regular": ("scale_of_assessments",),
    "cost": ("mission_budgets", "mission_assessments"),
    "owed": ("dated_facts", "regular_budget_payments"),
}


@dataclass(frozen=True)
class Used:
    """A source of the page with its snapshots in this build, and its periods with rejected rows."""

    name: str
    about: Source | None
    snapshots: list[Row]
    defects: list[str]
    incomplete: list[Row]

    @property
    def title(self) -> str:
        return self.about.title if self.about else self.name.replace("_", " ").capitalize()


def sources_of(
    query: Queries, sections: Iterable[str], claims: Iterable[Row], about: Mapping[str, Source]
) -> list[Used]:
    """The sources of the sections that have figures and of the claims, each once."""
    names = dict.fromkeys(name for section in sections for name in SECTIONS[section])
    names |= dict.fromkeys(name for claim in claims for name in claim["sources"])

    def of(rows: list[Row], name: str) -> list[Row]:
        return [row for row in rows if row["source"] == name]

    snapshots = query(
        "SELECT source, vintage, vintage_basis, sha256, citation FROM meta.snapshots ORDER BY vintage DESC, url"
    )
    defects, incomplete = query("FROM meta.known_defects ORDER BY source, defect_id"), incomplete_periods(query)
    return [
        Used(name, about.get(name), used, [defect_text(row) for row in of(defects, name)], of(incomplete, name))
        for name in names
        if (used := of(snapshots, name))
    ]


def incomplete_periods(query: Queries) -> list[Row]:
    """The periods with rejected rows, of all sources; none in an older warehouse without that table."""
    if not query.has("meta.incomplete_periods"):
        return []
    return query(
        "SELECT source, period, measure, rows_rejected, published, missing, share_pct FROM meta.incomplete_periods "
        "ORDER BY source, period"
    )


def defect_text(row: Row) -> str:
    """A known defect in words, and whether the publisher has mended it."""
    return str(row["description"]) + (" The publisher has corrected it since." if row.get("status") == "mended" else "")


def claims_of(query: Queries, scope: Scope) -> list[Row]:
    """The claims about this mission printed by the day, each with its figures; none in an older warehouse.

    A text is about the mission that the queries of its claims name most; all its claims are on that mission's page.
    """
    if not (query.has("meta.claims") and query.has("meta.claim_figures")):
        return []
    claims = query(
        """
        WITH named AS (
            SELECT claims.printed_in, missions.mission, count(DISTINCT claims.claim_id) AS claims
            FROM meta.claims AS claims
            JOIN meta.claim_figures AS figures USING (claim_id)
            JOIN main.missions AS missions ON contains(figures.sql, '''' || missions.mission || '''')
            GROUP BY ALL
        ), about AS (
            SELECT printed_in FROM named
            QUALIFY rank() OVER (PARTITION BY printed_in ORDER BY claims DESC) = 1 AND mission = $1
        )
        SELECT claim_id, number, claim, printed_in, printed_on, stated, unit, verdict::VARCHAR AS verdict, because,
            caveats, sources
        FROM meta.claims WHERE printed_in IN (FROM about) AND printed_on <= $2::DATE ORDER BY number
        """,
        scope.mission,
        scope.day,
    )
    figures = query(
        "SELECT claim_id, position, label, definition, is_main, value_text, pending, unit FROM meta.claim_figures "
        "ORDER BY claim_id, position"
    )
    return [{**claim, "figures": [row for row in figures if row["claim_id"] == claim["claim_id"]]} for claim in claims]


def build_of(query: Queries) -> Row:
    """The id and code version of the build."""
    return query.one("SELECT build_id, code_version FROM meta.builds")
