-- Panel of contributors: a row for every state that ever contributed and every month from 1990-11 in which it existed,
-- with months without a report and states without personnel. marts.contributor_months has the printed rows alone.
-- - coverage: reported (the figure, or 0 where the month's publication does not list the state: is_listed is false);
--   not_printed (the publication has no usable figure: blank cells, or a row of the month was rejected); not_reported
--   (no publication of that month). Only reported rows have figures: NULL is never 0.
-- - Numbers deployed on that day: never add months. The seams of the series are in marts.contributor_months.
-- - Sources give dissolved states their successors' names (the Soviet Union is RUS until 1991-11): state_iso3 and the
--   codes are those of the month. Join by the day's codes or by iso3, never by names.
CREATE VIEW marts.contributor_month_panel AS
WITH reports AS (
    SELECT month_end, coalesce(any_value(series) FILTER (NOT is_filled), any_value(series)) AS month_series
    FROM marts.contributor_months
    GROUP BY month_end
), incomplete AS (
    SELECT DISTINCT source, period FROM meta.incomplete_periods
), grid AS (
    FROM marts.state_months WHERE iso3 IN (SELECT contributor_iso3 FROM marts.contributor_months)
)
SELECT
    grid.month_end,
    grid.iso3 AS contributor_iso3,
    grid.name AS contributor,
    state_iso3,
    gw_code,
    cow_code,
    region,
    sub_region,
    intermediate_region,
    CASE
        WHEN month_series IS NULL THEN 'not_reported'
        WHEN figures.month_end IS NOT NULL AND uniformed_personnel IS NULL THEN 'not_printed'
        WHEN figures.month_end IS NULL AND incomplete.period IS NOT NULL THEN 'not_printed'
        ELSE 'reported' END AS coverage,
    figures.month_end IS NOT NULL AS is_listed,
    CASE WHEN coverage = 'reported' THEN coalesce(uniformed_personnel, 0) END AS uniformed_personnel,
    CASE WHEN coverage = 'reported' THEN coalesce(troops, 0) END AS troops,
    CASE WHEN coverage = 'reported' THEN coalesce(staff_officers, 0) END AS staff_officers,
    CASE WHEN coverage = 'reported' THEN coalesce(experts_on_mission, 0) END AS experts_on_mission,
    CASE WHEN coverage = 'reported' THEN coalesce(police, 0) END AS police,
    coalesce(figures.series, month_series) AS series,
    coalesce(is_incomplete, false) AS is_incomplete
FROM grid
LEFT JOIN reports USING (month_end)
LEFT JOIN marts.contributor_months AS figures
    ON figures.contributor_iso3 = grid.iso3 AND figures.month_end = grid.month_end
LEFT JOIN incomplete ON period = grid.month_end::VARCHAR
    AND incomplete.source = CASE month_series WHEN 'contributor_strength' THEN month_series ELSE 'uniformed_personnel' END
WHERE existed OR figures.month_end IS NOT NULL;
COMMENT ON COLUMN marts.contributor_month_panel.month_end IS 'Last day of the month.';
COMMENT ON COLUMN marts.contributor_month_panel.contributor_iso3 IS 'Contributing state, as in marts.contributor_months.';
COMMENT ON COLUMN marts.contributor_month_panel.contributor IS 'Its short English name.';
COMMENT ON COLUMN marts.contributor_month_panel.state_iso3 IS 'The state of that month, to which the codes belong.';
COMMENT ON COLUMN marts.contributor_month_panel.gw_code IS 'Gleditsch-Ward code of that day; NULL where the list has none.';
COMMENT ON COLUMN marts.contributor_month_panel.cow_code IS 'Correlates of War code of that day; NULL where the list has none.';
COMMENT ON COLUMN marts.contributor_month_panel.region IS 'UN M49 region.';
COMMENT ON COLUMN marts.contributor_month_panel.sub_region IS 'UN M49 sub-region.';
COMMENT ON COLUMN marts.contributor_month_panel.intermediate_region IS 'UN M49 intermediate region.';
COMMENT ON COLUMN marts.contributor_month_panel.coverage IS 'reported, not_printed or not_reported: see above.';
COMMENT ON COLUMN marts.contributor_month_panel.is_listed IS 'Whether the month''s publication has it; where not, a reported 0 is inferred.';
COMMENT ON COLUMN marts.contributor_month_panel.uniformed_personnel IS 'All uniformed personnel; NULL unless reported. Unit: person.';
COMMENT ON COLUMN marts.contributor_month_panel.troops IS 'Contingent troops; with staff officers until 2017-04. Unit: person.';
COMMENT ON COLUMN marts.contributor_month_panel.staff_officers IS 'Staff officers; 0 until 2017-04, when they are among the troops. Unit: person.';
COMMENT ON COLUMN marts.contributor_month_panel.experts_on_mission IS 'Experts on mission (military observers). Unit: person.';
COMMENT ON COLUMN marts.contributor_month_panel.police IS 'Individual police and formed police units. Unit: person.';
COMMENT ON COLUMN marts.contributor_month_panel.series IS 'Publication of the month; NULL where there is none.';
COMMENT ON COLUMN marts.contributor_month_panel.is_incomplete IS 'True where the figure is too low: rows of the period were rejected (meta.incomplete_periods), or cells are blank in the publication.';
