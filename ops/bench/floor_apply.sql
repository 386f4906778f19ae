-- A batch of the floor: fence, map and upsert in one statement.
WITH fresh AS (
    INSERT INTO public.mapping AS m SELECT 'tasks', legacy_key, id, commit_lsn, ordinal FROM stage
    ON CONFLICT (entity, legacy_key) DO UPDATE SET commit_lsn = excluded.commit_lsn, ordinal = excluded.ordinal
    WHERE (m.commit_lsn, m.ordinal) < (excluded.commit_lsn, excluded.ordinal)
    RETURNING legacy_key)
INSERT INTO app.tasks (
    id, order_id, assignee_id, title, description, status, priority, price, is_done, due, created_at, updated_at, meta, code)
SELECT id, order_id, assignee_id, title, description, status, priority, price, is_done, due, created_at, updated_at, meta, code
FROM stage JOIN fresh USING (legacy_key)
ON CONFLICT (id) DO UPDATE SET
    order_id = excluded.order_id, assignee_id = excluded.assignee_id, title = excluded.title, description = excluded.description,
    status = excluded.status, priority = excluded.priority, price = excluded.price, is_done = excluded.is_done,
    due = excluded.due, created_at = excluded.created_at, updated_at = excluded.updated_at, meta = excluded.meta,
    code = excluded.code
