-- A local time that the clocks skipped does not come back from UTC as it was; one that they repeated is also an hour later.
SELECT id::text AS legacy_key, false AS excluded,
       CASE WHEN created_at AT TIME ZONE 'Europe/Vienna' <> erstellt THEN 'gap'
            WHEN (created_at - interval '1 hour') AT TIME ZONE 'Europe/Vienna' = erstellt
              OR (created_at + interval '1 hour') AT TIME ZONE 'Europe/Vienna' = erstellt THEN 'overlap'
            WHEN status NOT IN ('of', 'an', 'ab', 'vf') THEN 'status' WHEN summe < 0 THEN 'total' END AS dead,
       patient_id::text AS patient_id, office_id::text AS office_id, plan_nr::text AS plan_id, rabatt_id::text AS discount_id,
       CASE status WHEN 'of' THEN 'open' WHEN 'an' THEN 'accepted' WHEN 'ab' THEN 'refused' ELSE 'lapsed' END AS status,
       summe::numeric(14, 2) AS total, 'EUR' AS currency,
       gueltig_bis AS valid_until, konditionen::jsonb AS terms, created_at
FROM public.offers, LATERAL timezone('Europe/Vienna', erstellt) AS created_at
