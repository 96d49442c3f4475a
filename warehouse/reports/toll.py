"""Who died: the headline figures, by year and cause, the mission's place among all, and its worst days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from warehouse.reports.scope import MISSIONS, Asker, Row, Scope

CAUSES = ("Malicious Act", "Accident", "Illness", "Self-Inflicted", "Unknown", "To Be Determined")
LADDER_LENGTH = 10
WORST_DAYS = 8  # and those that tie with the last of them, up to
MOST_DAYS = 20
NATIONALITIES = 6
# The mission's deaths up to a day; NULL: all that are held.
DEATHS = "FROM main.fatalities WHERE mission = $1 AND ($2::DATE IS NULL OR incident_date <= $2::DATE)"
UNIFORMED = "is_uniformed"


@dataclass(frozen=True)
class Ladder:
    """The deadliest missions up to the day, by one cause or by all of them."""

    cause: str | None
    rows: list[Row]  # the first ten, and this mission where it stands lower
    own: Row | None  # None where it has no such death
    rank_active: int | None  # its rank among the missions active on the day; None where it is not or has no such death
    missions: int  # with a death of the kind
    sharing: int  # missions on its rank, itself included
    early: bool  # whether a ranked mission began before 2000


@dataclass(frozen=True)
class Toll:
    """The deaths of a mission up to the day."""

    totals: Row
    causes: list[Row]  # those that occur, in one order everywhere
    years: list[Row]  # every year from its beginning to the day or its end, also those without a death
    ladders: list[Ladder]
    early: bool  # whether missions that began before 2000 are ranked
    days: list[Row]  # the days with most deaths, of those with two or more, with all that tie with the last
    many_days: int  # all days with two deaths or more
    tied_days: int  # days that tie with the last shown and are not shown, where they are very many
    single_days: int  # days with one death


def toll_of(ask: Asker, scope: Scope) -> Toll | None:
    """The toll; None where the fatalities never name the mission."""
    if not scope.in_register or scope.deaths_to is None:
        return None
    given = (scope.mission, scope.up_to)
    totals = ask.one(
        f"""
        SELECT count(*) AS deaths,
            count(*) FILTER (incident_type = 'Malicious Act') AS malicious,
            count(*) FILTER ({UNIFORMED}) AS uniformed,
            count(*) FILTER ({UNIFORMED} AND incident_type = 'Malicious Act') AS uniformed_malicious,
            count(*) FILTER (incident_type = 'To Be Determined') AS pending,
            count(*) FILTER (gender = 'F') AS women,
            count(*) FILTER (gender IS NULL) AS gender_unknown,
            count(DISTINCT nationality_iso3) AS nationalities,
            min(incident_date) AS first_incident, max(incident_date) AS last_incident
        {DEATHS}
        """,
        *given,
    )
    counted = ask(
        f"""
        SELECT year(incident_date) AS year, incident_type::VARCHAR AS cause, count(*) AS deaths,
            count(*) FILTER ({UNIFORMED}) AS uniformed
        {DEATHS} GROUP BY ALL
        """,
        *given,
    )
    causes = ask(
        f"SELECT incident_type::VARCHAR AS cause, count(*) AS deaths, count(*) FILTER ({UNIFORMED}) AS uniformed "
        f"{DEATHS} GROUP BY ALL",
        *given,
    )
    ladders = [_ladder(ask, scope, cause) for cause in ("Malicious Act", None)]
    days = _worst_days(ask, scope)
    shown = _with_ties(days)
    return Toll(
        totals=totals,
        causes=sorted(causes, key=lambda row: CAUSES.index(row["cause"])),
        years=_years(scope, totals, counted),
        ladders=ladders,
        early=any(ladder.early for ladder in ladders),
        days=_named(ask, scope, shown),
        many_days=len(days),
        tied_days=sum(row["deaths"] == shown[-1]["deaths"] for row in days[len(shown) :]) if shown else 0,
        single_days=ask.one(
            f"SELECT count(*) AS days FROM (SELECT incident_date {DEATHS} GROUP BY ALL HAVING count(*) = 1)", *given
        )["days"],
    )


def _years(scope: Scope, totals: Row, counted: list[Row]) -> list[Row]:
    """A row a year with its deaths by cause; a year of the mission without any is a zero and no gap."""
    last_day: date = min(scope.deaths_to or scope.day, scope.last_day or scope.day)
    first = min(scope.start or last_day, totals["first_incident"] or scope.began, last_day).year
    last = max(totals["last_incident"] or last_day, last_day).year
    found = {(row["year"], row["cause"]): row for row in counted}
    return [
        {
            "year": year,
            **{cause: found[year, cause]["deaths"] if (year, cause) in found else 0 for cause in CAUSES},
            "deaths": sum(row["deaths"] for row in counted if row["year"] == year),
            "uniformed": sum(row["uniformed"] for row in counted if row["year"] == year),
        }
        for year in range(first, last + 1)
    ]


def _ladder(ask: Asker, scope: Scope, cause: str | None) -> Ladder:
    sql = (
        "SELECT rank, mission, mission_name, kind, is_active, deaths, uniformed_deaths, pending "
        "FROM marts.deadliest_missions(up_to := $1, incident_type := $2, active_only := $3) ORDER BY rank, mission"
    )
    # A warehouse-wide question: its answer is the same for every mission of the same day.
    every = ask(sql, scope.up_to, cause, False)
    active = ask(sql, scope.up_to, cause, True)
    held = [row for row in ask(MISSIONS) if row["deaths"]]
    began = {row["mission"]: min(day for day in (row["start_date"], row["first_known"]) if day) for row in held}
    own = next((row for row in every if row["mission"] == scope.mission), None)
    shown = every[:LADDER_LENGTH]
    return Ladder(
        cause=cause,
        rows=shown if own is None or own in shown else [*shown[: LADDER_LENGTH - 1], own],
        own=own,
        rank_active=next((row["rank"] for row in active if row["mission"] == scope.mission), None),
        missions=len(every),
        sharing=sum(row["rank"] == own["rank"] for row in every) if own else 0,
        early=any(began[row["mission"]] < date(2000, 1, 1) for row in every),
    )


def _worst_days(ask: Asker, scope: Scope) -> list[Row]:
    """Its days with two deaths or more, the worst first, each with its rank by the day among all missions' days.

    The mart ranks over all that is held; a page up to a day must not know of worse days to come.
    """
    ranked = ask(
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
    """The worst days, and all that tie with the last of them, as far as a table can be read."""
    if len(days) <= WORST_DAYS:
        return days
    least = days[WORST_DAYS - 1]["deaths"]
    return [row for row in days if row["deaths"] >= least][:MOST_DAYS]


def _named(ask: Asker, scope: Scope, days: list[Row]) -> list[Row]:
    """The days with the states that the dead were nationals of."""
    who = ask(
        f"""
        SELECT incident_date, list(contributor || ' ' || deaths ORDER BY deaths DESC, contributor) AS who
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
    named = {row["incident_date"]: row["who"] for row in who}
    return [{**row, "nationalities": _first(named[row["incident_date"]])} for row in days]


def _first(states: list[str]) -> str:
    """The first few states, and how many more there are."""
    more = len(states) - NATIONALITIES
    return ", ".join(states) if more <= 1 else f"{', '.join(states[:NATIONALITIES])}, and {more} more states"
