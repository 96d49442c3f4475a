"""The uniformed personnel of a mission: strength by month, contributors by name and by level, women."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from warehouse.reports.provenance import defect_text
from warehouse.reports.scope import Queries, Row, Scope

NEARLY_FULL = 0.9  # of its greatest strength: a mission that is over is shown before it withdrew
# The months of a mission: the monthly reports, and IPI's by mission for months without one (not those by contributor).
STRENGTH = """
    WITH reports AS (
        SELECT month_end, sum(total)::BIGINT AS strength FROM main.uniformed_personnel
        WHERE mission = $1 AND month_end <= $2::DATE AND NOT starts_with(series::VARCHAR, 'ipi_') GROUP BY ALL
    )
    SELECT month_end, strength, 'monthly_report' AS series FROM reports
    UNION ALL
    SELECT month_end, total, 'ipi' FROM main.mission_strength
    WHERE mission = $1 AND month_end <= $2::DATE AND month_end NOT IN (SELECT month_end FROM reports)
    ORDER BY month_end
"""


@dataclass(frozen=True)
class Levels:
    """The personnel by peacekeeping level; `rows` is empty where no month has levels.

    month   the month of the figures; `next` the following report's, where the figures are of the month shown
    scales  the scale periods of its year
    """

    month: date | None
    next: date | None
    rows: list[Row]
    scales: list[str]


@dataclass(frozen=True)
class Women:
    """The women by personnel type in the month shown.

    total         all types together; None where the report does not print the sex of all
    staff_inside  whether the report counts staff officers among the troops
    """

    rows: list[Row]
    total: Row | None
    staff_inside: bool


@dataclass(frozen=True)
class People:
    """The uniformed personnel of a mission up to the day. What is not in the data is None or empty.

    months          month_end, strength and series of each month with a figure
    reported        the month whose contributors are shown
    greatest        for a mission that is over, its strongest month in the monthly reports; else None
    last            the last month with personnel
    next_month      the month-end of the next report with missions after `reported`, and the strength in it
    contributors    the rows of marts.top_contributors
    strengths_from  the first month with a strength of any mission, and the first monthly report
    until           the last month-end that can have a figure
    gaps            the first and last month-end of each run of months without a figure
    defects         known defects of the reports that name the mission, of months by the day
    """

    months: list[Row]
    reported: Row | None
    greatest: Row | None
    last: Row | None
    next_month: date | None
    next_strength: int | None
    contributors: list[Row]
    levels: Levels
    women: Women
    strengths_from: date | None
    reports_from: date | None
    until: date | None
    gaps: list[tuple[date, date]]
    defects: list[str]

    @property
    def shaded(self) -> list[tuple[date, date]]:
        """The gaps, each from the month-end with a figure before it to the one after it."""
        ends = [row["month_end"] for row in self.months]
        return [
            (max(end for end in ends if end < first), min((end for end in ends if end > last), default=last))
            for first, last in self.gaps
        ]

    @property
    def named(self) -> list[Row]:
        """The contributors of the month shown, the largest first."""
        return [row for row in self.contributors if row["rank"] is not None]


def people_of(query: Queries, scope: Scope) -> People:
    """The personnel of the mission, as far as the reports reach."""
    months = query(STRENGTH, scope.mission, scope.day)
    reports = [row for row in months if row["series"] == "monthly_report" and row["strength"] > 0]
    reported, greatest = _month_shown(reports, scope.over)
    extent = query.one(
        """
        SELECT min(month_end) AS first, max(month_end) FILTER (month_end <= $1::DATE) AS last,
            least(min(month_end), (SELECT min(month_end) FROM main.mission_strength)) AS first_strength
        FROM main.uniformed_personnel WHERE NOT starts_with(series::VARCHAR, 'ipi_')
        """,
        scope.day,
    )
    month = reported["month_end"] if reported else None
    by_rank = "FROM marts.top_contributors($1, $2::DATE) ORDER BY rank NULLS LAST, contributor"
    contributors = query(by_rank, scope.mission, month) if month else []
    following = contributors[0]["next_month_end"] if contributors else None
    newest = [extent["last"]] if reports and not scope.over and extent["last"] else []
    until = max([*newest, *(row["month_end"] for row in months[-1:])], default=None)
    next_strength = query.value(
        "SELECT coalesce(sum(total), 0)::BIGINT FROM main.uniformed_personnel "
        "WHERE mission = $1 AND month_end = $2::DATE",
        scope.mission,
        following,
    )
    return People(
        months=months,
        reported=reported,
        greatest=greatest,
        last=next((row for row in reversed(months) if row["strength"] > 0), None),
        next_month=following,
        next_strength=int(next_strength) if following else None,
        contributors=contributors,
        levels=_levels(query, scope.mission, month, following),
        women=_women(query, scope.mission, month),
        strengths_from=extent["first_strength"],
        reports_from=extent["first"],
        until=until,
        gaps=_gaps(query, months, until),
        defects=_defects(query, scope) if reports else [],
    )


def _month_shown(reports: list[Row], over: bool) -> tuple[Row | None, Row | None]:
    """The month whose contributors are shown, and for a mission that is over its strongest month.

    That is the latest month; for a mission that is over the last one near its greatest strength. Its last months show
    its withdrawal, and the strongest one can be that of a rotation, when arriving and leaving troops are both counted.
    """
    if not reports or not over:
        return (reports[-1] if reports else None), None
    greatest = max(reports, key=lambda row: (row["strength"], row["month_end"]))
    least = NEARLY_FULL * greatest["strength"]
    return next(row for row in reversed(reports) if row["strength"] >= least), greatest


def _defects(query: Queries, scope: Scope) -> list[str]:
    """The known defects of the reports that name the mission, without those of months after the day."""
    rows = query(
        """
        SELECT * FROM meta.known_defects
        WHERE source = 'uniformed_personnel' AND defect_id NOT LIKE 'by-sex-%'  -- the page is without that series
            AND regexp_matches(description, '(^|[^A-Za-z0-9-])' || regexp_escape($1) || '([^A-Za-z0-9-]|$)')
            AND coalesce(list_min(list_concat(  -- months are written 2017-05 or May 2017
                list_transform(regexp_extract_all(description, '[0-9]{4}-[0-9]{2}'),
                    lambda month: try_strptime(month, '%Y-%m')),
                list_transform(regexp_extract_all(description, '[A-Z][a-z]+ [0-9]{4}'),
                    lambda month: try_strptime(month, '%B %Y'))
            )) <= $2::DATE, true)
        ORDER BY defect_id
        """,
        scope.mission,
        scope.day,
    )
    return [defect_text(row) for row in rows]


def _levels(query: Queries, mission: str, month: date | None, following: date | None) -> Levels:
    """The levels in the month shown, or in the last one before it whose year has levels; beside them the next report's.

    A level in the next report that has no personnel has a share of zero.
    """
    rows, later = _by_level(query, mission, month), _by_level(query, mission, following, exactly=True)
    level_month = rows[0]["month_end"] if rows else None
    shares = {row["level_group"]: row["share_pct"] for row in later}
    scales = query(
        "SELECT DISTINCT scale_period FROM main.peacekeeping_levels "
        "WHERE year($1::DATE)::VARCHAR BETWEEN left(scale_period, 4) AND right(scale_period, 4) ORDER BY scale_period",
        level_month,
    )
    return Levels(
        month=level_month,
        next=following if later and level_month == month else None,
        rows=[{**row, "next_share_pct": shares.get(row["level_group"], 0.0) if later else None} for row in rows],
        scales=[row["scale_period"] for row in scales],
    )


def _by_level(query: Queries, mission: str, month_end: date | None, exactly: bool = False) -> list[Row]:
    """The personnel by level in that month, or (unless `exactly`) in the last one before it whose year has levels."""
    return query(
        """
        WITH months AS (
            SELECT month_end, level_group, uniformed_personnel, share_pct, states
            FROM marts.personnel_by_level WHERE mission = $1 AND month_end <= $2::DATE
        ), known AS (
            SELECT max(month_end) AS month_end FROM months
            WHERE level_group <> 'unknown' AND (month_end = $2::DATE OR NOT $3)
        ), groups AS (
            -- A level whose states send nobody has a zero: the report names all that do.
            SELECT DISTINCT
                CASE WHEN level IN ('D', 'E', 'F', 'G') THEN 'D-G' ELSE level::VARCHAR END AS level_group
            FROM main.peacekeeping_levels
            UNION SELECT level_group FROM months JOIN known USING (month_end)
        )
        SELECT known.month_end, level_group, coalesce(uniformed_personnel, 0) AS uniformed_personnel,
            CASE WHEN uniformed_personnel IS NULL THEN 0 ELSE share_pct END AS share_pct, coalesce(states, 0) AS states
        FROM known
        JOIN groups ON known.month_end IS NOT NULL
        LEFT JOIN months USING (month_end, level_group)
        ORDER BY level_group
        """,
        mission,
        month_end,
        exactly,
    )


def _women(query: Queries, mission: str, month_end: date | None) -> Women:
    rows = query(
        "SELECT personnel_type::VARCHAR AS personnel_type, women, men, total, women_share_pct "
        "FROM marts.women_in_uniform WHERE mission = $1 AND month_end = $2::DATE ORDER BY total DESC, personnel_type",
        mission,
        month_end,
    )
    total = None
    if rows and all(row["women"] is not None for row in rows):
        women, everyone = (sum(row[name] for row in rows) for name in ("women", "total"))
        total = {"women": women, "total": everyone, "women_share_pct": 100 * women / everyone if everyone else None}
    staff_inside = query.value(
        "SELECT coalesce(bool_or(includes_staff_officers), false) FROM main.uniformed_personnel "
        "WHERE mission = $1 AND month_end = $2::DATE",
        mission,
        month_end,
    )
    return Women([row for row in rows if row["total"]], total, bool(staff_inside))


def _gaps(query: Queries, months: list[Row], until: date | None) -> list[tuple[date, date]]:
    """The first and last month-end of each run of months without a figure, from the first with one to `until`."""
    if not months or until is None:
        return []
    rows = query(
        """
        WITH months AS (
            SELECT last_day(month)::DATE AS month_end, row_number() OVER (ORDER BY month) AS number
            FROM range(date_trunc('month', $1::DATE)::TIMESTAMP, $2::TIMESTAMP, INTERVAL 1 MONTH) AS months(month)
        ), missing AS (
            SELECT month_end, number - row_number() OVER (ORDER BY month_end) AS run
            FROM months WHERE NOT list_contains($3::DATE[], month_end)
        )
        SELECT min(month_end) AS first, max(month_end) AS last FROM missing GROUP BY run ORDER BY run
        """,
        months[0]["month_end"],
        until,
        tuple(row["month_end"] for row in months),
    )
    return [(row["first"], row["last"]) for row in rows]
