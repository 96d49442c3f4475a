-- Contributors of uniformed personnel to a mission on a day, most first: FROM marts.top_contributors('MINUSMA',
-- '2019-01-25'). Without a mission, all missions together (special political ones included), from 1990-11; without a
-- day, the newest month.
-- - Numbers are of month_end, the last month-end on or before the day whose report names the mission with personnel.
--   It can be much earlier: 2018-02-28 for that day, since the reports of 2018-03 to 2019-08 and 2023-09 print no
--   mission; 2014-09 to 2014-12 have no figures by contributor.
-- - next_month_end is the first such month after it; next_rank and next_uniformed_personnel are of that month, NULL
--   where its report has none of the state. Nothing is interpolated.
-- - series and next_series name the publication: see marts.contributor_months. Missions are in the UN's figures from
--   2015-01 and in IPI's by sex (ipi_by_sex) from 2009-11 to 2014-08, where the United States are blank to 2012-12: they
--   have no row, and the figures are incomplete. Over all missions the blank figures are filled (is_filled).
-- - A mission that no report names (those closed before 2009-11) and a day before the first month are errors, never
--   zero rows.
-- - Numbers deployed on a day: never add months.
-- - troops includes staff officers until 2017-04.
-- - Published zeros are left out; ties share a rank.
-- - level_group is the state's peacekeeping level (derived, not printed) of month_end's calendar year. D to G are
--   grouped; it is unknown where no level of the state is held for that year (before 2013 and after the last scale
--   period).
-- - is_incomplete is true where cells of month_end are blank or rows of it were rejected, next_is_incomplete the same
--   of next_month_end: the figures are too low (meta.incomplete_periods).
CREATE MACRO marts.top_contributors(for_mission := NULL, on_date := NULL) AS TABLE
WITH figures AS (
    SELECT month_end, contributor_iso3, uniformed_personnel, troops, staff_officers, experts_on_mission, police, series,
        is_filled, is_incomplete
    FROM marts.contributor_months
    WHERE for_mission IS NULL
    UNION ALL BY NAME
    SELECT
        month_end,
        contributor_iso3,
        sum(total)::BIGINT AS uniformed_personnel,
        coalesce(sum(total) FILTER (personnel_type = 'Troops'), 0)::BIGINT AS troops,
        coalesce(sum(total) FILTER (personnel_type = 'Staff Officer'), 0)::BIGINT AS staff_officers,
        coalesce(sum(total) FILTER (personnel_type = 'Experts on Mission'), 0)::BIGINT AS experts_on_mission,
        coalesce(sum(total) FILTER (personnel_type IN ('Individual Police', 'Formed Police Units')), 0)::BIGINT AS police,
        any_value(series)::VARCHAR AS series,
        false AS is_filled,
        bool_or(total IS NULL)
            OR month_end::VARCHAR IN (SELECT period FROM meta.incomplete_periods WHERE source = 'uniformed_personnel')
            AS is_incomplete
    FROM main.uniformed_personnel
    WHERE mission = for_mission::VARCHAR AND mission <> 'UNSPECIFIED'
    GROUP BY month_end, contributor_iso3
), months AS (
    SELECT month_end, bool_or(is_incomplete) AS is_incomplete, any_value(series) FILTER (NOT is_filled) AS series
    FROM figures
    GROUP BY month_end
    HAVING sum(uniformed_personnel) > 0
), available AS (
    SELECT count(*) AS held_months, min(month_end) AS first_month,
        max(month_end) FILTER (on_date IS NULL OR month_end <= on_date::DATE) AS month_end
    FROM months
), named AS (
    SELECT string_agg(mission, ', ' ORDER BY mission) AS missions
    FROM (SELECT DISTINCT mission FROM main.uniformed_personnel WHERE mission <> 'UNSPECIFIED')
), request AS (
    SELECT
        CASE
            WHEN missions IS NULL AND held_months = 0 THEN error('top_contributors: no uniformed personnel are held in this warehouse.')
            WHEN held_months = 0 THEN error(
                'top_contributors: no report of uniformed personnel held here names a mission '''
                || for_mission::VARCHAR || '''; they name: ' || missions || '.')
            WHEN month_end IS NULL THEN error(
                'top_contributors: the reports held here' || coalesce(' that name ' || for_mission::VARCHAR, '')
                || ' begin with ' || first_month || ', after ' || on_date::DATE || '; give that day or a later one.')
            ELSE month_end END AS month_end
    FROM available
    CROSS JOIN named
), chosen AS (
    SELECT request.month_end AS this_month, min(months.month_end) AS next_month
    FROM request
    LEFT JOIN months ON months.month_end > request.month_end
    GROUP BY ALL
), ranked AS (
    SELECT
        figures.*,
        rank() OVER (PARTITION BY month_end ORDER BY uniformed_personnel DESC) AS rank,
        100 * uniformed_personnel::DOUBLE / sum(uniformed_personnel) OVER (PARTITION BY month_end)::DOUBLE AS share_pct
    FROM figures
    JOIN chosen ON month_end IN (this_month, next_month)
    WHERE uniformed_personnel > 0
), levels AS (
    SELECT contributor_iso3,
        CASE WHEN level IN ('D', 'E', 'F', 'G') THEN 'D-G' ELSE level::VARCHAR END AS level_group,
        left(scale_period, 4)::BIGINT AS first_year, right(scale_period, 4)::BIGINT AS last_year
    FROM main.peacekeeping_levels
)
SELECT
    now.rank,
    now.contributor_iso3,
    countries.name AS contributor,
    this_month AS month_end,
    now.uniformed_personnel,
    now.troops,
    now.staff_officers,
    now.experts_on_mission,
    now.police,
    now.share_pct,
    coalesce(level_group, 'unknown') AS level_group,
    next_month AS next_month_end,
    later.rank AS next_rank,
    later.uniformed_personnel AS next_uniformed_personnel,
    now.series,
    now.is_filled,
    next_months.series AS next_series,
    these_months.is_incomplete,
    coalesce(next_months.is_incomplete, false) AS next_is_incomplete
FROM chosen
JOIN ranked AS now ON now.month_end = this_month
JOIN months AS these_months ON these_months.month_end = this_month
JOIN main.countries ON countries.iso3 = now.contributor_iso3
LEFT JOIN months AS next_months ON next_months.month_end = next_month
LEFT JOIN ranked AS later ON later.month_end = next_month AND later.contributor_iso3 = now.contributor_iso3
LEFT JOIN levels
    ON levels.contributor_iso3 = now.contributor_iso3 AND year(this_month) BETWEEN first_year AND last_year
ORDER BY now.rank, now.contributor_iso3;
