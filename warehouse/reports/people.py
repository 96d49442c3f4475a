"""Who sends the people: strength by month, contributors by name and by level, women in uniform."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from warehouse.reports.provenance import defect_told
from warehouse.reports.scope import Asker, Row, Scope

NEARLY_FULL = 0.9  # of its greatest strength: a mission that is over is shown before it left
# The months of a mission: the monthly reports, and before them IPI's; never both in one month.
STRENGTH = """
    WITH reports AS (
        SELECT month_end, sum(total)::BIGINT AS strength FROM main.uniformed_personnel
        WHERE mission = $1 AND month_end <= $2::DATE GROUP BY ALL
    )
    SELECT month_end, strength, 'monthly_report' AS series FROM reports
    UNION ALL
    SELECT month_end, total, 'ipi' FROM main.mission_strength
    WHERE mission = $1 AND month_end <= $2::DATE AND month_end NOT IN (SELECT month_end FROM reports)
    ORDER BY month_end
"""


@dataclass(frozen=True)
class People:
    """The uniformed personnel of a mission up to the day; what is not held is None or empty."""

    months: list[Row]  # month_end, strength, series; months without a report are not in it
    reported: Row | None  # the month whose contributors are shown: month_end, strength
    greatest: Row | None  # of a mission over by the day, its strongest month in the same reports; else None
    last: Row | None  # the last month with personnel by the day
    next_month: date | None  # the next month-end with mission detail after it
    next_strength: int | None
    contributors: list[Row]
    levels: list[Row]
    level_month: date | None  # the month that the levels are of
    scales: list[str]  # the scale periods of its year
    level_next: date | None
    women: list[Row]
    women_total: Row | None
    staff_inside: bool  # the month's report counts staff officers among the troops
    strengths_from: date | None  # what is held of any mission: strengths, and contributors by name
    reports_from: date | None
    reports_to: date | None  # the newest report by the day
    until: date | None  # the month-end to which a figure could be held: the newest report's, or its last month
    gaps: list[tuple[date, date]]  # runs of months from its first to there without a figure: first and last month-end
    defects: list[str]  # known defects of the reports that name the mission, of months by the day

    @property
    def shaded(self) -> list[tuple[date, date]]:
        """The gaps as far as the figures beside them: from the month-end before each run to the one after it."""
        ends = [row["month_end"] for row in self.months]
        return [
            (max(end for end in ends if end < first), min((end for end in ends if end > last), default=last))
            for first, last in self.gaps
        ]

    @property
    def named(self) -> list[Row]:
        """The contributors of the month shown, the largest first."""
        return [row for row in self.contributors if row["rank"] is not None]


def people_of(ask: Asker, scope: Scope) -> People:
    """The people of the mission, as far as the reports reach."""
    months = ask(STRENGTH, scope.mission, scope.day)
    reports = [row for row in months if row["series"] == "monthly_report" and row["strength"] > 0]
    reported = reports[-1] if reports else None
    greatest = max(reports, key=lambda row: (row["strength"], row["month_end"])) if reports and scope.over else None
    if greatest:
        # Its last months are those of its leaving, and its strongest one can be that of a rotation, when the states'
        # figures hold those who come and those who go.
        least = NEARLY_FULL * greatest["strength"]
        reported = next(row for row in reversed(reports) if row["strength"] >= least)
    held = ask.one(
        """
        SELECT min(month_end) AS first, max(month_end) FILTER (month_end <= $1::DATE) AS last,
            least(min(month_end), (SELECT min(month_end) FROM main.mission_strength)) AS first_strength
        FROM main.uniformed_personnel
        """,
        scope.day,
    )
    contributors = [] if reported is None else _contributors(ask, scope.mission, reported["month_end"])
    following = next((row["next_month_end"] for row in contributors), None)
    level_month, levels = _levels(ask, scope.mission, reported["month_end"] if reported else None)
    level_next, after = _levels(ask, scope.mission, following, exactly=True)
    newest = held["last"] if reports and not scope.over else None
    until = max([*([newest] if newest else []), *[row["month_end"] for row in months[-1:]]], default=None)
    women = [] if reported is None else _women(ask, scope.mission, reported["month_end"])
    shares_after = {row["level_group"]: row["share_pct"] for row in after}
    return People(
        months=months,
        reported=reported,
        greatest=greatest,
        last=next((row for row in reversed(months) if row["strength"] > 0), None),
        next_month=following,
        next_strength=_strength(ask, scope.mission, following),
        contributors=contributors,
        levels=[
            {**row, "next_share_pct": shares_after.get(row["level_group"], 0.0) if after else None} for row in levels
        ],
        level_month=level_month,
        scales=_scales(ask, level_month),
        level_next=level_next if levels and level_month == (reported or {}).get("month_end") else None,
        women=[row for row in women if row["total"]],
        women_total=_added(women),
        staff_inside=bool(reported and _staff_inside(ask, scope.mission, reported["month_end"])),
        strengths_from=held["first_strength"],
        reports_from=held["first"],
        reports_to=held["last"],
        until=until,
        gaps=_gaps(ask, months, until),
        defects=_defects(ask, scope) if reports else [],
    )


def _defects(ask: Asker, scope: Scope) -> list[str]:
    """The known defects of the reports that name the mission, but those whose months all come after the day."""
    named = ask(
        """
        SELECT * FROM meta.known_defects
        WHERE source = 'uniformed_personnel'
            AND regexp_matches(description, '(^|[^A-Za-z0-9-])' || regexp_escape($1) || '([^A-Za-z0-9-]|$)')
            AND coalesce(
                list_min(regexp_extract_all(description, '[0-9]{4}-[0-9]{2}')) <= strftime($2::DATE, '%Y-%m'), true)
        ORDER BY defect_id
        """,
        scope.mission,
        scope.day,
    )
    return [defect_told(row) for row in named]


def _contributors(ask: Asker, mission: str, month_end: date) -> list[Row]:
    return ask("FROM marts.top_contributors($1, $2::DATE) ORDER BY rank NULLS LAST, contributor", mission, month_end)


def _strength(ask: Asker, mission: str, month_end: date | None) -> int | None:
    """Its strength at a month-end whose report prints missions: 0 where the report does not name it."""
    if month_end is None:
        return None
    found = ask.one(
        "SELECT coalesce(sum(total), 0)::BIGINT AS strength FROM main.uniformed_personnel "
        "WHERE mission = $1 AND month_end = $2::DATE",
        mission,
        month_end,
    )
    return int(found["strength"])


def _levels(ask: Asker, mission: str, month_end: date | None, exactly: bool = False) -> tuple[date | None, list[Row]]:
    """Its personnel by level in that month, or in the last one before it whose calendar year has levels."""
    if month_end is None:
        return None, []
    found = ask(
        """
        WITH months AS (
            SELECT month_end, level_group, uniformed_personnel, share_pct, states
            FROM marts.personnel_by_level WHERE mission = $1 AND month_end <= $2::DATE
        ), known AS (
            SELECT max(month_end) AS month_end FROM months
            WHERE level_group <> 'unknown' AND (month_end = $2::DATE OR NOT $3)
        ), groups AS (
            -- A level of which no state sends anybody has a zero: the report names them all.
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
    return (found[0]["month_end"], found) if found else (None, [])


def _scales(ask: Asker, month_end: date | None) -> list[str]:
    rows = ask(
        "SELECT DISTINCT scale_period FROM main.peacekeeping_levels "
        "WHERE year($1::DATE)::VARCHAR BETWEEN left(scale_period, 4) AND right(scale_period, 4) ORDER BY scale_period",
        month_end,
    )
    return [row["scale_period"] for row in rows]


def _women(ask: Asker, mission: str, month_end: date) -> list[Row]:
    return ask(
        "SELECT personnel_type::VARCHAR AS personnel_type, women, men, total, women_share_pct "
        "FROM marts.women_in_uniform WHERE mission = $1 AND month_end = $2::DATE ORDER BY total DESC, personnel_type",
        mission,
        month_end,
    )


def _staff_inside(ask: Asker, mission: str, month_end: date) -> bool:
    found = ask.one(
        "SELECT coalesce(bool_or(includes_staff_officers), false) AS inside FROM main.uniformed_personnel "
        "WHERE mission = $1 AND month_end = $2::DATE",
        mission,
        month_end,
    )
    return bool(found["inside"])


def _added(women: list[Row]) -> Row | None:
    """All types together; None where the report prints no sex of some of them."""
    if not women or any(row["women"] is None for row in women):
        return None
    total, female = sum(row["total"] for row in women), sum(row["women"] for row in women)
    return {"women": female, "total": total, "women_share_pct": 100 * female / total if total else None}


def _gaps(ask: Asker, months: list[Row], until: date | None) -> list[tuple[date, date]]:
    """Runs of months from the first held to `until` without a strength, each by its first and last month-end."""
    if not months or until is None:
        return []
    missing = ask(
        """
        SELECT last_day(month)::DATE AS month_end
        FROM range(date_trunc('month', $1::DATE)::TIMESTAMP, $2::TIMESTAMP, INTERVAL 1 MONTH) AS months(month)
        """,
        months[0]["month_end"],
        until,
    )
    held = {row["month_end"] for row in months}
    runs: list[tuple[date, date]] = []
    before = None
    for month in [row["month_end"] for row in missing]:
        if month in held:
            before = None
            continue
        runs = [*runs[:-1], (runs[-1][0], month)] if before else [*runs, (month, month)]
        before = month
    return runs
