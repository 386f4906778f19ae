-- The generation of an entity's rows that a session works on. 1 is the live one. A session that rebuilds entities names
-- them in its setting understudy.shadow, as an array: of these it sees the second generation, of others the live one.
-- A mapping has no second generation: while an entity is rebuilt, its new leaf lies beside its new table.
CREATE FUNCTION understudy.generation(entity text) RETURNS int
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN entity = ANY (nullif(current_setting('understudy.shadow', true), '')::text[]) THEN 2 ELSE 1 END
$$;

-- What is known of the entity finds the row; the generation, which is asked of that row, comes last.
ALTER TABLE understudy.entities DROP CONSTRAINT entities_pkey, ADD PRIMARY KEY (entity, generation);
ALTER TABLE understudy.checkpoints DROP CONSTRAINT checkpoints_pkey,
    ADD PRIMARY KEY (entity, topic, partition, generation);
ALTER TABLE understudy.waiting DROP CONSTRAINT waiting_pkey, ADD PRIMARY KEY (entity, source, legacy_key, generation);

INSERT INTO understudy.schema_version (version) VALUES (7);
