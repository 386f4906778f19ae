-- What would still mean the old tables after a swap, and cannot be made anew for the new ones, as the server describes
-- it. Views, foreign keys, policies and the bodies of functions can. Parameter: %(oids)s bigint[]: the live tables.
WITH tables AS (
    SELECT c.oid, c.reltype, t.typarray, c.relkind
    FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_type t ON t.oid = c.reltype
    WHERE c.oid = ANY (%(oids)s::oid[])
)
SELECT DISTINCT pg_describe_object(d.classid, d.objid, 0)
FROM tables
JOIN pg_catalog.pg_depend d
    ON (d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = tables.oid)
    OR (d.refclassid = 'pg_catalog.pg_type'::regclass AND d.refobjid IN (tables.reltype, tables.typarray))
LEFT JOIN pg_catalog.pg_rewrite r ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND r.oid = d.objid
LEFT JOIN pg_catalog.pg_class o ON o.oid = CASE
    WHEN d.classid = 'pg_catalog.pg_class'::regclass THEN d.objid ELSE r.ev_class END
WHERE d.classid = 'pg_catalog.pg_publication_rel'::regclass
    OR (d.classid = 'pg_catalog.pg_proc'::regclass AND d.refclassid = 'pg_catalog.pg_type'::regclass)
    OR (r.oid IS NOT NULL AND o.relkind <> 'v')
    OR (r.oid IS NULL AND o.relkind IN ('r', 'p', 'f', 'm', 'v', 'c') AND NOT o.oid = ANY (%(oids)s::oid[]))
UNION
SELECT 'partitions or children of table ' || oid::regclass FROM tables
WHERE relkind <> 'r' OR EXISTS (SELECT FROM pg_catalog.pg_inherits WHERE tables.oid IN (inhrelid, inhparent))
ORDER BY 1
