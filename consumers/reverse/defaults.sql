-- What PostgreSQL would put into the key columns of new rows. Parameters: %(schema)s, %(table)s, %(columns)s text[].
SELECT a.attname::text,
    CASE WHEN a.attidentity <> '' THEN format('nextval(%%L)', pg_catalog.pg_get_serial_sequence(format('%%I.%%I', n.nspname, c.relname), a.attname))
        ELSE pg_catalog.pg_get_expr(d.adbin, d.adrelid) END
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE n.nspname = %(schema)s AND c.relname = %(table)s AND a.attname = ANY(%(columns)s::text[])
    AND (d.oid IS NOT NULL OR a.attidentity <> '')
