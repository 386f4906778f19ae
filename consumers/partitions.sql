-- The checkpoints of some entities, locked: one writer per partition; and the offset at which each is held, if it is.
-- Parameters: %(entities)s text[]; %(topics)s text[] and %(partitions)s int[], side by side, or NULL for all partitions.
SELECT entity, topic, partition, next_offset, CASE WHEN held_until > now() THEN held_offset END
FROM understudy.checkpoints
WHERE generation = understudy.generation(entity) AND entity = ANY(%(entities)s)
    AND (%(topics)s::text[] IS NULL
        OR (topic, partition) IN (SELECT * FROM unnest(%(topics)s::text[], %(partitions)s::int[])))
ORDER BY entity, topic, partition
FOR UPDATE
