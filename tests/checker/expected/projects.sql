SELECT id::text AS legacy_key, false AS excluded, CASE WHEN state NOT IN (0, 1, 2, 3) THEN 'state' END AS dead,
       patient_id::text AS patient_id, plan_id::text AS active_plan_id, title,
       CASE state WHEN 0 THEN 'open' WHEN 1 THEN 'running' WHEN 2 THEN 'on_hold' ELSE 'done' END AS state,
       budget::numeric(14, 2) AS budget,
       timezone('Europe/Vienna', started) AS started_at,
       deadline AS due_on
FROM public.projects
