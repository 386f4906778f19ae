-- What LIKE does not bring along and the apply depends on, as statements in their order: the names of indexes, foreign
-- keys among these tables, and the triggers that may change a row before it is written.
-- Parameters: %(shadow)s: the schema; %(oids)s bigint[]: the live tables.
WITH live AS (
    SELECT c.oid, c.relname, format('%%I.%%I', %(shadow)s::text, c.relname) AS shadow,
        (SELECT s.oid FROM pg_catalog.pg_class s
         WHERE s.relname = c.relname AND s.relnamespace = to_regnamespace(quote_ident(%(shadow)s))) AS shadow_oid
    FROM pg_catalog.pg_class c WHERE c.oid = ANY (%(oids)s::oid[])
), indexes AS (
    -- LIKE makes them in the order of their oids.
    SELECT i.indrelid, c.oid, c.relname, row_number() OVER (PARTITION BY i.indrelid ORDER BY c.oid) AS n
    FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
), named AS (
    SELECT s.oid, s.relname AS made, o.relname AS name
    FROM live
    JOIN indexes o ON o.indrelid = live.oid
    JOIN indexes s ON s.indrelid = live.shadow_oid AND s.n = o.n
    WHERE s.relname <> o.relname
)
SELECT 1, oid, format('ALTER INDEX %%I.%%I RENAME TO %%I', %(shadow)s::text, made, 'understudy_' || oid) FROM named
UNION ALL
SELECT 2, oid, format('ALTER INDEX %%I.%%I RENAME TO %%I', %(shadow)s::text, 'understudy_' || oid, name) FROM named
UNION ALL
SELECT 3, k.oid, format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', live.shadow, k.conname,
    replace(pg_get_constraintdef(k.oid), format(' REFERENCES %%s(', k.confrelid::regclass), format(' REFERENCES %%s(', p.shadow)))
FROM pg_catalog.pg_constraint k
JOIN live ON live.oid = k.conrelid
JOIN live p ON p.oid = k.confrelid
WHERE k.contype = 'f'
UNION ALL
-- Bits of tgtype: 1 for each row, 2 before.
SELECT 4, t.oid, replace(pg_get_triggerdef(t.oid), format(' ON %%s ', t.tgrelid::regclass), format(' ON %%s ', live.shadow))
FROM pg_catalog.pg_trigger t
JOIN live ON live.oid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND t.tgtype & 3 = 3
ORDER BY 1, 2
