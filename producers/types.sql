-- The names of types by OID and modifier, in the order given, with the type that holds every text of them
-- (schemas/catalog.sql says the same of the columns of a table).
-- Parameters: %(oids)s bigint[], %(modifiers)s int[], side by side.
-- Source: PostgreSQL manual, "pg_type".
WITH RECURSIVE wanted AS (
    SELECT * FROM unnest(%(oids)s::bigint[], %(modifiers)s::int[]) WITH ORDINALITY AS w (typid, typmod, position)
), unwrapped AS (
    SELECT position, typid::oid AS typid, typmod FROM wanted
    UNION ALL
    SELECT u.position, t.typbasetype, CASE WHEN t.typtypmod >= 0 THEN t.typtypmod ELSE u.typmod END
    FROM unwrapped u
    JOIN pg_catalog.pg_type t ON t.oid = u.typid
    WHERE t.typtype = 'd'
), base AS (
    SELECT u.position,
        CASE WHEN n.nspname = 'pg_catalog' THEN pg_catalog.format_type(u.typid, u.typmod) ELSE 'text' END AS name
    FROM unwrapped u
    JOIN pg_catalog.pg_type t ON t.oid = u.typid AND t.typtype <> 'd'
    JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
)
SELECT CASE WHEN base.name IS NULL THEN 'text' ELSE pg_catalog.format_type(w.typid::oid, w.typmod) END,
    coalesce(base.name, 'text')
FROM wanted w
LEFT JOIN base USING (position)
ORDER BY w.position
