-- The tables of some schemas with what their comments say, one row a column; column and comment NULL where there is none.
-- Parameter: %(schemas)s text[]. Parts of a partitioned table, and what belongs to an extension, are left out.
-- Sources: PostgreSQL manual, "pg_class", "pg_depend", "Comment Information Functions".
SELECT n.nspname::text AS schema, c.relname::text AS name, a.attname::text AS column,
    pg_catalog.obj_description(c.oid, 'pg_class') AS table_comment,
    pg_catalog.col_description(c.oid, a.attnum) AS column_comment
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = ANY (%(schemas)s::text[]) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
