-- Each entity of the running generation, with what waits and where its consumers stand.
-- Materialized: the planner expects one row of each, and would count anew for every entity.
WITH parked AS MATERIALIZED (
    SELECT entity, jsonb_object_agg(reason, rows) AS waiting
    FROM (
        SELECT entity, reason, count(*) AS rows
        FROM understudy.waiting WHERE generation = understudy.generation(entity) AND reason <> 'rule' GROUP BY 1, 2
    ) AS counted
    GROUP BY entity
), dead AS MATERIALIZED (
    SELECT entity, jsonb_object_agg(reason, rows) AS dead_letters
    FROM (
        SELECT entity, concat_ws(' ', sqlstate, constraint_name, column_name) AS reason, count(*) AS rows
        FROM understudy.waiting WHERE generation = understudy.generation(entity) AND reason = 'rule' GROUP BY 1, 2
    ) AS counted
    GROUP BY entity
), consumers AS MATERIALIZED (
    SELECT entity, jsonb_agg(jsonb_build_array(topic, partition, next_offset, watermark, watermark_ms,
        (extract(epoch FROM clock_timestamp() - updated_at) * 1000)::bigint)) AS checkpoints
    FROM understudy.checkpoints WHERE generation = understudy.generation(entity) GROUP BY entity
)
SELECT e.entity, e.target, e.phase, e.held_at IS NOT NULL AS is_paused, e.stopped_reason,
    coalesce(parked.waiting, '{}') AS waiting,
    coalesce(dead.dead_letters, '{}') AS dead_letters,
    coalesce(consumers.checkpoints, '[]') AS checkpoints
FROM understudy.entities e
LEFT JOIN parked USING (entity)
LEFT JOIN dead USING (entity)
LEFT JOIN consumers USING (entity)
WHERE e.generation = understudy.generation(e.entity)
ORDER BY e.entity
