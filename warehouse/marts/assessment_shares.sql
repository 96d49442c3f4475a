-- Share of each member state in the assessed contributions to UN peacekeeping of one peacekeeping year (1 July to 30
-- June), in percent of the sum of all states in CEB's file.
-- - Assessed, not paid.
-- - Before credits to member states, which the assessments by mission deduct.
-- - Not the regular budget, whose shares differ.
-- - Some states are missing in 2012-13 to 2016-17 (meta.known_defects), which raises the others' shares a little.
CREATE VIEW marts.assessment_shares AS
SELECT
    peacekeeping_year,
    contributor_iso3,
    countries.name AS contributor,
    amount_usd,
    100 * amount_usd::DOUBLE / sum(amount_usd) OVER (PARTITION BY peacekeeping_year)::DOUBLE AS share_pct,
    rank() OVER (PARTITION BY peacekeeping_year ORDER BY amount_usd DESC) AS rank_in_year,
    peacekeeping_year IN (SELECT period FROM meta.incomplete_periods WHERE source = 'assessed_contributions')
        AS is_incomplete
FROM main.assessed_contributions
JOIN main.countries ON countries.iso3 = contributor_iso3;
COMMENT ON COLUMN marts.assessment_shares.peacekeeping_year IS 'Peacekeeping year, 1 July to 30 June.';
COMMENT ON COLUMN marts.assessment_shares.contributor_iso3 IS 'Member state.';
COMMENT ON COLUMN marts.assessment_shares.contributor IS 'Its short English name.';
COMMENT ON COLUMN marts.assessment_shares.amount_usd IS 'Amount assessed. Unit: USD.';
COMMENT ON COLUMN marts.assessment_shares.share_pct IS 'Share of the year''s assessments. Unit: percent.';
COMMENT ON COLUMN marts.assessment_shares.rank_in_year IS 'Rank by amount; ties share it.';
COMMENT ON COLUMN marts.assessment_shares.is_incomplete IS 'True where the figure is too low: rows of the period were rejected (meta.incomplete_periods), or cells are blank in the publication.';
