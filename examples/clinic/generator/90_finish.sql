-- Every sequence goes on behind the rows that are there.
DO $$
DECLARE
    serial record;
BEGIN
    FOR serial IN
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = 'public' AND column_default LIKE 'nextval(%'
    LOOP
        EXECUTE format('SELECT setval(pg_get_serial_sequence(%L, %L), max(%I)) FROM %I HAVING max(%I) IS NOT NULL',
            serial.table_name, serial.column_name, serial.column_name, serial.table_name, serial.column_name);
    END LOOP;
END
$$;
ANALYZE;
