-- Deaths of each mission by incident type and group of personnel: persons, all staff, all years, as known in the
-- newest vintage. Special political missions are included (see kind), and umbrella missions are as the fatalities
-- print them (UNOSOM is UNOSOM I and II).
-- - The six incident types add up to deaths. to_be_determined will change; unknown may not.
-- - uniformed_deaths (military, police, military observers) and civilian_deaths (international civilians and local
--   staff) leave out the personnel type Other, so they need not add up to deaths.
-- - women counts those published as F: there can be more where the publisher gives no gender.
-- - Incidents can lie outside the mission's dates.
-- - Before 2000 the list may not be complete.
CREATE VIEW marts.mission_toll AS
SELECT
    mission,
    missions.name AS mission_name,
    missions.kind AS kind,
    missions.start_date,
    missions.end_date,
    count(*) AS deaths,
    count(*) FILTER (incident_type = 'Malicious Act') AS malicious_act,
    count(*) FILTER (incident_type = 'Accident') AS accident,
    count(*) FILTER (incident_type = 'Illness') AS illness,
    count(*) FILTER (incident_type = 'Self-Inflicted') AS self_inflicted,
    count(*) FILTER (incident_type = 'Unknown') AS unknown,
    count(*) FILTER (incident_type = 'To Be Determined') AS to_be_determined,
    count(*) FILTER (is_uniformed) AS uniformed_deaths,
    count(*) FILTER (personnel_type IN ('International Civilian', 'Local')) AS civilian_deaths,
    CASE WHEN count(gender) > 0 THEN count(*) FILTER (gender = 'F') END AS women,
    min(incident_date) AS first_incident,
    max(incident_date) AS last_incident,
    count(DISTINCT nationality_iso3) AS nationalities,
    (SELECT coalesce(sum(rows_rejected), 0)::BIGINT FROM meta.incomplete_periods WHERE source = 'fatalities')
        AS rejected_rows
FROM main.fatalities
JOIN main.missions USING (mission)
GROUP BY ALL;
COMMENT ON COLUMN marts.mission_toll.mission IS 'Mission, as the fatalities print it.';
COMMENT ON COLUMN marts.mission_toll.mission_name IS 'Its name; NULL where not known.';
COMMENT ON COLUMN marts.mission_toll.kind IS 'Kind of mission.';
COMMENT ON COLUMN marts.mission_toll.start_date IS 'First day; see start_date_precision in main.missions. NULL where not known.';
COMMENT ON COLUMN marts.mission_toll.end_date IS 'Last day; NULL while it runs or where not known.';
COMMENT ON COLUMN marts.mission_toll.deaths IS 'Persons who died, all staff. Unit: person.';
COMMENT ON COLUMN marts.mission_toll.malicious_act IS 'Of them by malicious act. Unit: person.';
COMMENT ON COLUMN marts.mission_toll.accident IS 'Of them by accident. Unit: person.';
COMMENT ON COLUMN marts.mission_toll.illness IS 'Of them by illness. Unit: person.';
COMMENT ON COLUMN marts.mission_toll.self_inflicted IS 'Of them self-inflicted. Unit: person.';
COMMENT ON COLUMN marts.mission_toll.unknown IS 'Of them with the incident type Unknown. Unit: person.';
COMMENT ON COLUMN marts.mission_toll.to_be_determined IS 'Of them with the incident type To Be Determined, which will change. Unit: person.';
COMMENT ON COLUMN marts.mission_toll.uniformed_deaths IS 'Of them military, police and military observers. Unit: person.';
COMMENT ON COLUMN marts.mission_toll.civilian_deaths IS 'Of them international civilians and local staff; the personnel type Other is in neither. Unit: person.';
COMMENT ON COLUMN marts.mission_toll.women IS 'Of them published as women; NULL where no gender is published for any of the mission. Unit: person.';
COMMENT ON COLUMN marts.mission_toll.first_incident IS 'Day of the first incident.';
COMMENT ON COLUMN marts.mission_toll.last_incident IS 'Day of the last incident.';
COMMENT ON COLUMN marts.mission_toll.nationalities IS 'States of the dead; undetermined nationality is not counted. Unit: state.';
COMMENT ON COLUMN marts.mission_toll.rejected_rows IS 'Rejected rows of the newest vintage: each is one person who may belong to any total. Unit: person.';
