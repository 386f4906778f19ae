-- Neither a product's key nor a date holds anything that JSON would escape.
SELECT format('["%s","%s"]', sku, gilt_ab) AS legacy_key, stand = 'E' AS excluded, NULL::text AS dead,
       sku::text AS product_id, gilt_ab AS valid_from, stand <> 'A' AS in_force,
       preis::numeric(14, 2) AS price,
       CASE WHEN waehrg IS NULL THEN 'EUR' ELSE waehrg END AS currency,
       staffel::jsonb AS tiers
FROM public.product_prices
