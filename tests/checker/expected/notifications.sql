-- A local time that there was is the same when it is read back; one that the clocks skipped is not.
SELECT id::text AS legacy_key, false AS excluded,
       CASE WHEN k.word IS NULL THEN 'kind'
            WHEN timezone('Europe/Vienna', timezone('Europe/Vienna', sent)) <> sent THEN 'sent' END AS dead,
       profile_id::text AS profile_id, k.word AS kind, payload::jsonb AS payload,
       timezone('Europe/Vienna', sent) AS sent_at, seen <> 'N' AS seen
FROM public.notifications
LEFT JOIN (VALUES ('TERMIN', 'appointment'), ('RECHNUNG', 'invoice'), ('NACHRICHT', 'message'), ('IMPORT', 'imported')) AS k (code, word)
    ON k.code = kind
