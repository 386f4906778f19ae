-- Foreign keys of these tables that were never validated, and their triggers that do not fire; name and table.
-- Parameters: %(schemas)s text[] and %(tables)s text[], side by side.
WITH tables AS (
    SELECT c.oid, w.schema || '.' || w.name AS label
    FROM (SELECT DISTINCT * FROM unnest(%(schemas)s::text[], %(tables)s::text[]) AS w (schema, name)) AS w
    JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
)
SELECT 'constraint', conname::text, label
FROM pg_catalog.pg_constraint JOIN tables ON conrelid = tables.oid WHERE NOT convalidated
UNION ALL
SELECT 'trigger', tgname::text, label
FROM pg_catalog.pg_trigger t JOIN tables ON tgrelid = tables.oid WHERE t.tgenabled IN ('D', 'R')
ORDER BY 1, 3, 2
