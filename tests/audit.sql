-- What the target itself saw while a pipeline ran: it is asked at the end, and believes nothing that the pipeline says.
CREATE SCHEMA audit;

CREATE TABLE audit.steps (
    n bigint GENERATED ALWAYS AS IDENTITY, entity text, topic text, partition int, was bigint, is_now bigint
);
CREATE FUNCTION audit.note_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit.steps (entity, topic, partition, was, is_now)
    VALUES (NEW.entity, NEW.topic, NEW.partition, OLD.next_offset, NEW.next_offset);
    RETURN NULL;
END $$;
CREATE TRIGGER audit AFTER UPDATE OF next_offset ON understudy.checkpoints FOR EACH ROW EXECUTE FUNCTION audit.note_step();

CREATE TABLE audit.mappings_back (entity text, legacy_key text);
CREATE FUNCTION audit.note_mapping() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit.mappings_back VALUES (OLD.entity, OLD.legacy_key);
    RETURN NULL;
END $$;
-- A key keeps its UUID, and its event id never goes back.
CREATE TRIGGER audit AFTER UPDATE ON understudy.migration_mappings FOR EACH ROW
WHEN (NEW.id <> OLD.id OR (NEW.epoch, NEW.commit_lsn, NEW.ordinal) < (OLD.epoch, OLD.commit_lsn, OLD.ordinal))
EXECUTE FUNCTION audit.note_mapping();
