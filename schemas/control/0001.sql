-- The control schema of the target: what understudy knows about the rows that it wrote.
CREATE SCHEMA IF NOT EXISTS understudy;
COMMENT ON SCHEMA understudy IS 'Control tables of understudy; dropped by understudy drop';

CREATE TABLE understudy.schema_version (
    version int PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- One row an entity. Every transaction that touches an entity's rows holds this row FOR SHARE; who changes it waits for them.
CREATE TABLE understudy.entities (
    generation int NOT NULL DEFAULT 1,
    entity text NOT NULL,
    target text NOT NULL,
    epoch int NOT NULL DEFAULT 1,
    phase text NOT NULL DEFAULT 'backfill' CHECK (phase IN ('backfill', 'tail', 'switched')),
    spec_version int NOT NULL DEFAULT 1,
    spec_hash text NOT NULL DEFAULT '',
    truncated_epoch int NOT NULL DEFAULT 0,
    truncated_lsn bigint NOT NULL DEFAULT 0,
    truncated_ordinal bigint NOT NULL DEFAULT 0,
    held_at timestamptz,
    stopped_at timestamptz,
    stopped_reason text,
    PRIMARY KEY (generation, entity)
);

-- Where each consumer stands: advanced in the transaction that writes the rows, never otherwise.
CREATE TABLE understudy.checkpoints (
    generation int NOT NULL DEFAULT 1,
    entity text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    topic_id text NOT NULL DEFAULT '',
    leader_epoch int,
    next_offset bigint NOT NULL DEFAULT 0,
    watermark bigint NOT NULL DEFAULT 0,
    watermark_ms bigint NOT NULL DEFAULT 0,
    pid int,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (generation, entity, topic, partition)
) WITH (fillfactor = 50);
COMMENT ON COLUMN understudy.checkpoints.watermark IS 'Commit LSN of the last marker whose end offset this partition has reached';
COMMENT ON COLUMN understudy.checkpoints.watermark_ms IS 'Source time of that marker, milliseconds since 1970';

-- Legacy key -> UUID, with the state and the original row; one leaf an entity, made when the entity is first seen.
CREATE TABLE understudy.migration_mappings (
    generation int NOT NULL,
    entity text NOT NULL,
    source text NOT NULL,
    legacy_key text COLLATE "C" NOT NULL,
    id uuid NOT NULL,
    state "char" NOT NULL,
    owed uuid[],
    epoch int NOT NULL,
    commit_lsn bigint NOT NULL,
    ordinal bigint NOT NULL,
    spec_version int NOT NULL,
    partition int,
    "offset" bigint,
    moved_to text,
    original json
) PARTITION BY LIST (entity);
COMMENT ON COLUMN understudy.migration_mappings.state IS 'l live, d deleted, x excluded, p parked, m merged';
COMMENT ON COLUMN understudy.migration_mappings.owed IS 'Parents whose reference was written as NULL; filled when they come';

-- Recorded exceptions to the computed identity.
CREATE TABLE understudy.identity_overrides (
    entity text NOT NULL,
    source text NOT NULL,
    legacy_key text COLLATE "C" NOT NULL,
    id uuid NOT NULL,
    why text NOT NULL,
    PRIMARY KEY (entity, source, legacy_key)
);

-- What waits for a key: one merged image with the highest event id so far. Parked where it waits for something that
-- may come, a dead letter where somebody must act.
CREATE TABLE understudy.waiting (
    generation int NOT NULL DEFAULT 1,
    entity text NOT NULL,
    source text NOT NULL,
    legacy_key text COLLATE "C" NOT NULL,
    id uuid,
    epoch int NOT NULL,
    commit_lsn bigint NOT NULL,
    ordinal bigint NOT NULL,
    first_epoch int NOT NULL DEFAULT 0,
    first_lsn bigint NOT NULL DEFAULT 0,
    first_ordinal bigint NOT NULL DEFAULT 0,
    deleted boolean NOT NULL,
    image json,
    unavailable text[],
    moved_to text[],
    topic text,
    partition int,
    "offset" bigint,
    schema_id bigint,
    reason text NOT NULL CHECK (reason IN ('base', 'watermark', 'parent', 'children', 'unique', 'rule')),
    waits_for text,
    waits_id uuid,
    sqlstate text,
    error text,
    constraint_name text,
    column_name text,
    spec_version int NOT NULL DEFAULT 1,
    attempts int NOT NULL DEFAULT 1,
    first_at timestamptz NOT NULL DEFAULT now(),
    tried_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (generation, entity, source, legacy_key)
);
COMMENT ON COLUMN understudy.waiting.first_lsn IS 'A column is only taken from an image newer than this: the insert of a key change has no older base';

-- Whether a parent is excluded is asked when somebody looks: it may be excluded long after its child was parked.
CREATE VIEW understudy.parked AS
SELECT generation, entity, source, legacy_key, id,
    CASE WHEN EXISTS (
        SELECT FROM understudy.migration_mappings m
        WHERE m.generation = w.generation AND m.entity = w.waits_for AND m.id = w.waits_id AND m.state = 'x'
    ) THEN 'parent excluded' ELSE reason END AS reason,
    waits_for, waits_id, epoch, commit_lsn, ordinal, deleted, image, topic, partition, "offset", attempts, first_at, tried_at
FROM understudy.waiting w
WHERE reason <> 'rule';

CREATE VIEW understudy.dead_letters AS
SELECT generation, entity, source, legacy_key, id, sqlstate,
    CASE WHEN EXISTS (
        SELECT FROM understudy.migration_mappings m
        WHERE m.generation = w.generation AND m.entity = w.waits_for AND m.id = w.waits_id AND m.state = 'x'
    ) THEN 'the row of ' || waits_for || ' that it refers to is excluded' ELSE error END AS error,
    constraint_name, column_name, spec_version, epoch, commit_lsn,
    ordinal, deleted, image, topic, partition, "offset", schema_id, attempts, first_at, tried_at
FROM understudy.waiting w
WHERE reason = 'rule';

CREATE TABLE understudy.audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    who text NOT NULL DEFAULT session_user,
    action text NOT NULL,
    subject text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'
);

