-- Deaths of uniformed personnel (military, police, military observers; all causes) per 1,000 uniformed person-years,
-- by mission and calendar year, from month-end strengths, with the exact 95 % interval of a Poisson count (Garwood
-- 1936). Not per person: people rotate. Deaths are few and come in clusters (one attack, one crash), which makes the
-- true uncertainty wider than the interval: never rank missions by rates whose intervals overlap, nor read a small
-- mission's rate alone. There is no rate, and refused says why, when a month of the mission's life has no report that
-- names it, when somebody died in a month without strength (before the first people were reported, after the last),
-- when the newest vintage of the fatalities does not know the whole year, or when nobody is reported. Special political
-- missions too, whose civilian dead, mostly the greater part, are not in it. Strength is that of the series that is
-- whole in the year: of the monthly reports (from 2015), else of the IPI database (1990-11 to 2017-03); where neither
-- is, the monthly reports stand, refused. Never both in one year. A silent month is not nobody: a report that does not
-- name the mission leaves the month open, also before its first and after its last naming, when its people may be not
-- there yet, gone, or printed under another name (IPTF before UNMIBH). Strength reported outside of the dates counts,
-- as the deaths of those months do, but a year wholly outside has no rate (UNAVEM after 1995-02). Where a date is not
-- known, the first and last naming stand for it. Parts of an umbrella mission stand under it, as the fatalities print
-- it. Before 2000 the list of the dead may not be complete.
CREATE VIEW marts.fatality_rates AS
WITH umbrellas AS (
    SELECT mission, coalesce(part_of, mission) AS umbrella FROM main.missions WHERE mission <> 'UNSPECIFIED'
), strengths AS (
    SELECT 'monthly_report' AS series, month_end, umbrella AS mission, sum(total)::BIGINT AS strength
    FROM main.uniformed_personnel
    JOIN umbrellas USING (mission)
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
), lives AS (
    SELECT mission,
        coalesce(start_date, first_month) AS lives_from,
        CASE
            WHEN end_date IS NOT NULL THEN end_date
            WHEN is_active OR last_month = max(last_month) OVER () THEN DATE 'infinity'
            ELSE last_month END AS lives_to
    FROM spans
    JOIN main.missions USING (mission)
), incomplete AS (
    SELECT DISTINCT source, left(period, 4) AS year
    FROM meta.incomplete_periods
    WHERE source IN ('uniformed_personnel', 'mission_strength')
), expected AS (
    SELECT mission, year, series, person_months, lives_from, lives_to,
        unnest(list_transform(range(1, 13), lambda month: last_day(make_date(year, month, 1)))) AS month_end
    FROM served
    JOIN lives USING (mission)
), fallen AS (
    SELECT umbrella AS mission, last_day(incident_date) AS month_end, count(*) AS deaths,
        count(*) FILTER (incident_type = 'To Be Determined') AS pending
    FROM main.fatalities
    JOIN umbrellas USING (mission)
    WHERE is_uniformed
    GROUP BY ALL
), months AS (
    SELECT mission, year, series, person_months,
        count(*) FILTER (is_life) AS months_expected,
        count(*) FILTER (is_life AND strength IS NOT NULL) AS months_covered,
        count(*) FILTER (is_life AND strength IS NULL AND reported) AS months_silent,
        coalesce(sum(deaths), 0)::BIGINT AS deaths,
        coalesce(sum(deaths) FILTER (coalesce(strength, 0) = 0), 0)::BIGINT AS deaths_without_strength,
        coalesce(sum(pending), 0)::BIGINT AS pending
    FROM (
        SELECT *, month_end BETWEEN lives_from AND lives_to AS is_life
        FROM expected
        LEFT JOIN (SELECT *, true AS reported FROM reports) USING (series, month_end)
        LEFT JOIN strengths USING (series, month_end, mission)
        LEFT JOIN fallen USING (mission, month_end)
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
COMMENT ON COLUMN marts.fatality_rates.mission IS 'Mission; parts stand under their umbrella (UNOSOM).';
COMMENT ON COLUMN marts.fatality_rates.year IS 'Calendar year.';
COMMENT ON COLUMN marts.fatality_rates.series IS 'Where the strength is from, the series that is whole in the year: monthly_report (main.uniformed_personnel), else ipi (main.mission_strength).';
COMMENT ON COLUMN marts.fatality_rates.months_expected IS 'Month-ends of the year within the mission''s dates. Unit: month.';
COMMENT ON COLUMN marts.fatality_rates.months_covered IS 'Of them those whose report names the mission. Unit: month.';
COMMENT ON COLUMN marts.fatality_rates.person_years IS 'All month-end strengths reported in the year, added and divided by 12: part of the year where months are missing. Unit: person-year.';
COMMENT ON COLUMN marts.fatality_rates.uniformed_deaths IS 'Military, police and military observers who died in incidents of the year, all causes; NULL where the fatalities held cannot know the year. Unit: person.';
COMMENT ON COLUMN marts.fatality_rates.pending IS 'Of them with the incident type still To Be Determined; they are in the rate. Unit: person.';
COMMENT ON COLUMN marts.fatality_rates.deaths_known_to IS 'Last day of the year that the fatalities held here can know; NULL when they cannot know the year.';
COMMENT ON COLUMN marts.fatality_rates.rate_per_1000 IS 'Deaths per 1,000 person-years; NULL where refused says why. Unit: deaths per 1,000 person-years.';
COMMENT ON COLUMN marts.fatality_rates.rate_low IS 'Lower end of its 95 % interval. Unit: deaths per 1,000 person-years.';
COMMENT ON COLUMN marts.fatality_rates.rate_high IS 'Upper end of its 95 % interval. Unit: deaths per 1,000 person-years.';
COMMENT ON COLUMN marts.fatality_rates.refused IS 'Why there is no rate; NULL where there is one.';
COMMENT ON COLUMN marts.fatality_rates.is_incomplete IS 'True where rows of the period were rejected: the figure is too low; see meta.incomplete_periods.';
COMMENT ON COLUMN marts.fatality_rates.rejected_rows IS 'Rejected rows of the newest vintage, each one person who may belong to any total. Unit: person.';
