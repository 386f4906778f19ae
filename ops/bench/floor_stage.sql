-- Where a batch of the floor lands.
CREATE TEMPORARY TABLE stage (
    legacy_key text, commit_lsn bigint, ordinal bigint, id uuid, order_id uuid, assignee_id uuid, title text, description text,
    status text, priority int, price numeric(12,2), is_done boolean, due date, created_at timestamptz, updated_at timestamptz,
    meta jsonb, code text)
