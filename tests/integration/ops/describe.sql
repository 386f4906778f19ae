-- What the server knows of the tables of a schema, of what belongs to them and of what refers to them; one line each.
WITH tables AS (
    SELECT c.*, c.oid::regclass::text AS name FROM pg_class c
    WHERE c.relnamespace = 'shop'::regnamespace AND c.relkind IN ('r', 'p')
)
SELECT concat_ws(' | ', 'table', name, relreplident, relrowsecurity, relforcerowsecurity, reloptions::text,
    pg_get_userbyid(relowner), (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(coalesce(relacl, acldefault('r', relowner))) a)::text,
    obj_description(oid, 'pg_class')) AS line
FROM tables
UNION ALL
SELECT concat_ws(' | ', 'column', name, attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated,
    attacl::text, attstattarget, pg_get_expr(adbin, adrelid), pg_get_serial_sequence(name, attname), col_description(t.oid, attnum))
FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND attnum > 0
LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = attnum
UNION ALL
SELECT concat_ws(' | ', 'constraint', name, conname, pg_get_constraintdef(k.oid), convalidated,
    obj_description(k.oid, 'pg_constraint'))
FROM tables t JOIN pg_constraint k ON k.conrelid = t.oid
UNION ALL
SELECT concat_ws(' | ', 'index', pg_get_indexdef(indexrelid), obj_description(indexrelid, 'pg_class'))
FROM tables t JOIN pg_index ON indrelid = t.oid
UNION ALL
SELECT concat_ws(' | ', 'trigger', pg_get_triggerdef(g.oid), tgenabled, obj_description(g.oid, 'pg_trigger'))
FROM tables t JOIN pg_trigger g ON tgrelid = t.oid WHERE NOT tgisinternal
UNION ALL
SELECT concat_ws(' | ', 'policy', name, polname, polcmd, polpermissive, polroles::regrole[]::text,
    pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid), obj_description(p.oid, 'pg_policy'))
FROM tables t JOIN pg_policy p ON polrelid = t.oid
UNION ALL
SELECT concat_ws(' | ', 'view', c.oid::regclass, reloptions::text, relacl::text, pg_get_viewdef(c.oid), obj_description(c.oid, 'pg_class'))
FROM pg_class c WHERE relnamespace = 'shop'::regnamespace AND relkind = 'v'
UNION ALL
SELECT concat_ws(' | ', 'function', pg_get_functiondef(oid), proacl::text) FROM pg_proc WHERE pronamespace = 'shop'::regnamespace
UNION ALL
SELECT DISTINCT concat_ws(' | ', 'dependent', pg_describe_object(classid, objid, objsubid), deptype, name)
FROM tables t JOIN pg_depend ON refclassid = 'pg_class'::regclass AND refobjid = t.oid
WHERE pg_describe_object(classid, objid, objsubid) !~ 'pg_toast|RI_ConstraintTrigger'
UNION ALL
SELECT concat_ws(' | ', 'sequence', schemaname, sequencename, increment_by, cycle)
FROM pg_sequences WHERE schemaname = 'shop'
ORDER BY 1
