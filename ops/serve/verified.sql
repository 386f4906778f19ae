-- The newest verification of each entity, as `understudy verify` has kept it. A sample says nothing of the rows that it left out.
SELECT DISTINCT ON (e.entity) e.entity, e.compared, e.differing, e.found, e.differences, v.scope, v.lsn, v.at, v.seconds, v.who
FROM understudy.verified_entities e
JOIN understudy.verifications v ON v.id = e.verification
WHERE v.scope <> 'sample'
ORDER BY e.entity, v.id DESC
