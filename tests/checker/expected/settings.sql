SELECT id::text AS legacy_key, obsolet <> 'N' AS excluded, NULL::text AS dead,
       office_id::text AS office_id, name,
       (CASE WHEN wert IS NULL THEN NULL WHEN typ = 'Z' THEN wert WHEN typ = 'B' THEN CASE wert WHEN 'ja' THEN 'true' ELSE 'false' END
             ELSE to_json(wert)::text END)::jsonb AS value,
       timezone('Europe/Vienna', changed) AS updated_at
FROM public.settings
