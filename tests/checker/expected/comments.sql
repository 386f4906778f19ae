SELECT id::text AS legacy_key, false AS excluded, CASE WHEN subj_type NOT IN ('O', 'P') THEN 'subject' END AS dead,
       reply_to::text AS reply_to,
       CASE WHEN subj_type = 'O' THEN subj_id END::text AS order_id,
       CASE WHEN subj_type = 'P' THEN subj_id END::text AS project_id,
       profile_id::text AS author_id, body, edits <> 0 AS edited,
       timezone('Europe/Vienna', posted) AS posted_at
FROM public.comments
