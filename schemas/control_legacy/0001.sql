-- The control tables of the way back, in the legacy database: what of the target's changes it has taken over.
CREATE SCHEMA IF NOT EXISTS understudy;
COMMENT ON SCHEMA understudy IS 'Control tables of understudy; dropped by understudy drop';

-- One row a pipeline; who applies holds it FOR UPDATE. It applies while switched_lsn is set, and only commits from there on.
CREATE TABLE understudy.way_back (
    pipeline text PRIMARY KEY,
    switched_lsn bigint,
    applied_lsn bigint NOT NULL DEFAULT 0,
    applied_ms bigint NOT NULL DEFAULT 0,
    truncated_lsn bigint NOT NULL DEFAULT 0,
    stopped_at timestamptz,
    stopped_reason text,
    pid int,
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN understudy.way_back.switched_lsn IS 'Of the target; what was committed before was written by the forward side';
COMMENT ON COLUMN understudy.way_back.applied_lsn IS 'Of the target; every commit up to here is applied';
COMMENT ON COLUMN understudy.way_back.truncated_lsn IS 'Of the target; truncations up to here were seen to by hand';

-- Where reading goes on: moved in the transaction that writes the rows, never otherwise.
CREATE TABLE understudy.way_back_offsets (
    pipeline text NOT NULL REFERENCES understudy.way_back ON DELETE CASCADE,
    topic text NOT NULL,
    partition int NOT NULL,
    topic_id text NOT NULL,
    next_offset bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (topic, partition)
);

-- Rows that were born on the target, and rows whose legacy key is another now: their UUID is not the computed one.
CREATE TABLE understudy.identity_overrides (
    entity text NOT NULL,
    source text NOT NULL,
    legacy_key text COLLATE "C" NOT NULL,
    id uuid NOT NULL,
    why text NOT NULL,
    PRIMARY KEY (entity, source, legacy_key)
);
CREATE INDEX identity_overrides_id ON understudy.identity_overrides (id);

CREATE TABLE understudy.way_back_version (version int PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());
INSERT INTO understudy.way_back_version (version) VALUES (1);
