-- Dead letters and parked rows, by the name of the gate that counts them.
-- Parameters: %(entities)s text[]; %(older_s)s: only what has waited for so long.
SELECT CASE reason WHEN 'rule' THEN 'dead-letters:' ELSE 'parked:' END || entity, count(*)
FROM understudy.waiting
WHERE generation = understudy.generation(entity) AND entity = ANY (%(entities)s) AND first_at <= clock_timestamp() - make_interval(secs => %(older_s)s)
GROUP BY 1
ORDER BY 1
