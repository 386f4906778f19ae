-- Columns of the named tables, one row each, in the order of schema, table, attnum.
-- Parameters: %(schemas)s text[] and %(tables)s text[], side by side; a table may be named twice.
-- Sources: PostgreSQL manual, "pg_class", "pg_attribute", "pg_type", "pg_index".
WITH RECURSIVE wanted AS (
    SELECT DISTINCT * FROM unnest(%(schemas)s::text[], %(tables)s::text[]) AS w (schema, name)
), relation AS (
    SELECT n.nspname, c.relname, c.oid, c.relkind, c.relreplident, size.rows
    FROM wanted w
    JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
    CROSS JOIN LATERAL (
        -- What was never analyzed has no count: rows of 100 bytes are assumed.
        SELECT coalesce(sum(CASE WHEN f.reltuples >= 0 THEN f.reltuples ELSE pg_catalog.pg_relation_size(f.oid) / 100 END), 0)::bigint AS rows
        FROM pg_catalog.pg_class f
        WHERE f.relkind <> 'p' AND (f.oid = c.oid OR f.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree(c.oid)))
    ) AS size
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
), attribute AS (
    SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attgenerated, a.attidentity, a.atthasdef
    FROM pg_catalog.pg_attribute a
    JOIN relation r ON r.oid = a.attrelid
    WHERE a.attnum > 0 AND NOT a.attisdropped
), unwrapped AS (
    -- A domain is followed down to the type it is made of; its own modifier stands on the domain.
    SELECT attrelid, attnum, atttypid AS typid, atttypmod AS typmod FROM attribute
    UNION ALL
    SELECT u.attrelid, u.attnum, t.typbasetype, CASE WHEN t.typtypmod >= 0 THEN t.typtypmod ELSE u.typmod END
    FROM unwrapped u
    JOIN pg_catalog.pg_type t ON t.oid = u.typid
    WHERE t.typtype = 'd'
), base AS (
    SELECT u.attrelid, u.attnum,
        CASE WHEN n.nspname = 'pg_catalog' THEN pg_catalog.format_type(u.typid, u.typmod) ELSE 'text' END AS name
    FROM unwrapped u
    JOIN pg_catalog.pg_type t ON t.oid = u.typid AND t.typtype <> 'd'
    JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
), key AS (
    SELECT i.indrelid, i.indimmediate, array_agg(a.attname::text ORDER BY k.position) AS columns
    FROM pg_catalog.pg_index i
    JOIN relation r ON r.oid = i.indrelid
    CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, position)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
    WHERE i.indisprimary AND k.position <= i.indnkeyatts
    GROUP BY i.indrelid, i.indimmediate
)
SELECT r.nspname::text, r.relname::text, r.oid::bigint, r.relkind::text, r.relreplident::text, r.rows, key.columns,
    a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), base.name,
    a.attnotnull, a.attgenerated <> '', a.attidentity = 'a', a.atthasdef OR a.attidentity <> '', NOT key.indimmediate
FROM relation r
LEFT JOIN attribute a ON a.attrelid = r.oid
LEFT JOIN base ON base.attrelid = a.attrelid AND base.attnum = a.attnum
LEFT JOIN key ON key.indrelid = r.oid
ORDER BY 1, 2, a.attnum
