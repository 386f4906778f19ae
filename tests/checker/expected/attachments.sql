SELECT id::text AS legacy_key, false AS excluded, CASE WHEN position(subj IN 'AFP') = 0 THEN 'subject' END AS dead,
       file_id::text AS file_id,
       CASE WHEN subj = 'A' THEN subj_id END::text AS order_id,
       CASE WHEN subj = 'F' THEN subj_id END::text AS case_id,
       CASE WHEN subj = 'P' THEN subj_id END::text AS project_id,
       CASE WHEN caption <> '' THEN caption END AS caption,
       timezone('Europe/Vienna', added) AS added_at
FROM public.attachments
