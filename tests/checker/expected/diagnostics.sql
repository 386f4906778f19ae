-- A doctor by the id of the profile is as good as by the doctor's own.
SELECT r.id::text AS legacy_key, false AS excluded, CASE WHEN r.art NOT IN ('RX', 'CT', 'LAB', 'PHOT') THEN 'kind' END AS dead,
       r.patient_id::text AS patient_id, r.order_id::text AS order_id,
       CASE WHEN r.art = 'RX' THEN coalesce(d.id, -r.dr_id) ELSE r.dr_id END::text AS doctor_id,
       CASE r.art WHEN 'RX' THEN 'xray' WHEN 'CT' THEN 'ct' WHEN 'LAB' THEN 'laboratory' ELSE 'photograph' END AS kind,
       r.befund::jsonb AS findings,
       CASE WHEN r.geraet IS NULL THEN 'unbekannt' ELSE r.geraet END AS device,
       timezone('Europe/Vienna', r.taken) AS taken_at,
       jsonb_build_object('raum', r.raum, 'film_nr', r.film_nr) AS legacy_meta
FROM public.diagnostics AS r
LEFT JOIN public.doctors AS d ON d.profile_id = r.dr_id
