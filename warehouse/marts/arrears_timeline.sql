-- Arrears as somebody stated them on a day, one row a statement, in order of the last day that its date can mean. No
-- series: statements differ in what they count (one fund, one cause, current and past), in source and in precision, so
-- never subtract one from another without reading both, and never join the dots between them. Regular budget and
-- peacekeeping are two funds. A cash shortfall is not arrears: is_arrears is false for it.
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
COMMENT ON COLUMN marts.arrears_timeline.as_of IS 'When it held, as printed: a day, a month or a year.';
COMMENT ON COLUMN marts.arrears_timeline.as_of_from IS 'First day that this can mean.';
COMMENT ON COLUMN marts.arrears_timeline.as_of_to IS 'Last day that this can mean.';
COMMENT ON COLUMN marts.arrears_timeline.precision IS 'How exact the date is.';
COMMENT ON COLUMN marts.arrears_timeline.debtor_iso3 IS 'The state that owes; NULL for all of them together.';
COMMENT ON COLUMN marts.arrears_timeline.debtor IS 'Its short English name, or All member states.';
COMMENT ON COLUMN marts.arrears_timeline.fund IS 'Which money: peacekeeping or regular budget.';
COMMENT ON COLUMN marts.arrears_timeline.amount_usd IS 'The amount stated. Unit: USD.';
COMMENT ON COLUMN marts.arrears_timeline.qualifier IS 'How it is meant: exact, about, more than.';
COMMENT ON COLUMN marts.arrears_timeline.is_arrears IS 'False where the statement says that it is a cash shortfall and not arrears.';
COMMENT ON COLUMN marts.arrears_timeline.statement IS 'What was said.';
COMMENT ON COLUMN marts.arrears_timeline.citation IS 'Where it was read.';
