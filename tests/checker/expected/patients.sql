SELECT id::text AS legacy_key, false AS excluded, CASE WHEN sex NOT IN ('m', 'w', 'd') THEN 'sex' END AS dead,
       profile_id::text AS profile_id, office_id::text AS office_id,
       fname AS given_name, lname AS family_name, birth AS birth_date,
       CASE sex WHEN 'm' THEN 'male' WHEN 'w' THEN 'female' WHEN 'd' THEN 'diverse' END AS sex,
       tel AS phone,
       insurence_no AS insurance_number,
       balance::numeric(14, 2) AS balance,
       'EUR' AS currency,
       history AS medical_history,
       archived <> 'N' AS archived,
       timezone('Europe/Vienna', created) AS created_at
FROM public.patients
