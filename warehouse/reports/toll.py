"""The deaths of a mission: totals, by year and cause, its rank among all missions, and its worst days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from warehouse.reports.scope import MISSIONS, Queries, Row, Scope

CAUSES = ("Malicious Act", "Accident", "Illness", "Self-Inflicted", "Unknown", "To Be Determined")
LADDER_LENGTH = 10
WORST_DAYS = 8  # and the days that tie with the last of them, up to MOST_DAYS
MOST_DAYS = 20
NATIONALITIES = 6
# The mission's deaths up to a day; NULL: all of them.
DEATHS = "FROM main.fatalities WHERE mission = $1 AND ($2::DATE IS NULL OR incident_date <= $2::DATE)"


@dataclass(frozen=True)
class Ladder:
    """The deadliest missions up to the day, by one cause or by all (None).

    rows         the first ten, and this mission where it is not among them
    own          this mission's row; None where it has no such death
    rank_active  its rank among the missions active on the day; None where it is not active or has no such death
    missions     how many have such a death
    sharing      how many have its rank, itself included
    early        whether a ranked mission began before 2000
    """

    cause: str | None
    rows: list[Row]
    own: Row | None
    rank_active: int | None
    missions: int
    sharing: int
    early: bool


@dataclass(frozen=True)
class Toll:
    """The deaths of a mission up to the day.

    causes       those that occur, in the order of CAUSES
    years        every year from its beginning to the day or its end, also those without a death
    days         the days with most deaths, of those with two or more, with those that tie with the last
    many_days    how many days have two deaths or more
    tied_days    how many of them tie with the last one shown and are not shown
    single_days  how many days have one death
    """

    totals: Row
    causes: list[Row]
    years: list[Row]
    ladders: list[Ladder]
    days: list[Row]
    many_days: int
    tied_days: int
    single_days: int


def toll_of(query: Queries, scope: Scope) -> Toll | None:
    """The deaths of the mission; None where the fatalities never name it, or there are none."""
    if scope.deaths is None or scope.deaths_to is None:
        return None
    mission_and_day = (scope.mission, scope.up_to)
    totals = query.one(
        f"""
        SELECT count(*) AS deaths,
            count(*) FILTER (incident_type = 'Malicious Act') AS malicious,
            count(*) FILTER (is_uniformed) AS uniformed,
            count(*) FILTER (is_uniformed AND incident_type = 'Malicious Act') AS uniformed_malicious,
            count(*) FILTER (incident_type = 'To Be Determined') AS pending,
            count(*) FILTER (gender = 'F') AS women,
            count(*) FILTER (gender IS NULL) AS gender_unknown,
            count(DISTINCT nationality_iso3) AS nationalities,
            min(incident_date) AS first_incident, max(incident_date) AS last_incident
        {DEATHS}
        """,
        *mission_and_day,
    )
    counts = query(
        f"""
        SELECT year(incident_date) AS year, incident_type::VARCHAR AS cause, count(*) AS deaths,
            count(*) FILTER (is_uniformed) AS uniformed
        {DEATHS} GROUP BY ALL
        """,
        *mission_and_day,
    )
    by_cause = {cause: sum(row["deaths"] for row in counts if row["cause"] == cause) for cause in CAUSES}
    days = _worst_days(query, scope)
    shown = _with_ties(days)
    single = f"SELECT count(*) FROM (SELECT incident_date {DEATHS} GROUP BY ALL HAVING count(*) = 1)"
    return Toll(
        totals=totals,
        causes=[{"cause": cause, "deaths": deaths} for cause, deaths in by_cause.items() if deaths],
        years=_years(scope, totals, counts),
        ladders=[_ladder(query, scope, cause) for cause in ("Malicious Act", None)],
        days=_with_nationalities(query, scope, shown),
        many_days=len(days),
        tied_days=sum(row["deaths"] == shown[-1]["deaths"] for row in days[len(shown) :]),
        single_days=query.value(single, *mission_and_day),
    )


def _years(scope: Scope, totals: Row, counts: list[Row]) -> list[Row]:
    """A row for each year with its deaths by cause; a year of the mission without any has zeros."""
    last_day: date = min(scope.deaths_to or scope.day, scope.last_day or scope.day)
    first = min(scope.start_date or last_day, totals["first_incident"] or scope.began, last_day).year
    last = max(totals["last_incident"] or last_day, last_day).year
    rows = []
    for year in range(first, last + 1):
        of_year = {row["cause"]: row for row in counts if row["year"] == year}
        sums = {name: sum(row[name] for row in of_year.values()) for name in ("deaths", "uniformed")}
        rows.append({"year": year, **{cause: of_year.get(cause, {"deaths": 0})["deaths"] for cause in CAUSES}, **sums})
    return rows


def _ladder(query: Queries, scope: Scope, cause: str | None) -> Ladder:
    # The answers are the same for every mission on the same day.
    ranked, active = (
        query(
            "SELECT rank, mission, mission_name, kind, is_active, deaths, uniformed_deaths, pending "
            "FROM marts.deadliest_missions(up_to := $1, incident_type := $2, active_only := $3) ORDER BY rank, mission",
            scope.up_to,
            cause,
            active_only,
        )
        for active_only in (False, True)
    )
    began = {
        row["mission"]: min(day for day in (row["start_date"], row["first_known"]) if day)
        for row in query(MISSIONS)
        if row["deaths"]
    }
    own = next((row for row in ranked if row["mission"] == scope.mission), None)
    shown = ranked[:LADDER_LENGTH]
    return Ladder(
        cause=cause,
        rows=shown if own is None or own in shown else [*shown[: LADDER_LENGTH - 1], own],
        own=own,
        rank_active=next((row["rank"] for row in active if row["mission"] == scope.mission), None),
        missions=len(ranked),
        sharing=sum(row["rank"] == own["rank"] for row in ranked) if own else 0,
        early=any(began[row["mission"]] < date(2000, 1, 1) for row in ranked),
    )


def _worst_days(query: Queries, scope: Scope) -> list[Row]:
    """Its days with two deaths or more, the worst first, each with its rank by the day among all missions' days.

    The mart ranks all days; a page up to a day ranks only those by then.
    """
    ranked = query(
        """
        WITH days AS (FROM marts.deadliest_days WHERE $1::DATE IS NULL OR incident_date <= $1::DATE),
        ranked AS (
            SELECT mission, incident_date, deaths, malicious_deaths, uniformed_malicious_deaths, pending,
                rank() OVER (ORDER BY malicious_deaths DESC) AS rank_malicious,
                count(*) OVER (PARTITION BY malicious_deaths) AS sharing
            FROM days
        )
        SELECT mission, incident_date, deaths, malicious_deaths, uniformed_malicious_deaths, pending,
            CASE WHEN malicious_deaths > 0 THEN rank_malicious END AS rank_malicious,
            CASE WHEN malicious_deaths > 0 THEN sharing END AS sharing
        FROM ranked WHERE deaths > 1
        ORDER BY deaths DESC, malicious_deaths DESC, incident_date
        """,
        scope.up_to,
    )
    return [row for row in ranked if row["mission"] == scope.mission]


def _with_ties(days: list[Row]) -> list[Row]:
    """The worst days, with those that tie with the last of them, up to MOST_DAYS."""
    if len(days) <= WORST_DAYS:
        return days
    least = days[WORST_DAYS - 1]["deaths"]
    return [row for row in days if row["deaths"] >= least][:MOST_DAYS]


def _with_nationalities(query: Queries, scope: Scope, days: list[Row]) -> list[Row]:
    """The days with the first few states that the dead were nationals of, and how many more there are."""
    rows = query(
        f"""
        SELECT incident_date, list(contributor || ' ' || deaths ORDER BY deaths DESC, contributor) AS states
        FROM (
            SELECT incident_date, coalesce(countries.name, 'undetermined') AS contributor, count(*) AS deaths
            FROM (SELECT incident_date, nationality_iso3 {DEATHS})
            LEFT JOIN main.countries ON iso3 = nationality_iso3
            GROUP BY ALL
        )
        GROUP BY ALL HAVING sum(deaths) > 1
        """,
        scope.mission,
        scope.up_to,
    )
    states = {row["incident_date"]: shortened(row["states"]) for row in rows}
    return [{**row, "nationalities": states[row["incident_date"]]} for row in days]


def shortened(states: list[str]) -> str:
    """The first few states, and how many more there are."""
    more = len(states) - NATIONALITIES
    return ", ".join(states) if more <= 1 else f"{', '.join(states[:NATIONALITIES])}, and {more} more states"
