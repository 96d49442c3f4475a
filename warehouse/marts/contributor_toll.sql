-- Deaths by nationality: persons, all staff, all missions (special political ones included), all years, as known in
-- the newest vintage. Dissolved states (Yugoslavia, Serbia and Montenegro) are separate from their successors, and
-- undetermined nationality is one row without a code.
-- - Not only personnel that a state sent: for some states most of the dead are nationals on the UN's own staff and,
--   in host states, local staff (civilian_deaths). For the losses of contributors use uniformed_deaths.
-- - The six incident types add up to deaths; to_be_determined will change.
-- - The personnel type Other is neither uniformed nor civilian.
-- - Before 2000 the list may not be complete.
-- - Not a rate: states that send more personnel lose more.
CREATE VIEW marts.contributor_toll AS
SELECT
    nationality_iso3,
    coalesce(
        countries.name,
        CASE WHEN nationality_status = 'unresolved' THEN nationality_as_published ELSE 'Undetermined' END
    ) AS contributor,
    count(*) AS deaths,
    count(*) FILTER (incident_type = 'Malicious Act') AS malicious_act,
    count(*) FILTER (incident_type = 'Accident') AS accident,
    count(*) FILTER (incident_type = 'Illness') AS illness,
    count(*) FILTER (incident_type = 'Self-Inflicted') AS self_inflicted,
    count(*) FILTER (incident_type = 'Unknown') AS unknown,
    count(*) FILTER (incident_type = 'To Be Determined') AS to_be_determined,
    count(*) FILTER (is_uniformed) AS uniformed_deaths,
    count(*) FILTER (personnel_type IN ('International Civilian', 'Local')) AS civilian_deaths,
    count(DISTINCT mission) AS missions,
    min(incident_date) AS first_incident,
    max(incident_date) AS last_incident,
    (SELECT coalesce(sum(rows_rejected), 0)::BIGINT FROM meta.incomplete_periods WHERE source = 'fatalities')
        AS rejected_rows
FROM main.fatalities
LEFT JOIN main.countries ON countries.iso3 = nationality_iso3
GROUP BY ALL;
COMMENT ON COLUMN marts.contributor_toll.nationality_iso3 IS 'Nationality; NULL where undetermined.';
COMMENT ON COLUMN marts.contributor_toll.contributor IS 'Its short English name; Undetermined where the publisher gives none; the published text where no code list knows it.';
COMMENT ON COLUMN marts.contributor_toll.deaths IS 'Persons who died, all staff. Unit: person.';
COMMENT ON COLUMN marts.contributor_toll.malicious_act IS 'Of them by malicious act. Unit: person.';
COMMENT ON COLUMN marts.contributor_toll.accident IS 'Of them by accident. Unit: person.';
COMMENT ON COLUMN marts.contributor_toll.illness IS 'Of them by illness. Unit: person.';
COMMENT ON COLUMN marts.contributor_toll.self_inflicted IS 'Of them self-inflicted. Unit: person.';
COMMENT ON COLUMN marts.contributor_toll.unknown IS 'Of them with the incident type Unknown. Unit: person.';
COMMENT ON COLUMN marts.contributor_toll.to_be_determined IS 'Of them with the incident type To Be Determined, which will change. Unit: person.';
COMMENT ON COLUMN marts.contributor_toll.uniformed_deaths IS 'Of them military, police and military observers. Unit: person.';
COMMENT ON COLUMN marts.contributor_toll.civilian_deaths IS 'Of them international civilians and local staff; the personnel type Other is in neither. Unit: person.';
COMMENT ON COLUMN marts.contributor_toll.missions IS 'Missions in which they died, as the fatalities print them. Unit: mission.';
COMMENT ON COLUMN marts.contributor_toll.first_incident IS 'Day of the first incident.';
COMMENT ON COLUMN marts.contributor_toll.last_incident IS 'Day of the last incident.';
COMMENT ON COLUMN marts.contributor_toll.rejected_rows IS 'Rejected rows of the newest vintage: each is one person who may belong to any total. Unit: person.';
