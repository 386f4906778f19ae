-- Sessions whose open transaction has written something, the oldest first: slot creation waits for them.
-- Source: PostgreSQL manual, "pg_stat_activity".
SELECT pid, extract(epoch FROM pg_catalog.clock_timestamp() - xact_start)::bigint
FROM pg_catalog.pg_stat_activity
WHERE backend_xid IS NOT NULL
    AND pid <> pg_catalog.pg_backend_pid()
ORDER BY xact_start
LIMIT 5
