SELECT patient_id::text AS legacy_key, false AS excluded,
       CASE WHEN werbung NOT IN (0, 1) THEN 'consent' WHEN foto_ok NOT IN ('Y', 'N') THEN 'photo' END AS dead,
       patient_id::text AS patient_id,
       beruf AS occupation,
       CASE kasse WHEN 'OEGK' THEN 'ÖGK' WHEN 'KFA' THEN 'KFA Wien' ELSE kasse END AS insurer,
       CASE WHEN notfall !~ '^ *$' THEN btrim(notfall) END AS emergency_contact,
       notf_tel AS emergency_phone,
       foto_ok = 'Y' AS photo_consent,
       werbung <> 0 AS marketing_consent,
       extras::jsonb AS extras,
       timezone('Europe/Vienna', changed) AS updated_at
FROM public.patient_profiles
