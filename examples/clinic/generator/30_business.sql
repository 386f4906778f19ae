-- Rows of the business side. Which rows are blemished: the last price lists and discounts; the first offers, invoices,
-- stock movements and ledger entries. Offers and invoices with a blemish belong to archived or deleted patients.

INSERT INTO office_hours (office_id, wochentag, nr, von, bis, by_appt)
SELECT 1 + (i - 1) % f.offices,
       1 + (i - 1) / f.offices % 7,
       1 + (i - 1) / f.offices / 7,
       format('%s:%s0', lpad((7 + pg_temp.draw('opens', i, 5))::text, 2, '0'), 3 * (i % 2)),
       format('%s:%s', 12 + pg_temp.draw('closes', i, 8), CASE WHEN i % 3 = 0 THEN '45' ELSE '00' END),
       CASE WHEN i % 8 = 0 THEN 'Y' ELSE 'N' END
FROM (SELECT pg_temp.figure('rows.offices') AS offices) AS f,
     generate_series(1, pg_temp.figure('rows.office_hours')) AS i;

INSERT INTO office_rooms (kennung, office_id, bezeichnung, art, plaetze, austattung, gesperrt_bis, changed)
SELECT format('%s/%s', 1 + (i - 1) % f.offices, 1 + (i - 1) / f.offices),
       1 + (i - 1) % f.offices,
       CASE WHEN i % 5 <> 0 THEN pg_temp.pick('room', i, ARRAY['Behandlung', 'Zimmer "Süd"', 'Röntgen', 'Empfang']) || ' ' || i END,
       pg_temp.pick('room kind', i, ARRAY['B', 'B', 'R', 'L', 'W']),
       CASE WHEN i % 4 <> 0 THEN 1 + i % 9 END,
       CASE i % 3 WHEN 0 THEN ARRAY['Stuhl', 'Lampe, "groß"', NULL] WHEN 1 THEN '{}'::text[] END,
       CASE WHEN i % 30 = 0 THEN date '2025-01-01' + pg_temp.draw('blocked', i, 900)::integer END,
       pg_temp.moment('room', i, '2014-01-01', 4000)
FROM (SELECT pg_temp.figure('rows.offices') AS offices) AS f,
     generate_series(1, pg_temp.figure('rows.office_rooms')) AS i;

-- Staff are the last of the profiles; some have deleted theirs.
INSERT INTO office_staff (profile_id, office_id, funktion, stunden, seit, bis, rechte)
SELECT 100000 + 3 * (f.others + 1 + (i - 1) % f.staff),
       1 + pg_temp.draw('staff office', i, f.offices),
       pg_temp.draw('function', i, 5),
       CASE WHEN i % 10 <> 0 THEN 4 + pg_temp.draw('hours', i, 72) / 2.0 END,
       date '2009-01-01' + pg_temp.draw('employed', i, 5000)::integer,
       CASE WHEN i % 6 = 0 THEN date '2023-01-01' + (i % 900)::integer END,
       CASE WHEN i % 2 = 0 THEN format('{"kasse": %s, "lager": [%s, null]}', (i % 4 = 0)::text, i % 7) END
FROM (SELECT pg_temp.figure('rows.offices') AS offices,
             pg_temp.figure('rows.doctors') + pg_temp.figure('rows.patient_logins') AS others,
             greatest(1, pg_temp.figure('rows.profiles') - pg_temp.figure('rows.doctors') - pg_temp.figure('rows.patient_logins')) AS staff) AS f,
     generate_series(1, pg_temp.figure('rows.office_staff')) AS i;

INSERT INTO product_categories (id, ober, name, pos, aktiv)
SELECT i,
       CASE WHEN i > 2 THEN (i + 1) / 3 END,
       pg_temp.pick('category', i, ARRAY['Schienen', 'Kronen & Brücken', 'Material', 'Prophylaxe']) || ' ' || i,
       1 + (i + 1) % 3,
       CASE WHEN i % 9 = 0 THEN 'N' ELSE 'J' END
FROM generate_series(1, pg_temp.figure('rows.product_categories')) AS i;

-- A price list about every year; the last prices are of lists that never came into force.
WITH sku AS (
    SELECT array_agg(sku ORDER BY sku) AS choices, count(*) AS many FROM products
)
INSERT INTO product_prices (sku, gilt_ab, stand, preis, waehrg, staffel)
SELECT sku.choices[1 + (i - 1) % sku.many],
       CASE WHEN i > f.came THEN date '2040-01-01' + i::integer
            ELSE date '2010-01-01' + (365 * ((i - 1) / sku.many) + pg_temp.draw('valid from', i, 300))::integer END,
       CASE WHEN i > f.came THEN 'E' WHEN i > f.came - sku.many THEN 'G' ELSE 'A' END,
       pg_temp.draw('list price', i, 250000) / 100.0,
       pg_temp.pick('list currency', i, ARRAY['EUR', 'CHF', NULL]),
       CASE WHEN i % 3 = 0 THEN format('{"10": "%s.90", "50": null}', 10 + i % 90) END
