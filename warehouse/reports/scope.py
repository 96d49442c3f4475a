"""Asking a warehouse for a briefing: rows as records, each question once, and the mission and the days it is about."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import duckdb

from schemas.problems import first_line
from warehouse.query import records

Row = dict[str, Any]


class BriefingError(Exception):
    """The briefing can't be made; the text says why and what to do."""


class WrongMission(BriefingError):
    """No page can be made of what was asked: the mission, or the day, is not in the warehouse."""


class Asker:
    """Asks one warehouse; an answer is kept, since a run over all missions asks much of it again and again."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._known: dict[tuple[Any, ...], list[Row]] = {}

    def __call__(self, sql: str, *given: Any) -> list[Row]:
        """The answer's rows as records. Raises BriefingError when the warehouse lacks what is asked for."""
        key = (sql, *given)
        if key not in self._known:
            try:
                result = self._connection.execute(sql, [list(one) if isinstance(one, tuple) else one for one in given])
                self._known[key] = records(result)
            except duckdb.CatalogException as error:
                raise BriefingError(
                    f"This warehouse was built by older code and can't give a briefing ({first_line(error)}) "
                    "Run `peacekeeping refresh` to build it anew."
                ) from error
            except duckdb.Error as error:
                raise BriefingError(f"The warehouse gives no answer: {first_line(error)}.") from error
        return self._known[key]

    def one(self, sql: str, *given: Any) -> Row:
        """The answer's only row."""
        (row,) = self(sql, *given)
        return row

    def has(self, name: str) -> bool:
        """Whether there is such a table or view, by its full name."""
        schema, _, table = name.partition(".")
        found = self("SELECT 1 FROM information_schema.tables WHERE table_schema = ? AND table_name = ?", schema, table)
        return bool(found)


@dataclass(frozen=True)
class Scope:
    """Whom a page is about, up to when, and what is known of it by then."""

    mission: str
    name: str
    kind: str
    start: date | None
    start_precision: str | None
    end: date | None  # as published, also after the day
    end_precision: str | None
    last_day: (
        date | None
    )  # the last day of its life, as late as its end can mean; None where it is not known to be over
    began: date  # the first thing that is known of it: its start, a death or a month with personnel
    part_of: str | None
    parts: tuple[str, ...]
    in_register: bool  # whether the fatalities name it at all
    up_to: date | None  # as asked; None: all that is held
    as_of: date | None  # as asked; None: the newest vintages
    day: date  # the day the page stands for
    deaths_known_to: date | None  # the newest vintage of the fatalities; None where none is held
    held_to: date  # the last day of which deaths or personnel are held
    peacekeeping_year: str  # of `money_day`

    @property
    def over(self) -> bool:
        """Whether the mission had ended, or was no longer heard of, by the day."""
        return self.last_day is not None and self.last_day < self.day

    @property
    def money_day(self) -> date:
        """The day that the money is of: the page's, or the mission's last."""
        return min(self.day, self.last_day) if self.last_day else self.day

    @property
    def deaths_to(self) -> date | None:
        """The last day of which the deaths are counted: the page's, or as far as the vintage knows."""
        return min(self.day, self.deaths_known_to) if self.deaths_known_to else None

    @property
    def stem(self) -> str:
        """The page's file name without its ending."""
        told = [self.mission.replace(" ", "-")]
        told += [f"up-to-{self.up_to}"] if self.up_to else []
        return "_".join([*told, f"as-of-{self.as_of}"] if self.as_of else told)


