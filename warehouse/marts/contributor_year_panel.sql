-- Panel of contributors by peacekeeping year (1 July to 30 June): the months of marts.contributor_month_panel added up.
-- - person_months are the month-end strengths of the months with figures, added; average_strength is their mean, the
--   measure to compare years with, since months are missing.
-- - coverage: reported (each month of the year in which the state existed has a figure), partly_reported (some have),
--   not_printed (the reports have no usable figure of it), not_reported (no report in the year). The first and the last
--   year of the panel are not whole.
-- - state_iso3 and the codes are those of the year's last month in which the state existed.
CREATE VIEW marts.contributor_year_panel AS
WITH years AS (
    SELECT *, year(month_end) - (month(month_end) < 7)::INTEGER AS first_year
    FROM marts.contributor_month_panel
)
SELECT
    first_year || '-' || lpad(((first_year + 1) % 100)::VARCHAR, 2, '0') AS peacekeeping_year,
    contributor_iso3,
    any_value(contributor) AS contributor,
    arg_max(state_iso3, month_end) AS state_iso3,
    arg_max(gw_code, month_end) AS gw_code,
    arg_max(cow_code, month_end) AS cow_code,
    any_value(region) AS region,
    any_value(sub_region) AS sub_region,
    any_value(intermediate_region) AS intermediate_region,
    count(*) AS months,
    count(uniformed_personnel) AS months_reported,
    CASE
        WHEN months_reported = months THEN 'reported'
        WHEN months_reported > 0 THEN 'partly_reported'
        WHEN bool_or(coverage = 'not_printed') THEN 'not_printed'
        ELSE 'not_reported' END AS coverage,
    sum(uniformed_personnel)::BIGINT AS person_months,
    avg(uniformed_personnel) AS average_strength,
    sum(troops)::BIGINT AS troop_months,
    sum(police)::BIGINT AS police_months,
    string_agg(DISTINCT series, ', ' ORDER BY series) AS series,
    bool_or(is_incomplete) AS is_incomplete
FROM years
GROUP BY first_year, contributor_iso3;
COMMENT ON COLUMN marts.contributor_year_panel.peacekeeping_year IS 'Peacekeeping year, 1 July to 30 June.';
COMMENT ON COLUMN marts.contributor_year_panel.contributor_iso3 IS 'Contributing state, as in marts.contributor_months.';
COMMENT ON COLUMN marts.contributor_year_panel.contributor IS 'Its short English name.';
COMMENT ON COLUMN marts.contributor_year_panel.state_iso3 IS 'The state of the year''s last month.';
COMMENT ON COLUMN marts.contributor_year_panel.gw_code IS 'Gleditsch-Ward code of the last month that has one.';
COMMENT ON COLUMN marts.contributor_year_panel.cow_code IS 'Correlates of War code of the last month that has one.';
COMMENT ON COLUMN marts.contributor_year_panel.region IS 'UN M49 region.';
COMMENT ON COLUMN marts.contributor_year_panel.sub_region IS 'UN M49 sub-region.';
COMMENT ON COLUMN marts.contributor_year_panel.intermediate_region IS 'UN M49 intermediate region.';
COMMENT ON COLUMN marts.contributor_year_panel.months IS 'Months of the year in the panel, at most 12. Unit: month.';
COMMENT ON COLUMN marts.contributor_year_panel.months_reported IS 'Of them months with a figure. Unit: month.';
COMMENT ON COLUMN marts.contributor_year_panel.coverage IS 'reported, partly_reported, not_printed or not_reported: see above.';
COMMENT ON COLUMN marts.contributor_year_panel.person_months IS 'Month-end strengths of the months with a figure, added; NULL without one. Unit: person-month.';
COMMENT ON COLUMN marts.contributor_year_panel.average_strength IS 'Their mean; NULL without one. Unit: person.';
COMMENT ON COLUMN marts.contributor_year_panel.troop_months IS 'The same sum of contingent troops. Unit: person-month.';
COMMENT ON COLUMN marts.contributor_year_panel.police_months IS 'The same sum of police. Unit: person-month.';
COMMENT ON COLUMN marts.contributor_year_panel.series IS 'Publications of the year.';
COMMENT ON COLUMN marts.contributor_year_panel.is_incomplete IS 'True where the figure is too low: rows of the period were rejected (meta.incomplete_periods), or cells are blank in the publication.';