FROM (SELECT pg_temp.figure('rows.product_prices') - pg_temp.figure('blemishes.product_prices.future') AS came) AS f, sku,
     generate_series(1, pg_temp.figure('rows.product_prices')) AS i;

-- Some rooms were torn down.
WITH sku AS (
    SELECT array_agg(sku ORDER BY sku) AS choices FROM products
)
INSERT INTO stock_items (id, office_id, sku, kategorie, raum, lagernd, minimum, ek_cents, ablauf, tags, changed)
SELECT i,
       1 + (i - 1) % f.offices,
       pg_temp.pick('stock product', i, sku.choices),
       CASE WHEN i % 7 <> 0 THEN 1 + pg_temp.draw('stock category', i, f.categories) END,
       CASE WHEN i % 40 = 0 THEN format('%s/alt', i) WHEN i % 4 <> 0 THEN format('%s/1', 1 + (i - 1) % f.with_rooms) END,
       pg_temp.draw('in stock', i, 400) - 20,
       i % 12,
       pg_temp.draw('purchase', i, 90000),
       CASE WHEN i % 5 = 0 THEN date '2025-01-01' + (i % 1200)::integer END,
       CASE i % 4 WHEN 0 THEN '{}' WHEN 1 THEN '{steril,"kühl lagern"}' END::text[],
       pg_temp.moment('stock', i, '2018-01-01', 2800)
FROM (SELECT pg_temp.figure('rows.offices') AS offices, pg_temp.figure('rows.product_categories') AS categories,
             least(pg_temp.figure('rows.offices'), pg_temp.figure('rows.office_rooms')) AS with_rooms) AS f, sku,
     generate_series(1, pg_temp.figure('rows.stock_items')) AS i;

-- The first movements are of items that were deleted.
INSERT INTO stock_movements (id, artikel, art, menge, gebucht, wer, bem)
SELECT i,
       CASE WHEN i <= f.unknown THEN 900000 + i ELSE 1 + pg_temp.draw('moved item', i, f.items) END,
       m.art,
       CASE m.art WHEN 'I' THEN pg_temp.draw('moved', i, 40) - 20 ELSE 1 + pg_temp.draw('moved', i, 60) END,
       pg_temp.moment('movement', i, '2018-01-01', 2800),
       CASE WHEN i % 3 <> 0 THEN 'Fr. O''Brien' END,
       CASE WHEN i % 10 = 0 THEN E'Lieferschein\t' || i END
FROM (SELECT pg_temp.figure('blemishes.stock_movements.unknown_item') AS unknown, pg_temp.figure('rows.stock_items') AS items) AS f,
     generate_series(1, pg_temp.figure('rows.stock_movements')) AS i,
     LATERAL (SELECT CASE i % 9 WHEN 0 THEN 'I' WHEN 1 THEN 'R' WHEN 2 THEN 'Z' WHEN 3 THEN 'Z' ELSE 'A' END) AS m (art);

-- The last discounts have the codes of the first, in small letters.
INSERT INTO discounts (id, code, text, prozent, betrag, von, bis, aktiv)
SELECT i,
       CASE WHEN i <= f.first THEN format('BONUS-%s', i) ELSE format('bonus-%s', i - f.first) END,
       CASE WHEN i % 4 <> 0 THEN pg_temp.pick('discount', i, ARRAY['Sommer "2022"', 'Treue', 'Überweisung', '50 % auf alles']) END,
       CASE WHEN i % 3 <> 0 THEN 1 + pg_temp.draw('percent', i, 50) END,
       CASE WHEN i % 3 = 0 THEN 100 + pg_temp.draw('reduction', i, 9900) END,
       CASE WHEN i % 5 <> 0 THEN date '2016-01-01' + pg_temp.draw('discount from', i, 2000)::integer END,
       CASE WHEN i % 7 <> 0 THEN date '2022-01-01' + pg_temp.draw('discount to', i, 1500)::integer END,
       CASE WHEN i % 2 = 0 THEN 'N' ELSE 'J' END
FROM (SELECT pg_temp.figure('rows.discounts') - pg_temp.figure('blemishes.discounts.duplicate_code') AS first) AS f,
     generate_series(1, pg_temp.figure('rows.discounts')) AS i;
