-- What every captured table calls before a statement that writes, while the fence is closed.
CREATE SCHEMA IF NOT EXISTS understudy;
CREATE OR REPLACE FUNCTION understudy.refuse_writes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('understudy.fence', true) IS NOT DISTINCT FROM 'off' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'the table %.% is closed to writes: it moves to another database', TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'read_only_sql_transaction', HINT = 'understudy cutover status says how far it is.';
END $$;
