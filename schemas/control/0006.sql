-- A cutover and what it has done so far; at most one is open.
CREATE TABLE understudy.cutovers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    state text NOT NULL DEFAULT 'planned'
        CHECK (state IN ('planned', 'prepared', 'fenced', 'drained', 'switched', 'finished', 'aborted', 'returning',
            'returned')),
    who text NOT NULL,
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    accepted jsonb NOT NULL DEFAULT '{}',
    because text
);
CREATE UNIQUE INDEX cutovers_open ON understudy.cutovers ((true)) WHERE ended_at IS NULL;
COMMENT ON COLUMN understudy.cutovers.who IS 'Who began it: user and machine of the command';
COMMENT ON COLUMN understudy.cutovers.accepted IS 'Gates that were signed off, each with the count that was typed; because says why';

CREATE TABLE understudy.cutover_steps (
    cutover bigint NOT NULL REFERENCES understudy.cutovers,
    n bigint GENERATED ALWAYS AS IDENTITY,
    step text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seconds double precision,
    who text NOT NULL DEFAULT session_user,
    evidence jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (cutover, n)
);
COMMENT ON COLUMN understudy.cutover_steps.at IS 'When the step was done; seconds says how long it took';

INSERT INTO understudy.schema_version (version) VALUES (6);
