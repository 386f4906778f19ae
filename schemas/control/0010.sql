-- A resync of the legacy table: asked for at an LSN of the source, and open until `resynced` is beyond it. Then what was
-- known of a key from before `resynced`, and was not read again, is deleted.
ALTER TABLE understudy.entities
    ADD resync_asked_lsn bigint NOT NULL DEFAULT 0,
    ADD resynced_epoch int NOT NULL DEFAULT 0,
    ADD resynced_lsn bigint NOT NULL DEFAULT 0;

-- One column of a legacy key that has several: their texts in a JSON array. The same text always means the same array.
CREATE FUNCTION understudy.key_part(legacy_key text, place int) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT legacy_key::json ->> place $$;

-- Old id -> UUID of the row that stands in the target for it; of a key that has moved, that of its row now. NULL where
-- there is none. For roles that may not read the mapping, where the originals are: see understudy ids.
CREATE FUNCTION understudy.id_of(of_entity text, old_key text) RETURNS uuid
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    hops_max CONSTANT int := 1000;  -- A key may come back to where it was.
    key text := old_key;
    found_id uuid;
    found_state "char";
    found_moved_to text;
BEGIN
    FOR hop IN 1..hops_max LOOP
        SELECT m.id, m.state, m.moved_to INTO found_id, found_state, found_moved_to
        FROM understudy.migration_mappings m
        WHERE m.entity = of_entity AND m.legacy_key = key AND m.generation = 1;
        EXIT WHEN NOT FOUND;
        IF found_state = 'l' THEN
            RETURN found_id;
        ELSIF found_moved_to IS NULL THEN
            RETURN NULL;
        END IF;
        key := found_moved_to;
    END LOOP;
    IF NOT EXISTS (SELECT FROM understudy.entities e WHERE e.entity = of_entity) THEN
        RAISE EXCEPTION 'understudy has no entity %', of_entity USING ERRCODE = 'undefined_object';
    END IF;
    RETURN (SELECT o.id FROM understudy.identity_overrides o WHERE o.entity = of_entity AND o.legacy_key = key);
END $$;
REVOKE ALL ON FUNCTION understudy.id_of FROM PUBLIC;

INSERT INTO understudy.schema_version (version) VALUES (10);
