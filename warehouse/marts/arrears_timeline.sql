-- Arrears as stated on a day, one row per statement, ordered by the last day that its date can mean.
-- - No time series: statements differ in scope (one fund, one cause, current and past), source and precision. Never
--   subtract one from another without reading both, and draw no line between them.
-- - The regular budget and peacekeeping are two funds.
-- - A cash shortfall is not arrears: is_arrears is false for it.
CREATE VIEW marts.arrears_timeline AS
SELECT
    as_of,
    as_of_from,
    as_of_to,
    precision,
    countries.iso3 AS debtor_iso3,
    CASE WHEN subject = 'all' THEN 'All member states' ELSE coalesce(countries.name, subject) END AS debtor,
    fund,
    value::DECIMAL(18, 2) AS amount_usd,
    qualifier,
    NOT contains(upper(coalesce(statement, '')), 'CASH SHORTFALL (NOT ARREARS)') AS is_arrears,
    statement,
    citation
FROM main.dated_facts
LEFT JOIN main.countries ON countries.iso3 = subject
WHERE collection = 'arrears'
ORDER BY as_of_to, as_of_from, fund, debtor, snapshot_row;
COMMENT ON COLUMN marts.arrears_timeline.as_of IS 'Date of the statement, as printed: a day, a month or a year.';
COMMENT ON COLUMN marts.arrears_timeline.as_of_from IS 'First day that the date can mean.';
COMMENT ON COLUMN marts.arrears_timeline.as_of_to IS 'Last day that the date can mean.';
COMMENT ON COLUMN marts.arrears_timeline.precision IS 'Precision of the date.';
COMMENT ON COLUMN marts.arrears_timeline.debtor_iso3 IS 'The state that owes; NULL for all of them together.';
COMMENT ON COLUMN marts.arrears_timeline.debtor IS 'Its short English name, or All member states.';
COMMENT ON COLUMN marts.arrears_timeline.fund IS 'Fund: peacekeeping or regular budget.';
COMMENT ON COLUMN marts.arrears_timeline.amount_usd IS 'The amount stated. Unit: USD.';
COMMENT ON COLUMN marts.arrears_timeline.qualifier IS 'Qualifier of the amount: exact, about, more than.';
COMMENT ON COLUMN marts.arrears_timeline.is_arrears IS 'False where the statement says that it is a cash shortfall and not arrears.';
COMMENT ON COLUMN marts.arrears_timeline.statement IS 'What was said.';
COMMENT ON COLUMN marts.arrears_timeline.citation IS 'Where it was read.';
