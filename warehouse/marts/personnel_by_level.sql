-- Uniformed personnel by month-end, mission and group of the contributors' peacekeeping levels (A pays a premium, B
-- its regular rate, C to J have discounts). Levels follow income per head, so J are the least developed.
-- - Levels are derived, not printed, from one year of each scale period; a month has those of its calendar year. C
--   can't be distinguished from some special rates nor H from I, and D to G have few states, so they are grouped.
-- - unknown has no level in that year: every state from 2025 on, until levels of a later scale are held.
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
    SELECT month_end, mission, contributor_iso3, sum(total)::BIGINT AS strength
    FROM main.uniformed_personnel
    GROUP BY ALL
), grouped AS (
    SELECT
        month_end,
        mission,
        coalesce(level_group, 'unknown') AS level_group,
        sum(strength)::BIGINT AS uniformed_personnel,
        count(*) FILTER (strength > 0) AS states
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
    month_end::VARCHAR IN (SELECT period FROM meta.incomplete_periods WHERE source = 'uniformed_personnel')
        OR EXISTS (FROM meta.incomplete_periods WHERE source = 'peacekeeping_levels'
            AND year(month_end)::VARCHAR BETWEEN left(period, 4) AND right(period, 4)) AS is_incomplete
FROM grouped;
COMMENT ON COLUMN marts.personnel_by_level.month_end IS 'Last day of the reported month.';
COMMENT ON COLUMN marts.personnel_by_level.mission IS 'Mission; UNSPECIFIED where the report prints none.';
COMMENT ON COLUMN marts.personnel_by_level.level_group IS 'Levels (derived): A, B, C|special, D-G, H|I, J; unknown where no level of the state is held for that calendar year.';
COMMENT ON COLUMN marts.personnel_by_level.uniformed_personnel IS 'Uniformed personnel of the states at these levels. Unit: person.';
COMMENT ON COLUMN marts.personnel_by_level.share_pct IS 'Share of the mission''s uniformed personnel of that month; NULL where it has none. Unit: percent.';
COMMENT ON COLUMN marts.personnel_by_level.states IS 'States at these levels with personnel there; published zeros are not counted. Unit: state.';
COMMENT ON COLUMN marts.personnel_by_level.is_incomplete IS 'True where rows of the period were rejected, so that the figure is too low (meta.incomplete_periods).';
