-- Raise the watermarks of partitions that have reached a marker. Rows that a batch has locked are left to that batch;
-- the result is how many were left.
WITH reached AS (
    SELECT * FROM unnest(%(topics)s::text[], %(partitions)s::int[], %(ends)s::bigint[], %(lsns)s::bigint[], %(source_ms)s::bigint[])
        AS r (topic, partition, end_offset, lsn, source_ms)
), behind AS (
    SELECT c.entity, c.topic, c.partition, r.lsn, r.source_ms
    FROM understudy.checkpoints c
    JOIN reached r ON r.topic = c.topic AND r.partition = c.partition
    WHERE c.generation = understudy.generation(c.entity) AND c.entity = ANY(%(entities)s) AND c.next_offset >= r.end_offset AND c.watermark < r.lsn
), free AS (
    SELECT b.* FROM behind b
    JOIN understudy.checkpoints c
        ON c.generation = understudy.generation(c.entity) AND c.entity = b.entity AND c.topic = b.topic AND c.partition = b.partition
    ORDER BY c.entity, c.topic, c.partition
    FOR UPDATE OF c SKIP LOCKED
), raised AS (
    UPDATE understudy.checkpoints c SET watermark = free.lsn, watermark_ms = free.source_ms
    FROM free
    WHERE c.generation = understudy.generation(c.entity) AND c.entity = free.entity AND c.topic = free.topic AND c.partition = free.partition
    RETURNING c.entity
)
SELECT (SELECT count(*) FROM behind) - (SELECT count(*) FROM raised)
