-- Row level security on every table: the owner (who applies the migration) is not subject to it,
-- the service role sees everything, everybody else nothing until a policy says so.
DO $$
DECLARE
    table_name text;
BEGIN
    FOR table_name IN SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = 'clinic' LOOP
        EXECUTE format('ALTER TABLE clinic.%I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('CREATE POLICY service ON clinic.%I TO clinic_service USING (true) WITH CHECK (true)', table_name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON clinic.%I TO clinic_service', table_name);
    END LOOP;
END
$$;
