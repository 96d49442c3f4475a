-- Money and personnel of a mission by peacekeeping year (1 July to 30 June), for every mission or supporting entity
-- that has a budget, expenditure, accounts or an assessment.
-- - Approved, spent, accounts and assessed are four measures: never add or average them, nor fill one from another.
-- - approved_usd is given only where one full-year amount of the mission alone is held (no six-month amount, no
--   prorated shares of the support account and bases); the lists have all amounts.
-- - Accounts of 2024-25 are probably approved amounts.
-- - Person-years count only months whose report prints missions (none in 2018-19): see months_covered. They are of
--   marts.mission_months: IPI's figures until 2014-12 and for three later months, else the UN's (see series).
-- - Spending per person-year is all spending, including civilians, logistics and liquidation, divided by uniformed
--   strength. It is not the price of a soldier, and means nothing where a mission is mostly civilian (UNMIK) or
--   closes (months_with_personnel).
-- - Some amounts are printed rounded: see precision in main.mission_budgets.
-- - Never divide cost by deaths: deaths are few and random, and most are unrelated to what the money buys.
CREATE VIEW marts.mission_cost AS
WITH budgets AS (
    SELECT peacekeeping_year, mission, period_start, period_end,
        list(stage ORDER BY stage, publication) FILTER (measure = 'approved') AS approved_stages,
        list(amount_usd ORDER BY stage, publication) FILTER (measure = 'approved') AS approved_amounts_usd,
        CASE
            WHEN count(*) FILTER (measure = 'approved') = 1 AND NOT bool_or(
                measure = 'approved' AND regexp_matches(concat_ws(' ', stage, note), 'prorated|months', 'i')
            ) THEN min(amount_usd) FILTER (measure = 'approved')
        END AS approved_usd,
        CASE WHEN count(*) FILTER (measure = 'spent') = 1
            THEN min(amount_usd) FILTER (measure = 'spent') END AS spent_usd,
        CASE WHEN count(*) FILTER (measure = 'accounts') = 1
            THEN min(amount_usd) FILTER (measure = 'accounts') END AS accounts_usd
    FROM main.mission_budgets
    GROUP BY ALL
), money AS (
    SELECT peacekeeping_year, mission, period_start, period_end, approved_stages, approved_amounts_usd, approved_usd,
        spent_usd, accounts_usd, assessed_gross_usd
    FROM budgets
    FULL JOIN main.mission_assessments USING (peacekeeping_year, mission, period_start, period_end)
), years AS (
    SELECT DISTINCT peacekeeping_year, period_start, period_end FROM money
), strengths AS (
    SELECT month_end, mission, uniformed_personnel AS strength, series, is_incomplete
    FROM marts.mission_months
), detailed AS (
    SELECT month_end, any_value(series) AS series, bool_or(is_incomplete) AS is_incomplete
    FROM strengths
    GROUP BY month_end
    HAVING NOT bool_or(mission = 'UNSPECIFIED')
), months AS (
    SELECT peacekeeping_year, count(*) AS months_covered, bool_or(is_incomplete) AS is_incomplete,
        string_agg(DISTINCT series, ', ' ORDER BY series) AS series
    FROM detailed
    JOIN years ON month_end BETWEEN period_start AND period_end
    GROUP BY ALL
), served AS (
    SELECT peacekeeping_year, mission, sum(strength)::DOUBLE / 12 AS person_years,
        count(*) FILTER (strength > 0) AS months_with_personnel
    FROM strengths
    JOIN detailed USING (month_end)
    JOIN years ON month_end BETWEEN period_start AND period_end
    GROUP BY ALL
), incomplete AS (
    SELECT DISTINCT peacekeeping_year
    FROM years
    JOIN meta.incomplete_periods
        ON (source IN ('mission_budgets', 'mission_assessments') AND period = peacekeeping_year)
        OR (source = 'uniformed_personnel' AND period BETWEEN period_start::VARCHAR AND period_end::VARCHAR)
), known AS (
    SELECT peacekeeping_year, least(period_end, vintage) AS deaths_known_to
    FROM years
    JOIN (SELECT max(vintage) AS vintage FROM meta.snapshots WHERE source = 'fatalities') ON vintage >= period_start
), casualties AS (
    SELECT peacekeeping_year, mission, count(*) AS deaths
    FROM main.fatalities
    JOIN years ON incident_date BETWEEN period_start AND period_end
    GROUP BY ALL
), named AS (
    SELECT DISTINCT mission, true AS in_register FROM main.fatalities
)
SELECT
    peacekeeping_year,
    mission,
    missions.kind AS mission_kind,
    approved_stages,
    approved_amounts_usd,
    approved_usd,
    spent_usd,
    accounts_usd,
    assessed_gross_usd,
    coalesce(months_covered, 0) AS months_covered,
    series,
    months_with_personnel,
    person_years AS uniformed_person_years,
    CASE WHEN months_covered = 12 AND missions.kind = 'peacekeeping'
        THEN spent_usd::DOUBLE / nullif(person_years, 0) END AS spent_per_person_year_usd,
    deaths_known_to,
    CASE WHEN deaths_known_to IS NOT NULL AND in_register THEN coalesce(deaths, 0) END AS deaths,
    peacekeeping_year IN (FROM incomplete) OR coalesce(months.is_incomplete, false) AS is_incomplete,
    (SELECT coalesce(sum(rows_rejected), 0)::BIGINT FROM meta.incomplete_periods WHERE source = 'fatalities')
        AS rejected_rows
