-- Uniformed personnel by contributor and month-end, 1990-11 to now, all missions together (special political ones
-- included). `series` names the publication of each figure; it is one for a month, but for filled rows.
-- - monthly_report and data_hub are the UN's figures, from 2015-01; ipi_by_sex are IPI's, 2009-11 to 2014-08;
--   contributor_strength is IPI's by contributor, 1990-11 to 2009-10.
-- - IPI's figures by mission (ipi_by_mission, in no bundled snapshot) are used only in months that contributor_strength
--   does not have: both are of the same database, so that a month loaded from them would add seams and no figure.
-- - is_filled: the state has blank cells in ipi_by_sex (the United States to 2012-12, Moldova in 2014-01, Belarus in
--   2014-02), and the row is contributor_strength's. With them every month to 2014-08 has the sum of mission_months.
-- - Seams: 2014-09 to 2014-12 and five later months have no figures; staff officers are among the troops until
--   2017-04; the reports of 2018-03 to 2019-08 and 2023-09 print no mission. `seam` names each where it begins.
-- - Numbers deployed on that day: never add months. Contributors with a published zero have a row; a month without a
--   report has none.
-- - Until 2014 states have the names that IPI gives them throughout (the Soviet Union is the Russian Federation).
CREATE VIEW marts.contributor_months AS
WITH reported AS (
    SELECT
        month_end,
        contributor_iso3,
        any_value(series)::VARCHAR AS series,
        sum(total)::BIGINT AS uniformed_personnel,
        coalesce(sum(total) FILTER (personnel_type = 'Troops'), 0)::BIGINT AS troops,
        coalesce(sum(total) FILTER (personnel_type = 'Staff Officer'), 0)::BIGINT AS staff_officers,
        coalesce(sum(total) FILTER (personnel_type = 'Experts on Mission'), 0)::BIGINT AS experts_on_mission,
        coalesce(sum(total) FILTER (personnel_type IN ('Individual Police', 'Formed Police Units')), 0)::BIGINT AS police,
        bool_or(mission <> 'UNSPECIFIED') AS prints_mission,
        count(total) < count(*) AS is_blank
    FROM main.uniformed_personnel
    WHERE series <> 'ipi_by_mission' OR month_end NOT IN (SELECT month_end FROM main.contributor_strength)
    GROUP BY month_end, contributor_iso3
), figures AS (
    SELECT * EXCLUDE (is_blank), false AS is_filled
    FROM reported
    WHERE NOT is_blank
    UNION ALL BY NAME
    SELECT month_end, contributor_iso3, 'contributor_strength' AS series, total AS uniformed_personnel,
        contributor_strength.troops, 0 AS staff_officers, contributor_strength.experts_on_mission,
        contributor_strength.police, prints_mission,
        month_end IN (SELECT month_end FROM reported) AS is_filled
    FROM main.contributor_strength
    LEFT JOIN reported USING (month_end, contributor_iso3)
    WHERE coalesce(is_blank, month_end NOT IN (SELECT month_end FROM reported WHERE NOT starts_with(series, 'ipi_')))
    UNION ALL BY NAME
    SELECT month_end, contributor_iso3, series, prints_mission, false AS is_filled
    FROM reported
    ANTI JOIN main.contributor_strength USING (month_end, contributor_iso3)
    WHERE is_blank
), seams AS (
    SELECT month_end, marts.seam(month_end, lag(month_end) OVER months_in_order,
        month_series, lag(month_series) OVER months_in_order,
        prints_mission, lag(prints_mission) OVER months_in_order) AS seam
    FROM (SELECT month_end, coalesce(any_value(series) FILTER (NOT is_filled), 'contributor_strength') AS month_series, bool_or(prints_mission) AS prints_mission FROM figures GROUP BY month_end)
    WINDOW months_in_order AS (ORDER BY month_end)
)
SELECT
    month_end,
    contributor_iso3,
    countries.name AS contributor,
    uniformed_personnel,
    troops,
    staff_officers,
    experts_on_mission,
    police,
    series,
    is_filled,
    month_end < DATE '2017-05-31' AS troops_include_staff_officers,
    seam,
    uniformed_personnel IS NULL OR EXISTS (FROM meta.incomplete_periods WHERE period = month_end::VARCHAR
        AND source = CASE series WHEN 'contributor_strength' THEN series ELSE 'uniformed_personnel' END) AS is_incomplete
FROM figures
JOIN seams USING (month_end)
JOIN main.countries ON countries.iso3 = contributor_iso3;
COMMENT ON COLUMN marts.contributor_months.month_end IS 'Last day of the reported month.';
COMMENT ON COLUMN marts.contributor_months.contributor_iso3 IS 'Contributing state.';
COMMENT ON COLUMN marts.contributor_months.contributor IS 'Its short English name.';
COMMENT ON COLUMN marts.contributor_months.uniformed_personnel IS 'All uniformed personnel; NULL where cells are blank in the publication and nothing fills them. Unit: person.';
COMMENT ON COLUMN marts.contributor_months.troops IS 'Contingent troops; with staff officers until 2017-04. Unit: person.';
COMMENT ON COLUMN marts.contributor_months.staff_officers IS 'Staff officers; 0 until 2017-04, when they are among the troops. Unit: person.';
COMMENT ON COLUMN marts.contributor_months.experts_on_mission IS 'Experts on mission (military observers). Unit: person.';
COMMENT ON COLUMN marts.contributor_months.police IS 'Individual police and formed police units. Unit: person.';
COMMENT ON COLUMN marts.contributor_months.series IS 'Publication of the figure: monthly_report, data_hub, ipi_by_sex or ipi_by_mission (main.uniformed_personnel), contributor_strength (main.contributor_strength).';
COMMENT ON COLUMN marts.contributor_months.is_filled IS 'True where the month is of another series, in which cells of this state are blank.';
COMMENT ON COLUMN marts.contributor_months.troops_include_staff_officers IS 'True until 2017-04: a break in troops and staff officers.';
COMMENT ON COLUMN marts.contributor_months.seam IS 'What breaks the series from this month on: another series, months without figures, staff officers apart, no mission printed; NULL where nothing does.';
COMMENT ON COLUMN marts.contributor_months.is_incomplete IS 'True where the figure is too low: rows of the period were rejected (meta.incomplete_periods), or cells are blank in the publication.';
