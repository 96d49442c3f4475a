-- The code of a state on a day in Gleditsch and Ward's list ('gw') or in that of Correlates of War ('cow'):
-- marts.state_code('SRB', DATE '2006-12-31', 'gw') is 340, with 'cow' 345.
-- - NULL on a day on which the list does not have the state; marts.state_code_gap says why.
-- - Take the day of the figure, never today's code: Yemen, Germany and Serbia changed theirs.
CREATE MACRO marts.state_code(state_iso3, on_day, code_system) AS (
    CASE
        WHEN code_system NOT IN ('gw', 'cow')
            THEN error('state_code: expected the system ''gw'' or ''cow'', got ''' || code_system || '''.')
        ELSE (
            SELECT max(codes.code)
            FROM main.state_codes AS codes
            WHERE codes.iso3 = state_iso3 AND codes.system::VARCHAR = code_system AND codes.valid_from <= on_day::DATE
                AND coalesce(codes.valid_until, DATE '9999-12-31') >= on_day::DATE
        )
    END
);
