"""Who pays for peacekeeping, what the mission costs, and what is owed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from warehouse.reports.scope import Queries, Row, Scope

TOP_STATES = 10
MEASURES = ("approved_usd", "spent_usd", "accounts_usd", "assessed_gross_usd")
STATUSES = ("paid_on_time", "paid_late", "not_paid_in_full")
ARREARS = """
    FROM marts.arrears_timeline WHERE is_arrears AND as_of_to BETWEEN $1::DATE AND $2::DATE
    ORDER BY as_of_to DESC, fund, amount_usd DESC
"""
# The collection on arrears also has shortfalls of cash, which are not arrears.
CASH = """
    SELECT as_of_to, precision::VARCHAR AS precision, subject, statement, citation, NULL AS amount_usd
    FROM main.dated_facts WHERE collection = 'cash' AND as_of_to BETWEEN $1::DATE AND $2::DATE
    UNION ALL
    SELECT as_of_to, precision::VARCHAR, if(fund = 'peacekeeping', fund, fund || ' budget'), statement,
        citation, amount_usd
    FROM marts.arrears_timeline WHERE NOT is_arrears AND as_of_to BETWEEN $1::DATE AND $2::DATE
    ORDER BY as_of_to DESC, subject, statement
"""


@dataclass(frozen=True)
class Payers:
    """The assessments of one peacekeeping year, for all missions together.

    wanted     the peacekeeping year of the page's day
    year       the year shown: that one, or the last one before it with assessments; None where there is none
    first      the first year with assessments
    scales     the scale periods whose levels were used
    discounts  what a level group pays, in words
    regular    the largest rates of the regular budget in that calendar year, which pays special political missions
    """

    wanted: str
    year: str | None
    first: str | None
    total_usd: float | None
    states_assessed: int
    levels: list[Row]
    states: list[Row]
    scales: list[str]
    discounts: dict[str, str]
    regular: list[Row]


@dataclass(frozen=True)
class Owed:
    """Statements on arrears and cash in the mission's time up to the day, and who paid the regular budget when.

    year                    of the regular budget
    statuses                how many states paid in which way, by the honour roll of `roll_as_of`
    paid_by_day             states that had paid in full by the day; None where the roll is not later than it
    largest                 the largest assessed states of that year, with how each paid
    first_roll, last_roll   the years with a roll
    first_statement         the day of the first statement
    """

    arrears: list[Row]
    cash: list[Row]
    year: int
    statuses: list[Row]
    roll_as_of: date | None
    paid_by_day: int | None
    largest: list[Row]
    first_roll: int | None
    last_roll: int | None
    first_statement: date | None


def payers_of(query: Queries, scope: Scope) -> Payers:
    """The assessments of the day's peacekeeping year, or of the last one before it that has some."""
    years = query.one(
        """
        SELECT min(peacekeeping_year) AS first, max(peacekeeping_year) FILTER (peacekeeping_year <= $1) AS year
        FROM marts.assessment_shares
        """,
        scope.peacekeeping_year,
    )
    year = years["year"]
    sums = query.one(
        "SELECT sum(amount_usd) AS total_usd, count(*) AS states FROM marts.assessment_shares "
        "WHERE peacekeeping_year = $1",
        year,
    )
    levels = query(
        "SELECT level_group, assessed_usd, share_pct, states, scale_period_first_half, scale_period_second_half "
        "FROM marts.funding_by_level WHERE peacekeeping_year = $1 ORDER BY level_group",
        year,
    )
    scales = {row[half] for row in levels for half in ("scale_period_first_half", "scale_period_second_half")}
    return Payers(
        wanted=scope.peacekeeping_year,
        year=year,
        first=years["first"],
        total_usd=sums["total_usd"],
        states_assessed=sums["states"],
        levels=levels,
        states=query(
            "SELECT rank_in_year, contributor, contributor_iso3, amount_usd, share_pct FROM marts.assessment_shares "
            f"WHERE peacekeeping_year = $1 AND rank_in_year <= {TOP_STATES} ORDER BY rank_in_year, contributor",
            year,
        ),
        scales=sorted(scale for scale in scales if scale),
        discounts=_discounts(query),
        regular=query(
            "SELECT countries.name AS contributor, rate_pct, period_from FROM main.scale_of_assessments "
            "JOIN main.countries ON iso3 = contributor_iso3 WHERE $1 BETWEEN period_from AND period_to "
            f"ORDER BY rate_pct DESC, contributor LIMIT {TOP_STATES}",
            scope.money_day.year,
        ),
    )


