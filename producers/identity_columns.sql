-- Columns of the index that is the replica identity of table %(oid)s.
-- Source: PostgreSQL manual, "pg_index".
SELECT a.attname::text
FROM pg_catalog.pg_index i
CROSS JOIN unnest(i.indkey::int2[]) AS k (attnum)
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = %(oid)s::bigint::oid AND i.indisreplident
