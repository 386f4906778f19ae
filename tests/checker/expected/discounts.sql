SELECT id::text AS legacy_key, false AS excluded,
       CASE WHEN (prozent IS NULL) = (betrag IS NULL) THEN 'one of both' WHEN prozent NOT BETWEEN 1 AND 100 THEN 'percent'
            WHEN betrag <= 0 THEN 'amount' END AS dead,
       upper(code) AS code, text AS description, prozent AS percent,
       (betrag * 0.01)::numeric(14, 2) AS amount,
       daterange(von, bis + 1) AS validity,
       aktiv <> 'N' AS active,
       lower(code) AS code_whatever_case
FROM public.discounts
