SELECT pat_nr::text AS legacy_key, false AS excluded, CASE WHEN geschl NOT IN ('m', 'f', 'x') THEN 'sex' END AS dead,
       NULL::text AS profile_id, CASE WHEN ordin_nr IS NULL THEN '1' ELSE ordin_nr::text END AS office_id,
       CASE WHEN vorname IS NULL THEN '(unbekannt)' ELSE vorname END AS given_name, nachname AS family_name,
       geb_dat AS birth_date,
       CASE geschl WHEN 'm' THEN 'male' WHEN 'f' THEN 'female' WHEN 'x' THEN 'diverse' END AS sex,
       CASE WHEN vorwahl IS NOT NULL AND nummer IS NOT NULL THEN format('+43%s%s', right(vorwahl, -1), nummer) END AS phone,
       NULL::text AS insurance_number,
       (saldo * 0.01)::numeric(14, 2) AS balance,
       'EUR' AS currency,
       NULL::text AS medical_history,
       true AS archived,
       timezone('Europe/Vienna', angelegt) AS created_at
FROM public.patients_2012
