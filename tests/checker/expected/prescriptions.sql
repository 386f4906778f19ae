SELECT rx_no::text AS legacy_key, status = 'X' AS excluded,
       CASE WHEN status NOT IN ('A', 'E', 'X') THEN 'status' END AS dead,
       rx_no AS prescription_number,
       patient_id::text AS patient_id, dr_id::text AS doctor_id,
       medikament AS medicine, dosis AS dosage,
       gebuehr::numeric(14, 2) AS fee,
       'EUR' AS currency,
       status <> 'A' AS filled,
       timezone('Europe/Vienna', issued) AS issued_at,
       valid_to AS valid_until
FROM public.prescriptions
