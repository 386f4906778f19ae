SELECT id::text AS legacy_key, status = 9 AS excluded,
       CASE WHEN kind NOT IN ('D', 'P', 'S') THEN 'kind' WHEN status NOT IN (1, 2, 9) THEN 'status' END AS dead,
       CASE kind WHEN 'D' THEN 'doctor' WHEN 'P' THEN 'patient' ELSE 'staff' END AS kind,
       fname AS given_name, lname AS family_name, email, tel AS phone, lang AS language,
       CASE status WHEN 1 THEN 'active' ELSE 'locked' END AS status,
       prefs::jsonb AS preferences, about,
       timezone('Europe/Vienna', created) AS created_at,
       timezone('Europe/Vienna', changed) AS updated_at
FROM public.profiles
