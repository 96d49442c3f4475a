-- Missions as people type them, by acronym, alias, full name or state: FROM marts.find_mission('Minusma'),
-- FROM marts.find_mission('Mali').
-- - found_by says how: mission (its acronym, an alias or its name), host (it is or was in that state), area (the state
--   is in the area of a regional office's mandate). A name of a mission is never looked up as a state.
-- - A state without missions gives no rows; a name that is neither a mission's nor a state's is an error.
CREATE MACRO marts.find_mission(asked) AS TABLE
WITH request AS (
    SELECT regexp_replace(
        trim(regexp_replace(lower(strip_accents(asked::VARCHAR)), '[^a-z0-9]+', ' ', 'g')), '^the ', '') AS typed
), named AS (
    SELECT DISTINCT mission
    FROM (
        SELECT mission, unnest([mission, name]) AS called FROM main.missions WHERE kind <> 'unspecified'
        UNION ALL
        SELECT mission, alias FROM main.mission_aliases
    )
    JOIN request ON typed = regexp_replace(
        trim(regexp_replace(lower(strip_accents(called)), '[^a-z0-9]+', ' ', 'g')), '^the ', '')
), state AS (
    SELECT iso3 FROM main.country_aliases JOIN request ON typed = alias
), found AS (
    SELECT mission, 'mission' AS found_by FROM named
    UNION ALL
    SELECT mission, role::VARCHAR FROM main.mission_hosts JOIN state ON iso3 = host_iso3
    WHERE (SELECT count(*) FROM named) = 0
), checked AS (
    SELECT CASE
        WHEN (SELECT count(*) FROM named) = 0 AND (SELECT count(*) FROM state) = 0 THEN error(
            'find_mission: no mission and no state is called ''' || coalesce(asked::VARCHAR, 'NULL') || '''.')
        ELSE true END AS known
)
SELECT missions.mission, missions.name, missions.kind, found_by, is_active, start_date, end_date
FROM checked
JOIN found ON known
JOIN main.missions USING (mission)
ORDER BY missions.start_date, missions.mission;
