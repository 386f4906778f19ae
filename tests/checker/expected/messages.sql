SELECT id::text AS legacy_key, deleted = 'Y' AS excluded, NULL::text AS dead,
       thread_id::text AS thread_id, sender::text AS sender_id, body,
       timezone('Europe/Vienna', sent) AS sent_at, timezone('Europe/Vienna', gelesen) AS read_at
FROM public.messages
