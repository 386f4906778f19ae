SELECT id::text AS legacy_key, false AS excluded, CASE WHEN rate_cents < 0 THEN 'rate' END AS dead,
       code, bezeichnung AS name, (rate_cents * 0.01)::numeric(14, 2) AS hourly_rate,
       CASE WHEN sort IS NULL THEN 999 ELSE sort END AS position
FROM public.technician_roles
