-- How many years each member state paid its assessment to the REGULAR budget on time, late or not in full, in the
-- years whose honour roll is of the year's end (2019-2025 in the figures held).
-- - The regular budget, not peacekeeping: no public table gives payments to peacekeeping by state.
-- - 2026 is of mid-year: it is in no count and has its own column.
-- - Not in full does not mean that nothing was paid, and late does not mean arrears: the 30 days of the Financial
--   Regulations suit few national budget years.
CREATE VIEW marts.payment_record AS
WITH payments AS (
    SELECT contributor_iso3, year, payment_status,
        year(honour_roll_as_of) > year OR month(honour_roll_as_of) = 12 AS is_complete
    FROM main.regular_budget_payments
), counted AS (
    SELECT
        contributor_iso3,
        count(*) FILTER (is_complete) AS years_covered,
        count(*) FILTER (is_complete AND payment_status = 'paid_on_time') AS on_time,
        count(*) FILTER (is_complete AND payment_status = 'paid_late') AS late,
        count(*) FILTER (is_complete AND payment_status = 'not_paid_in_full') AS not_in_full,
        min(year) FILTER (is_complete) AS first_year,
        max(year) FILTER (is_complete) AS last_year,
        max(payment_status::VARCHAR) FILTER (year = 2026 AND NOT is_complete) AS status_2026_mid_year
    FROM payments
    GROUP BY ALL
)
SELECT
    contributor_iso3,
    countries.name AS contributor,
    CASE WHEN years_covered > 0 THEN on_time END AS years_on_time,
    CASE WHEN years_covered > 0 THEN late END AS years_late,
    CASE WHEN years_covered > 0 THEN not_in_full END AS years_not_in_full,
    years_covered,
    first_year,
    last_year,
    status_2026_mid_year,
    EXISTS (FROM meta.incomplete_periods WHERE source = 'regular_budget_payments') AS is_incomplete
FROM counted
JOIN main.countries ON countries.iso3 = contributor_iso3;
COMMENT ON COLUMN marts.payment_record.contributor_iso3 IS 'Member state.';
COMMENT ON COLUMN marts.payment_record.contributor IS 'Its short English name.';
COMMENT ON COLUMN marts.payment_record.years_on_time IS 'Years paid in full within 30 days of the letter; NULL where no year is covered. Unit: year.';
COMMENT ON COLUMN marts.payment_record.years_late IS 'Years paid in full later in the year. Unit: year.';
COMMENT ON COLUMN marts.payment_record.years_not_in_full IS 'Years not paid in full by the year''s last honour roll. Unit: year.';
COMMENT ON COLUMN marts.payment_record.years_covered IS 'Years counted: those with an honour roll of the year''s end. Unit: year.';
COMMENT ON COLUMN marts.payment_record.first_year IS 'First of them.';
COMMENT ON COLUMN marts.payment_record.last_year IS 'Last of them.';
COMMENT ON COLUMN marts.payment_record.status_2026_mid_year IS 'Status of 2026 at mid-year, in no count; NULL where its honour roll is of the year''s end or not held.';
COMMENT ON COLUMN marts.payment_record.is_incomplete IS 'True where the figure is too low: rows of the period were rejected (meta.incomplete_periods), or cells are blank in the publication.';
