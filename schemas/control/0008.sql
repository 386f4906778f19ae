-- Entities that are rebuilt from their topics in a schema of their own; at most one rebuild at a time.
CREATE TABLE understudy.rebuilds (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shadow text NOT NULL,
    entities text[] NOT NULL,
    who text NOT NULL DEFAULT session_user,
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    swapped_at timestamptz,
    unvalidated text[] NOT NULL DEFAULT '{}',
    dropped_at timestamptz
);
CREATE UNIQUE INDEX rebuilds_open ON understudy.rebuilds ((true)) WHERE swapped_at IS NULL AND dropped_at IS NULL;
COMMENT ON COLUMN understudy.rebuilds.shadow IS 'The schema; the tables that were live until the swap are in <shadow>_old';
COMMENT ON COLUMN understudy.rebuilds.unvalidated IS 'Statements that validate foreign keys, which the swap has left to do';

INSERT INTO understudy.schema_version (version) VALUES (8);
