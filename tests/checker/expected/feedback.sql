SELECT id::text AS legacy_key, false AS excluded, CASE WHEN code < 1 OR code > 4 THEN 'code' END AS dead,
       profile_id::text AS profile_id,
       (ARRAY['praise', 'complaint', 'question', 'other'])[code] AS topic,
       CASE WHEN text IS NULL THEN '' ELSE text END AS body,
       jsonb_build_object('tel', tel, 'name', name) AS contact,
       tel AS phone, answered <> 'N' AS answered,
       timezone('Europe/Vienna', created) AS created_at
FROM public.feedback
