-- Our columns with the definition of the publisher's column that they come from, where that is a column of the Peace
-- & Security Data Hub. Several published columns of one of ours are several rows.
-- - The publisher's definitions are as published; meta.known_defects lists their errors, and our columns can be
--   cleaned or resolved.
-- - publisher_definition is NULL where no snapshot of the codebook is held or the codebook has no definition.
CREATE VIEW marts.dictionary AS
SELECT
    ours.schema_name,
    ours.table_name,
    ours.column_name,
    ours.description,
    ours.unit,
    named.dataset_id AS publisher_dataset,
    named.published_name AS publisher_column,
    theirs.definition AS publisher_definition,
    theirs.format AS publisher_format
FROM meta.columns AS ours
LEFT JOIN meta.published_names AS named
    ON ours.schema_name = 'main' AND named.table_name = ours.table_name AND named.column_name = ours.column_name
LEFT JOIN meta.publisher_columns AS theirs
    ON upper(theirs.dataset_id) = upper(named.dataset_id) AND lower(theirs.column_name) = lower(named.published_name);
COMMENT ON COLUMN marts.dictionary.schema_name IS 'Schema.';
COMMENT ON COLUMN marts.dictionary.table_name IS 'Table or view.';
COMMENT ON COLUMN marts.dictionary.column_name IS 'Column.';
COMMENT ON COLUMN marts.dictionary.description IS 'Its meaning, in this project''s words.';
COMMENT ON COLUMN marts.dictionary.unit IS 'Its unit.';
COMMENT ON COLUMN marts.dictionary.publisher_dataset IS 'The publisher''s dataset that it comes from; NULL where it comes from none of the Data Hub''s.';
COMMENT ON COLUMN marts.dictionary.publisher_column IS 'The publisher''s column that it comes from.';
COMMENT ON COLUMN marts.dictionary.publisher_definition IS 'The publisher''s definition of that column, as published.';
COMMENT ON COLUMN marts.dictionary.publisher_format IS 'The publisher''s type of that column.';
