-- Panel of host states: a row for every state or territory and month from 1990-11 in which a mission with uniformed
-- personnel was in progress there.
-- - personnel_here is of missions in that state alone; personnel_shared of missions that are in other states too, of
--   which no source says how many are where. Never add personnel_shared over hosts.
-- - coverage: reported (at least one of the missions has a figure; without_figure lists the others), not_printed,
--   not_reported, as in marts.mission_month_panel. Only reported rows have figures: NULL is never 0.
-- - Regional offices count in the state of their seat only. A host is the state or territory of today (SRB in 1993);
--   state_iso3 and the codes are those of the month.
-- - Numbers deployed on that day: never add months.
CREATE VIEW marts.host_month_panel AS
WITH there AS (
    SELECT mission_hosts.host_iso3, panel.*
    FROM marts.mission_month_panel AS panel
    JOIN main.mission_hosts USING (mission)
    WHERE role = 'host' AND month_end >= coalesce(host_from, month_end)
        AND date_trunc('month', month_end) <= coalesce(host_until, month_end)
), totals AS (
    SELECT
        there.host_iso3,
        month_end,
        list(mission ORDER BY mission) AS missions,
        coalesce(list(mission ORDER BY mission) FILTER (uniformed_personnel IS NULL), []) AS without_figure,
        CASE WHEN count(uniformed_personnel) > 0 THEN 'reported'
            WHEN bool_or(coverage = 'not_printed') THEN 'not_printed' ELSE 'not_reported' END AS coverage,
        count(*) FILTER (uniformed_personnel > 0) AS with_personnel,
        coalesce(sum(uniformed_personnel) FILTER (len(hosts) = 1), 0)::BIGINT AS here,
        coalesce(sum(uniformed_personnel) FILTER (len(hosts) > 1), 0)::BIGINT AS shared,
        bool_or(is_incomplete) AS is_incomplete
    FROM there
    GROUP BY there.host_iso3, month_end
)
SELECT
    totals.month_end,
    host_iso3,
    name AS host,
    state_iso3,
    gw_code,
    cow_code,
    region,
    sub_region,
    intermediate_region,
    missions,
    coverage,
    without_figure,
    CASE WHEN coverage = 'reported' THEN with_personnel END AS missions_with_personnel,
    CASE WHEN coverage = 'reported' THEN here END AS personnel_here,
    CASE WHEN coverage = 'reported' THEN shared END AS personnel_shared,
    is_incomplete
FROM totals
JOIN marts.state_months AS host ON host.iso3 = host_iso3 AND host.month_end = totals.month_end;
COMMENT ON COLUMN marts.host_month_panel.month_end IS 'Last day of the month.';
COMMENT ON COLUMN marts.host_month_panel.host_iso3 IS 'Host state or territory, by its code of today.';
COMMENT ON COLUMN marts.host_month_panel.host IS 'Its short English name.';
COMMENT ON COLUMN marts.host_month_panel.state_iso3 IS 'The state of that month, to which the codes belong.';
COMMENT ON COLUMN marts.host_month_panel.gw_code IS 'Gleditsch-Ward code of that day; NULL where the list has none.';
COMMENT ON COLUMN marts.host_month_panel.cow_code IS 'Correlates of War code of that day; NULL where the list has none.';
COMMENT ON COLUMN marts.host_month_panel.region IS 'UN M49 region.';
COMMENT ON COLUMN marts.host_month_panel.sub_region IS 'UN M49 sub-region.';
COMMENT ON COLUMN marts.host_month_panel.intermediate_region IS 'UN M49 intermediate region.';
COMMENT ON COLUMN marts.host_month_panel.missions IS 'Missions in progress there.';
COMMENT ON COLUMN marts.host_month_panel.coverage IS 'reported, not_printed or not_reported: see above.';
COMMENT ON COLUMN marts.host_month_panel.without_figure IS 'Of them those without a figure of that month.';
COMMENT ON COLUMN marts.host_month_panel.missions_with_personnel IS 'Missions with personnel; NULL unless reported. Unit: mission.';
COMMENT ON COLUMN marts.host_month_panel.personnel_here IS 'Uniformed personnel of missions in this state alone; NULL unless reported. Unit: person.';
COMMENT ON COLUMN marts.host_month_panel.personnel_shared IS 'Uniformed personnel of missions that are in other states too; NULL unless reported. Unit: person.';
COMMENT ON COLUMN marts.host_month_panel.is_incomplete IS 'True where the figure is too low: rows of the period were rejected (meta.incomplete_periods), or cells are blank in the publication.';
