-- Why a state has no code on a day in Gleditsch and Ward's list ('gw') or in that of Correlates of War ('cow'); NULL
-- where it has one: marts.state_code_gap('PSE', DATE '2020-01-31', 'cow') is not_in_list.
-- - The reasons are those of main.state_code_gaps.
CREATE MACRO marts.state_code_gap(state_iso3, on_day, code_system) AS (
    CASE
        WHEN code_system NOT IN ('gw', 'cow')
            THEN error('state_code_gap: expected the system ''gw'' or ''cow'', got ''' || code_system || '''.')
        ELSE (
            SELECT max(gaps.reason::VARCHAR)
            FROM main.state_code_gaps AS gaps
            WHERE gaps.iso3 = state_iso3 AND gaps.system::VARCHAR = code_system AND gaps.valid_from <= on_day::DATE
                AND coalesce(gaps.valid_until, DATE '9999-12-31') >= on_day::DATE
        )
    END
);
