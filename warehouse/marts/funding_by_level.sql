-- Assessed contributions to UN peacekeeping by peacekeeping year and group of levels (A pays a premium, B its
-- regular rate, C to J have discounts).
-- - Assessed, not paid.
-- - Levels are derived, not printed, from one year of each scale period. C can't be distinguished from some special
--   rates nor H from I, and D to G have few states, so they are grouped.
-- - Scales begin on 1 January: in a year across two scales (2018-19), half of each state's amount, to the cent,
--   counts at its level of each. This is an approximation.
-- - A state that changed level counts in both groups: never add the states.
-- - Amounts without a level are under unknown (in 2012-13 the first half, whose scale is not held), so that the
--   groups add up to the year's total.
CREATE VIEW marts.funding_by_level AS
WITH levels AS (
    SELECT contributor_iso3, scale_period,
        CASE WHEN level IN ('D', 'E', 'F', 'G') THEN 'D-G' ELSE level::VARCHAR END AS level_group,
        left(scale_period, 4)::BIGINT AS first_year, right(scale_period, 4)::BIGINT AS last_year
    FROM main.peacekeeping_levels
), scales AS (
    SELECT DISTINCT scale_period, first_year, last_year FROM levels
), halves AS (
    SELECT peacekeeping_year, contributor_iso3, year(period_start) AS rate_year,
        (amount_usd * 0.5)::DECIMAL(18, 2) AS half_usd
    FROM main.assessed_contributions
    UNION ALL
    SELECT peacekeeping_year, contributor_iso3, year(period_end), amount_usd - (amount_usd * 0.5)::DECIMAL(18, 2)
    FROM main.assessed_contributions
), grouped AS (
    SELECT peacekeeping_year, coalesce(level_group, 'unknown') AS level_group,
        sum(half_usd)::DECIMAL(18, 2) AS assessed_usd, count(DISTINCT halves.contributor_iso3) AS states
    FROM halves
    LEFT JOIN levels
        ON levels.contributor_iso3 = halves.contributor_iso3 AND rate_year BETWEEN first_year AND last_year
    GROUP BY ALL
), years AS (
    SELECT DISTINCT peacekeeping_year, year(period_start) AS first_half, year(period_end) AS second_half
    FROM main.assessed_contributions
)
SELECT
    peacekeeping_year,
    level_group,
    before.scale_period AS scale_period_first_half,
    after.scale_period AS scale_period_second_half,
    assessed_usd,
    100 * assessed_usd::DOUBLE / sum(assessed_usd) OVER (PARTITION BY peacekeeping_year)::DOUBLE AS share_pct,
    states,
    peacekeeping_year IN (SELECT period FROM meta.incomplete_periods WHERE source = 'assessed_contributions')
        OR EXISTS (FROM meta.incomplete_periods WHERE source = 'peacekeeping_levels'
            AND period IN (before.scale_period, after.scale_period)) AS is_incomplete
FROM grouped
JOIN years USING (peacekeeping_year)
LEFT JOIN scales AS before ON first_half BETWEEN before.first_year AND before.last_year
LEFT JOIN scales AS after ON second_half BETWEEN after.first_year AND after.last_year;
COMMENT ON COLUMN marts.funding_by_level.peacekeeping_year IS 'Peacekeeping year, 1 July to 30 June.';
COMMENT ON COLUMN marts.funding_by_level.level_group IS 'Levels: A, B, C|special, D-G, H|I, J; unknown where the state has no level of that half of the year.';
COMMENT ON COLUMN marts.funding_by_level.scale_period_first_half IS 'Scale period of July to December; NULL where its levels are not held.';
COMMENT ON COLUMN marts.funding_by_level.scale_period_second_half IS 'Scale period of January to June; another one where the year straddles two; NULL where its levels are not held.';
COMMENT ON COLUMN marts.funding_by_level.assessed_usd IS 'Assessed on the states at these levels. Unit: USD.';
COMMENT ON COLUMN marts.funding_by_level.share_pct IS 'Share of the year''s assessments. Unit: percent.';
COMMENT ON COLUMN marts.funding_by_level.states IS 'States at these levels in either half of the year. Unit: state.';
COMMENT ON COLUMN marts.funding_by_level.is_incomplete IS 'True where the figure is too low: rows of the period were rejected (meta.incomplete_periods), or cells are blank in the publication.';
