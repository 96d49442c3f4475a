-- Women and men among the uniformed personnel by month-end, mission and personnel type. Special political missions
-- are included, civilian staff is not.
-- - Numbers deployed on a day: never add months.
-- - Never average women_share_pct: add women and totals first, since missions and types differ much in size and
--   share.
-- - women, men and the share are NULL where the publication prints no sex (2023-09, and series ipi_by_mission), which
--   does not mean nobody; 0 is a published zero.
-- - Months whose report prints no mission are under UNSPECIFIED.
-- - Staff officers are among the troops until 2017-04: a break in both series.
-- - Until 2014-08 the figures are IPI's by sex (series ipi_by_sex). A mission with cells of a state that are blank (those
--   of the United States to 2012-12) has is_incomplete, and its totals are without them; a total of nothing else is
--   NULL. 17 figures of Egypt and Ethiopia don't add up (known defect by-sex-does-not-add-up).
-- - August 2020 is wrong: many men are counted as women (known defect sexes-2020-08).
CREATE VIEW marts.women_in_uniform AS
WITH sexes AS (
    SELECT
        month_end,
        mission,
        personnel_type,
        CASE WHEN count(female) = count(total) THEN sum(female)::BIGINT END AS women,
        CASE WHEN count(male) = count(total) THEN sum(male)::BIGINT END AS men,
        sum(total)::BIGINT AS total,
        any_value(series)::VARCHAR AS series,
        count(total) < count(*) AS is_blank
    FROM main.uniformed_personnel
    GROUP BY ALL
)
SELECT
    month_end,
    mission,
    personnel_type,
    women,
    men,
    total,
    100 * women::DOUBLE / nullif(total, 0)::DOUBLE AS women_share_pct,
    series,
    is_blank OR month_end::VARCHAR IN (SELECT period FROM meta.incomplete_periods WHERE source = 'uniformed_personnel')
        AS is_incomplete
FROM sexes;
COMMENT ON COLUMN marts.women_in_uniform.month_end IS 'Last day of the reported month.';
COMMENT ON COLUMN marts.women_in_uniform.mission IS 'Mission; UNSPECIFIED where the report prints none.';
COMMENT ON COLUMN marts.women_in_uniform.personnel_type IS 'Personnel type; staff officers are among the troops until 2017-04.';
COMMENT ON COLUMN marts.women_in_uniform.women IS 'Women; NULL where the report prints no sex. Unit: person.';
COMMENT ON COLUMN marts.women_in_uniform.men IS 'Men; NULL where the report prints no sex. Unit: person.';
COMMENT ON COLUMN marts.women_in_uniform.total IS 'Women and men, as printed. Unit: person.';
COMMENT ON COLUMN marts.women_in_uniform.women_share_pct IS 'Share of women in the total; NULL where the report prints no sex or has nobody. Unit: percent.';
COMMENT ON COLUMN marts.women_in_uniform.series IS 'Publication of the month''s figures: monthly_report, data_hub, ipi_by_sex or ipi_by_mission.';
COMMENT ON COLUMN marts.women_in_uniform.is_incomplete IS 'True where the figure is too low: rows of the period were rejected (meta.incomplete_periods), or cells are blank in the publication.';
