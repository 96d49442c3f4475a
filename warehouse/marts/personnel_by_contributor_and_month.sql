-- Uniformed personnel by contributor and month-end, with women and men, over all missions (special political missions
-- included), from 2009-11. marts.contributor_months, without the sexes, goes back to 1990.
-- Contributors with a published zero have a row; a month without a report has none.
-- - Until 2014-08 the figures are IPI's by sex (series ipi_by_sex), in which the United States are blank to 2012-12,
--   Moldova in 2014-01 and a cell of Belarus in 2014-02: their figure is NULL, and the month's sum too low
--   (is_incomplete). In 16 months women and men of Egypt or Ethiopia don't add up (known defect by-sex-does-not-add-up).
-- - Numbers deployed on that day: never add months.
-- - `troops` includes staff officers until 2017-04 (see troops_include_staff_officers).
-- - women and men are NULL where the publication prints no sex (2023-09, and series ipi_by_mission).
CREATE VIEW marts.personnel_by_contributor_and_month AS
WITH reported AS (
    SELECT
        month_end,
        contributor_iso3,
        sum(total)::BIGINT AS uniformed_personnel,
        coalesce(sum(total) FILTER (WHERE personnel_type = 'Troops'), 0)::BIGINT AS troops,
        coalesce(sum(total) FILTER (WHERE personnel_type = 'Staff Officer'), 0)::BIGINT AS staff_officers,
        coalesce(sum(total) FILTER (WHERE personnel_type = 'Experts on Mission'), 0)::BIGINT AS experts_on_mission,
        coalesce(sum(total) FILTER (WHERE personnel_type IN ('Individual Police', 'Formed Police Units')), 0)::BIGINT
            AS police,
        CASE WHEN count(female) = count(*) THEN sum(female)::BIGINT END AS women,
        CASE WHEN count(male) = count(*) THEN sum(male)::BIGINT END AS men,
        any_value(series)::VARCHAR AS series,
        count(total) < count(*) AS is_blank
    FROM main.uniformed_personnel
    GROUP BY month_end, contributor_iso3
), known AS (
    -- A contributor with blank cells has a row without figures.
    SELECT * EXCLUDE (is_blank) FROM reported WHERE NOT is_blank
    UNION ALL BY NAME
    SELECT month_end, contributor_iso3, series FROM reported WHERE is_blank
)
SELECT
    month_end,
    contributor_iso3,
    countries.name AS contributor,
    uniformed_personnel,
    troops,
    staff_officers,
    experts_on_mission,
    police,
    women,
    men,
    month_end < DATE '2017-05-31' AS troops_include_staff_officers,
    CASE WHEN uniformed_personnel IS NOT NULL
        THEN rank() OVER (PARTITION BY month_end ORDER BY uniformed_personnel DESC NULLS LAST) END AS rank_in_month,
    series,
    bool_or(uniformed_personnel IS NULL) OVER (PARTITION BY month_end)
        OR month_end::VARCHAR IN (SELECT period FROM meta.incomplete_periods WHERE source = 'uniformed_personnel')
        AS is_incomplete
FROM known
JOIN main.countries ON countries.iso3 = contributor_iso3;
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.month_end IS 'Last day of the reported month.';
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.contributor_iso3 IS 'Contributing state.';
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.contributor IS 'Its short English name.';
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.uniformed_personnel IS 'All uniformed personnel; NULL where the publication leaves cells of the state blank. Unit: person.';
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.troops IS 'Contingent troops; with staff officers until 2017-04. Unit: person.';
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.staff_officers IS 'Staff officers; 0 until 2017-04, when they are among the troops. Unit: person.';
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.experts_on_mission IS 'Experts on mission (military observers). Unit: person.';
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.police IS 'Individual police and formed police units. Unit: person.';
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.women IS 'Women; NULL where the report prints no sex. Unit: person.';
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.men IS 'Men; NULL where the report prints no sex. Unit: person.';
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.troops_include_staff_officers IS 'True until 2017-04: a break in the series.';
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.rank_in_month IS 'Rank by uniformed personnel; ties share it and the next is skipped.';
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.series IS 'Publication of the month''s figures: monthly_report, data_hub, ipi_by_sex or ipi_by_mission.';
COMMENT ON COLUMN marts.personnel_by_contributor_and_month.is_incomplete IS 'True where the figure is too low: rows of the period were rejected (meta.incomplete_periods), or cells are blank in the publication.';
