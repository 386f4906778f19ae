SELECT c.id::text AS legacy_key, false AS excluded,
       CASE WHEN length(titel) = 0 THEN 'title'
            WHEN (order_id IS NULL) = (patient_id IS NULL) THEN 'subject'
            WHEN s.english IS NULL THEN 'state' END AS dead,
       order_id::text AS order_id, patient_id::text AS patient_id, titel AS title,
       s.english AS state,
       CASE WHEN prio = 'A' THEN 'high' WHEN prio = 'C' THEN 'low' ELSE 'normal' END AS priority,
       timezone('Europe/Vienna', opened) AS opened_at, timezone('Europe/Vienna', closed) AS closed_at,
       meta::jsonb AS details
FROM public.cases AS c
LEFT JOIN (VALUES ('NEU', 'new'), ('IN_ARBEIT', 'in_progress'), ('WARTET', 'waiting'), ('QS', 'quality_control'), ('FERTIG', 'done')) AS s (german, english)
    ON s.german = c.state
