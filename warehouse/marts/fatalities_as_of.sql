-- The fatalities as published by a day: FROM marts.fatalities_as_of('2022-01-01'), with the columns of
-- main.fatalities.
-- - A day before the first vintage is an error, never zero rows.
-- - A column that was not yet published (gender before 2025) is NULL.
-- - Between two vintages held here, the published state is not known exactly.
CREATE MACRO marts.fatalities_as_of(as_of) AS TABLE
WITH available AS (
    SELECT min(vintage) AS first_vintage, max(vintage) FILTER (vintage <= as_of::DATE) AS vintage
    FROM meta.snapshots WHERE source = 'fatalities'
), request AS (
    SELECT CASE
        WHEN as_of IS NULL THEN error('fatalities_as_of needs a date, got NULL.')
        WHEN first_vintage IS NULL THEN error('No vintage of the fatalities is held in this warehouse.')
        WHEN vintage IS NULL THEN error(
            'No vintage of the fatalities held here had been published by ' || as_of::DATE
            || '; the first is of ' || first_vintage || '.')
        ELSE vintage END AS vintage
    FROM available
)
SELECT casualty_id, incident_date, mission, nationality_iso3, nationality_iso3_other, nationality_as_published,
    nationality_status, personnel_type, is_uniformed, incident_type, gender, first_seen,
    least(seen_to, request.vintage) AS last_seen, snapshot_sha256, snapshot_row
FROM request
LEFT JOIN main.fatality_states ON seen_from <= request.vintage AND (superseded_on IS NULL OR superseded_on > request.vintage);
