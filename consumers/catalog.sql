-- Unique indexes, checks and foreign keys of one target table, and the foreign keys that refer to it.
-- Parameter: %(oid)s. One row each: kind ('unique', 'check', 'out', 'in'), name, columns, other table's oid, schema, name,
-- other columns, deferrable, whether plain (no expression, no predicate, no whole row), nulls not distinct, and the actions
-- on delete and on update, a letter each, or the expression of the check. A NOT NULL is a check without a name. There are no checks where a trigger may
-- change a row before it is checked.
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
    k.condeferrable, true, false, concat(k.confdeltype, k.confupdtype)
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class o ON o.oid = CASE WHEN k.conrelid = %(oid)s THEN k.confrelid ELSE k.conrelid END
JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace
WHERE k.contype = 'f' AND %(oid)s IN (k.conrelid, k.confrelid) AND k.conparentid = 0
UNION ALL
SELECT 'check', k.name, k.columns, NULL, NULL, NULL, NULL, false, k.plain, false, k.expression
FROM (
    SELECT c.conname::text, pg_catalog.pg_get_expr(c.conbin, c.conrelid), NOT 0 = ANY(c.conkey),
        (SELECT array_agg(a.attname::text ORDER BY p.position)
         FROM unnest(c.conkey) WITH ORDINALITY AS p (attnum, position)
         JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = p.attnum)
    FROM pg_catalog.pg_constraint c
    WHERE c.contype = 'c' AND c.conrelid = %(oid)s AND coalesce((to_jsonb(c) ->> 'conenforced')::boolean, true)
    UNION ALL
    SELECT NULL, quote_ident(a.attname) || ' IS NOT NULL', true, ARRAY[a.attname::text]
    FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = %(oid)s AND a.attnum > 0 AND a.attnotnull AND NOT a.attisdropped
) AS k (name, expression, plain, columns)
WHERE NOT EXISTS (
    -- Bits of tgtype: 1 for each row, 2 before.
    SELECT FROM pg_catalog.pg_trigger t
    WHERE t.tgrelid = %(oid)s AND NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgtype & 3 = 3)
ORDER BY 1, 2