SELECT id::text AS legacy_key, false AS excluded,
       CASE WHEN honorar < 0 THEN 'fee' WHEN status NOT IN ('G', 'L', 'F') THEN 'status' END AS dead,
       patient_id::text AS patient_id, dr_id::text AS doctor_id, projekt_id::text AS project_id,
       code,
       CASE WHEN zaehne <> '' THEN ('{' || zaehne || '}')::smallint[] ELSE '{}' END AS teeth,
       (honorar * 0.01)::numeric(14, 2) AS fee,
       CASE status WHEN 'G' THEN 'planned' WHEN 'L' THEN 'running' ELSE 'finished' END AS status,
       timezone('Europe/Vienna', treated) AS treated_at
FROM public.treatments
