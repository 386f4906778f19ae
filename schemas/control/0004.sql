-- Somebody looks at an exact point: until then nothing at or beyond this offset is applied.
ALTER TABLE understudy.checkpoints ADD COLUMN held_offset bigint, ADD COLUMN held_until timestamptz;

-- Workers that started before this start again, with the rules as they are in the folder by then.
ALTER TABLE understudy.entities ADD COLUMN reload_at timestamptz;

INSERT INTO understudy.schema_version (version) VALUES (4);
