-- What belongs to live tables and is to belong to those that take their places, as statements: read before the swap,
-- while names mean the live tables, and executed when the same names mean the new ones. `step`: 0 before the tables
-- move, 1 afterwards, 2 what a transaction of its own can validate later.
-- Parameters: %(oids)s bigint[]: the live tables; %(old)s: the schema that they go to. The search path is empty, so that every name has its schema.
WITH live AS (
    SELECT c.*, c.oid::regclass::text AS name FROM pg_catalog.pg_class c WHERE c.oid = ANY (%(oids)s::oid[])
), foreign_keys AS (
    -- Those that cross the border of these tables, in either direction.
    SELECT k.oid, k.conname, k.conrelid, k.convalidated, c.relkind,
        format('ALTER TABLE %%s', k.conrelid::regclass) AS at, pg_get_constraintdef(k.oid) AS definition
    FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
    WHERE k.contype = 'f' AND k.conparentid = 0
        AND (k.conrelid = ANY (%(oids)s::oid[])) <> (k.confrelid = ANY (%(oids)s::oid[]))
), sequences AS (
    SELECT s.oid::regclass::text AS name, s.relname, d.deptype, format('%%s.%%I', live.name, a.attname) AS of_column,
        live.name AS of_table, a.attname
    FROM live
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = live.oid
        AND d.classid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i')
    JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
    JOIN pg_catalog.pg_attribute a ON a.attrelid = live.oid AND a.attnum = d.refobjsubid
), policies AS (
    SELECT p.*, p.polrelid::regclass::text AS of_table,
        coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
        || coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '') AS conditions
    FROM pg_catalog.pg_policy p
), granted AS (
    SELECT live.name, NULL::name AS attname, a.* FROM live, aclexplode(live.relacl) AS a
    UNION ALL
    SELECT live.name, t.attname, a.* FROM live
    JOIN pg_catalog.pg_attribute t ON t.attrelid = live.oid, aclexplode(t.attacl) AS a
)
SELECT 0 AS step, 1 AS n, at || format(' DROP CONSTRAINT %%I', conname) AS statement FROM foreign_keys
UNION ALL
-- An owned sequence would move along with the old table.
SELECT 0, 2, format('ALTER SEQUENCE %%s OWNED BY NONE', name) FROM sequences WHERE deptype = 'a'
UNION ALL
SELECT 1, 0, format('ALTER TABLE %%s OWNER TO %%I', name, pg_get_userbyid(relowner)) FROM live
WHERE relowner <> (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)
UNION ALL
SELECT 1, 1, format('ALTER SEQUENCE %%s OWNED BY %%s', name, of_column) FROM sequences WHERE deptype = 'a'
UNION ALL
SELECT 1, 2, format('ALTER TABLE %%s REPLICA IDENTITY %%s', name, CASE relreplident WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING'
    ELSE 'USING INDEX ' || (SELECT quote_ident(i.relname) FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
                            WHERE x.indrelid = live.oid AND x.indisreplident) END)
FROM live WHERE relreplident <> 'd'
UNION ALL
SELECT 1, 3, format('COMMENT ON TABLE %%s IS %%L', name, obj_description(oid, 'pg_class')) FROM live
WHERE obj_description(oid, 'pg_class') IS NOT NULL
UNION ALL
SELECT 1, 4, at || format(' ADD CONSTRAINT %%I %%s', conname, definition)
    || CASE WHEN convalidated AND relkind = 'r' THEN ' NOT VALID' ELSE '' END
FROM foreign_keys
UNION ALL
SELECT 1, 5, pg_get_triggerdef(t.oid) FROM pg_catalog.pg_trigger t JOIN live ON live.oid = t.tgrelid
WHERE NOT t.tgisinternal AND NOT (t.tgenabled IN ('O', 'A') AND t.tgtype & 3 = 3)
UNION ALL
SELECT 1, 6, format('ALTER TABLE %%s %%s TRIGGER %%I', t.tgrelid::regclass,
    CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END, t.tgname)
