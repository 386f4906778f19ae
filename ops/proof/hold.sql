-- Hold every partition where it stands, or at the offsets given: nothing at or beyond is applied until then.
-- Whoever applies a batch has its checkpoints locked, so this waits for it; in the same order, so that neither blocks
-- the other. Parameters: %(topics)s text[], %(partitions)s int[], %(offsets)s bigint[], side by side; %(seconds)s.
WITH wanted AS (
    SELECT * FROM unnest(%(topics)s::text[], %(partitions)s::int[], %(offsets)s::bigint[]) AS w (topic, partition, held_offset)
), locked AS (
    SELECT c.generation, c.entity, c.topic, c.partition, coalesce(w.held_offset, c.next_offset) AS held_offset
    FROM understudy.checkpoints c LEFT JOIN wanted w ON w.topic = c.topic AND w.partition = c.partition
    WHERE c.generation = understudy.generation(c.entity) AND c.entity = ANY (%(entities)s)
    ORDER BY c.entity, c.topic, c.partition
    FOR UPDATE OF c
)
UPDATE understudy.checkpoints c
SET held_offset = locked.held_offset, held_until = clock_timestamp() + make_interval(secs => %(seconds)s)
FROM locked
WHERE c.generation = locked.generation AND c.entity = locked.entity AND c.topic = locked.topic
    AND c.partition = locked.partition
RETURNING c.topic, c.partition, c.held_offset
