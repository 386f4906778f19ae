SELECT id::text AS legacy_key, false AS excluded, CASE WHEN fee_cents < 0 THEN 'fee' END AS dead,
       profile_id::text AS profile_id, office_id::text AS office_id,
       licence_no AS licence_number,
       (fee_cents * 0.01)::numeric(14, 2) AS consultation_fee,
       since AS practising_since,
       timezone('Europe/Vienna', created) AS created_at
FROM public.doctors
