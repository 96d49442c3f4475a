-- Deaths of uniformed personnel (military, police, military observers; all causes) per 1,000 uniformed person-years,
-- by mission and calendar year, from month-end strengths. rate_low and rate_high are the exact 95 % interval of a
-- Poisson count (Garwood 1936).
-- - Not per person: personnel rotate.
-- - Deaths are few and come in clusters (one attack, one crash), so the true uncertainty is wider than the interval:
--   never rank missions whose intervals overlap, and never cite a small mission's rate alone.
-- - No rate, with the reason in `refused`, where a month within the mission's dates has no report that names it,
--   where somebody died in a month without strength, where the newest vintage of the fatalities does not cover the
--   year, or where nobody is reported.
-- - Special political missions are included; most of their dead are civilians, who are not counted.
-- - Strength is of one series per year: the monthly reports (from 2015) if they cover the year, else the IPI
--   database (1990-11 to 2017-03). If neither does, the row has the monthly reports and no rate.
-- - A report that does not name the mission does not mean zero: its personnel may be not yet there, gone, or printed
--   under another name (IPTF before UNMIBH).
-- - Strength reported outside the mission's dates counts, as do the deaths of those months, but a year that is
--   entirely outside has no rate (UNAVEM after 1995-02). Where a date is not known, the first or last report that
--   names the mission replaces it.
-- - Parts of an umbrella mission are counted under it, as the fatalities print it.
-- - Before 2000 the list of the dead may not be complete.
CREATE VIEW marts.fatality_rates AS
WITH umbrellas AS (
    SELECT mission, coalesce(part_of, mission) AS umbrella FROM main.missions WHERE mission <> 'UNSPECIFIED'
), strengths AS (
    SELECT 'monthly_report' AS series, month_end, umbrella AS mission, sum(total)::BIGINT AS strength
    FROM main.uniformed_personnel
    JOIN umbrellas USING (mission)
    WHERE NOT starts_with(uniformed_personnel.series, 'ipi_')  -- the IPI database has them by mission, without blank cells
    GROUP BY ALL
    UNION ALL
    SELECT 'ipi', month_end, umbrella, sum(total)::BIGINT
    FROM main.mission_strength
    JOIN umbrellas USING (mission)
    GROUP BY ALL
), reports AS (
    SELECT DISTINCT series, month_end FROM strengths
), served AS (
    SELECT mission, year(month_end) AS year, series, sum(strength)::BIGINT AS person_months
    FROM strengths
    GROUP BY ALL
), spans AS (
    SELECT mission, min(month_end) AS first_month, max(month_end) AS last_month FROM strengths GROUP BY ALL
), active_periods AS (
    SELECT mission,
        coalesce(start_date, first_month) AS active_from,
        CASE
            WHEN end_date IS NOT NULL THEN end_date
            WHEN is_active OR last_month = max(last_month) OVER () THEN DATE 'infinity'
            ELSE last_month END AS active_to
    FROM spans
    JOIN main.missions USING (mission)
), incomplete AS (
    SELECT DISTINCT source, left(period, 4) AS year
    FROM meta.incomplete_periods
    WHERE source IN ('uniformed_personnel', 'mission_strength')
), expected AS (
    SELECT mission, year, series, person_months, active_from, active_to,
        unnest(list_transform(range(1, 13), lambda month: last_day(make_date(year, month, 1)))) AS month_end
    FROM served
    JOIN active_periods USING (mission)
), casualties AS (
    SELECT umbrella AS mission, last_day(incident_date) AS month_end, count(*) AS deaths,
        count(*) FILTER (incident_type = 'To Be Determined') AS pending
    FROM main.fatalities
    JOIN umbrellas USING (mission)
    WHERE is_uniformed
    GROUP BY ALL
), months AS (
    SELECT mission, year, series, person_months,
        count(*) FILTER (is_active_month) AS months_expected,
        count(*) FILTER (is_active_month AND strength IS NOT NULL) AS months_covered,
        count(*) FILTER (is_active_month AND strength IS NULL AND reported) AS months_silent,
        coalesce(sum(deaths), 0)::BIGINT AS deaths,
        coalesce(sum(deaths) FILTER (coalesce(strength, 0) = 0), 0)::BIGINT AS deaths_without_strength,
        coalesce(sum(pending), 0)::BIGINT AS pending
    FROM (
        SELECT *, month_end BETWEEN active_from AND active_to AS is_active_month
        FROM expected
        LEFT JOIN (SELECT *, true AS reported FROM reports) USING (series, month_end)
        LEFT JOIN strengths USING (series, month_end, mission)
        LEFT JOIN casualties USING (mission, month_end)
    )
    GROUP BY ALL
), chosen AS (
    FROM months
    QUALIFY row_number() OVER (
        PARTITION BY mission, year ORDER BY months_covered = months_expected DESC, series = 'monthly_report' DESC) = 1
), known AS (
    SELECT max(vintage) AS vintage FROM meta.snapshots WHERE source = 'fatalities'
), counted AS (
    SELECT
        mission,
        year,
        series,
        months_expected,
        months_covered,
        months_silent,
        deaths_without_strength,
        person_months::DOUBLE / 12 AS person_years,
        CASE WHEN vintage >= make_date(year, 1, 1) THEN deaths END AS uniformed_deaths,
        CASE WHEN vintage >= make_date(year, 1, 1) THEN chosen.pending END AS pending,
        CASE WHEN vintage >= make_date(year, 1, 1) THEN least(vintage, make_date(year, 12, 31)) END AS deaths_known_to
    FROM chosen
    CROSS JOIN known
), limited AS (
    -- Beyond the table of limits: Byar's approximation, within 0.0002 % there (Rothman and Boice 1979).
    SELECT counted.*,
        coalesce(low, uniformed_deaths
            * (1 - 1 / (9 * uniformed_deaths) - 1.96 / (3 * sqrt(uniformed_deaths))) ^ 3) AS low,
        coalesce(high, (uniformed_deaths + 1)
            * (1 - 1 / (9 * (uniformed_deaths + 1)) + 1.96 / (3 * sqrt(uniformed_deaths + 1))) ^ 3) AS high
    FROM counted
    LEFT JOIN meta.poisson_limits ON poisson_limits.deaths = uniformed_deaths
), judged AS (
    SELECT *, CASE
        WHEN person_years = 0 THEN 'no uniformed personnel in the year'
        WHEN months_expected = 0 THEN 'outside of the mission''s dates'
        WHEN months_covered < months_expected THEN
            months_expected - months_covered || ' of ' || months_expected || ' months without a report of the mission'
            || CASE WHEN months_silent > 0 THEN ', ' || months_silent || ' of them silent in a report' ELSE '' END
        WHEN deaths_known_to IS NULL THEN 'the fatalities held don''t know the year'
        WHEN deaths_known_to < make_date(year, 12, 31) THEN
            'the fatalities held know the year only to ' || deaths_known_to
        WHEN deaths_without_strength > 0 THEN
            deaths_without_strength || ' of ' || uniformed_deaths || ' deaths in months without strength of the mission'
        END AS refused
    FROM limited
)
SELECT
    mission,
    year,
    series,
    months_expected,
    months_covered,
    person_years,
    uniformed_deaths,
    pending,
    deaths_known_to,
    CASE WHEN refused IS NULL THEN 1000 * uniformed_deaths / person_years END AS rate_per_1000,
    CASE WHEN refused IS NULL THEN 1000 * low / person_years END AS rate_low,
    CASE WHEN refused IS NULL THEN 1000 * high / person_years END AS rate_high,
    refused,
    (CASE series WHEN 'ipi' THEN 'mission_strength' ELSE 'uniformed_personnel' END, year::VARCHAR) IN (FROM incomplete)
        AS is_incomplete,
    (SELECT coalesce(sum(rows_rejected), 0)::BIGINT FROM meta.incomplete_periods WHERE source = 'fatalities')
        AS rejected_rows
