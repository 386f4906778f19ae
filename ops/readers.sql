-- Views that show old ids, and views elsewhere that read them: they go with the schema understudy.
WITH RECURSIVE reading (oid) AS (
    SELECT c.oid FROM pg_catalog.pg_class c
    WHERE c.relnamespace = to_regnamespace('understudy') AND c.relkind = 'v' AND starts_with(c.relname, 'ids_')
    UNION
    SELECT w.ev_class FROM reading
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = reading.oid
        AND d.classid = 'pg_catalog.pg_rewrite'::regclass
    JOIN pg_catalog.pg_rewrite w ON w.oid = d.objid
)
SELECT DISTINCT oid::regclass::text FROM reading ORDER BY 1
