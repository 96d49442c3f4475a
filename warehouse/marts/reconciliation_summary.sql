-- For each reconciliation: how many figures were compared, how many agree, how many breaks have a reason, and how
-- many are unexplained. The rows are in meta.reconciliations, the reasons in meta.reconciliation_reasons.
-- - Counts of figures, whatever their size: a break of one dollar counts like one of a million.
CREATE VIEW marts.reconciliation_summary AS
WITH counted AS (
    SELECT name, status, explained_by, count(*) AS figures, count(*) FILTER (known) AS known
    FROM meta.reconciliations
    GROUP BY ALL
)
SELECT
    name,
    sum(figures)::BIGINT AS compared,
    coalesce(sum(figures) FILTER (status IN ('equal', 'both')), 0)::BIGINT AS agreeing,
    coalesce(sum(figures) FILTER (explained_by IS NOT NULL), 0)::BIGINT AS explained,
    coalesce(sum(figures) FILTER (status NOT IN ('equal', 'both') AND explained_by IS NULL), 0)::BIGINT AS unexplained,
    sum(known)::BIGINT AS known,
    string_agg(explained_by || ' ' || figures, ', ' ORDER BY figures DESC, explained_by)
        FILTER (explained_by IS NOT NULL) AS reasons
FROM (SELECT name, status IN ('equal', 'both') AS agrees, any_value(status) AS status, explained_by, sum(figures) AS figures,
          sum(known) AS known
      FROM counted GROUP BY name, agrees, explained_by)
GROUP BY name
ORDER BY name;
COMMENT ON COLUMN marts.reconciliation_summary.name IS 'What is compared.';
COMMENT ON COLUMN marts.reconciliation_summary.compared IS 'Figures that either side has. Unit: figure.';
COMMENT ON COLUMN marts.reconciliation_summary.agreeing IS 'Of them equal, or there on both sides where no equality is request. Unit: figure.';
COMMENT ON COLUMN marts.reconciliation_summary.explained IS 'Of them breaks with a named reason. Unit: figure.';
COMMENT ON COLUMN marts.reconciliation_summary.unexplained IS 'Of them breaks without a reason. Unit: figure.';
COMMENT ON COLUMN marts.reconciliation_summary.known IS 'Of the unexplained those that were examined; any other is a warning of the build. Unit: figure.';
COMMENT ON COLUMN marts.reconciliation_summary.reasons IS 'The reasons and how often each applies; NULL where none does.';
