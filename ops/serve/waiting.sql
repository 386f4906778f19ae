-- Rows that wait for another row, by the entity they wait for. Of the view parked only what needs no look into the mapping.
SELECT entity, reason, waits_for, count(*) AS rows
FROM understudy.waiting
WHERE generation = understudy.generation(entity) AND reason <> 'rule'
GROUP BY entity, reason, waits_for
ORDER BY entity, rows DESC, waits_for
