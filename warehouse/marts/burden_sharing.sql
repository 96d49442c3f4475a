-- What each state was assessed, how many uniformed person-months it provided, and how many of its nationals died, by
-- peacekeeping year (1 July to 30 June). A state with any of the three has a row; NULL is no data.
-- - Assessments, person-months and deaths are three measures: compare their shares, never add them.
-- - Assessed, not paid.
-- - Person-months are month-end strengths added over the reported months, all missions, special political ones
--   included (marts.contributor_months; `series` names the publications of the year). Months without a report are in
--   no figure: see months_covered.
-- - Deaths are of all staff, including local staff of host states: never divide them by person-months.
--   uniformed_deaths are separate.
-- - Rates change on 1 January, so a year has two halves, each with the regular-budget rate of its scale and its
--   level. Levels are derived, not printed, from one year of each scale since 2013 (fit in
--   main.peacekeeping_levels).
-- - Some states are missing in the assessments of 2012-13 to 2016-17, which lowers the year's total a little.
CREATE VIEW marts.burden_sharing AS
WITH years AS (
    SELECT peacekeeping_year, period_start, period_end, sum(amount_usd)::DECIMAL(18, 2) AS total_usd
    FROM main.assessed_contributions
    GROUP BY ALL
), strengths AS (
    SELECT month_end, contributor_iso3, uniformed_personnel AS strength, series, is_incomplete
    FROM marts.contributor_months
), months AS (
    SELECT peacekeeping_year, count(DISTINCT month_end) AS months_covered,
        string_agg(DISTINCT series, ', ' ORDER BY series) AS series, bool_or(is_incomplete) AS is_incomplete
    FROM years
    JOIN strengths ON month_end BETWEEN period_start AND period_end
    GROUP BY ALL
), served AS (
    SELECT peacekeeping_year, contributor_iso3, sum(strength)::BIGINT AS person_months
    FROM strengths
    JOIN years ON month_end BETWEEN period_start AND period_end
    GROUP BY ALL
), known AS (
    SELECT peacekeeping_year, least(period_end, vintage) AS deaths_known_to
    FROM years
    JOIN (SELECT max(vintage) AS vintage FROM meta.snapshots WHERE source = 'fatalities') ON vintage >= period_start
), casualties AS (
    SELECT peacekeeping_year, nationality_iso3 AS contributor_iso3, count(*) AS deaths,
        count(*) FILTER (is_uniformed) AS uniformed_deaths
    FROM main.fatalities
    JOIN years ON incident_date BETWEEN period_start AND period_end
    GROUP BY ALL
), all_deaths AS (
    SELECT peacekeeping_year, sum(deaths) AS total_deaths FROM casualties GROUP BY ALL
), incomplete AS (
    SELECT DISTINCT peacekeeping_year
    FROM years
    JOIN meta.incomplete_periods
        ON (source = 'assessed_contributions' AND period = peacekeeping_year)
        OR (source IN ('uniformed_personnel', 'contributor_strength')
            AND period BETWEEN period_start::VARCHAR AND period_end::VARCHAR)
), levels AS (
    SELECT contributor_iso3, level::VARCHAR AS level,
        unnest(range(left(scale_period, 4)::BIGINT, right(scale_period, 4)::BIGINT + 1)) AS rate_year
    FROM main.peacekeeping_levels
), scales AS (
    SELECT contributor_iso3, rate_pct, unnest(range(period_from, period_to + 1)) AS rate_year
    FROM main.scale_of_assessments
), rates AS (
    SELECT contributor_iso3, rate_year, level, rate_pct
    FROM scales
    FULL JOIN levels USING (contributor_iso3, rate_year)
), shared AS (
    SELECT peacekeeping_year, contributor_iso3, amount_usd AS assessed_usd, person_months, deaths, uniformed_deaths
    FROM main.assessed_contributions
    FULL JOIN served USING (peacekeeping_year, contributor_iso3)
    FULL JOIN (FROM casualties WHERE contributor_iso3 IS NOT NULL) USING (peacekeeping_year, contributor_iso3)
), rated AS (
    SELECT shared.*, years.total_usd, deaths_known_to, first_half.level AS level_first_half,
        second_half.level AS level_second_half, (first_half.rate_pct + second_half.rate_pct) / 2 AS regular_rate_pct,
        CASE WHEN assessed_usd IS NOT NULL
            THEN (total_usd::DOUBLE * (first_half.rate_pct + second_half.rate_pct) / 200)::DECIMAL(18, 2)
        END AS owed_usd
    FROM shared
    JOIN years USING (peacekeeping_year)
    LEFT JOIN known USING (peacekeeping_year)
    LEFT JOIN rates AS first_half
        ON first_half.contributor_iso3 = shared.contributor_iso3 AND first_half.rate_year = year(period_start)
    LEFT JOIN rates AS second_half
        ON second_half.contributor_iso3 = shared.contributor_iso3 AND second_half.rate_year = year(period_end)
)
SELECT
    peacekeeping_year,
    contributor_iso3,
    countries.name AS contributor,
    assessed_usd,
    100 * assessed_usd::DOUBLE / total_usd::DOUBLE AS assessed_share_pct,
    CASE WHEN assessed_usd IS NOT NULL
        THEN rank() OVER (PARTITION BY peacekeeping_year ORDER BY assessed_usd DESC NULLS LAST) END AS assessed_rank,
    coalesce(months_covered, 0) AS months_covered,
    series,
    person_months,
    100 * person_months::DOUBLE / nullif(sum(person_months) OVER (PARTITION BY peacekeeping_year), 0)::DOUBLE
        AS person_month_share_pct,
    CASE WHEN person_months IS NOT NULL
        THEN rank() OVER (PARTITION BY peacekeeping_year ORDER BY person_months DESC NULLS LAST) END AS person_month_rank,
    deaths_known_to,
    CASE WHEN deaths_known_to IS NOT NULL THEN coalesce(deaths, 0) END AS deaths,
    CASE WHEN deaths_known_to IS NOT NULL THEN coalesce(uniformed_deaths, 0) END AS uniformed_deaths,
    CASE WHEN deaths_known_to IS NOT NULL
        THEN 100 * coalesce(deaths, 0)::DOUBLE / nullif(total_deaths, 0)::DOUBLE END AS death_share_pct,
    CASE WHEN level_first_half = level_second_half THEN level_first_half END AS level,
    level_first_half,
    level_second_half,
    regular_rate_pct,
    owed_usd AS owed_at_regular_rate_usd,
    assessed_usd - owed_usd AS assessed_above_regular_rate_usd,
    peacekeeping_year IN (FROM incomplete) OR coalesce(months.is_incomplete, false) AS is_incomplete,
    (SELECT coalesce(sum(rows_rejected), 0)::BIGINT FROM meta.incomplete_periods WHERE source = 'fatalities')
        AS rejected_rows
