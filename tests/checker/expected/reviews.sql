SELECT id::text AS legacy_key, false AS excluded, CASE WHEN note NOT IN ('1', '2', '3', '4', '5') THEN 'mark' END AS dead,
       dr_id::text AS doctor_id, patient_id::text AS patient_id,
       CASE note WHEN '1' THEN 5 WHEN '2' THEN 4 WHEN '3' THEN 3 WHEN '4' THEN 2 WHEN '5' THEN 1 END AS stars,
       comment AS body, public <> 'N' AS published,
       timezone('Europe/Vienna', created) AS created_at
FROM public.reviews
