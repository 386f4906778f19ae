-- The captured tables with all their partitions: a statement fires the triggers of the table that it names.
-- Parameters: %(schemas)s text[] and %(tables)s text[], side by side.
SELECT DISTINCT n.nspname::text, c.relname::text, c.oid::bigint,
    EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'understudy_fence') AS is_fenced
FROM unnest(%(schemas)s::text[], %(tables)s::text[]) AS w (schema, name)
JOIN pg_catalog.pg_namespace wn ON wn.nspname = w.schema
JOIN pg_catalog.pg_class wc ON wc.relnamespace = wn.oid AND wc.relname = w.name
JOIN pg_catalog.pg_class c ON c.oid = wc.oid OR c.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree(wc.oid))
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p')
ORDER BY 1, 2
