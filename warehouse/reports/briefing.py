"""All figures of one page, read from one warehouse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from schemas.source import Source
from warehouse.reports.money import Owed, Payers, costs_of, owed_of, payers_of
from warehouse.reports.people import People, people_of
from warehouse.reports.provenance import Used, build_of, claims_of, incomplete_periods, sources_of
from warehouse.reports.scope import Queries, Row, Scope, scope_of
from warehouse.reports.toll import Toll, toll_of


@dataclass(frozen=True)
class Briefing:
    """The figures of a page. A section without data is None or empty, never a zero."""

    scope: Scope
    toll: Toll | None
    people: People
    payers: Payers
    costs: list[Row]
    costs_from: str | None  # the first peacekeeping year with costs of any mission
    owed: Owed
    claims: list[Row]
    sources: list[Used]
    incomplete: list[Row]  # the periods with rejected rows, of all sources
    build: Row

    def lacking(self, source: str, *periods: object) -> list[Row]:
        """Those of these periods of a source that have rejected rows; a source without periods has one, "all"."""
        named = [str(period) for period in periods]
        return [row for row in self.incomplete if row["source"] == source and row["period"] in named]

    def lacking_between(self, source: str, first: object, last: object) -> list[Row]:
        """The periods of a source from the first to the last that have rejected rows."""
        return [row for row in self.incomplete if row["source"] == source and str(first) <= row["period"] <= str(last)]

    @property
    def paid_by_assessments(self) -> bool:
        """Whether the assessments for peacekeeping pay missions of its kind (not so UNTSO and UNMOGIP)."""
        return self.scope.kind in ("peacekeeping", "support")

    @property
    def paid_by_regular_budget(self) -> bool:
        """Whether the regular budget pays the mission, as it does special political missions."""
        return self.scope.kind == "special_political"


def briefing_of(
    query: Queries, mission: str, up_to: date | None, as_of: date | None, about: Mapping[str, Source]
) -> Briefing:
    """The figures of a mission's page. `about` has each source's declaration by its name.

    Raises WrongMission where the mission has no page, BriefingError where the warehouse can't answer.
    """
    scope = scope_of(query, mission, up_to, as_of)
    toll, people, payers = toll_of(query, scope), people_of(query, scope), payers_of(query, scope)
    costs, owed, claims = costs_of(query, scope), owed_of(query, scope), claims_of(query, scope)
    filled = {
        "head": True,
        "toll": toll,
        "people": people.months,
        "pay": payers.year and scope.kind in ("peacekeeping", "support"),
        "regular": payers.regular and scope.kind == "special_political",
        "cost": costs,
        "owed": owed.arrears or owed.cash or owed.statuses,
    }
    return Briefing(
        scope=scope,
        toll=toll,
        people=people,
        payers=payers,
        costs=costs,
        costs_from=query.value("SELECT min(peacekeeping_year) FROM marts.mission_cost"),
        owed=owed,
        claims=claims,
        sources=sources_of(query, [section for section, figures in filled.items() if figures], claims, about),
        incomplete=incomplete_periods(query),
        build=build_of(query),
    )
