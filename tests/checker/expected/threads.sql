SELECT id::text AS legacy_key, false AS excluded, CASE WHEN kind NOT BETWEEN 1 AND 3 THEN 'kind' END AS dead,
       CASE WHEN betreff <> '' THEN betreff END AS subject,
       (ARRAY['direct', 'group', 'support'])[kind] AS kind,
       patient_id::text AS patient_id, opened_by::text AS opened_by,
       CASE WHEN tags IS NULL THEN ARRAY[]::text[] ELSE tags::text[] END AS tags,
       timezone('Europe/Vienna', opened) AS opened_at, timezone('Europe/Vienna', closed) AS closed_at
FROM public.threads
