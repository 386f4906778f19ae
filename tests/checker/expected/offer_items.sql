SELECT format('["%s","%s"]', angebot, pos) AS legacy_key, false AS excluded,
       CASE WHEN menge <= 0 THEN 'quantity' END AS dead,
       angebot::text AS offer_id, pos AS position, sku::text AS product_id, text AS description, menge AS quantity,
       (einzel * 0.01)::numeric(14, 2) AS unit_price
FROM public.offer_items
