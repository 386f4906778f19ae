-- What schemas.table does not know of the named legacy tables.
-- Parameters: %(schemas)s and %(tables)s (text[], side by side), %(publication)s.
-- Sources: PostgreSQL manual, "pg_class", "pg_index", "pg_attribute", "Row Security Policies".
SELECT n.nspname::text AS schema, c.relname::text AS name,
    c.relpersistence = 'p' AS is_logged,
    c.relrowsecurity AND NOT (r.rolsuper OR r.rolbypassrls OR (pg_has_role(c.relowner, 'USAGE') AND NOT c.relforcerowsecurity)) AS hides_rows,
    has_table_privilege(c.oid, 'SELECT') AS may_read,
    pg_has_role(c.relowner, 'USAGE') OR EXISTS (
        SELECT FROM pg_catalog.pg_publication p
        JOIN pg_catalog.pg_publication_rel t ON t.prpubid = p.oid AND t.prrelid = c.oid
        WHERE p.pubname = %(publication)s
    ) AS may_publish,
    coalesce((SELECT array_agg(a.attname::text) FROM pg_catalog.pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attstorage <> 'p'), '{}') AS toastable,
    -- The columns of the index that identifies old rows (REPLICA IDENTITY).
    coalesce((SELECT array_agg(a.attname::text) FROM pg_catalog.pg_index i
              JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[])
              WHERE i.indrelid = c.oid
                  AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END), '{}') AS identifying,
    -- Each set of columns that no two rows share.
    coalesce((SELECT jsonb_agg((SELECT jsonb_agg(a.attname ORDER BY a.attname) FROM pg_catalog.pg_attribute a
                                WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[])))
              FROM pg_catalog.pg_index i
              WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL), '[]') AS uniques
FROM unnest(%(schemas)s::text[], %(tables)s::text[]) AS w (schema, name)
JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
JOIN pg_catalog.pg_roles r ON r.rolname = current_user
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
