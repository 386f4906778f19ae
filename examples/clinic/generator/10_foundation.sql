-- Rows of the foundation, and the blemishes of their history. Which row is blemished depends on its number and the
-- scale only, never on the seed; blemished rows belong to archived patients, which the live writer leaves alone.

INSERT INTO offices (id, code, name, adress, zip, town, cntry, opening, active, created)
SELECT i,
       'O' || lpad(i::text, 5, '0'),
       'Ordination ' || pg_temp.family_name(i),
       CASE WHEN i % 11 <> 0 THEN pg_temp.pick('street', i, ARRAY['Ringstraße', 'Am "Anger"', 'Kirchengasse']) || ' ' || i END,
       (1000 + pg_temp.draw('zip', i, 8000))::text,
       pg_temp.pick('town', i, ARRAY['Wien', 'Graz', 'Linz', 'St. Pölten', 'Bregenz']),
       CASE WHEN i % 4 <> 0 THEN pg_temp.pick('country', i, ARRAY['AT', 'AT', 'AT', 'DE', 'IT']) END,
       CASE WHEN i % 3 <> 0 THEN format('{"mon":  "08:00-%s:00", "sat": null, "fee": 1.50}', 12 + pg_temp.draw('hours', i, 8))::json END,
       CASE WHEN i % 17 = 0 THEN 'N' ELSE 'Y' END,
       pg_temp.moment('office', i, '2008-03-01', 4000)
FROM generate_series(1, pg_temp.figure('rows.offices')) AS i;

-- Doctors first, then patients with a login, then staff; the last of the staff have deleted their accounts (status 9).
INSERT INTO profiles (id, kind, fname, lname, email, tel, lang, status, prefs, about, created, changed)
SELECT 100000 + 3 * i,
       CASE WHEN i <= pg_temp.figure('rows.doctors') THEN 'D' WHEN i <= pg_temp.figure('rows.doctors') + pg_temp.figure('rows.patient_logins') THEN 'P' ELSE 'S' END,
       pg_temp.given_name(i), pg_temp.family_name(i * 7),
       CASE WHEN i % 13 <> 0 THEN format('person.%s@example.org', i) END,
       format(pg_temp.pick('phone format', i, ARRAY['0664/%s', '+43 664 %s', '0043-664-%s', '(01) %s', ' ', NULL]),
              lpad(pg_temp.draw('phone', i, 10000000)::text, 7, '0')),
       pg_temp.pick('language', i, ARRAY['de', 'de', 'de', 'en', 'hu', 'sl']),
       CASE WHEN i > pg_temp.figure('rows.profiles') - pg_temp.figure('blemishes.profiles.deleted') THEN 9 WHEN i % 41 = 0 THEN 2 ELSE 1 END,
       CASE WHEN i % 5 <> 0 THEN format('{"theme": "dark", "letters": %s, "font": 1.%s0}', i % 2, i % 7) END,
       CASE WHEN i % 20 = 0 THEN pg_temp.prose('about', i, 120) WHEN i % 3 = 0 THEN '' END,
       pg_temp.moment('profile', i, '2009-01-01', 5000),
       CASE WHEN i % 2 = 0 THEN pg_temp.moment('profile change', i, '2023-01-01', 900) END
FROM generate_series(1, pg_temp.figure('rows.profiles')) AS i;

-- Some doctors name an office that was closed, and deleted, long ago.
INSERT INTO doctors (id, profile_id, office_id, licence_no, titel, specialty, fee_cents, since, created)
SELECT 100 + i,
       100000 + 3 * i,
       CASE WHEN i % 97 = 5 THEN 90000 + i WHEN i % 31 <> 0 THEN 1 + pg_temp.draw('doctor office', i, pg_temp.figure('rows.offices')) END,
       format('L-%s', 200000 + i),
       CASE WHEN i % 2 = 0 THEN 'Dr. med. dent.' WHEN i % 3 = 0 THEN 'DDr.' END,
       pg_temp.pick('specialty', i, ARRAY['GP', 'ORTHO', 'SURG', 'IMPL', 'PAED'])::doctor_specialty,
       pg_temp.draw('fee', i, 40000),
       CASE WHEN i % 6 <> 0 THEN date '1975-01-01' + pg_temp.draw('since', i, 16000)::integer END,
       pg_temp.moment('doctor', i, '2009-01-01', 5000)
FROM generate_series(1, pg_temp.figure('rows.doctors')) AS i;

