-- How many records lie between the checkpoints and the ends of a marker, and how many partitions do not know of it yet:
-- the watermark says that truncations up to the marker are obeyed too.
-- Parameters: %(entities)s text[], %(topics)s text[], %(partitions)s int[], %(ends)s bigint[], side by side; %(lsn)s.
SELECT coalesce(sum(greatest(m.end_offset - coalesce(c.next_offset, 0), 0)), 0)::bigint,
    count(*) FILTER (WHERE c.watermark IS NULL OR c.watermark < %(lsn)s OR c.next_offset < m.end_offset)
FROM unnest(%(entities)s::text[], %(topics)s::text[], %(partitions)s::int[], %(ends)s::bigint[])
    AS m (entity, topic, partition, end_offset)
LEFT JOIN understudy.checkpoints c
    ON c.generation = understudy.generation(c.entity) AND c.entity = m.entity AND c.topic = m.topic AND c.partition = m.partition
