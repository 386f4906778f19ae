-- The checkpoints of some entities, locked: one writer per partition.
-- Parameters: %(entities)s text[]; %(topics)s text[] and %(partitions)s int[], side by side, or NULL for all partitions.
SELECT entity, topic, partition, next_offset
FROM understudy.checkpoints
WHERE generation = 1 AND entity = ANY(%(entities)s)
    AND (%(topics)s::text[] IS NULL
        OR (topic, partition) IN (SELECT * FROM unnest(%(topics)s::text[], %(partitions)s::int[])))
ORDER BY entity, topic, partition
FOR UPDATE
