-- Uniformed personnel by contributor and month-end, over all missions (special political missions included).
-- Contributors with a published zero have a row; a month without a report has none.
-- - Numbers deployed on that day: never add months.
-- - `troops` includes staff officers until 2017-04 (see troops_include_staff_officers).
-- - women and men are NULL where the report prints no sex (2023-09).
CREATE VIEW marts.personnel_by_contributor_and_month AS
SELECT
    month_end,
    contributor_iso3,
    countries.name AS contributor,
    sum(total)::BIGINT AS uniformed_personnel,
    coalesce(sum(total) FILTER (WHERE personnel_type = 'Troops'), 0)::BIGINT AS troops,
    coalesce(sum(total) FILTER (WHERE personnel_type = 'Staff Officer'), 0)::BIGINT AS staff_officers,
    coalesce(sum(total) FILTER (WHERE personnel_type = 'Experts on Mission'), 0)::BIGINT AS experts_on_mission,
    coalesce(sum(total) FILTER (WHERE personnel_type IN ('Individual Police', 'Formed Police Units')), 0)::BIGINT AS police,
    CASE WHEN count(female) = count(*) THEN sum(female)::BIGINT END AS women,
    CASE WHEN count(male) = count(*) THEN sum(male)::BIGINT END AS men,
    month_end < DATE '2017-05-31' AS troops_include_staff_officers,
    rank() OVER (PARTITION BY month_end ORDER BY sum(total) DESC) AS rank_in_month,
    month_end::VARCHAR IN (SELECT period FROM meta.incomplete_periods WHERE source = 'uniformed_personnel')
        AS is_incomplete
FROM main.uniformed_personnel
JOIN main.countries ON countries.iso3 = contributor_iso3
GROUP BY month_end, contributor_iso3, countries.name;
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.month_end IS 'Last day of the reported month.';
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.contributor_iso3 IS 'Contributing state.';
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.contributor IS 'Its short English name.';
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.uniformed_personnel IS 'All uniformed personnel. Unit: person.';
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.troops IS 'Contingent troops; with staff officers until 2017-04. Unit: person.';
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.staff_officers IS 'Staff officers; 0 until 2017-04, when they are among the troops. Unit: person.';
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.experts_on_mission IS 'Experts on mission (military observers). Unit: person.';
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.police IS 'Individual police and formed police units. Unit: person.';
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.women IS 'Women; NULL where the report prints no sex. Unit: person.';
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.men IS 'Men; NULL where the report prints no sex. Unit: person.';
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.troops_include_staff_officers IS 'True until 2017-04: a break in the series.';
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.rank_in_month IS 'Rank by uniformed personnel; ties share it and the next is skipped.';
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.is_incomplete IS 'True where rows of the period were rejected, so that the figure is too low (meta.incomplete_periods).';
