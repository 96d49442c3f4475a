-- Every state and territory in every month from the first to the last that has figures of personnel, with its regions
-- and codes: the frame of the panels.
-- - existed: whether either list of state codes has it on that day, or it is a territory or entity that no list has. A
--   state that did not exist yet or any more has rows too, because sources name some by their names of today.
-- - state_iso3 is the state of the month: the same, or the dissolved state that it was part of (the Soviet Union for
--   Ukraine in 1990). The codes are that state's. So states of today share a code before they existed.
-- - gw_gap and cow_gap say why there is no code.
CREATE VIEW marts.state_months AS
WITH codes AS (
    SELECT iso3, month_end, max(code) FILTER (system = 'gw') AS gw_code, max(code) FILTER (system = 'cow') AS cow_code
    FROM main.state_codes
    JOIN marts.panel_months ON month_end BETWEEN valid_from AND coalesce(valid_until, DATE '9999-12-31')
    WHERE iso3 IS NOT NULL
    GROUP BY iso3, month_end
), gaps AS (
    SELECT iso3, month_end, max(reason::VARCHAR) FILTER (system = 'gw') AS gw_gap,
        max(reason::VARCHAR) FILTER (system = 'cow') AS cow_gap
    FROM main.state_code_gaps
    JOIN marts.panel_months ON month_end BETWEEN valid_from AND coalesce(valid_until, DATE '9999-12-31')
    GROUP BY iso3, month_end
), own AS (
    SELECT
        countries.iso3,
        month_end,
        gw_code,
        cow_code,
        gw_gap,
        cow_gap,
        gw_code IS NOT NULL OR cow_code IS NOT NULL OR gw_gap IN ('territory', 'not_in_list') AS existed
    FROM main.countries
    CROSS JOIN marts.panel_months
    LEFT JOIN codes USING (iso3, month_end)
    LEFT JOIN gaps USING (iso3, month_end)
), parts AS (
    SELECT iso3 AS whole, existed_from, existed_until, unnest(string_split(successors_iso3, ';')) AS part
    FROM main.countries
    WHERE successors_iso3 IS NOT NULL
), before AS (
    FROM parts
    UNION
    SELECT earlier.whole, earlier.existed_from, earlier.existed_until, later.part
    FROM parts AS earlier
    JOIN parts AS later ON later.whole = earlier.part
)
SELECT
    own.iso3,
    own.month_end,
    countries.name,
    own.existed,
    coalesce(whole, own.iso3) AS state_iso3,
    coalesce(own.gw_code, codes.gw_code) AS gw_code,
    coalesce(own.cow_code, codes.cow_code) AS cow_code,
    CASE WHEN codes.gw_code IS NULL THEN gw_gap END AS gw_gap,
    CASE WHEN codes.cow_code IS NULL THEN cow_gap END AS cow_gap,
    region,
    sub_region,
    intermediate_region
FROM own
JOIN main.countries USING (iso3)
LEFT JOIN before ON NOT own.existed AND part = own.iso3
    AND own.month_end BETWEEN before.existed_from AND before.existed_until
LEFT JOIN codes ON codes.iso3 = whole AND codes.month_end = own.month_end;
COMMENT ON COLUMN marts.state_months.iso3 IS 'State or territory.';
COMMENT ON COLUMN marts.state_months.month_end IS 'Last day of the month.';
COMMENT ON COLUMN marts.state_months.name IS 'Its short English name.';
COMMENT ON COLUMN marts.state_months.existed IS 'Whether it existed on that day, as a state or territory.';
COMMENT ON COLUMN marts.state_months.state_iso3 IS 'The state of that month: the same, or the dissolved state that it was part of.';
COMMENT ON COLUMN marts.state_months.gw_code IS 'Gleditsch-Ward code of state_iso3 on that day; NULL where the list has none.';
COMMENT ON COLUMN marts.state_months.cow_code IS 'Correlates of War code of state_iso3 on that day; NULL where the list has none.';
COMMENT ON COLUMN marts.state_months.gw_gap IS 'Why there is no Gleditsch-Ward code (main.state_code_gaps); NULL where there is one.';
COMMENT ON COLUMN marts.state_months.cow_gap IS 'Why there is no Correlates of War code; NULL where there is one.';
COMMENT ON COLUMN marts.state_months.region IS 'UN M49 region.';
COMMENT ON COLUMN marts.state_months.sub_region IS 'UN M49 sub-region.';
COMMENT ON COLUMN marts.state_months.intermediate_region IS 'UN M49 intermediate region.';
