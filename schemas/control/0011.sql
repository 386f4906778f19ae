-- A resync of the legacy table: asked for at an LSN of the source, and open until `resynced` is beyond it. Then what was
-- known of a key from before `resynced`, and was not read again, is deleted.
ALTER TABLE understudy.entities
    ADD resync_asked_lsn bigint NOT NULL DEFAULT 0,
    ADD resynced_epoch int NOT NULL DEFAULT 0,
    ADD resynced_lsn bigint NOT NULL DEFAULT 0;

INSERT INTO understudy.schema_version (version) VALUES (11);
