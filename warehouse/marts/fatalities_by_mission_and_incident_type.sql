-- Casualties by mission and incident type: persons (not rows), all staff, all years, newest vintage, in peacekeeping
-- operations and special political missions (see mission_kind).
-- - All staff, not only uniformed personnel: see uniformed_casualties.
-- - To Be Determined will change: give totals by cause together with the mission's `pending`.
CREATE VIEW marts.fatalities_by_mission_and_incident_type AS
SELECT
    mission,
    missions.kind AS mission_kind,
    incident_type,
    count(*) AS casualties,
    count(*) FILTER (WHERE is_uniformed) AS uniformed_casualties,
    min(incident_date) AS first_incident,
    max(incident_date) AS last_incident,
    sum(count(*) FILTER (WHERE incident_type = 'To Be Determined')) OVER (PARTITION BY mission)::BIGINT AS pending,
    (SELECT coalesce(sum(rows_rejected), 0)::BIGINT FROM meta.incomplete_periods WHERE source = 'fatalities')
        AS rejected_rows
FROM main.fatalities
JOIN main.missions USING (mission)
GROUP BY mission, missions.kind, incident_type;
COMMENT ON COLUMN marts.fatalities_by_mission_and_incident_type.mission IS 'Mission.';
COMMENT ON COLUMN marts.fatalities_by_mission_and_incident_type.mission_kind IS 'Kind of mission.';
COMMENT ON COLUMN marts.fatalities_by_mission_and_incident_type.incident_type IS 'Incident type.';
COMMENT ON COLUMN marts.fatalities_by_mission_and_incident_type.casualties IS 'Persons, all staff.';
COMMENT ON COLUMN marts.fatalities_by_mission_and_incident_type.uniformed_casualties IS 'Persons: military, police and military observers.';
COMMENT ON COLUMN marts.fatalities_by_mission_and_incident_type.first_incident IS 'Day of the first incident.';
COMMENT ON COLUMN marts.fatalities_by_mission_and_incident_type.last_incident IS 'Day of the last incident.';
COMMENT ON COLUMN marts.fatalities_by_mission_and_incident_type.pending IS 'Casualties of the mission whose incident type is still To Be Determined.';
COMMENT ON COLUMN marts.fatalities_by_mission_and_incident_type.rejected_rows IS 'Rejected rows of the newest vintage: each is one person who may belong to any total. Unit: person.';
