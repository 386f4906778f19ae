-- Sequences from which columns of these tables take their defaults, owned (serial, identity) or named in a default.
-- Parameters: %(schemas)s text[] and %(tables)s text[], side by side.
-- Sources: PostgreSQL manual, "pg_depend", "pg_sequence", "pg_sequences".
WITH columns AS (
    SELECT c.oid, n.nspname, c.relname, a.attnum, a.attname, ad.oid AS default_oid
    FROM unnest(%(schemas)s::text[], %(tables)s::text[]) AS w (schema, name)
    JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_catalog.pg_attrdef ad ON ad.adrelid = c.oid AND ad.adnum = a.attnum
), used AS (
    SELECT t.*, d.objid AS sequence FROM columns t
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = t.oid
        AND d.refobjsubid = t.attnum AND d.classid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i')
    UNION
    SELECT t.*, d.refobjid FROM columns t
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid = t.default_oid
        AND d.refclassid = 'pg_catalog.pg_class'::regclass
)
SELECT DISTINCT u.nspname::text, u.relname::text, u.attname::text, s.seqrelid::bigint, sn.nspname::text, sc.relname::text,
    s.seqmax
FROM used u
JOIN pg_catalog.pg_sequence s ON s.seqrelid = u.sequence AND s.seqincrement > 0
JOIN pg_catalog.pg_class sc ON sc.oid = s.seqrelid
JOIN pg_catalog.pg_namespace sn ON sn.oid = sc.relnamespace
ORDER BY 1, 2, 3
