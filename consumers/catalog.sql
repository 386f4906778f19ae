-- Unique indexes and foreign keys of one target table, and the foreign keys that refer to it.
-- Parameter: %(oid)s. One row each: kind ('unique', 'out', 'in'), name, columns, other table's oid, schema, name,
-- other columns, deferrable, whether plain (no expression, no predicate), nulls not distinct, action on delete.
SELECT 'unique', c.relname::text,
    (SELECT array_agg(a.attname::text ORDER BY k.position)
     FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, position)
     JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
     WHERE k.position <= i.indnkeyatts),
    NULL::bigint, NULL::text, NULL::text, NULL::text[],
    NOT i.indimmediate, i.indexprs IS NULL AND i.indpred IS NULL, coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false),
    NULL::text
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = %(oid)s AND i.indisunique AND i.indisvalid
UNION ALL
SELECT CASE WHEN k.conrelid = %(oid)s THEN 'out' ELSE 'in' END, k.conname::text,
    (SELECT array_agg(a.attname::text ORDER BY p.position)
     FROM unnest(k.conkey) WITH ORDINALITY AS p (attnum, position)
     JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = p.attnum),
    CASE WHEN k.conrelid = %(oid)s THEN k.confrelid ELSE k.conrelid END::bigint, n.nspname::text, o.relname::text,
    (SELECT array_agg(a.attname::text ORDER BY p.position)
     FROM unnest(k.confkey) WITH ORDINALITY AS p (attnum, position)
     JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = p.attnum),
    k.condeferrable, true, false, k.confdeltype::text
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class o ON o.oid = CASE WHEN k.conrelid = %(oid)s THEN k.confrelid ELSE k.conrelid END
JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace
WHERE k.contype = 'f' AND %(oid)s IN (k.conrelid, k.confrelid) AND k.conparentid = 0
ORDER BY 1, 2
