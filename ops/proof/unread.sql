-- Ordinary tables beside those that a migration reads, in the same schemas, with the server's estimate of their rows.
-- Parameters: %(schemas)s text[] and %(tables)s text[], side by side: the tables that are read.
SELECT n.nspname || '.' || c.relname, greatest(c.reltuples, 0)::bigint
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname = ANY (%(schemas)s)
    AND (n.nspname, c.relname) NOT IN (SELECT * FROM unnest(%(schemas)s::text[], %(tables)s::text[]))
ORDER BY 1