FROM rated
JOIN main.countries ON countries.iso3 = contributor_iso3
LEFT JOIN months USING (peacekeeping_year)
LEFT JOIN all_deaths USING (peacekeeping_year);
COMMENT ON COLUMN marts.burden_sharing.peacekeeping_year IS 'Peacekeeping year, 1 July to 30 June; those that have assessments.';
COMMENT ON COLUMN marts.burden_sharing.contributor_iso3 IS 'State that was assessed, or sent personnel, or whose nationals died.';
COMMENT ON COLUMN marts.burden_sharing.contributor IS 'Its short English name.';
COMMENT ON COLUMN marts.burden_sharing.assessed_usd IS 'Assessed on it, not paid; NULL where the file has no assessment. Unit: USD.';
COMMENT ON COLUMN marts.burden_sharing.assessed_share_pct IS 'Share of the year''s assessments. Unit: percent.';
COMMENT ON COLUMN marts.burden_sharing.assessed_rank IS 'Rank by amount assessed; ties share it.';
COMMENT ON COLUMN marts.burden_sharing.months_covered IS 'How many of the year''s 12 months have a report; the person-months are of these. Unit: month.';
COMMENT ON COLUMN marts.burden_sharing.series IS 'Publications of the year''s personnel, as in marts.contributor_months; NULL where no month is covered.';
COMMENT ON COLUMN marts.burden_sharing.person_months IS 'Its uniformed personnel added over the covered months, all missions; NULL where no report of the year names the state. Unit: person-month.';
COMMENT ON COLUMN marts.burden_sharing.person_month_share_pct IS 'Share of all states'' person-months of the covered months. Unit: percent.';
COMMENT ON COLUMN marts.burden_sharing.person_month_rank IS 'Rank by person-months; ties share it.';
COMMENT ON COLUMN marts.burden_sharing.deaths_known_to IS 'Last day of the year that the fatalities held here cover; before the year''s end the count is not final. NULL where they don''t cover the year.';
COMMENT ON COLUMN marts.burden_sharing.deaths IS 'Its nationals who died in incidents of the year, all staff, all missions; 0 where the fatalities cover the year and have none. Unit: person.';
COMMENT ON COLUMN marts.burden_sharing.uniformed_deaths IS 'Of them military, police and military observers. Unit: person.';
COMMENT ON COLUMN marts.burden_sharing.death_share_pct IS 'Share of all deaths of the year, those of undetermined nationality included. Unit: percent.';
COMMENT ON COLUMN marts.burden_sharing.level IS 'Peacekeeping level (derived) where both halves have the same; NULL where they differ or one is not known.';
COMMENT ON COLUMN marts.burden_sharing.level_first_half IS 'Level (derived) of July to December, from the scale period of that calendar year.';
COMMENT ON COLUMN marts.burden_sharing.level_second_half IS 'Level (derived) of January to June; another scale period''s where the year straddles two.';
COMMENT ON COLUMN marts.burden_sharing.regular_rate_pct IS 'Rate of the regular budget''s scale, the average of the two halves''; NULL where one is not known. Unit: percent.';
COMMENT ON COLUMN marts.burden_sharing.owed_at_regular_rate_usd IS 'The year''s total assessments at that rate: computed, never charged; NULL where the state was not assessed. Unit: USD.';
COMMENT ON COLUMN marts.burden_sharing.assessed_above_regular_rate_usd IS 'Assessed less that: positive for a premium, negative for a discount. Unit: USD.';
COMMENT ON COLUMN marts.burden_sharing.is_incomplete IS 'True where the figure is too low: rows of the period were rejected (meta.incomplete_periods), or cells are blank in the publication.';
COMMENT ON COLUMN marts.burden_sharing.rejected_rows IS 'Rejected rows of the newest vintage: each is one person who may belong to any total. Unit: person.';
