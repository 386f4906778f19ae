-- Local times that the clocks skipped do not survive the way there and back.
SELECT id::text AS legacy_key, false AS excluded,
       CASE WHEN kind NOT IN ('P', 'A') THEN 'kind'
            WHEN timezone('Europe/Vienna', timezone('Europe/Vienna', noted)) <> noted THEN 'gap' END AS dead,
       CASE kind WHEN 'P' THEN pat_nr::text END AS patient_id,
       CASE kind WHEN 'A' THEN pat_nr::text END AS former_patient_id,
       icd AS icd_code, diag AS diagnosis, seit AS since_year,
       flags % 2 = 1 AS chronic,
       flags / 2 % 2 = 1 AS confidential,
       timezone('Europe/Vienna', noted) AS noted_at
FROM public.medical_history
