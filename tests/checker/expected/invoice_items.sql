SELECT format('["%s","%s"]', rechnung, pos) AS legacy_key, false AS excluded,
       CASE WHEN anzahl <= 0 THEN 'quantity' WHEN nachlass NOT BETWEEN 0 AND 100 THEN 'discount' END AS dead,
       rechnung::text AS invoice_id, pos AS position, sku::text AS product_id, leistung AS description, anzahl AS quantity,
       preis::numeric(14, 2) AS unit_price,
       CASE WHEN nachlass IS NULL THEN 0 ELSE nachlass END AS discount_percent
FROM public.invoice_items
