-- Offers, invoices and payments.

-- The first offers were made in the hour that the clocks skipped.
INSERT INTO offers (id, patient_id, office_id, plan_nr, rabatt_id, status, summe, gueltig_bis, konditionen, erstellt)
SELECT i,
       5000000000 + 2 * (1 + pg_temp.draw('offer patient', i, CASE WHEN i <= f.skipped THEN f.archived ELSE f.patients END)),
       1 + pg_temp.draw('offer office', i, f.offices),
       CASE WHEN i % 11 = 0 THEN 700000 + i WHEN i % 3 <> 0 AND i > f.skipped THEN 1 + pg_temp.draw('offered plan', i, f.plans) END,
       CASE WHEN i % 4 = 0 AND i > f.skipped THEN 1 + pg_temp.draw('offered discount', i, f.discounts) END,
       pg_temp.pick('offer status', i, ARRAY['of', 'an', 'an', 'ab', 'vf']),
       pg_temp.draw('offer total', i, 900000) / 100.0,
       CASE WHEN i % 5 <> 0 THEN date '2019-06-01' + pg_temp.draw('offer until', i, 2400)::integer END,
       CASE WHEN i % 2 = 0 THEN format('{"raten": %s, "skonto": 2.50, "raten": %s}', i % 12, 1 + i % 11)::json END,
       CASE WHEN i <= f.skipped THEN timestamp '2019-03-31 02:30' + i * interval '1 minute' ELSE pg_temp.moment('offer', i, '2016-01-01', 3500) END
FROM (SELECT pg_temp.figure('blemishes.offers.dst_gap') AS skipped, pg_temp.figure('rows.archived') AS archived,
             pg_temp.figure('rows.patients') AS patients, pg_temp.figure('rows.offices') AS offices,
             pg_temp.figure('rows.treatment_plans') AS plans,
             pg_temp.figure('rows.discounts') - pg_temp.figure('blemishes.discounts.duplicate_code') AS discounts) AS f,
     generate_series(1, pg_temp.figure('rows.offers')) AS i;

WITH sku AS (
    SELECT array_agg(sku ORDER BY sku) AS choices FROM products
)
INSERT INTO offer_items (angebot, pos, sku, text, menge, einzel)
SELECT f.skipped + 1 + (i - 1) % f.offers,
       1 + (i - 1) / f.offers,
       CASE WHEN i % 3 <> 0 THEN pg_temp.pick('offered product', i, sku.choices) END,
       pg_temp.pick('offer line', i, ARRAY['Krone', 'Beratung – 30 min', 'Nachlass', 'Material "Premium"']),
       (1 + pg_temp.draw('offer quantity', i, 800)) / 4.0,
       pg_temp.draw('offer price', i, 150000) - 2000
FROM (SELECT pg_temp.figure('blemishes.offers.dst_gap') AS skipped,
             pg_temp.figure('rows.offers') - pg_temp.figure('blemishes.offers.dst_gap') AS offers) AS f, sku,
     generate_series(1, pg_temp.figure('rows.offer_items')) AS i;

-- The first invoices are of patients who were deleted.
INSERT INTO invoices (id, rechnung_nr, patient_id, office_id, order_no, stand, netto, mwst, currency, adresse, ausgestellt, faellig)
SELECT i,
       format('R%s-%s', 2012 + i * 13 / f.invoices, lpad(i::text, 6, '0')),
       5000000000 + 2 * CASE WHEN i <= f.deleted THEN 1000000 + i ELSE 1 + pg_temp.draw('billed patient', i, f.patients) END,
       1 + pg_temp.draw('billing office', i, f.offices),
       CASE WHEN i % 3 = 0 AND i > f.deleted THEN 4001 + f.bad_orders + pg_temp.draw('billed order', i, f.orders - f.bad_orders) END,
       pg_temp.pick('invoice status', i, ARRAY['0', '1', '2', '2', '2', '3', '9'])::smallint,
       pg_temp.draw('net', i, 400000),
       pg_temp.draw('vat', i, 80000),
       CASE WHEN i % 8 = 0 THEN 'CHF' ELSE 'EUR' END,
       CASE WHEN i % 4 <> 0 THEN format('{"zeile": "Gasse \"%s\"", "plz": "%s"}', i, 1000 + i % 9000) END,
       pg_temp.moment('invoice', i, '2012-01-01', 4800),
       CASE WHEN i % 6 <> 0 THEN date '2012-02-01' + pg_temp.draw('due', i, 4800)::integer END
FROM (SELECT pg_temp.figure('rows.invoices') AS invoices, pg_temp.figure('blemishes.invoices.deleted_patient') AS deleted,
             pg_temp.figure('rows.patients') AS patients, pg_temp.figure('rows.offices') AS offices, pg_temp.figure('rows.orders') AS orders,
             pg_temp.figure('blemishes.orders.unknown_doctor') + pg_temp.figure('blemishes.orders.unknown_status')
                 + pg_temp.figure('blemishes.orders.negative_total') AS bad_orders) AS f,
     generate_series(1, pg_temp.figure('rows.invoices')) AS i;

