-- What verifications have found, and how far each partition was then: what came later has not been looked at.
CREATE TABLE understudy.verifications (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    who text NOT NULL DEFAULT session_user,
    scope text NOT NULL CHECK (scope IN ('all', 'sample', 'changed')),
    lsn bigint NOT NULL,
    at timestamptz NOT NULL,
    seconds double precision NOT NULL,
    clean boolean NOT NULL,
    versions jsonb NOT NULL
);
COMMENT ON COLUMN understudy.verifications.at IS 'Of the exact point, by the source''s clock';

CREATE TABLE understudy.verified_entities (
    verification bigint NOT NULL REFERENCES understudy.verifications ON DELETE CASCADE,
    entity text NOT NULL,
    spec_version int NOT NULL,
    compared bigint NOT NULL,
    differing bigint NOT NULL,
    found jsonb NOT NULL,
    differences jsonb NOT NULL,
    waiting jsonb NOT NULL,
    offsets jsonb NOT NULL,
    PRIMARY KEY (verification, entity)
);
COMMENT ON COLUMN understudy.verified_entities.differences IS 'Keys and columns of faults, without values';
COMMENT ON COLUMN understudy.verified_entities.waiting IS 'Legacy keys that waited: they may have gone in since';
COMMENT ON COLUMN understudy.verified_entities.offsets IS 'By partition, the first record that was not looked at';

INSERT INTO understudy.schema_version (version) VALUES (5);
