-- Uniformed personnel by month-end, mission and group of the contributors' peacekeeping levels (A pays a premium, B
-- its regular rate, C to J have discounts). Levels follow income per head, so J are the least developed.
-- - Levels are derived, not printed, from one year of each scale period; a month has those of its calendar year. C
--   can't be distinguished from some special rates nor H from I, and D to G have few states, so they are grouped.
-- - unknown has no level in that year: every state before 2013 and from 2025 on, for which no levels are held.
-- - Until 2014-08 the figures are IPI's by sex (series ipi_by_sex). A mission with cells of a state that are blank (those
--   of the United States to 2012-12) has is_incomplete in all its groups.
-- - The groups of a month and mission add up to its total. Numbers deployed on a day: never add months.
-- - Special political missions are included. Months whose report prints no mission are under UNSPECIFIED (2018-03 to
--   2019-08, 2023-09): add all of a month for its total.
CREATE VIEW marts.personnel_by_level AS
WITH levels AS (
    SELECT contributor_iso3,
        CASE WHEN level IN ('D', 'E', 'F', 'G') THEN 'D-G' ELSE level::VARCHAR END AS level_group,
        unnest(range(left(scale_period, 4)::BIGINT, right(scale_period, 4)::BIGINT + 1)) AS level_year
    FROM main.peacekeeping_levels
), sent AS (
    SELECT month_end, mission, contributor_iso3, sum(total)::BIGINT AS strength,
        any_value(series)::VARCHAR AS series, count(total) < count(*) AS is_blank
    FROM main.uniformed_personnel
    GROUP BY month_end, mission, contributor_iso3
), grouped AS (
    SELECT
        month_end,
        mission,
        coalesce(level_group, 'unknown') AS level_group,
        sum(strength)::BIGINT AS uniformed_personnel,
        count(*) FILTER (strength > 0) AS states,
        any_value(series) AS series,
        bool_or(is_blank) AS is_blank
    FROM sent
    LEFT JOIN levels ON levels.contributor_iso3 = sent.contributor_iso3 AND level_year = year(month_end)
    GROUP BY ALL
)
SELECT
    month_end,
    mission,
    level_group,
    uniformed_personnel,
    100 * uniformed_personnel::DOUBLE
        / nullif(sum(uniformed_personnel) OVER (PARTITION BY month_end, mission), 0)::DOUBLE AS share_pct,
    states,
    series,
    bool_or(is_blank) OVER (PARTITION BY month_end, mission)
        OR month_end::VARCHAR IN (SELECT period FROM meta.incomplete_periods WHERE source = 'uniformed_personnel')
        OR EXISTS (FROM meta.incomplete_periods WHERE source = 'peacekeeping_levels'
            AND year(month_end)::VARCHAR BETWEEN left(period, 4) AND right(period, 4)) AS is_incomplete
FROM grouped;
COMMENT ON COLUMN marts.personnel_by_level.month_end IS 'Last day of the reported month.';
COMMENT ON COLUMN marts.personnel_by_level.mission IS 'Mission; UNSPECIFIED where the report prints none.';
COMMENT ON COLUMN marts.personnel_by_level.level_group IS 'Levels (derived): A, B, C|special, D-G, H|I, J; unknown where no level of the state is held for that calendar year.';
COMMENT ON COLUMN marts.personnel_by_level.uniformed_personnel IS 'Uniformed personnel of the states at these levels. Unit: person.';
COMMENT ON COLUMN marts.personnel_by_level.share_pct IS 'Share of the mission''s uniformed personnel of that month; NULL where it has none. Unit: percent.';
COMMENT ON COLUMN marts.personnel_by_level.states IS 'States at these levels with personnel there; published zeros are not counted. Unit: state.';
COMMENT ON COLUMN marts.personnel_by_level.series IS 'Publication of the month''s figures: monthly_report, data_hub, ipi_by_sex or ipi_by_mission.';
COMMENT ON COLUMN marts.personnel_by_level.is_incomplete IS 'True where the figure is too low: rows of the period were rejected (meta.incomplete_periods), or cells are blank in the publication.';