FROM pg_catalog.pg_trigger t JOIN live ON live.oid = t.tgrelid WHERE NOT t.tgisinternal AND t.tgenabled <> 'O'
UNION ALL
SELECT 1, 7, format('CREATE POLICY %%I ON %%s AS %%s FOR %%s TO %%s', p.polname, p.of_table,
    CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
    CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
    (SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END, ', ') FROM unnest(p.polroles) AS r))
    || p.conditions
FROM policies p JOIN live ON live.oid = p.polrelid
UNION ALL
SELECT DISTINCT 1, 8, format('ALTER POLICY %%I ON %%s', p.polname, p.of_table) || p.conditions
FROM policies p
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_policy'::regclass AND d.objid = p.oid
    AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = ANY (%(oids)s::oid[])
WHERE NOT p.polrelid = ANY (%(oids)s::oid[])
UNION ALL
SELECT 1, 9, format('ALTER TABLE %%s ENABLE ROW LEVEL SECURITY', name) FROM live WHERE relrowsecurity
UNION ALL
SELECT 1, 10, format('ALTER TABLE %%s FORCE ROW LEVEL SECURITY', name) FROM live WHERE relforcerowsecurity
UNION ALL
-- The columns are the same, so views of views stay as they are.
SELECT DISTINCT 1, 11, format('CREATE OR REPLACE VIEW %%s%%s AS %%s', v.oid::regclass,
    ' WITH (' || array_to_string(v.reloptions, ', ') || ')', rtrim(pg_get_viewdef(v.oid), ';'))
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_rewrite r ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND r.oid = d.objid
JOIN pg_catalog.pg_class v ON v.oid = r.ev_class AND v.relkind = 'v'
WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = ANY (%(oids)s::oid[])
UNION ALL
SELECT DISTINCT 1, 11, pg_get_functiondef(d.objid)
FROM pg_catalog.pg_depend d
WHERE d.classid = 'pg_catalog.pg_proc'::regclass
    AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = ANY (%(oids)s::oid[])
UNION ALL
SELECT 1, 12, format('GRANT %%s%%s ON %%s TO %%s%%s', privilege_type, '(' || quote_ident(attname) || ')', name,
    CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
    CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM granted
UNION ALL
SELECT 1, 13, format('SELECT setval(pg_get_serial_sequence(%%L, %%L), last_value, is_called) FROM %%I.%%I', of_table, attname,
    %(old)s::text, relname)
FROM sequences WHERE deptype = 'i'
UNION ALL
SELECT 1, 14, format('ALTER TABLE %%s ALTER %%I SET GENERATED ALWAYS', name, attname)
FROM live JOIN pg_catalog.pg_attribute a ON a.attrelid = live.oid AND a.attidentity = 'a'
UNION ALL
SELECT 1, 15, format('COMMENT ON CONSTRAINT %%I ON %%s IS %%L', k.conname, k.conrelid::regclass, obj_description(k.oid, 'pg_constraint'))
FROM pg_catalog.pg_constraint k
WHERE k.contype = 'f' AND (k.conrelid = ANY (%(oids)s::oid[]) OR k.confrelid = ANY (%(oids)s::oid[]))
    AND obj_description(k.oid, 'pg_constraint') IS NOT NULL
UNION ALL
SELECT 1, 16, format('COMMENT ON TRIGGER %%I ON %%s IS %%L', t.tgname, name, obj_description(t.oid, 'pg_trigger'))
FROM pg_catalog.pg_trigger t JOIN live ON live.oid = t.tgrelid
WHERE NOT t.tgisinternal AND obj_description(t.oid, 'pg_trigger') IS NOT NULL
UNION ALL
SELECT 1, 17, format('COMMENT ON POLICY %%I ON %%s IS %%L', p.polname, p.of_table, obj_description(p.oid, 'pg_policy'))
FROM policies p JOIN live ON live.oid = p.polrelid WHERE obj_description(p.oid, 'pg_policy') IS NOT NULL
UNION ALL
SELECT 2, 1, at || format(' VALIDATE CONSTRAINT %%I', conname) FROM foreign_keys WHERE convalidated AND relkind = 'r'
ORDER BY 1, 2
