WITH names (code, status) AS (
    VALUES (0, 'draft'), (1, 'submitted'), (2, 'in_production'), (3, 'shipped'), (4, 'delivered'), (9, 'cancelled')
)
SELECT h.id::text AS legacy_key, false AS excluded, CASE WHEN later.code IS NULL THEN 'status' END AS dead,
       h.order_id::text AS order_id,
       former.status AS from_status, later.status AS to_status,
       h.wer::text AS changed_by,
       timezone('Europe/Vienna', h.wann) AS changed_at
FROM public.order_status_history AS h
LEFT JOIN names AS former ON former.code = h.von
LEFT JOIN names AS later ON later.code = h.nach