FROM money
JOIN main.missions USING (mission)
LEFT JOIN months USING (peacekeeping_year)
LEFT JOIN served USING (peacekeeping_year, mission)
LEFT JOIN known USING (peacekeeping_year)
LEFT JOIN casualties USING (peacekeeping_year, mission)
LEFT JOIN named USING (mission);
COMMENT ON COLUMN marts.mission_cost.peacekeeping_year IS 'Peacekeeping year, 1 July to 30 June.';
COMMENT ON COLUMN marts.mission_cost.mission IS 'Mission or supporting entity.';
COMMENT ON COLUMN marts.mission_cost.mission_kind IS 'Kind of mission.';
COMMENT ON COLUMN marts.mission_cost.approved_stages IS 'Stages of all approved amounts held, as a list; NULL where there is none. Their notes are in main.mission_budgets.';
COMMENT ON COLUMN marts.mission_cost.approved_amounts_usd IS 'Their amounts, in the same order; they replace or include each other: never add them. Unit: USD.';
COMMENT ON COLUMN marts.mission_cost.approved_usd IS 'Approved by the General Assembly, where one full-year amount of the mission alone is held. Unit: USD.';
COMMENT ON COLUMN marts.mission_cost.spent_usd IS 'Spent, gross, from the performance report. Unit: USD.';
COMMENT ON COLUMN marts.mission_cost.accounts_usd IS 'In the open data''s accounts; of 2024-25 probably the approved amount. Unit: USD.';
COMMENT ON COLUMN marts.mission_cost.assessed_gross_usd IS 'Assessed on member states after credits; neither budget nor cash. Unit: USD.';
COMMENT ON COLUMN marts.mission_cost.months_covered IS 'How many of the year''s 12 months have a report that prints missions. Unit: month.';
COMMENT ON COLUMN marts.mission_cost.series IS 'Publications of the covered months, as in marts.mission_months; NULL where none is covered.';
COMMENT ON COLUMN marts.mission_cost.months_with_personnel IS 'In how many of these the mission has uniformed personnel; NULL where no report names it. Unit: month.';
COMMENT ON COLUMN marts.mission_cost.uniformed_person_years IS 'Its month-end strengths added over the covered months, divided by 12: part of the year where fewer are covered. Unit: person-year.';
COMMENT ON COLUMN marts.mission_cost.spent_per_person_year_usd IS 'Spent divided by uniformed person-years; NULL where fewer than 12 months are covered, and for entities that are no peacekeeping mission. Unit: USD.';
COMMENT ON COLUMN marts.mission_cost.deaths_known_to IS 'Last day of the year that the fatalities held here cover; before the year''s end the count is not final. NULL where they don''t cover the year.';
COMMENT ON COLUMN marts.mission_cost.deaths IS 'Persons who died in incidents of the year, all staff; NULL for entities that the fatalities never name. Unit: person.';
COMMENT ON COLUMN marts.mission_cost.is_incomplete IS 'True where the figure is too low: rows of the period were rejected (meta.incomplete_periods), or cells are blank in the publication.';
COMMENT ON COLUMN marts.mission_cost.rejected_rows IS 'Rejected rows of the newest vintage: each is one person who may belong to any total. Unit: person.';
