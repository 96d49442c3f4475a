-- The ISO3 code of a state as people type it: marts.find_state('DRC') is COD, 'Russia' RUS, 'côte d’ivoire' CIV.
-- - Case, accents, punctuation and a leading the don't matter; codes of ISO 3166 are found too.
-- - NULL for a name that no list has (main.country_aliases). Congo is the Republic, COG.
CREATE MACRO marts.find_state(asked) AS (
    SELECT max(aliases.iso3)
    FROM main.country_aliases AS aliases
    WHERE aliases.alias = regexp_replace(
        trim(regexp_replace(lower(strip_accents(asked::VARCHAR)), '[^a-z0-9]+', ' ', 'g')), '^the ', '')
);
