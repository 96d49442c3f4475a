"""What a page rests on: the claims it answers, and every snapshot with its defects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schemas.source import Source
from warehouse.reports.scope import Asker, Row, Scope

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
    """A source that the page rests on, with its snapshots in this build."""

    name: str
    about: Source | None
    snapshots: list[Row]
    defects: list[str]
    incomplete: list[Row]  # its periods of which rows were rejected

    @property
    def title(self) -> str:
        return self.about.title if self.about else self.name.replace("_", " ").capitalize()


def used(ask: Asker, sections: Iterable[str], claims: Iterable[Row], about: Mapping[str, Source]) -> list[Used]:
    """The sources of the sections that have figures and of the claims, each once."""
    names = dict.fromkeys(name for section in sections for name in SECTIONS[section])
    names |= dict.fromkeys(name for claim in claims for name in claim["sources"])
    snapshots = ask(
        "SELECT source, vintage, vintage_basis, sha256, citation FROM meta.snapshots ORDER BY vintage DESC, url"
    )
    defects = ask("FROM meta.known_defects ORDER BY source, defect_id")
    incomplete = incomplete_periods(ask)
    return [
        Used(
            name=name,
            about=about.get(name),
            snapshots=[row for row in snapshots if row["source"] == name],
            defects=[defect_told(row) for row in defects if row["source"] == name],
            incomplete=[row for row in incomplete if row["source"] == name],
        )
        for name in names
        if any(row["source"] == name for row in snapshots)
    ]


def incomplete_periods(ask: Asker) -> list[Row]:
    """The periods of which rows were rejected, of all sources; none in an older warehouse, which doesn't tell."""
    if not ask.has("meta.incomplete_periods"):
        return []
    return ask(
        "SELECT source, period, measure, rows_rejected, published, missing, share_pct FROM meta.incomplete_periods "
        "ORDER BY source, period"
    )


def defect_told(row: Row) -> str:
    """A known defect in words; one that the publisher mended says so."""
    return str(row["description"]) + (" Mended by the publisher since." if row.get("status") == "mended" else "")


def claims_of(ask: Asker, scope: Scope) -> list[Row]:
    """The claims of what was printed about this mission by the day, each with its figures; none in an older warehouse.

    A text is about the mission that the queries of its claims name most; its other claims are of peacekeeping at large.
    """
    if not (ask.has("meta.claims") and ask.has("meta.claim_figures")):
        return []
    about = ask(
        """
        WITH named AS (
            SELECT claims.printed_in, missions.mission, count(DISTINCT claims.claim_id) AS claims
            FROM meta.claims AS claims
            JOIN meta.claim_figures AS figures USING (claim_id)
            JOIN main.missions AS missions ON contains(figures.sql, '''' || missions.mission || '''')
            GROUP BY ALL
        )
        SELECT printed_in FROM named
        QUALIFY rank() OVER (PARTITION BY printed_in ORDER BY claims DESC) = 1 AND mission = $1
        """,
        scope.mission,
    )
    claims = ask(
        "SELECT claim_id, number, claim, printed_in, printed_on, stated, unit, verdict::VARCHAR AS verdict, because, "
        "caveats, sources FROM meta.claims WHERE list_contains($1, printed_in) AND printed_on <= $2::DATE "
        "ORDER BY number",
        tuple(row["printed_in"] for row in about),
        scope.day,
    )
    figures = ask(
        "SELECT claim_id, position, label, definition, is_main, value_text, pending, unit FROM meta.claim_figures "
        "ORDER BY claim_id, position"
    )
    return [{**claim, "figures": [row for row in figures if row["claim_id"] == claim["claim_id"]]} for claim in claims]


def build_of(ask: Asker) -> Row:
    """The build that the page was written from."""
    return ask.one("SELECT build_id, code_version FROM meta.builds")
