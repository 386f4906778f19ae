-- Whether the target can be captured, so that there is a way back; one row.
-- Parameters: %(slot)s: how the slot's name begins; %(schemas)s text[] and %(tables)s text[], side by side.
SELECT current_setting('wal_level') AS wal_level,
    EXISTS (SELECT FROM pg_catalog.pg_replication_slots WHERE starts_with(slot_name::text, %(slot)s)) AS has_slot,
    current_setting('max_replication_slots')::int - (SELECT count(*) FROM pg_catalog.pg_replication_slots)::int AS free_slots,
    current_setting('max_wal_senders')::int - (SELECT count(*) FROM pg_catalog.pg_stat_replication)::int AS free_senders,
    (SELECT r.rolsuper OR r.rolreplication
            OR EXISTS (SELECT FROM pg_catalog.pg_roles g WHERE g.rolname = 'rds_replication' AND pg_has_role(g.oid, 'USAGE'))
     FROM pg_catalog.pg_roles r WHERE r.rolname = current_user) AS may_replicate,
    has_database_privilege(current_database(), 'CREATE') AS may_publish,
    (SELECT coalesce(array_agg(DISTINCT w.schema || '.' || w.name ORDER BY w.schema || '.' || w.name), '{}')
     FROM unnest(%(schemas)s::text[], %(tables)s::text[]) AS w (schema, name)
     WHERE NOT EXISTS (
        SELECT FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indisprimary AND i.indimmediate
        WHERE n.nspname = w.schema AND c.relname = w.name)) AS without_key
