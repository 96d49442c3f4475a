-- Panel of missions: a row for every mission with uniformed personnel and every month from 1990-11 in which it was in
-- progress, with months without a report. marts.mission_months has the printed rows alone.
-- - In progress from its first day or first figure to its last day or last figure; an active mission to the newest
--   month. Umbrella missions and their parts (UNOSOM, UNOSOM II) have rows only in the months that name them.
-- - coverage: reported (the figure; or 0 where the month's publication does not list a peacekeeping operation up to its
--   last figure: is_listed is false); not_printed (the report prints no mission, 2018-03 to 2019-08 and 2023-09; a row
--   of the month was rejected; it does not list the mission after its last figure, or one that is no peacekeeping
--   operation, since not all of those are in the publications); not_reported (no publication of that month). Only
--   reported rows have figures: NULL is never 0.
-- - Numbers deployed on that day: never add months.
-- - hosts, regions and sub_regions are lists; host_iso3 and the codes are of the only host, NULL for several.
CREATE VIEW marts.mission_month_panel AS
WITH figures AS (
    FROM marts.mission_months WHERE mission <> 'UNSPECIFIED'
), reports AS (
    SELECT month_end, any_value(series) AS month_series, bool_or(mission <> 'UNSPECIFIED') AS prints_mission
    FROM marts.mission_months
    GROUP BY month_end
), incomplete AS (
    SELECT DISTINCT source, period FROM meta.incomplete_periods
), months AS (
    FROM marts.panel_months
), lives AS (
    SELECT
        mission,
        least(min(start_date), min(month_end)) AS first_day,
        greatest(
            max(last_day(end_date)),
            CASE WHEN bool_or(is_active) AND max(end_date) IS NULL THEN (SELECT max(month_end) FROM months) END,
            max(month_end)) AS last_day,
        max(month_end) AS last_figure,
        bool_or(part_of IS NOT NULL OR mission IN (SELECT part_of FROM main.missions WHERE part_of IS NOT NULL)) AS is_divided
    FROM figures
    LEFT JOIN main.missions USING (mission)
    GROUP BY mission
), places AS (
    SELECT mission, list(host_iso3 ORDER BY host_iso3) AS hosts, list(DISTINCT region ORDER BY region) AS regions,
        list(DISTINCT sub_region ORDER BY sub_region) AS sub_regions
    FROM main.mission_hosts
    WHERE role = 'host'
    GROUP BY mission
)
SELECT
    months.month_end,
    mission,
    missions.kind::VARCHAR AS kind,
    CASE WHEN len(hosts) = 1 THEN hosts[1] END AS host_iso3,
    gw_code,
    cow_code,
    hosts,
    regions,
    sub_regions,
    CASE
        WHEN month_series IS NULL THEN 'not_reported'
        WHEN figures.month_end IS NULL AND (NOT prints_mission OR incomplete.period IS NOT NULL
            OR missions.kind <> 'peacekeeping' OR months.month_end > last_figure) THEN 'not_printed'
        WHEN figures.month_end IS NOT NULL AND uniformed_personnel IS NULL THEN 'not_printed'
        ELSE 'reported' END AS coverage,
    figures.month_end IS NOT NULL AS is_listed,
    CASE WHEN coverage = 'reported' THEN coalesce(uniformed_personnel, 0) END AS uniformed_personnel,
    CASE WHEN coverage = 'reported' THEN coalesce(troops, 0) END AS troops,
    CASE WHEN coverage = 'reported' THEN coalesce(staff_officers, 0) END AS staff_officers,
    CASE WHEN coverage = 'reported' THEN coalesce(experts_on_mission, 0) END AS experts_on_mission,
    CASE WHEN coverage = 'reported' THEN coalesce(police, 0) END AS police,
    month_series AS series,
    coalesce(is_incomplete, false) AS is_incomplete
FROM lives
JOIN months ON month_end >= first_day AND date_trunc('month', month_end) <= lives.last_day
LEFT JOIN main.missions USING (mission)
LEFT JOIN reports USING (month_end)
LEFT JOIN figures USING (mission, month_end)
LEFT JOIN places USING (mission)
LEFT JOIN marts.state_months AS host ON host.iso3 = hosts[1] AND len(hosts) = 1 AND host.month_end = months.month_end
LEFT JOIN incomplete ON period = months.month_end::VARCHAR
    AND incomplete.source = CASE month_series WHEN 'ipi' THEN 'mission_strength' ELSE 'uniformed_personnel' END
WHERE figures.month_end IS NOT NULL OR NOT is_divided;
COMMENT ON COLUMN marts.mission_month_panel.month_end IS 'Last day of the month.';
COMMENT ON COLUMN marts.mission_month_panel.mission IS 'Mission.';
COMMENT ON COLUMN marts.mission_month_panel.kind IS 'Its kind, as in main.missions.';
COMMENT ON COLUMN marts.mission_month_panel.host_iso3 IS 'The only host state or territory; NULL where there are several.';
COMMENT ON COLUMN marts.mission_month_panel.gw_code IS 'Gleditsch-Ward code of the only host on that day; NULL where there is none.';
COMMENT ON COLUMN marts.mission_month_panel.cow_code IS 'Correlates of War code of the only host on that day; NULL where there is none.';
COMMENT ON COLUMN marts.mission_month_panel.hosts IS 'Host states and territories.';
COMMENT ON COLUMN marts.mission_month_panel.regions IS 'Their UN M49 regions.';
COMMENT ON COLUMN marts.mission_month_panel.sub_regions IS 'Their UN M49 sub-regions.';
COMMENT ON COLUMN marts.mission_month_panel.coverage IS 'reported, not_printed or not_reported: see above.';
COMMENT ON COLUMN marts.mission_month_panel.is_listed IS 'Whether the month''s publication has it; where not, a reported 0 is inferred.';
COMMENT ON COLUMN marts.mission_month_panel.uniformed_personnel IS 'All uniformed personnel; NULL unless reported. Unit: person.';
COMMENT ON COLUMN marts.mission_month_panel.troops IS 'Contingent troops; with staff officers until 2017-04. Unit: person.';
COMMENT ON COLUMN marts.mission_month_panel.staff_officers IS 'Staff officers; 0 until 2017-04, when they are among the troops. Unit: person.';
COMMENT ON COLUMN marts.mission_month_panel.experts_on_mission IS 'Experts on mission (military observers). Unit: person.';
COMMENT ON COLUMN marts.mission_month_panel.police IS 'Individual police and formed police units. Unit: person.';
COMMENT ON COLUMN marts.mission_month_panel.series IS 'Publication of the month; NULL where there is none.';
COMMENT ON COLUMN marts.mission_month_panel.is_incomplete IS 'True where the figure is too low: rows of the period were rejected (meta.incomplete_periods), or cells are blank in the publication.';