-- Ids come from a counter beyond 32 bits. Every tenth patient has a login; a few archived ones name a deleted profile.
INSERT INTO patients (id, profile_id, office_id, fname, lname, birth, sex, tel, insurence_no, balance, history, archived, created)
SELECT 5000000000 + 2 * i,
       CASE WHEN i % 10 = 0 AND i / 10 <= pg_temp.figure('rows.patient_logins') THEN 100000 + 3 * (pg_temp.figure('rows.doctors') + i / 10)
            WHEN i <= pg_temp.figure('blemishes.patients.deleted_profile') THEN 99000 + i END,
       1 + pg_temp.draw('patient office', i, pg_temp.figure('rows.offices')),
       pg_temp.given_name(i * 3), pg_temp.family_name(i * 5),
       CASE WHEN i % 19 <> 0 THEN date '1930-01-01' + pg_temp.draw('birth', i, 33000)::integer END,
       pg_temp.pick('sex', i, ARRAY['m', 'm', 'm', 'w', 'w', 'w', 'd', NULL]),
       CASE WHEN i % 5 <> 0 THEN format(pg_temp.pick('patient phone format', i, ARRAY['0676/%s', '+43 676 %s', '0043-676-%s']),
                                        lpad(pg_temp.draw('patient phone', i, 10000000)::text, 7, '0')) END,
       CASE WHEN i % 7 <> 0 THEN lpad(pg_temp.draw('insurance', i, 10000000000)::text, 10, '0') END,
       (pg_temp.draw('balance', i, 200000) - 50000) / 100.0,
       CASE WHEN i % 40 = 0 THEN pg_temp.prose('history', i, 100 + pg_temp.draw('history length', i, 200))
            WHEN i % 3 = 0 THEN pg_temp.prose('history', i, 1) END,
       CASE WHEN i <= pg_temp.figure('rows.archived') THEN 'Y' ELSE 'N' END,
       pg_temp.moment('patient', i, '2009-01-01', 5900)
FROM generate_series(1, pg_temp.figure('rows.patients')) AS i;

INSERT INTO patients_2012 (pat_nr, vorname, nachname, geb_dat, geschl, ordin_nr, vorwahl, nummer, saldo, angelegt)
SELECT i,
       CASE WHEN i % 50 <> 0 THEN pg_temp.given_name(i * 11) END, pg_temp.family_name(i * 13),
       CASE WHEN i % 9 <> 0 THEN date '1920-01-01' + pg_temp.draw('old birth', i, 30000)::integer END,
       pg_temp.pick('old sex', i, ARRAY['m', 'f', 'x', NULL]),
       CASE WHEN i % 6 <> 0 THEN 1 + pg_temp.draw('old office', i, pg_temp.figure('rows.offices')) END,
       CASE WHEN i % 4 <> 0 THEN pg_temp.pick('area', i, ARRAY['01', '0316', '0732', '02742']) END,
       CASE WHEN i % 4 <> 0 THEN (100000 + pg_temp.draw('old phone', i, 900000))::text END,
       pg_temp.draw('old balance', i, 90000) - 20000,
       pg_temp.moment('old patient', i, '2004-01-01', 2900)
FROM generate_series(1, pg_temp.figure('rows.patients_2012')) AS i;

INSERT INTO products (sku, name, price_cents, currency, vat_code, attrs, discontinued)
SELECT format('AL-%s/%s', lpad(i::text, 4, '0'), pg_temp.pick('size', i, ARRAY['S', 'M', 'L'])),
       pg_temp.pick('product', i, ARRAY['Aligner', 'Retainer', 'Schiene', 'Krone "Zirkon"', 'Brücke']) || ' ' || i,
       pg_temp.draw('price', i, 250000),
       CASE WHEN i % 9 = 0 THEN 'CHF' ELSE 'EUR' END,
       1 + pg_temp.draw('vat', i, 3),
       CASE WHEN i % 4 <> 0 THEN format('{ "b": %s, "a": [1, 2.0, "\u00e4"] }', i)::json END,
       CASE WHEN i % 10 = 0 THEN date '2020-01-01' + pg_temp.draw('discontinued', i, 1500)::integer END
FROM generate_series(1, pg_temp.figure('rows.products')) AS i;

-- The oldest orders are the imported ones, and bad: first those whose doctor never existed, then those with a status that
-- nobody knows, then those with a negative total (cancelled, and paid back). Those after them were written by releases that mistook the profile for
-- the doctor.
WITH bad AS (
    SELECT pg_temp.figure('blemishes.orders.unknown_doctor') AS doctor, pg_temp.figure('blemishes.orders.unknown_status') AS status, pg_temp.figure('blemishes.orders.negative_total') AS total
), numbered AS (
    SELECT i,
           i <= bad.doctor AS no_doctor,
           i > bad.doctor AND i <= bad.doctor + bad.status AS no_status,
           i > bad.doctor + bad.status AND i <= bad.doctor + bad.status + bad.total AS no_total,
           i <= bad.doctor + bad.status + bad.total AS blemished,
           i <= bad.doctor + bad.status + bad.total + pg_temp.figure('rows.orders_by_profile') AS old
    FROM bad, generate_series(1, pg_temp.figure('rows.orders')) AS i
), sku AS (
    SELECT array_agg(sku ORDER BY sku) AS choices FROM products
)
INSERT INTO orders (id, rel, patient_id, dr_id, referred_by, sku, status_code, old_status, tray_code, total_cents, prio, notes, created)
SELECT 4000 + i,
       CASE WHEN blemished THEN 1 WHEN old THEN 2 + i % 3 ELSE 5 END,
       5000000000 + 2 * (1 + pg_temp.draw('order patient', i, pg_temp.figure(CASE WHEN blemished THEN 'rows.archived' ELSE 'rows.patients' END))),
       CASE WHEN no_doctor THEN 900000 + i
            WHEN blemished OR NOT old THEN 101 + pg_temp.draw('order doctor', i, pg_temp.figure('rows.doctors'))
            ELSE 100003 + 3 * pg_temp.draw('order doctor', i, pg_temp.figure('rows.doctors')) END,
       CASE i % 8 WHEN 0 THEN 101 + pg_temp.draw('referrer', i, pg_temp.figure('rows.doctors')) WHEN 1 THEN 50000 + i END,
       pg_temp.pick('order product', i, sku.choices),
       CASE WHEN no_status THEN 42 WHEN no_total THEN 9 ELSE pg_temp.pick('status', i, ARRAY['0', '1', '2', '3', '4', '4', '4', '9'])::smallint END,
       CASE WHEN i % 3 = 0 THEN pg_temp.pick('old status', i, ARRAY['angelegt', 'übergeben', '']) END,
       CASE WHEN i % 2 = 0 THEN format('T%s', lpad(pg_temp.draw('tray', i, 10000000)::text, 7, '0')) END,
       CASE WHEN no_total THEN -1990 ELSE pg_temp.draw('total', i, 500000) END,
       CASE WHEN pg_temp.draw('has priority', i, 10) > 2 THEN 1 + pg_temp.draw('priority', i, 3) END,
       CASE WHEN i % 50 = 0 THEN pg_temp.prose('order', i, 90) WHEN i % 5 = 0 THEN E'bitte "bald"\t\\N\n– 🦷' END,
       pg_temp.moment('order', i, '2014-01-01', 4200)
