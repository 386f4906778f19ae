-- Parked rows whose parent is left out by its rules, by entity and the reason that is stored: the view parked says 'parent excluded' of them.
-- It looks into the mapping, all of whose parts the server then has to open.
SELECT w.entity, w.reason, count(*) AS rows
FROM understudy.waiting w
JOIN understudy.migration_mappings m
    ON m.generation = w.generation AND m.entity = w.waits_for AND m.id = w.waits_id AND m.state = 'x'
WHERE w.generation = understudy.generation(w.entity) AND w.reason <> 'rule'
GROUP BY w.entity, w.reason
