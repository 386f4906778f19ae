-- A verification that was stopped goes on: what it has found of an entity is kept as soon as that entity is done.
ALTER TABLE understudy.verifications
    ADD resumes bigint REFERENCES understudy.verifications ON DELETE SET NULL,
    ADD entities text[] NOT NULL DEFAULT '{}',
    ADD finished boolean NOT NULL DEFAULT true,
    ADD checks jsonb NOT NULL DEFAULT '[]';
ALTER TABLE understudy.verifications ALTER finished SET DEFAULT false;
COMMENT ON COLUMN understudy.verifications.resumes IS 'The first attempt, where that was stopped before its end';
COMMENT ON COLUMN understudy.verifications.entities IS 'What was asked for; those that are done are in verified_entities';
COMMENT ON COLUMN understudy.verifications.checks IS 'Of the target''s structure, where all rows were looked at';

ALTER TABLE understudy.verified_entities ADD clean boolean;
UPDATE understudy.verified_entities e SET clean = v.clean
FROM understudy.verifications v WHERE v.id = e.verification;
ALTER TABLE understudy.verified_entities ALTER clean SET NOT NULL;
COMMENT ON COLUMN understudy.verified_entities.clean IS 'Whether no row differed, and the totals agreed';

INSERT INTO understudy.schema_version (version) VALUES (9);
