SELECT id::text AS legacy_key, false AS excluded,
       CASE WHEN art NOT IN ('Z', 'A', 'R', 'I') THEN 'kind' WHEN menge < 0 AND art <> 'I' THEN 'sign' END AS dead,
       artikel::text AS item_id,
       CASE art WHEN 'Z' THEN 'received' WHEN 'A' THEN 'used' WHEN 'R' THEN 'returned' ELSE 'inventory' END AS kind,
       menge * CASE art WHEN 'A' THEN -1 ELSE 1 END AS quantity,
       timezone('Europe/Vienna', gebucht) AS moved_at,
       wer AS moved_by, bem AS remark
FROM public.stock_movements
