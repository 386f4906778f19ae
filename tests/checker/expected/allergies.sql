SELECT id::text AS legacy_key, false AS excluded, CASE WHEN severety NOT BETWEEN 1 AND 4 THEN 'severity' END AS dead,
       patient_id::text AS patient_id,
       lower(substance) AS substance, substance AS noted_as,
       (ARRAY['mild', 'moderate', 'severe', 'life_threatening'])[severety] AS severity,
       reaction, noted AS noted_on,
       concat_ws('/', patient_id, lower(substance)) AS once
FROM public.allergies
