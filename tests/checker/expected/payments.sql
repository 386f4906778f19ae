-- A text without its points and its comma is so many cents, when two digits follow the comma.
SELECT id::text AS legacy_key, false AS excluded,
       CASE WHEN (amount_txt IS NULL)::integer + (amount IS NULL)::integer + (amount_cents IS NULL)::integer <> 2 THEN 'one amount'
            WHEN amount_txt !~ ',[0-9]{2}$' THEN 'text'
            WHEN art NOT IN ('B', 'K', 'U', 'L') THEN 'method' END AS dead,
       office_id::text AS office_id, rechnung::text AS invoice_id, teil_von::text AS split_from_id,
       (CASE WHEN amount_txt IS NOT NULL THEN regexp_replace(amount_txt, '[.,]', '', 'g')::bigint * 0.01
             WHEN amount IS NOT NULL THEN amount
             ELSE amount_cents * 0.01 END)::numeric(14, 2) AS amount,
       currency,
       CASE art WHEN 'B' THEN 'cash' WHEN 'K' THEN 'card' WHEN 'U' THEN 'transfer' ELSE 'direct_debit' END AS method,
       timezone('Europe/Vienna', paid) AS paid_at, reference
FROM public.payments
