-- The peacekeeping years since 1948 (1 July to 30 June, written 2018-19) with their first and last days. To find the
-- year of a day: JOIN marts.peacekeeping_years ON incident_date BETWEEN period_start AND period_end.
CREATE VIEW marts.peacekeeping_years AS
SELECT
    year || '-' || right((year + 1)::VARCHAR, 2) AS peacekeeping_year,
    make_date(year, 7, 1) AS period_start,
    make_date(year + 1, 6, 30) AS period_end
FROM range(1947, 2100) AS years(year);
COMMENT ON COLUMN marts.peacekeeping_years.peacekeeping_year IS 'Peacekeeping year, written 2018-19.';
COMMENT ON COLUMN marts.peacekeeping_years.period_start IS 'Its first day, 1 July.';
COMMENT ON COLUMN marts.peacekeeping_years.period_end IS 'Its last day, 30 June.';
