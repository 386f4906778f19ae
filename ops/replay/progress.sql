-- How far the shadow of each entity is: its phase, why it stopped, and how many records the live one is ahead.
-- Parameter: text[]: the entities.
SELECT s.entity, s.phase, s.stopped_reason,
    (SELECT coalesce(sum(greatest(l.next_offset - coalesce(c.next_offset, 0), 0)), 0)::bigint
     FROM understudy.checkpoints l
     LEFT JOIN understudy.checkpoints c
        ON c.generation = 2 AND c.entity = l.entity AND c.topic = l.topic AND c.partition = l.partition
     WHERE l.generation = 1 AND l.entity = s.entity),
    (s.truncated_epoch, s.truncated_lsn, s.truncated_ordinal) >= (l.truncated_epoch, l.truncated_lsn, l.truncated_ordinal)
FROM understudy.entities s
JOIN understudy.entities l ON l.generation = 1 AND l.entity = s.entity
WHERE s.generation = 2 AND s.entity = ANY (%s)
ORDER BY s.entity
