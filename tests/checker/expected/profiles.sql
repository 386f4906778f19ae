SELECT p.id::text AS legacy_key, p.status = 9 AS excluded,
       CASE WHEN p.kind NOT IN ('D', 'P', 'S') THEN 'kind' WHEN p.status NOT IN (1, 2, 9) THEN 'status' END AS dead,
       CASE p.kind WHEN 'D' THEN 'doctor' WHEN 'P' THEN 'patient' ELSE 'staff' END AS kind,
       d.titel AS academic_title, p.fname AS given_name, p.lname AS family_name,
       CASE d.specialty::text
           WHEN 'GP' THEN 'general' WHEN 'ORTHO' THEN 'orthodontics' WHEN 'SURG' THEN 'surgery'
           WHEN 'IMPL' THEN 'implantology' WHEN 'PAED' THEN 'paediatrics'
       END AS specialty,
       p.email, p.tel AS phone, p.lang AS language,
       CASE p.status WHEN 1 THEN 'active' ELSE 'locked' END AS status,
       p.prefs::jsonb AS preferences, p.about,
       timezone('Europe/Vienna', p.created) AS created_at,
       timezone('Europe/Vienna', p.changed) AS updated_at
FROM public.profiles AS p LEFT JOIN public.doctors AS d ON d.profile_id = p.id
