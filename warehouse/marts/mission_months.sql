-- Uniformed personnel by mission and month-end, 1990-11 to now, all contributors together; special political missions
-- are included. `series` names the publication of the figures, one for a month.
-- - monthly_report and data_hub are the UN's figures, from 2015-01; ipi are those of IPI (main.mission_strength),
--   1990-11 to 2014-12 and for 2015-03, 2016-03 and 2017-03. IPI's by sex (ipi_by_sex), in which cells are blank, and by
--   mission and contributor (ipi_by_mission), which add up to the same, are used only where a warehouse has nothing else.
-- - Seams: the reports of 2018-03 to 2019-08 and 2023-09 print no mission, so that the whole month is UNSPECIFIED;
--   2020-06 and 2022-07 have no figures; staff officers are among the troops until 2017-04. `seam` names each where it
--   begins.
-- - Numbers deployed on that day: never add months. A month without a report has no row, which does not mean zero.
CREATE VIEW marts.mission_months AS
WITH reported AS (
    SELECT
        month_end,
        mission,
        any_value(series)::VARCHAR AS series,
        sum(total)::BIGINT AS uniformed_personnel,
        coalesce(sum(total) FILTER (personnel_type = 'Troops'), 0)::BIGINT AS troops,
        coalesce(sum(total) FILTER (personnel_type = 'Staff Officer'), 0)::BIGINT AS staff_officers,
        coalesce(sum(total) FILTER (personnel_type = 'Experts on Mission'), 0)::BIGINT AS experts_on_mission,
        coalesce(sum(total) FILTER (personnel_type IN ('Individual Police', 'Formed Police Units')), 0)::BIGINT AS police,
        count(total) < count(*) AS is_blank
    FROM main.uniformed_personnel
    WHERE NOT starts_with(series, 'ipi_') OR month_end NOT IN (SELECT month_end FROM main.mission_strength)
    GROUP BY month_end, mission
), figures AS (
    FROM reported
    UNION ALL BY NAME
    SELECT month_end, mission, 'ipi' AS series, total AS uniformed_personnel, troops, 0 AS staff_officers,
        observers AS experts_on_mission, police, false AS is_blank
    FROM main.mission_strength
    ANTI JOIN reported USING (month_end)
), seams AS (
    SELECT month_end, marts.seam(month_end, lag(month_end) OVER months_in_order,
        month_series, lag(month_series) OVER months_in_order,
        prints_mission, lag(prints_mission) OVER months_in_order) AS seam
    FROM (SELECT month_end, any_value(series) AS month_series, bool_or(mission <> 'UNSPECIFIED') AS prints_mission FROM figures GROUP BY month_end)
    WINDOW months_in_order AS (ORDER BY month_end)
)
SELECT
    month_end,
    mission,
    uniformed_personnel,
    troops,
    staff_officers,
    experts_on_mission,
    police,
    series,
    month_end < DATE '2017-05-31' AS troops_include_staff_officers,
    seam,
    is_blank OR EXISTS (FROM meta.incomplete_periods WHERE period = month_end::VARCHAR
        AND source = CASE series WHEN 'ipi' THEN 'mission_strength' ELSE 'uniformed_personnel' END) AS is_incomplete
FROM figures
JOIN seams USING (month_end);
COMMENT ON COLUMN marts.mission_months.month_end IS 'Last day of the reported month.';
COMMENT ON COLUMN marts.mission_months.mission IS 'Mission; UNSPECIFIED where the report prints none.';
COMMENT ON COLUMN marts.mission_months.uniformed_personnel IS 'All uniformed personnel. Unit: person.';
COMMENT ON COLUMN marts.mission_months.troops IS 'Contingent troops; with staff officers until 2017-04. Unit: person.';
COMMENT ON COLUMN marts.mission_months.staff_officers IS 'Staff officers; 0 until 2017-04, when they are among the troops. Unit: person.';
COMMENT ON COLUMN marts.mission_months.experts_on_mission IS 'Experts on mission (military observers). Unit: person.';
COMMENT ON COLUMN marts.mission_months.police IS 'Individual police and formed police units. Unit: person.';
COMMENT ON COLUMN marts.mission_months.series IS 'Publication of the figures: monthly_report, data_hub, ipi_by_sex or ipi_by_mission (main.uniformed_personnel), ipi (main.mission_strength).';
COMMENT ON COLUMN marts.mission_months.troops_include_staff_officers IS 'True until 2017-04: a break in troops and staff officers.';
COMMENT ON COLUMN marts.mission_months.seam IS 'What breaks the series from this month on: another series, months without figures, staff officers apart, no mission printed; NULL where nothing does.';
COMMENT ON COLUMN marts.mission_months.is_incomplete IS 'True where the figure is too low: rows of the period were rejected (meta.incomplete_periods), or cells are blank in the publication.';
