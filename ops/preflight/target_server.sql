-- The target server and the role, one row.
-- Sources: PostgreSQL manual, "Client Connection Defaults", "System Information Functions".
SELECT current_setting('server_version_num')::int AS version,
    pg_catalog.pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS is_read_only,
    pg_catalog.getdatabaseencoding()::text AS encoding,
    to_regnamespace('understudy') IS NOT NULL AS has_control,
    CASE WHEN to_regnamespace('understudy') IS NULL THEN has_database_privilege(current_database(), 'CREATE')
         ELSE has_schema_privilege('understudy', 'CREATE') END AS may_control
