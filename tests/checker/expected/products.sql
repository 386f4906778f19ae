SELECT sku::text AS legacy_key, false AS excluded, CASE WHEN vat_code NOT IN (1, 2, 3) THEN 'vat' END AS dead,
       sku, name, (price_cents * 0.01)::numeric(14, 2) AS price, currency,
       (CASE vat_code WHEN 1 THEN 20 WHEN 2 THEN 10 ELSE 0 END)::numeric(5, 2) AS vat_rate,
       attrs::jsonb AS attributes, discontinued AS discontinued_on
FROM public.products
