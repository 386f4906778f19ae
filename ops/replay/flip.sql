-- What is known of the shadow of an entity becomes what is known of the live one. The live rows stay, for those who
-- wait for them: they find that they are to begin again. Parameters: %(entity)s; %(target)s and %(hash)s of its rules.
UPDATE understudy.entities l
SET target = %(target)s, spec_hash = %(hash)s, spec_version = s.spec_version, epoch = s.epoch,
    truncated_epoch = s.truncated_epoch, truncated_lsn = s.truncated_lsn, truncated_ordinal = s.truncated_ordinal,
    resynced_epoch = s.resynced_epoch, resynced_lsn = s.resynced_lsn,
    held_at = NULL, stopped_at = NULL, stopped_reason = NULL, reload_at = clock_timestamp()
FROM understudy.entities s
WHERE l.generation = 1 AND l.entity = %(entity)s AND s.generation = 2 AND s.entity = l.entity;
DELETE FROM understudy.entities WHERE generation = 2 AND entity = %(entity)s;
UPDATE understudy.checkpoints l
SET next_offset = s.next_offset, topic_id = s.topic_id, leader_epoch = s.leader_epoch, watermark = s.watermark,
    watermark_ms = s.watermark_ms, held_offset = NULL, held_until = NULL, updated_at = now()
FROM understudy.checkpoints s
WHERE l.generation = 1 AND l.entity = %(entity)s AND s.generation = 2 AND s.entity = l.entity
    AND s.topic = l.topic AND s.partition = l.partition;
DELETE FROM understudy.checkpoints WHERE generation = 2 AND entity = %(entity)s;
DELETE FROM understudy.waiting WHERE generation = 1 AND entity = %(entity)s;
UPDATE understudy.waiting SET generation = 1 WHERE generation = 2 AND entity = %(entity)s;
-- Nobody has looked at these tables since they are live.
DELETE FROM understudy.verified_entities WHERE entity = %(entity)s
