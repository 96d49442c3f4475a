"""The mission and the days of a page, and the queries that read its figures from a warehouse."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from schemas.errors import ProjectError, UsageError
from schemas.problems import first_line
from warehouse.query import records

Row = dict[str, Any]


class BriefingError(ProjectError):
    """The briefing can't be made; the text says why and what to do."""


class WrongMission(BriefingError, UsageError):
    """The mission or the day of the request has no page."""


class Queries:
    """Queries of one warehouse. Answers are kept: the pages of several missions share many of them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._answers: dict[tuple[Any, ...], list[Row]] = {}

    def __call__(self, sql: str, *parameters: Any) -> list[Row]:
        """The rows of the answer. Raises BriefingError where the warehouse lacks a table or gives an error."""
        key = (sql, *parameters)
        if key not in self._answers:
            try:
                values = [list(one) if isinstance(one, tuple) else one for one in parameters]
                result = self._connection.execute(sql, values)
                self._answers[key] = records(result)
            except duckdb.Error as error:
                line = first_line(error)
                if isinstance(error, duckdb.CatalogException | duckdb.BinderException):  # no such table, no such column
                    raise BriefingError(
                        f"This warehouse was built by older code and can't give a briefing ({line}). "
                        "Run `peacekeeping refresh` to build it again."
                    ) from error
                raise BriefingError(f"The warehouse gives no answer: {line}.") from error
        return self._answers[key]

    def one(self, sql: str, *parameters: Any) -> Row:
        """The only row of the answer."""
        (row,) = self(sql, *parameters)
        return row

    def value(self, sql: str, *parameters: Any) -> Any:
        """The only value of the answer."""
        (value,) = self.one(sql, *parameters).values()
        return value

    def has(self, name: str) -> bool:
        """Whether there is a table or view of this full name."""
        sql = "SELECT 1 FROM information_schema.tables WHERE table_schema || '.' || table_name = ?"
        return bool(self(sql, name))


@dataclass(frozen=True)
class Scope:
    """The mission of a page, its days, and what is known of it.

    mission to last_day  a row of MISSIONS; `end_date` also where it is after the day, `last_day` None where the mission
                         is not known to be over; `active` None where neither is known
    deaths_known_to      the newest vintage of the fatalities; None where there is none
    newest               the last day with data on deaths or personnel
    up_to, as_of         as requested; None: all records, and the newest vintages
    """

    mission: str
    name: str
    kind: str
    start_date: date | None
    start_date_precision: str | None
    end_date: date | None
    end_date_precision: str | None
    part_of: str | None
    parts: list[str] | None
    deaths: int | None
    months_with_personnel: int | None
    first_known: date
    active: bool | None
    last_day: date | None
    deaths_known_to: date | None
    newest: date
    up_to: date | None
    as_of: date | None

    @property
    def day(self) -> date:
        """The day of the page."""
        return self.up_to or self.newest

    @property
    def began(self) -> date:
        """The first known day: the mission's start, a death or a month with personnel."""
        return min(self.start_date or self.first_known, self.first_known)

    @property
    def over(self) -> bool:
        """Whether the mission had ended by the day, or was no longer reported."""
        return self.last_day is not None and self.last_day < self.day

    @property
    def money_day(self) -> date:
        """The day of the money figures: the page's, or the mission's last."""
        return min(self.day, self.last_day) if self.last_day else self.day

    @property
    def peacekeeping_year(self) -> str:
        """The peacekeeping year of the money figures, from 1 July to 30 June, as `2018-19`."""
        first = self.money_day.year - (self.money_day.month < 7)
        return f"{first}-{(first + 1) % 100:02}"

    @property
    def deaths_to(self) -> date | None:
        """The last day of which deaths are counted: the page's, or the vintage's."""
        return min(self.day, self.deaths_known_to) if self.deaths_known_to else None

    @property
    def stem(self) -> str:
        """The page's file name without its ending."""
        name = self.mission.replace(" ", "-")
        return f"{name}_up-to-{self.up_to}" if self.up_to else name