INSERT INTO understudy.schema_version (version) VALUES (1);

CREATE FUNCTION understudy.zone_offset(moment timestamptz, zone text) RETURNS interval
LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT (moment AT TIME ZONE zone) - (moment AT TIME ZONE 'UTC') $$;

-- The earlier of two moments that a local time may mean; PostgreSQL takes the later one.
CREATE FUNCTION understudy.earlier_moment(local timestamp, zone text) RETURNS timestamptz
LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN earlier AT TIME ZONE zone = local THEN earlier ELSE later END
    FROM (SELECT local AT TIME ZONE zone AS later) AS taken,
        LATERAL (SELECT later - (understudy.zone_offset(later - interval '1 day', zone) - understudy.zone_offset(later, zone)) AS earlier) AS other
$$;

-- A local time of a zone as a moment: one that the clocks skipped is shifted forward, of one that they showed twice
-- `overlap` says which is meant.
CREATE FUNCTION understudy.local_time(local timestamp, zone text, overlap text) RETURNS timestamptz
LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN overlap = 'first' AND isfinite(local) THEN understudy.earlier_moment(local, zone) ELSE local AT TIME ZONE zone END
$$;

-- Whether a local time is one that the rule refuses.
CREATE FUNCTION understudy.not_a_local_time(local timestamp, zone text, gap text, overlap text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(isfinite(local) AND (
        (gap = 'dead-letter' AND (local AT TIME ZONE zone) AT TIME ZONE zone <> local)
        OR (overlap = 'dead-letter' AND understudy.earlier_moment(local, zone) <> local AT TIME ZONE zone)), false)
$$;
