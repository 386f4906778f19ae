SELECT id::text AS legacy_key, false AS excluded,
       CASE WHEN text = '' THEN 'text' WHEN level NOT IN ('I', 'W', 'E') THEN 'level' END AS dead,
       office_id::text AS office_id,
       CASE level WHEN 'I' THEN 'info' WHEN 'W' THEN 'warning' ELSE 'error' END AS severity,
       text AS message,
       timezone('Europe/Vienna', raised) AS raised_at, timezone('Europe/Vienna', cleared) AS cleared_at
FROM public.alerts
