SELECT id::text AS legacy_key, false AS excluded,
       CASE WHEN btrim(betrag) !~ '^-?[0-9.]+$' THEN 'amount' WHEN sh NOT IN ('S', 'H') THEN 'side' END AS dead,
       office_id::text AS office_id, konto AS account, zahlung::text AS payment_id,
       CASE sh WHEN 'S' THEN 'debit' ELSE 'credit' END AS side,
       CASE WHEN btrim(betrag) ~ '^-?[0-9.]+$' THEN betrag::numeric(14, 2) END AS amount,
       text AS remark, storno IS NOT NULL AND storno = 'J' AS cancelled,
       timezone('Europe/Vienna', gebucht) AS booked_at
FROM public.ledger_entries