WITH sku AS (
    SELECT array_agg(sku ORDER BY sku) AS choices FROM products
)
INSERT INTO invoice_items (rechnung, pos, sku, leistung, anzahl, preis, nachlass)
SELECT f.deleted + 1 + (i - 1) % f.invoices,
       1 + (i - 1) / f.invoices,
       CASE WHEN i % 4 <> 0 THEN pg_temp.pick('billed product', i, sku.choices) END,
       CASE WHEN i % 4 = 0 OR i % 3 = 0 THEN 'Leistung "' || i || '"' END,
       (1 + pg_temp.draw('billed quantity', i, 40)) / 2.0,
       pg_temp.draw('billed price', i, 90000) / 100.0,
       CASE WHEN i % 5 = 0 THEN i % 31 END
FROM (SELECT pg_temp.figure('blemishes.invoices.deleted_patient') AS deleted,
             pg_temp.figure('rows.invoices') - pg_temp.figure('blemishes.invoices.deleted_patient') AS invoices) AS f, sku,
     generate_series(1, pg_temp.figure('rows.invoice_items')) AS i;

-- Drawn weights share the sum: each payment reaches from one rounded point of it to the next, so that nothing is left.
-- They follow each other through the years, and with them through the three columns.
WITH weighed AS (
    SELECT i, (1 + pg_temp.draw('payment weight', i, 1000)) * CASE WHEN i % 25 = 0 THEN 20 ELSE 1 END AS weight
    FROM generate_series(1, pg_temp.figure('rows.payments')) AS i
), reaching AS (
    SELECT i, weight, sum(weight) OVER (ORDER BY i) AS upto, sum(weight) OVER () AS whole FROM weighed
), paid AS (
    SELECT i,
           (div(f.cents * upto, whole) - div(f.cents * (upto - weight), whole))::integer AS cents,
           pg_temp.moment('payment', i, date '2009-01-01' + (5900 * (i - 1) / f.payments)::integer, 1) AS paid
    FROM reaching, (SELECT pg_temp.figure('cents.payments') AS cents, pg_temp.figure('rows.payments') AS payments) AS f
)
INSERT INTO payments (id, office_id, rechnung, currency, amount_txt, amount, amount_cents, art, paid, reference)
SELECT i,
       1 + pg_temp.draw('paid office', i, f.offices),
       CASE WHEN i % 6 <> 0 THEN f.deleted + 1 + pg_temp.draw('paid invoice', i, f.invoices) END,
       CASE WHEN i % 6 = 1 THEN 'CHF' ELSE 'EUR' END,
       CASE WHEN paid < '2015-01-01' THEN CASE WHEN i % 2 = 0 THEN german_amount(cents) ELSE replace(german_amount(cents), '.', '') END END,
       CASE WHEN paid >= '2015-01-01' AND paid < '2019-01-01' THEN cents / 100.0 END,
       CASE WHEN paid >= '2019-01-01' THEN cents END,
       pg_temp.pick('method', i, ARRAY['B', 'K', 'K', 'U', 'L']),
       paid,
       CASE WHEN i % 3 <> 0 THEN format('RF%s %s', 10 + i % 89, i) END
FROM (SELECT pg_temp.figure('rows.offices') AS offices, pg_temp.figure('blemishes.invoices.deleted_patient') AS deleted,
             pg_temp.figure('rows.invoices') - pg_temp.figure('blemishes.invoices.deleted_patient') AS invoices) AS f, paid;

-- The first entries have words for an amount.
INSERT INTO ledger_entries (id, office_id, konto, zahlung, sh, betrag, text, storno, gebucht)
SELECT i,
       1 + pg_temp.draw('ledger office', i, f.offices),
       pg_temp.pick('account', i, ARRAY['0400', '2000', '4000', '7330', '8100']),
       CASE WHEN i % 2 = 0 AND i > f.words THEN 1 + pg_temp.draw('booked payment', i, f.payments) END,
       CASE WHEN i % 2 = 0 THEN 'H' ELSE 'S' END,
       CASE WHEN i <= f.words THEN pg_temp.pick('words', i, ARRAY['siehe Beleg', 'storniert', '12,- ?'])
            ELSE concat(CASE WHEN i % 7 = 0 THEN ' ' END, CASE WHEN i % 19 = 0 THEN '-' END,
                        (pg_temp.draw('booked', i, 500000) / 100.0)::numeric(10, 2), CASE WHEN i % 5 = 0 THEN ' ' END) END,
       CASE WHEN i % 3 <> 0 THEN 'Buchung ' || i END,
       CASE WHEN i % 60 = 0 THEN 'J' END,
       pg_temp.moment('ledger', i, '2012-01-01', 4800)
FROM (SELECT pg_temp.figure('rows.offices') AS offices, pg_temp.figure('rows.payments') AS payments,
             pg_temp.figure('blemishes.ledger_entries.words') AS words) AS f,
     generate_series(1, pg_temp.figure('rows.ledger_entries')) AS i;