FROM numbered, sku;

-- Upper and lower jaw of every patient from the first on; the last few belong to patients who were deleted.
INSERT INTO jaws (patient_id, side, scan_date, teeth, measurements, changed)
SELECT 5000000000 + 2 * CASE WHEN i > pg_temp.figure('rows.jaws') - pg_temp.figure('blemishes.jaws.deleted_patient') THEN 1000000 + i ELSE (i + 1) / 2 END,
       CASE WHEN i % 2 = 1 THEN 'U' ELSE 'L' END,
       CASE WHEN i % 9 <> 0 THEN date '2015-01-01' + pg_temp.draw('scan', i, 3900)::integer END,
       ARRAY(SELECT tooth::smallint FROM generate_series(11, 11 + pg_temp.draw('teeth', i, 8)) AS tooth),
       CASE WHEN i % 2 = 0 THEN format('{"arch": %s.50, "crowding": null}', 30 + i % 12)::json END,
       pg_temp.moment('jaw', i, '2015-01-01', 3900)
FROM generate_series(1, pg_temp.figure('rows.jaws')) AS i;

-- The first few projects belong to patients who were deleted; a few others name an active plan that was.
INSERT INTO projects (id, patient_id, plan_id, title, state, budget, started, deadline)
SELECT i,
       5000000000 + 2 * CASE WHEN i <= pg_temp.figure('blemishes.projects.deleted_patient') THEN 1000000 + i
                             ELSE 1 + pg_temp.draw('project patient', i, pg_temp.figure('rows.patients')) END,
       CASE WHEN i <= pg_temp.figure('blemishes.projects.deleted_patient') + pg_temp.figure('blemishes.projects.deleted_plan') AND i > pg_temp.figure('blemishes.projects.deleted_patient') THEN 800000 + i
            WHEN i % 3 <> 0 AND i <= pg_temp.figure('rows.treatment_plans') THEN i END,
       pg_temp.pick('project', i, ARRAY['Zahnregulierung', 'Implantat', 'Prothese \ Brücke', 'Bleaching']) || ' ' || i,
       pg_temp.draw('project state', i, 4),
       CASE WHEN i % 6 <> 0 THEN pg_temp.draw('budget', i, 2000000) / 100.0 END,
       pg_temp.moment('project', i, '2016-01-01', 3500),
       CASE WHEN i % 4 = 0 THEN date '2026-01-01' + pg_temp.draw('deadline', i, 700)::integer END
FROM generate_series(1, pg_temp.figure('rows.projects')) AS i;

INSERT INTO treatment_plans (id, projekt_id, dr_id, ver, cost, body, meta, created)
SELECT i,
       1 + (i - 1) % pg_temp.figure('rows.projects'),
       CASE WHEN i % 12 = 0 THEN 70000 + i WHEN i % 13 <> 0 THEN 101 + pg_temp.draw('plan doctor', i, pg_temp.figure('rows.doctors')) END,
       1 + i % 4,
       CASE WHEN i % 4 < 2 THEN pg_temp.draw('plan cost', i, 9000) ELSE pg_temp.draw('plan cost', i, 900000) END,
       pg_temp.prose('plan', i, CASE WHEN i % 25 = 0 THEN 110 ELSE 2 END),
       CASE WHEN i % 3 <> 0 THEN format('{"steps": %s, "steps": %s, "retainer": true}', i % 30, i % 31) END,
       pg_temp.moment('plan', i, '2016-01-01', 3500)
FROM generate_series(1, pg_temp.figure('rows.treatment_plans')) AS i;