# Every mission with the extent of its data. Its last day is worked out as in marts.deadliest_missions: a coarse date is
# read as late as it can mean; without a date it is the last known day, where the mission is not active or the newest
# report no longer names it. A mission without dates and reports is not known to be over.
MISSIONS = """
    WITH known AS (
        SELECT mission, sum(deaths)::BIGINT AS deaths, count(DISTINCT month_end) AS months_with_personnel,
            min(first_day) AS first_known, max(last_day) AS last_known, max(month_end) AS last_month
        FROM (
            SELECT mission, count(*) AS deaths, NULL AS month_end, min(incident_date) AS first_day,
                max(incident_date) AS last_day
            FROM main.fatalities GROUP BY ALL
            UNION ALL
            SELECT mission, NULL, month_end, month_end, month_end FROM main.uniformed_personnel
            WHERE total > 0 AND NOT starts_with(series::VARCHAR, 'ipi_')
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
        deaths, months_with_personnel, first_known, coalesce(is_active, last_month = max(last_month) OVER ()) AS active,
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


def known_missions(query: Queries) -> list[Row]:
    """The missions with deaths or uniformed personnel, by name."""
    return [row for row in query(MISSIONS) if row["deaths"] or row["months_with_personnel"]]


def count_missions(query: Queries) -> int:
    """How many missions the table `missions` has; its row for reports that print no mission is none."""
    return len(query(MISSIONS))


def extent_of(query: Queries) -> Row:
    """The newest vintage of the fatalities (`deaths_known_to`), and the last day with any data (`newest`)."""
    return query.one(
        """
        SELECT max(vintage) FILTER (source = 'fatalities') AS deaths_known_to,
            greatest(max(vintage) FILTER (source = 'fatalities'), (SELECT max(month_end) FROM main.uniformed_personnel))
                AS newest
        FROM meta.snapshots
        """
    )


def _called(query: Queries, text: str) -> Row | None:
    """The mission (a row of MISSIONS) of this acronym or alias, in any case; None where there is none."""
    name = text.strip().upper()
    aliases = {str(row["alias"]).upper(): str(row["mission"]).upper() for row in query("FROM main.mission_aliases")}
    missions = {str(row["mission"]).upper(): row for row in query(MISSIONS)}
    return missions.get(name) or missions.get(aliases.get(name, ""))


def missions_called(query: Queries, text: str) -> list[str]:
    """The mission of this acronym or alias; else the missions with data in the state of this name, by name.

    Of a state's missions those that are or were in it, else the regional offices for its area. An unknown name is
    returned as it is: `scope_of` says what is close to it. Raises WrongMission for a state without missions.
    """
    mission = _called(query, text)
    state = None if mission else query.value("SELECT marts.find_state(?)", text)
    if state is None:
        return [mission["mission"] if mission else text]
    with_data = {row["mission"] for row in known_missions(query)}
    there = query("SELECT mission, role::VARCHAR AS role FROM main.mission_hosts WHERE host_iso3 = ? ORDER BY 1", state)
    for role in ("host", "area"):
        if found := [row["mission"] for row in there if row["role"] == role and row["mission"] in with_data]:
            return found
    name = query.value("SELECT name FROM main.countries WHERE iso3 = ?", state)
    raise WrongMission(f"No mission with deaths or uniformed personnel in the data is or was in {name} ({state}).")


def scope_of(query: Queries, text: str, up_to: date | None = None, as_of: date | None = None) -> Scope:
    """The scope of a page: the mission of this name or alias, in any case, up to a day.

    Raises WrongMission for a mission that is unknown or has no data, or a day before it began.
    """
    mission = _called(query, text)
    if mission is None:
        missions = {str(row["mission"]).upper(): row for row in query(MISSIONS)}
        close = difflib.get_close_matches(text.strip().upper(), missions, n=3, cutoff=0.5)
        hint = f" Close to it: {', '.join(missions[one]['mission'] for one in close)}." if close else ""
        raise WrongMission(
            f"No mission is called {text!r}.{hint} "
            '`peacekeeping query "SELECT mission, name FROM missions" --limit 0` lists them.'
        )
    if not mission["deaths"] and not mission["months_with_personnel"]:
        umbrella = f" Its deaths are counted under {mission['part_of']}." if mission["part_of"] else ""
        raise WrongMission(
            f"There are no deaths and no uniformed personnel of {mission['mission']} in the data, so it has no page."
            f"{umbrella}"
        )
    extent = extent_of(query)
    if extent["newest"] is None:
        raise BriefingError("The warehouse has neither fatalities nor personnel: run `peacekeeping refresh` first.")
    scope = Scope(**mission, **extent, up_to=up_to, as_of=as_of)
    if scope.day < scope.began:
        raise WrongMission(
            f"Nothing is known of {scope.mission} by {scope.day}: it began, or was first reported, on {scope.began}. "
            "Name a later day with --up-to."
        )
    return scope
