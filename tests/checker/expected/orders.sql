SELECT o.id::text AS legacy_key, false AS excluded,
       CASE WHEN total_cents < 0 THEN 'total' WHEN status_code NOT IN (0, 1, 2, 3, 4, 9) THEN 'status' END AS dead,
       patient_id::text AS patient_id,
       CASE WHEN rel NOT IN (2, 3, 4) THEN dr_id::text WHEN d.id IS NULL THEN 'of profile ' || dr_id ELSE d.id::text END AS doctor_id,
       referred_by::text AS referrer_id, sku::text AS product_id,
       CASE status_code
           WHEN 0 THEN 'draft' WHEN 1 THEN 'submitted' WHEN 2 THEN 'in_production'
           WHEN 3 THEN 'shipped' WHEN 4 THEN 'delivered' WHEN 9 THEN 'cancelled'
       END AS status,
       (CASE WHEN prio IS NULL THEN 0 WHEN o.created >= '2018-01-01' THEN prio ELSE 12 - 3 * prio END)::smallint AS priority,
       (total_cents * 0.01)::numeric(14, 2) AS total,
       notes,
       timezone('Europe/Vienna', o.created) AS created_at,
       jsonb_build_object('old_status', old_status, 'tray_code', tray_code) AS legacy_meta
-- Releases 2 to 4 wrote the profile of the doctor; where no doctor has it, the reference names nobody.
FROM public.orders AS o LEFT JOIN public.doctors AS d ON d.profile_id = o.dr_id AND o.rel IN (2, 3, 4)
