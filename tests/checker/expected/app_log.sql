SELECT id::text AS legacy_key, level = 'DEBUG' AS excluded,
       CASE WHEN level NOT IN ('DEBUG', 'INFO', 'WARN', 'ERROR') THEN 'level' END AS dead,
       CASE level WHEN 'WARN' THEN 'warning' ELSE lower(level) END AS level,
       logger, message, profile_id::text AS profile_id, context::jsonb AS context,
       timezone('Europe/Vienna', at) AS logged_at
FROM public.app_log
