-- Deaths by mission, calendar year of the incident and incident type: persons, all staff, as known in the newest
-- vintage. Special political missions are included; uniformed_deaths are separate.
-- - Calendar years, not peacekeeping years.
-- - A year without a row has no known death up to the newest vintage (meta.snapshots), whose own year is not over.
-- - Give the causes of a year together with its To Be Determined.
-- - Before 2000 the list may not be complete.
CREATE VIEW marts.mission_toll_by_year AS
SELECT
    mission,
    year(incident_date) AS year,
    incident_type,
    count(*) AS deaths,
    count(*) FILTER (is_uniformed) AS uniformed_deaths,
    (SELECT coalesce(sum(rows_rejected), 0)::BIGINT FROM meta.incomplete_periods WHERE source = 'fatalities')
        AS rejected_rows
FROM main.fatalities
GROUP BY ALL;
COMMENT ON COLUMN marts.mission_toll_by_year.mission IS 'Mission, as the fatalities print it.';
COMMENT ON COLUMN marts.mission_toll_by_year.year IS 'Calendar year of the incident.';
COMMENT ON COLUMN marts.mission_toll_by_year.incident_type IS 'Incident type.';
COMMENT ON COLUMN marts.mission_toll_by_year.deaths IS 'Persons who died, all staff. Unit: person.';
COMMENT ON COLUMN marts.mission_toll_by_year.uniformed_deaths IS 'Of them military, police and military observers. Unit: person.';
COMMENT ON COLUMN marts.mission_toll_by_year.rejected_rows IS 'Rejected rows of the newest vintage: each is one person who may belong to any total. Unit: person.';
