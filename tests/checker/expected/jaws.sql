-- The legacy key of a composite key is a JSON array of texts; neither a number nor one letter needs escaping.
SELECT format('["%s","%s"]', patient_id, side) AS legacy_key, false AS excluded,
       CASE WHEN side NOT IN ('U', 'L') THEN 'side' END AS dead,
       patient_id::text AS patient_id,
       CASE side WHEN 'U' THEN 'upper' ELSE 'lower' END AS side,
       scan_date AS scanned_on, teeth, measurements::jsonb AS measurements,
       timezone('Europe/Vienna', changed) AS updated_at
FROM public.jaws
