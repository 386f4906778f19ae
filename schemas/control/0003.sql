-- Whether a reference of the row was found by an alternative key.
ALTER TABLE understudy.migration_mappings ADD COLUMN repaired boolean;

INSERT INTO understudy.schema_version (version) VALUES (3);
