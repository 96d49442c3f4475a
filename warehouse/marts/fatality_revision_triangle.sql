-- Deaths of each year as known at each later vintage: persons, all staff, peacekeeping operations and special
-- political missions. It shows how a year's toll and its causes settle.
-- - `added` is the difference to the previous vintage; NULL at the first vintage held here.
CREATE VIEW marts.fatality_revision_triangle AS
WITH vintages AS (SELECT DISTINCT vintage FROM meta.snapshots WHERE source = 'fatalities'),
years AS (SELECT DISTINCT year(incident_date) AS incident_year FROM main.fatality_states),
known AS (
    SELECT year(incident_date) AS incident_year, vintage, count(*) AS casualties,
        count(*) FILTER (WHERE incident_type = 'Malicious Act') AS by_malicious_act,
        count(*) FILTER (WHERE incident_type = 'To Be Determined') AS pending
    FROM main.fatality_states
    JOIN vintages ON seen_from <= vintage AND (superseded_on IS NULL OR superseded_on > vintage)
    GROUP BY ALL
)
SELECT
    incident_year,
    vintage,
    coalesce(casualties, 0) AS casualties,
    coalesce(by_malicious_act, 0) AS by_malicious_act,
    coalesce(pending, 0) AS pending,
    coalesce(casualties, 0) - lag(coalesce(casualties, 0)) OVER earlier AS added,
    (SELECT sum(rows_rejected)::BIGINT FROM meta.snapshots
        WHERE source = 'fatalities' AND snapshots.vintage = vintages.vintage) AS rejected_rows
FROM years
JOIN vintages ON year(vintage) >= incident_year
LEFT JOIN known USING (incident_year, vintage)
WINDOW earlier AS (PARTITION BY incident_year ORDER BY vintage);
COMMENT ON COLUMN marts.fatality_revision_triangle.incident_year IS 'Calendar year of the incident.';
COMMENT ON COLUMN marts.fatality_revision_triangle.vintage IS 'Vintage: what had been published by then.';
COMMENT ON COLUMN marts.fatality_revision_triangle.casualties IS 'Persons known at that vintage.';
COMMENT ON COLUMN marts.fatality_revision_triangle.by_malicious_act IS 'Of them by malicious act, as then known.';
COMMENT ON COLUMN marts.fatality_revision_triangle.pending IS 'Of them with the incident type still To Be Determined.';
COMMENT ON COLUMN marts.fatality_revision_triangle.added IS 'Difference of casualties to the previous vintage; NULL at the first vintage held for the year.';
COMMENT ON COLUMN marts.fatality_revision_triangle.rejected_rows IS 'Rejected rows of that vintage, each one person who may belong to any total. Unit: person.';
