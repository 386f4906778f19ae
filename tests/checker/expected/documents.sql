SELECT doc_no::text AS legacy_key, false AS excluded, CASE WHEN title = '' THEN 'title' END AS dead,
       doc_no AS number, patient_id::text AS patient_id, file_id::text AS file_id,
       coalesce(known.word, kind) AS kind,
       title, body, signed <> 'N' AS signed,
       timezone('Europe/Vienna', created) AS created_at
FROM public.documents
LEFT JOIN (VALUES ('CONS', 'consent'), ('REF', 'referral'), ('LAB', 'laboratory'), ('INV', 'invoice')) AS known (code, word)
    ON known.code = kind
