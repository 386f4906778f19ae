-- A local time that there was is the same when it is read back; one that the clocks skipped is not.
SELECT id::text AS legacy_key, false AS excluded,
       CASE WHEN minuten !~ '^[0-9]+$' THEN 'minutes'
            WHEN state > 3 THEN 'state'
            WHEN timezone('Europe/Vienna', timezone('Europe/Vienna', faellig)) <> faellig THEN 'due' END AS dead,
       fall_nr::text AS case_id, tech_id::text AS technician_id, role_id::text AS role_id,
       timezone('Europe/Vienna', faellig) AS due_at,
       CASE WHEN minuten ~ '^[0-9]+$' THEN minuten::numeric::integer END AS minutes,
       (ARRAY['open', 'started', 'done', 'dropped'])[state + 1] AS state
FROM public.tasks
