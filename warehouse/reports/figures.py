"""All figures of one page, gathered from one warehouse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from schemas.source import Source
from warehouse.reports.money import Owed, Payers, costs_of, owed_of, payers_of
from warehouse.reports.people import People, people_of
from warehouse.reports.provenance import Used, build_of, claims_of, incomplete_periods, used
from warehouse.reports.scope import Asker, Row, Scope, scope_of
from warehouse.reports.toll import Toll, toll_of


@dataclass(frozen=True)
class Briefing:
    """What a page says; a section that the data do not reach is None or empty, never a zero."""

    scope: Scope
    toll: Toll | None
    people: People
    payers: Payers
    costs: list[Row]
    costs_from: str | None  # the first peacekeeping year of which costs of any mission are held
    owed: Owed
    claims: list[Row]
    sources: list[Used]
    incomplete: list[Row]  # the periods of which rows were rejected, of all sources
    build: Row

    def lacking(self, source: str, *periods: object) -> list[Row]:
        """Those of these periods of a source of which rows were rejected; "all" is the period where it has none."""
        named = [str(period) for period in periods]
        return [row for row in self.incomplete if row["source"] == source and row["period"] in named]

    def lacking_between(self, source: str, first: object, last: object) -> list[Row]:
        """The periods of a source from the first to the last of which rows were rejected."""
        return [row for row in self.incomplete if row["source"] == source and str(first) <= row["period"] <= str(last)]

    @property
    def paid_by_assessments(self) -> bool:
        """Whether it is of a kind that the assessments for peacekeeping pay (UNTSO and UNMOGIP are exceptions)."""
        return self.scope.kind in ("peacekeeping", "support")

    @property
    def paid_by_regular_budget(self) -> bool:
        """Whether the regular budget pays the mission: special political missions are no peacekeeping operations."""
        return self.scope.kind == "special_political"


def gather(ask: Asker, mission: str, up_to: date | None, as_of: date | None, about: Mapping[str, Source]) -> Briefing:
    """All figures of a mission's page.

    Raises WrongMission where no page can be made of what was asked, BriefingError where the warehouse can't answer.
    """
    scope = scope_of(ask, mission, up_to, as_of)
    toll, people, payers = toll_of(ask, scope), people_of(ask, scope), payers_of(ask, scope)
    costs, owed, claims = costs_of(ask, scope), owed_of(ask, scope), claims_of(ask, scope)
    kind = scope.kind
    reached = {
        "head": True,
        "toll": toll,
        "people": people.months,
        "pay": payers.year and kind in ("peacekeeping", "support"),
        "regular": payers.regular and kind == "special_political",
        "cost": costs,
        "owed": owed.arrears or owed.cash or owed.statuses,
    }
    return Briefing(
        scope=scope,
        toll=toll,
        people=people,
        payers=payers,
        costs=costs,
        costs_from=ask.one("SELECT min(peacekeeping_year) AS year FROM marts.mission_cost")["year"],
        owed=owed,
        claims=claims,
        sources=used(ask, [section for section, found in reached.items() if found], claims, about),
        incomplete=incomplete_periods(ask),
        build=build_of(ask),
    )
