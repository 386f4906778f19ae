SELECT id::text AS legacy_key, false AS excluded, NULL::text AS dead,
       ober::text AS parent_id, name, pos AS position, aktiv <> 'N' AS active
FROM public.product_categories
