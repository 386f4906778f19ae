SELECT id::text AS legacy_key, false AS excluded,
       CASE WHEN stand NOT IN (0, 1, 2, 3, 9) THEN 'status' WHEN least(netto, mwst) < 0 THEN 'sum'
            WHEN currency NOT IN ('EUR', 'CHF') THEN 'currency' END AS dead,
       rechnung_nr AS number, patient_id::text AS patient_id, office_id::text AS office_id, order_no::text AS order_id,
       CASE stand WHEN 0 THEN 'draft' WHEN 1 THEN 'sent' WHEN 2 THEN 'paid' WHEN 3 THEN 'reminded' ELSE 'written_off' END AS status,
       (netto * 0.01)::numeric(14, 2) AS net,
       (mwst * 0.01)::numeric(14, 2) AS vat,
       (netto * 0.01 + mwst * 0.01)::numeric(14, 2) AS gross,
       currency, adresse::jsonb AS address,
       timezone('Europe/Vienna', ausgestellt) AS issued_at, faellig AS due_on
FROM public.invoices
