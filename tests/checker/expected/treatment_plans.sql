SELECT id::text AS legacy_key, false AS excluded, NULL::text AS dead,
       projekt_id::text AS project_id, dr_id::text AS doctor_id, ver AS revision,
       (CASE WHEN ver IN (1, 2) THEN cost * 100 ELSE cost END * 0.01)::numeric(14, 2) AS cost,
       body, meta::jsonb AS details,
       timezone('Europe/Vienna', created) AS created_at
FROM public.treatment_plans