FROM judged;
COMMENT ON COLUMN marts.fatality_rates.mission IS 'Mission; parts are counted under their umbrella (UNOSOM).';
COMMENT ON COLUMN marts.fatality_rates.year IS 'Calendar year.';
COMMENT ON COLUMN marts.fatality_rates.series IS 'Series of the strength, one that covers the year: monthly_report (main.uniformed_personnel), else ipi (main.mission_strength).';
COMMENT ON COLUMN marts.fatality_rates.months_expected IS 'Month-ends of the year within the mission''s dates. Unit: month.';
COMMENT ON COLUMN marts.fatality_rates.months_covered IS 'Of them those whose report names the mission. Unit: month.';
COMMENT ON COLUMN marts.fatality_rates.person_years IS 'All month-end strengths reported in the year, added and divided by 12: part of the year where months are missing. Unit: person-year.';
COMMENT ON COLUMN marts.fatality_rates.uniformed_deaths IS 'Military, police and military observers who died in incidents of the year, all causes; NULL where the fatalities held don''t cover the year. Unit: person.';
COMMENT ON COLUMN marts.fatality_rates.pending IS 'Of them with the incident type still To Be Determined; they are in the rate. Unit: person.';
COMMENT ON COLUMN marts.fatality_rates.deaths_known_to IS 'Last day of the year that the fatalities held here cover; NULL where they don''t cover the year.';
COMMENT ON COLUMN marts.fatality_rates.rate_per_1000 IS 'Deaths per 1,000 person-years; NULL where refused says why. Unit: deaths per 1,000 person-years.';
COMMENT ON COLUMN marts.fatality_rates.rate_low IS 'Lower end of its 95 % interval. Unit: deaths per 1,000 person-years.';
COMMENT ON COLUMN marts.fatality_rates.rate_high IS 'Upper end of its 95 % interval. Unit: deaths per 1,000 person-years.';
COMMENT ON COLUMN marts.fatality_rates.refused IS 'Why there is no rate; NULL where there is one.';
COMMENT ON COLUMN marts.fatality_rates.is_incomplete IS 'True where the figure is too low: rows of the period were rejected (meta.incomplete_periods), or cells are blank in the publication.';
COMMENT ON COLUMN marts.fatality_rates.rejected_rows IS 'Rejected rows of the newest vintage: each is one person who may belong to any total. Unit: person.';
