-- Lasting logical slots of this database whose name begins with %(prefix)s.
-- Source: PostgreSQL manual, "pg_replication_slots", "pg_stat_replication".
SELECT slot_name::text, active_pid, confirmed_flush_lsn::text, wal_status::text, safe_wal_size,
    pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn)::bigint, r.reply_time
FROM pg_catalog.pg_replication_slots
LEFT JOIN pg_catalog.pg_stat_replication r ON r.pid = active_pid
WHERE slot_type = 'logical'
    AND NOT temporary
    AND database = pg_catalog.current_database()
    AND pg_catalog.starts_with(slot_name::text, %(prefix)s::text)
