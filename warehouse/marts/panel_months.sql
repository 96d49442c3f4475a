-- The months of the panels: every month from the first to the last that has figures of personnel, with those between that
-- have none.
CREATE VIEW marts.panel_months AS
SELECT last_day(unnest(generate_series(first_month, last_month, INTERVAL 1 MONTH)))::DATE AS month_end
FROM (
    SELECT date_trunc('month', min(month_end)) AS first_month, max(month_end) AS last_month
    FROM (
        SELECT month_end FROM main.uniformed_personnel
        UNION ALL SELECT month_end FROM main.contributor_strength
        UNION ALL SELECT month_end FROM main.mission_strength
    )
);
COMMENT ON COLUMN marts.panel_months.month_end IS 'Last day of the month.';
