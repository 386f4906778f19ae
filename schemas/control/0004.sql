-- Somebody looks at an exact point: until then nothing at or beyond this offset is applied.
ALTER TABLE understudy.checkpoints ADD COLUMN held_offset bigint, ADD COLUMN held_until timestamptz;

INSERT INTO understudy.schema_version (version) VALUES (4);