def _discounts(query: Queries) -> dict[str, str]:
    """What each level group pays, in words: the discounts of its levels over all scale periods."""
    rows = query(
        """
        SELECT CASE WHEN level IN ('D', 'E', 'F', 'G') THEN 'D-G' ELSE level::VARCHAR END AS level_group,
            min(discount_pct) AS low, max(discount_pct) AS high,
            CASE
                WHEN high IS NULL THEN 'premium'
                WHEN high = 0 THEN 'full rate'
                WHEN low = high THEN format('{:g} % off', high)
                ELSE format('{:g}–{:g} % off', low, high)
            END AS discount
        FROM main.peacekeeping_levels GROUP BY ALL ORDER BY ALL
        """
    )
    return {row["level_group"]: row["discount"] for row in rows}


def costs_of(query: Queries, scope: Scope) -> list[Row]:
    """A row for each peacekeeping year that had begun by the day: four measures, and every approved amount."""
    rows = query(
        f"""
        SELECT peacekeeping_year, {", ".join(MEASURES)}, period_end >= $2::DATE AS under_way
        FROM marts.mission_cost
        JOIN marts.peacekeeping_years USING (peacekeeping_year)
        WHERE mission = $1 AND period_start <= $2::DATE
        ORDER BY peacekeeping_year
        """,
        scope.mission,
        scope.day,
    )
    approved = query(
        "SELECT peacekeeping_year, stage, amount_usd, precision FROM main.mission_budgets "
        "WHERE mission = $1 AND measure = 'approved' ORDER BY stage, publication, amount_usd",
        scope.mission,
    )
    return [
        {**row, "approvals": [one for one in approved if one["peacekeeping_year"] == row["peacekeeping_year"]]}
        for row in rows
    ]


def owed_of(query: Queries, scope: Scope) -> Owed:
    """The statements of the mission's time up to the day, and the payments of the regular budget's year."""
    since, until, year = scope.began, scope.money_day, scope.money_day.year
    statuses = query(
        "SELECT payment_status::VARCHAR AS status, count(*) AS states, max(honour_roll_as_of) AS as_of "
        "FROM main.regular_budget_payments WHERE year = $1 GROUP BY ALL",
        year,
    )
    roll_as_of = max((row["as_of"] for row in statuses), default=None)
    paid = query.value(
        "SELECT count(*) FROM main.regular_budget_payments WHERE year = $1 AND payment_date <= $2::DATE",
        year,
        scope.day,
    )
    return Owed(
        arrears=query(ARREARS, since, until),
        cash=query(CASH, since, until),
        year=year,
        statuses=sorted(statuses, key=lambda row: STATUSES.index(row["status"])),
        roll_as_of=roll_as_of,
        paid_by_day=paid if roll_as_of and scope.day < roll_as_of else None,
        largest=query(
            "SELECT countries.name AS contributor, assessed_usd, payment_status::VARCHAR AS status, payment_date "
            "FROM main.regular_budget_payments JOIN main.countries ON iso3 = contributor_iso3 "
            "WHERE year = $1 ORDER BY assessed_usd DESC LIMIT 5",
            year,
        ),
        **query.one("SELECT min(year) AS first_roll, max(year) AS last_roll FROM main.regular_budget_payments"),
        first_statement=query.value("SELECT min(as_of_to) FROM main.dated_facts WHERE collection <> 'minusma'"),
    )
