SELECT id::text AS legacy_key, false AS excluded, CASE WHEN ek_cents < 0 THEN 'price' WHEN minimum < 0 THEN 'reorder' END AS dead,
       office_id::text AS office_id, sku::text AS product_id, kategorie::text AS category_id, raum::text AS room_id,
       lagernd AS quantity, minimum AS reorder_level,
       (ek_cents * 0.01)::numeric(14, 2) AS purchase_price,
       ablauf AS expires_on,
       CASE WHEN tags IS NULL THEN ARRAY[]::text[] ELSE tags END AS labels,
       timezone('Europe/Vienna', changed) AS updated_at
FROM public.stock_items
