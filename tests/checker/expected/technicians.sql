SELECT id::text AS legacy_key, false AS excluded, NULL::text AS dead,
       profile_id::text AS profile_id, kuerzel::text AS initials, skills::text[] AS skills,
       std_satz::numeric(14, 2) AS hourly_rate, eingetreten AS joined_on, ausgetreten AS left_on,
       aktiv <> 'N' AS active
FROM public.technicians
