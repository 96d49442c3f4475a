-- Days by deaths of one mission, with two rankings by malicious acts: of all staff, and of uniformed personnel.
-- - Name the ranking you use: UNOHCI 2003-08-19 lost mostly civilian staff.
-- - A mission-day is not an attack, which the publisher does not identify: one day can have several attacks, and the
--   dead of one attack can have several dates.
-- - Dates are as published. Some are wrong (ONUC 1961-05-22 was 28 April 1961), and some differ by a day from press
--   reports.
-- - Ties share a rank and the next rank is skipped: give sharing_rank too.
-- - pending counts deaths of the day, all staff, that may still become malicious.
CREATE VIEW marts.deadliest_days AS
WITH days AS (
    SELECT
        mission,
        incident_date,
        count(*) AS deaths,
        count(*) FILTER (incident_type = 'Malicious Act') AS malicious_deaths,
        count(*) FILTER (
            incident_type = 'Malicious Act' AND is_uniformed
        ) AS uniformed_malicious_deaths,
        count(*) FILTER (incident_type = 'To Be Determined') AS pending
    FROM main.fatalities
    GROUP BY ALL
), states AS (
    SELECT mission, incident_date, coalesce(nationality_iso3, 'undetermined') AS state, count(*) AS dead
    FROM main.fatalities
    WHERE incident_type = 'Malicious Act'
    GROUP BY ALL
), listed AS (
    SELECT mission, incident_date, string_agg(state || ' ' || dead, ', ' ORDER BY dead DESC, state) AS nationalities
    FROM states
    GROUP BY ALL
), ranked AS (
    SELECT
        *,
        CASE WHEN malicious_deaths > 0 THEN rank() OVER (ORDER BY malicious_deaths DESC) END AS rank_malicious,
        CASE WHEN uniformed_malicious_deaths > 0
            THEN rank() OVER (ORDER BY uniformed_malicious_deaths DESC) END AS rank_uniformed_malicious,
        CASE WHEN malicious_deaths > 0 THEN count(*) OVER (PARTITION BY malicious_deaths) END AS sharing_rank
    FROM days
)
SELECT
    mission,
    incident_date,
    deaths,
    malicious_deaths,
    uniformed_malicious_deaths,
    pending,
    nationalities,
    rank_malicious,
    rank_uniformed_malicious,
    sharing_rank,
    (SELECT coalesce(sum(rows_rejected), 0)::BIGINT FROM meta.incomplete_periods WHERE source = 'fatalities')
        AS rejected_rows
FROM ranked
LEFT JOIN listed USING (mission, incident_date);
COMMENT ON COLUMN marts.deadliest_days.mission IS 'Mission, as the fatalities print it.';
COMMENT ON COLUMN marts.deadliest_days.incident_date IS 'Day of the incident, as published.';
COMMENT ON COLUMN marts.deadliest_days.deaths IS 'Persons who died, all staff, all causes. Unit: person.';
COMMENT ON COLUMN marts.deadliest_days.malicious_deaths IS 'Of them by malicious act, all staff. Unit: person.';
COMMENT ON COLUMN marts.deadliest_days.uniformed_malicious_deaths IS 'Of these military, police and military observers. Unit: person.';
COMMENT ON COLUMN marts.deadliest_days.pending IS 'Of deaths, those with the incident type still To Be Determined. Unit: person.';
COMMENT ON COLUMN marts.deadliest_days.nationalities IS 'Nationalities of the malicious deaths and how many of each, most first (TCD 7, NGA 1); NULL where none.';
COMMENT ON COLUMN marts.deadliest_days.rank_malicious IS 'Rank by malicious_deaths over all missions and days; ties share it. NULL where none.';
COMMENT ON COLUMN marts.deadliest_days.rank_uniformed_malicious IS 'Rank by uniformed_malicious_deaths; ties share it. NULL where none.';
COMMENT ON COLUMN marts.deadliest_days.sharing_rank IS 'How many days share rank_malicious, this one included. NULL where there is no rank. Unit: day.';
COMMENT ON COLUMN marts.deadliest_days.rejected_rows IS 'Rejected rows of the newest vintage: each is one person who may belong to any total. Unit: person.';
