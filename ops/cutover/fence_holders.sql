-- Sessions whose open transaction has written to one of these tables, or may: they hold a lock that a writer holds.
-- Parameters: %(oids)s bigint[].
SELECT DISTINCT l.pid
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_database d ON d.oid = l.database AND d.datname = current_database()
WHERE l.locktype = 'relation' AND l.granted AND l.relation::bigint = ANY (%(oids)s) AND l.pid IS NOT NULL
    AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
    AND l.pid <> pg_backend_pid()
