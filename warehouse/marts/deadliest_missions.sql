-- Missions by deaths that happened up to a day, as known in the newest vintage, most first; of all causes or of one
-- incident type: FROM marts.deadliest_missions('2019-01-25', 'Malicious Act', true). Without a day, all deaths.
-- - The ranking depends on the definition, so name it: all causes or one; all missions or those active on the day
--   (active_only), which are ranked among themselves.
-- - Persons of all staff; uniformed_deaths are separate. Special political missions are included (see kind).
-- - pending counts deaths of the mission that are To Be Determined. They are in the deaths of all causes and may
--   still be added to those of one: give both numbers.
-- - Ties share a rank and the next rank is skipped. Missions without such a death have no row. last_incident is of
--   the deaths counted.
-- - Later than the newest vintage nothing more is known. A day before the first incident and an unknown incident
--   type are errors, never zero rows.
-- - Umbrella missions are as the fatalities print them (UNOSOM is UNOSOM I and II).
-- - is_active is of that day (without a day, of the newest vintage), with dates as wide as their precision allows.
--   Where a date is not known, the first or last month whose report of uniformed personnel names the mission
--   replaces it; a mission named in the newest month is active. Otherwise it is NULL, and active_only leaves the
--   mission out.
-- - rejected_rows are rejected rows of the newest vintage: each is one person who may belong to any total.
CREATE MACRO marts.deadliest_missions(up_to := NULL, incident_type := NULL, active_only := false) AS TABLE
WITH available AS (
    SELECT min(fatalities.incident_date) AS first_day,
        list_transform(enum_range(any_value(fatalities.incident_type)), lambda known: known::VARCHAR) AS incident_types
    FROM main.fatalities
), request AS (
    SELECT
        CASE
            WHEN active_only IS NULL THEN error('deadliest_missions: active_only is true or false, got NULL.')
            WHEN first_day IS NULL THEN error('deadliest_missions: no fatalities are held in this warehouse.')
            WHEN up_to::DATE < first_day THEN error(
                'deadliest_missions: up_to is ' || up_to::DATE || ', but the fatalities begin on ' || first_day
                || '; give that day or a later one.')
            WHEN NOT list_contains(incident_types, incident_type::VARCHAR) THEN error(
                'deadliest_missions: ''' || incident_type::VARCHAR || ''' is no incident type; they are: '
                || array_to_string(incident_types, ', ') || '.')
            ELSE coalesce(up_to::DATE, vintage, last_day) END AS day
    FROM available
    CROSS JOIN (SELECT max(incident_date) AS last_day FROM main.fatalities)
    CROSS JOIN (SELECT max(vintage) AS vintage FROM meta.snapshots WHERE source = 'fatalities')
), casualties AS (
    SELECT
        fatalities.mission,
        request.day,
        count(*) FILTER (is_counted) AS deaths,
        count(*) FILTER (is_counted AND is_uniformed)
            AS uniformed_deaths,
        count(*) FILTER (fatalities.incident_type = 'To Be Determined') AS pending,
        max(incident_date) FILTER (is_counted) AS last_incident
    FROM (
        SELECT *, coalesce(fatalities.incident_type::VARCHAR = incident_type::VARCHAR, true) AS is_counted
        FROM main.fatalities
    ) AS fatalities
    JOIN request ON incident_date <= request.day
    GROUP BY ALL
), named AS (
    SELECT mission, min(month_end) AS first_month, max(month_end) AS last_month
    FROM (SELECT mission, month_end FROM main.uniformed_personnel WHERE NOT starts_with(series, 'ipi_')
        UNION ALL SELECT mission, month_end FROM main.mission_strength)
    GROUP BY ALL
), active_periods AS (
    SELECT mission, start_date, end_date,
        coalesce(start_date, date_trunc('month', first_month)) AS active_from,
        CASE
            WHEN end_date_precision IN ('month', 'first_of_month') THEN last_day(end_date)
            WHEN end_date_precision = 'year' THEN make_date(year(end_date), 12, 31)
            WHEN end_date IS NOT NULL THEN end_date
            WHEN is_active OR last_month = max(last_month) OVER () THEN DATE 'infinity'
            ELSE last_month END AS active_to
    FROM main.missions
    LEFT JOIN named USING (mission)
), judged AS (
    SELECT casualties.*, start_date, end_date, day BETWEEN active_from AND active_to AS is_active
    FROM casualties
    JOIN active_periods USING (mission)
    WHERE deaths > 0
)
SELECT
    rank() OVER (ORDER BY deaths DESC) AS rank,
    judged.mission,
    missions.name AS mission_name,
    missions.kind AS kind,
    judged.is_active,
    judged.start_date,
    judged.end_date,
    deaths,
    uniformed_deaths,
    pending,
    last_incident,
    (SELECT coalesce(sum(rows_rejected), 0)::BIGINT FROM meta.incomplete_periods WHERE source = 'fatalities')
        AS rejected_rows
FROM judged
JOIN main.missions ON missions.mission = judged.mission
WHERE NOT active_only OR judged.is_active
ORDER BY rank, judged.mission;
