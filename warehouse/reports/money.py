"""Who pays, what the mission costs, and what is owed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from warehouse.reports.scope import Asker, Row, Scope

TOP_STATES = 10
MEASURES = ("approved_usd", "spent_usd", "accounts_usd", "assessed_gross_usd")


@dataclass(frozen=True)
class Payers:
    """The assessments of one peacekeeping year, all missions together."""

    wanted: str  # the peacekeeping year of the page's day
    year: str | None  # the year shown: that one, or the last held before it; None where none is
    first_held: str | None
    last_held: str | None
    total_usd: float | None
    states_assessed: int
    levels: list[Row]
    states: list[Row]
    scales: list[str]  # the scale periods whose levels were used
    discounts: dict[str, str]  # what a level group pays, in words
    regular: list[Row]  # the largest rates of the regular budget in that calendar year, which pays political missions


@dataclass(frozen=True)
class Owed:
    """Statements on arrears and cash in the mission's time up to the day, and who paid the regular budget when."""

    arrears: list[Row]
    cash: list[Row]
    year: int  # of the regular budget
    statuses: list[Row]
    roll_as_of: date | None
    paid_by_day: int | None  # states that had paid in full by the page's day; None where the roll is not later than it
    largest: list[Row]  # the largest assessed states of that year, with how each paid
    first_roll: int | None
    last_roll: int | None
    first_statement: date | None


def payers_of(ask: Asker, scope: Scope) -> Payers:
    """The peacekeeping year of the day, or the last one held before it."""
    wanted = scope.peacekeeping_year
    held = [
        row["peacekeeping_year"]
        for row in ask("SELECT DISTINCT peacekeeping_year FROM marts.assessment_shares ORDER BY peacekeeping_year")
    ]
    year = next((name for name in reversed(held) if name <= wanted), None)
    sums = ask(
        "SELECT sum(amount_usd) AS total_usd, count(*) AS states FROM marts.assessment_shares "
        "WHERE peacekeeping_year = $1",
        year,
    )[0]
    levels = ask(
        "SELECT level_group, assessed_usd, share_pct, states, scale_period_first_half, scale_period_second_half "
        "FROM marts.funding_by_level WHERE peacekeeping_year = $1 ORDER BY level_group",
        year,
    )
    scales = {row[half] for row in levels for half in ("scale_period_first_half", "scale_period_second_half")}
    return Payers(
        wanted=wanted,
        year=year,
        first_held=held[0] if held else None,
        last_held=held[-1] if held else None,
        total_usd=sums["total_usd"],
        states_assessed=sums["states"],
        levels=levels,
        states=ask(
            "SELECT rank_in_year, contributor, contributor_iso3, amount_usd, share_pct FROM marts.assessment_shares "
            f"WHERE peacekeeping_year = $1 AND rank_in_year <= {TOP_STATES} ORDER BY rank_in_year, contributor",
            year,
        ),
        scales=sorted(scale for scale in scales if scale),
        discounts=discounts(ask),
        regular=ask(
            "SELECT countries.name AS contributor, rate_pct, period_from FROM main.scale_of_assessments "
            "JOIN main.countries ON iso3 = contributor_iso3 WHERE $1 BETWEEN period_from AND period_to "
            f"ORDER BY rate_pct DESC, contributor LIMIT {TOP_STATES}",
            scope.money_day.year,
        ),
    )


def discounts(ask: Asker) -> dict[str, str]:
    """What a level group pays, in words: the discounts of the levels in it, over all scale periods held."""
    rows = ask(
        """
        SELECT CASE WHEN level IN ('D', 'E', 'F', 'G') THEN 'D-G' ELSE level::VARCHAR END AS level_group,
            min(discount_pct) AS low, max(discount_pct) AS high
        FROM main.peacekeeping_levels GROUP BY ALL ORDER BY ALL
        """
    )
    told = {}
    for row in rows:
        low, high = row["low"], row["high"]
        if high is None:
            told[row["level_group"]] = "premium"
        elif high == 0:
            told[row["level_group"]] = "full rate"
        else:
            told[row["level_group"]] = f"{low:g}{'' if low == high else f'–{high:g}'} % off"
    return told


