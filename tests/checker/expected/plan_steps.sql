SELECT format('["%s","%s"]', plan_id, nr) AS legacy_key, false AS excluded,
       CASE WHEN erledigt NOT IN ('Y', 'N') THEN 'done' END AS dead,
       plan_id::text AS plan_id, nr AS position, titel AS title,
       make_interval(days => trunc(wochen * 7)::integer, hours => (wochen * 168 % 24)::integer) AS duration,
       erledigt = 'Y' AS done,
       due AS due_on
FROM public.plan_steps
