-- The source server and the role, one row; parameters: %(slot)s (how the slot's name begins), %(publication)s.
-- Sources: PostgreSQL manual, "Logical Decoding", "Replication" (settings), "pg_roles", "CREATE PUBLICATION".
SELECT current_setting('server_version_num')::int AS version,
    current_setting('wal_level') AS wal_level,
    pg_catalog.pg_is_in_recovery() AS is_standby,
    (SELECT r.rolsuper OR r.rolreplication
            OR EXISTS (SELECT FROM pg_catalog.pg_roles g WHERE g.rolname = 'rds_replication' AND pg_has_role(g.oid, 'USAGE'))
     FROM pg_catalog.pg_roles r WHERE r.rolname = current_user) AS may_replicate,
    EXISTS (SELECT FROM pg_catalog.pg_replication_slots WHERE starts_with(slot_name::text, %(slot)s)) AS has_slot,
    EXISTS (SELECT FROM pg_catalog.pg_replication_slots WHERE starts_with(slot_name::text, %(slot)s) AND active) AS is_captured,
    current_setting('max_replication_slots')::int - (SELECT count(*) FROM pg_catalog.pg_replication_slots)::int AS free_slots,
    current_setting('max_wal_senders')::int - (SELECT count(*) FROM pg_catalog.pg_stat_replication)::int AS free_senders,
    pg_catalog.getdatabaseencoding()::text AS encoding,
    EXISTS (SELECT FROM pg_catalog.pg_publication WHERE pubname = %(publication)s) AS has_publication,
    has_database_privilege(current_database(), 'CREATE') AS may_create,
    (SELECT CASE WHEN setting = '-1' THEN NULL ELSE setting::bigint END
     FROM pg_catalog.pg_settings WHERE name = 'max_slot_wal_keep_size') AS keep_mb,
    coalesce(current_setting('idle_replication_slot_timeout', true), '0') <> '0' AS has_idle_timeout
