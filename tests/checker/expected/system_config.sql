SELECT name::text AS legacy_key, false AS excluded, NULL::text AS dead,
       name, value::jsonb AS value, timezone('Europe/Vienna', changed) AS updated_at, changed_by::text AS updated_by
FROM public.system_config
