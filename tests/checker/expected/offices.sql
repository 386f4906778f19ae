SELECT id::text AS legacy_key, false AS excluded, NULL::text AS dead,
       code::text AS code, name::text AS name, adress::text AS street, zip::text AS postal_code, town::text AS town,
       CASE WHEN cntry IS NULL THEN 'AT' ELSE cntry END AS country,
       opening::jsonb AS opening_hours,
       active <> 'N' AS active,
       timezone('Europe/Vienna', created) AS created_at
FROM public.offices