# Every mission with what is held of it. The end of its life is read as marts.deadliest_missions reads it: a coarse date
# as late as it can mean; without a date the last that is known, where it is not active or the newest report no longer
# names it. Of a mission without dates and reports nobody can say that it is over.
MISSIONS = """
    WITH known AS (
        SELECT mission, sum(deaths)::BIGINT AS deaths, count(DISTINCT month_end) AS months_with_personnel,
            min(first_day) AS first_known, max(last_day) AS last_known, max(month_end) AS last_month
        FROM (
            SELECT mission, count(*) AS deaths, NULL AS month_end, min(incident_date) AS first_day,
                max(incident_date) AS last_day
            FROM main.fatalities GROUP BY ALL
            UNION ALL
            SELECT mission, NULL, month_end, month_end, month_end FROM main.uniformed_personnel WHERE total > 0
            UNION ALL
            SELECT mission, NULL, month_end, month_end, month_end FROM main.mission_strength WHERE total > 0
        )
        GROUP BY ALL
    ), parts AS (
        SELECT part_of AS mission, list(mission ORDER BY mission) AS parts
        FROM main.missions WHERE part_of IS NOT NULL GROUP BY ALL
    )
    SELECT
        mission, coalesce(name, mission) AS name, kind::VARCHAR AS kind,
        start_date, start_date_precision::VARCHAR AS start_date_precision,
        end_date, end_date_precision::VARCHAR AS end_date_precision, part_of, parts,
        deaths, months_with_personnel, first_known,
        CASE
            WHEN end_date_precision IN ('month', 'first_of_month') THEN last_day(end_date)
            WHEN end_date_precision = 'year' THEN make_date(year(end_date), 12, 31)
            WHEN end_date IS NOT NULL THEN end_date
            WHEN NOT coalesce(is_active, last_month = max(last_month) OVER (), true) THEN last_known
        END AS last_day
    FROM main.missions
    LEFT JOIN known USING (mission)
    LEFT JOIN parts USING (mission)
    WHERE missions.kind <> 'unspecified'
    ORDER BY mission
"""


def known_missions(ask: Asker) -> list[Row]:
    """The missions that have deaths or uniformed personnel, by name."""
    return [row for row in ask(MISSIONS) if row["deaths"] or row["months_with_personnel"]]


def held_to(ask: Asker) -> Row:
    """The newest vintage of the fatalities, and the last day of which anything is held."""
    return ask.one(
        """
        SELECT max(vintage) FILTER (source = 'fatalities') AS deaths_known_to,
            greatest(max(vintage) FILTER (source = 'fatalities'), (SELECT max(month_end) FROM main.uniformed_personnel))
                AS newest
        FROM meta.snapshots
        """
    )


def scope_of(ask: Asker, asked: str, up_to: date | None = None, as_of: date | None = None) -> Scope:
    """The mission asked for and the days of the page.

    Raises WrongMission for a mission that is not known or of which nothing is held, or a day before it began.
    """
    wanted = asked.strip().upper()
    alias = {str(row["alias"]).upper(): str(row["mission"]) for row in ask("FROM main.mission_aliases")}
    every = {str(row["mission"]).upper(): row for row in ask(MISSIONS)}
    found = every.get(wanted) or every.get(alias.get(wanted, "").upper())
    if found is None:
        near = difflib.get_close_matches(wanted, every, n=3, cutoff=0.5)
        told = f" Near: {', '.join(every[name]['mission'] for name in near)}." if near else ""
        raise WrongMission(
            f"No mission is called {asked!r}.{told} "
            '`peacekeeping query "SELECT mission, name FROM missions" --limit 0` lists them.'
        )
    mission = str(found["mission"])
    if not found["deaths"] and not found["months_with_personnel"]:
        umbrella = f" Its dead are counted under {found['part_of']}." if found["part_of"] else ""
        raise WrongMission(
            f"Neither deaths nor uniformed personnel of {mission} are held: no page can be made.{umbrella}"
        )
    held = held_to(ask)
    if held["newest"] is None:
        raise BriefingError("The warehouse holds neither fatalities nor personnel: run `peacekeeping refresh` first.")
    day = up_to or held["newest"]
    began = min(known for known in (found["start_date"], found["first_known"]) if known)
    if day < began:
        raise WrongMission(
            f"Nothing is known of {mission} by {day}: it began, or was first reported, on {began}. "
            "Name a later day with --up-to."
        )
    scope = Scope(
        mission=mission,
        name=str(found["name"]),
        kind=str(found["kind"]),
        start=found["start_date"],
        start_precision=found["start_date_precision"],
        end=found["end_date"],
        end_precision=found["end_date_precision"],
        last_day=found["last_day"],
        began=began,
        part_of=found["part_of"],
        parts=tuple(found["parts"] or ()),
        in_register=found["deaths"] is not None,
        up_to=up_to,
        as_of=as_of,
        day=day,
        deaths_known_to=held["deaths_known_to"],
        held_to=held["newest"],
        peacekeeping_year="",
    )
    year = ask.one(
        "SELECT peacekeeping_year FROM marts.peacekeeping_years WHERE $1::DATE BETWEEN period_start AND period_end",
        scope.money_day,
    )
    return replace(scope, peacekeeping_year=str(year["peacekeeping_year"]))