def costs_of(ask: Asker, scope: Scope) -> list[Row]:
    """A row a peacekeeping year that had begun by the day: four measures side by side, and every approved amount."""
    rows = ask(
        f"""
        SELECT peacekeeping_year, {", ".join(MEASURES)},
            period_end >= $2::DATE AS under_way
        FROM marts.mission_cost
        JOIN marts.peacekeeping_years USING (peacekeeping_year)
        WHERE mission = $1 AND period_start <= $2::DATE
        ORDER BY peacekeeping_year
        """,
        scope.mission,
        scope.day,
    )
    approved = ask(
        "SELECT peacekeeping_year, stage, amount_usd, precision FROM main.mission_budgets "
        "WHERE mission = $1 AND measure = 'approved' ORDER BY stage, publication, amount_usd",
        scope.mission,
    )
    return [
        {**row, "approvals": [one for one in approved if one["peacekeeping_year"] == row["peacekeeping_year"]]}
        for row in rows
    ]


def owed_of(ask: Asker, scope: Scope) -> Owed:
    """What had been stated in the mission's time up to the day, and the regular budget's year."""
    since, until, year = scope.began, scope.money_day, scope.money_day.year
    rolls = ask.one("SELECT min(year) AS first, max(year) AS last FROM main.regular_budget_payments")
    statuses = ask(
        "SELECT payment_status::VARCHAR AS status, count(*) AS states, max(honour_roll_as_of) AS as_of "
        "FROM main.regular_budget_payments WHERE year = $1 GROUP BY ALL",
        year,
    )
    roll_as_of = max((row["as_of"] for row in statuses), default=None)
    paid = ask.one(
        "SELECT count(*) AS states FROM main.regular_budget_payments WHERE year = $1 AND payment_date <= $2::DATE",
        year,
        scope.day,
    )
    order = ("paid_on_time", "paid_late", "not_paid_in_full")
    return Owed(
        arrears=ask(
            "FROM marts.arrears_timeline WHERE is_arrears AND as_of_to BETWEEN $1::DATE AND $2::DATE "
            "ORDER BY as_of_to DESC, fund, amount_usd DESC",
            since,
            until,
        ),
        cash=ask(
            # A shortfall of cash stands in the collection on arrears, and is none.
            """
            SELECT as_of_to, precision::VARCHAR AS precision, subject, statement, citation, NULL AS amount_usd
            FROM main.dated_facts WHERE collection = 'cash' AND as_of_to BETWEEN $1::DATE AND $2::DATE
            UNION ALL
            SELECT as_of_to, precision::VARCHAR, if(fund = 'peacekeeping', fund, fund || ' budget'), statement,
                citation, amount_usd
            FROM marts.arrears_timeline WHERE NOT is_arrears AND as_of_to BETWEEN $1::DATE AND $2::DATE
            ORDER BY as_of_to DESC, subject
            """,
            since,
            until,
        ),
        year=year,
        statuses=sorted(statuses, key=lambda row: order.index(row["status"])),
        roll_as_of=roll_as_of,
        paid_by_day=paid["states"] if roll_as_of and scope.day < roll_as_of else None,
        largest=ask(
            "SELECT countries.name AS contributor, assessed_usd, payment_status::VARCHAR AS status, payment_date "
            "FROM main.regular_budget_payments JOIN main.countries ON iso3 = contributor_iso3 "
            "WHERE year = $1 ORDER BY assessed_usd DESC LIMIT 5",
            year,
        ),
        first_roll=rolls["first"],
        last_roll=rolls["last"],
        first_statement=ask.one("SELECT min(as_of_to) AS day FROM main.dated_facts WHERE collection <> 'minusma'")[
            "day"
        ],
    )
