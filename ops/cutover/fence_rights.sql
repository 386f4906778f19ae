-- Whether our role may close the fence: roles that do not exist, that is itself one of them, and tables of others.
-- Parameters: %(writers)s text[]; %(schemas)s text[] and %(tables)s text[], side by side.
SELECT current_user = ANY (%(writers)s) AS is_writer,
    ARRAY(SELECT w FROM unnest(%(writers)s::text[]) AS w
          WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = w)) AS unknown,
    (SELECT rolsuper OR rolcreaterole FROM pg_catalog.pg_roles WHERE rolname = current_user) AS may_alter,
    ARRAY(SELECT DISTINCT w.schema || '.' || w.name
          FROM unnest(%(schemas)s::text[], %(tables)s::text[]) AS w (schema, name)
          JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
          JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
          WHERE NOT pg_has_role(c.relowner, 'USAGE')) AS not_ours,
    CASE WHEN to_regnamespace('understudy') IS NULL THEN has_database_privilege(current_database(), 'CREATE')
         ELSE has_schema_privilege('understudy', 'CREATE') END AS may_create
