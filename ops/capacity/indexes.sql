-- The indexes of some tables, with the bytes of the columns of an entry; those without a fixed length count as 16.
-- Parameters: %(schemas)s text[] and %(tables)s text[], side by side.
SELECT n.nspname, c.relname, sum(CASE WHEN a.attlen > 0 THEN a.attlen ELSE 16 END)
FROM unnest(%(schemas)s::text[], %(tables)s::text[]) AS w (schema, name)
JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
JOIN pg_catalog.pg_index i ON i.indrelid = c.oid
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indexrelid
GROUP BY n.nspname, c.relname, i.indexrelid
ORDER BY 1, 2
