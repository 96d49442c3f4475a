-- What breaks a series of personnel between a month and the month with figures before it, as text; NULL where nothing does:
-- another publication, months without figures, staff officers apart (2017-05), missions printed or not.
-- - marts.contributor_months and marts.mission_months have it for their own months.
CREATE MACRO marts.seam(this_month, month_before, this_series, series_before, prints_missions, printed_before) AS (
    nullif(concat_ws('; ',
        CASE WHEN this_series <> series_before THEN series_before || ' until ' || month_before END,
        CASE WHEN this_month > last_day(month_before + INTERVAL 1 MONTH) THEN 'no figures since ' || month_before END,
        CASE WHEN this_month >= DATE '2017-05-31' AND month_before < DATE '2017-05-31'
            THEN 'staff officers are counted apart from here' END,
        CASE WHEN prints_missions <> printed_before
            THEN CASE WHEN prints_missions THEN 'missions are printed again' ELSE 'no mission is printed' END END), '')
);
