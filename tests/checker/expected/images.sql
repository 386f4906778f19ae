SELECT id::text AS legacy_key, false AS excluded,
       CASE WHEN length(sha256) <> 64 OR translate(sha256, '0123456789abcdef', '') <> '' THEN 'checksum' END AS dead,
       file_id::text AS file_id, breite AS width, hoehe AS height,
       CASE WHEN length(sha256) = 64 THEN ('\x' || sha256)::bytea END AS sha256,
       exif::jsonb AS metadata, timezone('Europe/Vienna', taken) AS taken_at
FROM public.images
