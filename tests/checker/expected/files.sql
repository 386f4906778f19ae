SELECT id::text AS legacy_key, false AS excluded, NULL::text AS dead,
       storage_key, ('\x' || sha256)::bytea AS sha256, bytes AS octets,
       CASE WHEN mime IS NULL THEN 'application/octet-stream' ELSE mime END AS media_type,
       timezone('Europe/Vienna', uploaded) AS uploaded_at,
       storage_key AS unique_key
FROM public.files
