SELECT id::text AS legacy_key, false AS excluded, NULL::text AS dead,
       profile_id::text AS profile_id, office_id::text AS office_id,
       (ARRAY['reception', 'assistance', 'hygiene', 'management'])[funktion] AS function,
       stunden AS weekly_hours, seit AS employed_on, bis AS left_on, rechte::jsonb AS permissions
FROM public.office_staff
