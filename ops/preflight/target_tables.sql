-- What neither schemas.table nor consumers.catalog knows of the named target tables.
-- Parameters: %(schemas)s and %(tables)s (text[], side by side).
-- Sources: PostgreSQL manual, "pg_class", "pg_trigger", "Row Security Policies", "Access Privilege Inquiry Functions".
SELECT n.nspname::text AS schema, c.relname::text AS name,
    c.relrowsecurity AND NOT (r.rolsuper OR r.rolbypassrls OR (pg_has_role(c.relowner, 'USAGE') AND NOT c.relforcerowsecurity)) AS obeys_policies,
    array(SELECT p.word FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p (word)
          WHERE NOT has_table_privilege(c.oid, p.word)) AS missing_rights,
    array(SELECT t.tgname::text FROM pg_catalog.pg_trigger t
          WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') ORDER BY t.tgname) AS triggers
FROM unnest(%(schemas)s::text[], %(tables)s::text[]) AS w (schema, name)
JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
JOIN pg_catalog.pg_roles r ON r.rolname = current_user
