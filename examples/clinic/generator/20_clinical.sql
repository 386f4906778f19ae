-- Clinical rows. As in the foundation, which row is blemished depends on its number and the scale only.

INSERT INTO patient_profiles (patient_id, beruf, kasse, notfall, notf_tel, foto_ok, werbung, extras, changed)
SELECT 5000000000 + 2 * i,
       CASE WHEN i % 5 <> 0 THEN pg_temp.pick('job', i, ARRAY['Lehrer/in', 'Bäcker', 'Schüler "5b"', 'Pensionistin', 'k. A.']) END,
       CASE WHEN i % 7 <> 0 THEN pg_temp.pick('insurer', i, ARRAY['OEGK', 'OEGK', 'SVS', 'BVAEB', 'KFA', 'privat', 'Wr.Städt']) END,
       CASE WHEN i % 3 <> 0 THEN pg_temp.given_name(i * 17) || ' ' || pg_temp.family_name(i * 19) WHEN i % 2 = 0 THEN ' ' ELSE '' END,
       CASE WHEN i % 3 <> 0 THEN format(pg_temp.pick('contact format', i, ARRAY['0650/%s', '+43 650 %s', '(02742) %s']), lpad((i % 10000000)::text, 7, '3')) END,
       (ARRAY['Y', 'N', NULL])[1 + i % 3],
       i % 2,
       CASE WHEN i % 4 = 0 THEN format('{"shoe":  %s.50, "pets": ["Hund", "Katze \\ Kater"], "fear": %s}', i % 50, i % 10) END,
       pg_temp.moment('facts', i, '2014-01-01', 3900)
FROM generate_series(1, pg_temp.figure('rows.patient_profiles')) AS i;

-- Every sixth is about a patient of the program before. The first few were noted in the hour that the clocks skipped.
WITH bad AS (
    SELECT pg_temp.figure('blemishes.medical_history.dst_gap') AS gap, pg_temp.figure('rows.patients') AS patients, pg_temp.figure('rows.patients_2012') AS old
)
INSERT INTO medical_history (kind, pat_nr, icd, diag, seit, flags, noted)
SELECT CASE WHEN i > gap AND i % 6 = 0 THEN 'A' ELSE 'P' END,
       CASE WHEN i <= gap THEN 5000000000 + 2 * (1 + i % pg_temp.figure('rows.archived'))
            WHEN i % 6 = 0 THEN 1 + pg_temp.draw('history patient', i, old)
            ELSE 5000000000 + 2 * (1 + pg_temp.draw('history patient', i, patients)) END,
       CASE WHEN i % 5 <> 0 THEN pg_temp.pick('icd', i, ARRAY['K02.1', 'K05.3', 'K07.2', 'I10', 'E11.9', 'Z92.1']) END,
       CASE WHEN i % 50 = 0 THEN pg_temp.prose('condition', i, 60)
            ELSE pg_temp.pick('condition', i, ARRAY['Karies', 'Parodontitis', 'Hypertonie', E'Marcumar\t(!)', 'Zustand n. Implantat \ 36', 'Diabetes "Typ 2"']) END,
       CASE WHEN i % 3 <> 0 THEN 1950 + i % 70 END,
       i % 8,
       CASE WHEN i <= gap THEN timestamp '2019-03-31 02:30' + i * interval '1 second' ELSE pg_temp.moment('condition noted', i, '2014-01-01', 3900) END
FROM bad, generate_series(1, pg_temp.figure('rows.medical_history')) AS i;

-- Two a patient, of two substances. Of the first few the last few say the same again, in capitals.
WITH bad AS (
    SELECT pg_temp.figure('blemishes.allergies.duplicate') AS twice, pg_temp.figure('rows.allergies') AS n, pg_temp.figure('rows.patients') AS patients,
           ARRAY['Penicillin', 'Latex', 'nickel', 'Articain', 'Ibuprofen', 'Jod', 'chlorhexidin', 'Kobalt', 'Eugenol', 'Acrylat', 'Pollen', 'Erdnüsse'] AS substances
)
INSERT INTO allergies (patient_id, substance, severety, reaction, noted)
SELECT 5000000000 + 2 * CASE WHEN i <= twice THEN i WHEN i > n - twice THEN i - (n - twice) ELSE patients - (i - 1) / 2 END,
       CASE WHEN i <= twice THEN 'Penicillin' WHEN i > n - twice THEN 'PENICILLIN'
            ELSE substances[1 + (pg_temp.draw('substance', (i - 1) / 2, 12) + i % 2) % 12] END,
       CASE WHEN i % 6 <> 0 THEN 1 + i % 4 END,
       CASE WHEN i % 2 = 0 THEN pg_temp.pick('reaction', i, ARRAY['Ausschlag', 'Schwellung', 'Anaphylaxie 2017', '']) END,
       CASE WHEN i % 4 <> 0 THEN date '2012-01-01' + pg_temp.draw('allergy', i, 4800)::integer END
FROM bad, generate_series(1, n) AS i;

-- The first few name a doctor who never existed; some others a project that was deleted.
WITH bad AS (
    SELECT pg_temp.figure('blemishes.treatments.unknown_doctor') AS doctor, pg_temp.figure('rows.patients') AS patients, pg_temp.figure('rows.doctors') AS doctors,
           pg_temp.figure('rows.projects') AS projects, pg_temp.figure('blemishes.projects.deleted_patient') AS parked
)
INSERT INTO treatments (patient_id, dr_id, projekt_id, code, zaehne, honorar, status, treated)
SELECT 5000000000 + 2 * (1 + CASE WHEN i <= doctor THEN i % pg_temp.figure('rows.archived') ELSE pg_temp.draw('treatment patient', i, patients) END),
       CASE WHEN i <= doctor THEN 800000 + i ELSE 101 + pg_temp.draw('treatment doctor', i, doctors) END,
       CASE WHEN i % 60 = 7 THEN 600000 + i WHEN i % 3 = 0 THEN parked + 1 + pg_temp.draw('treatment project', i, projects - parked) END,
       pg_temp.pick('treatment', i, ARRAY['FUE1', 'FUE2', 'EXTR', 'WKB', 'KFO', 'MHYG']),
       CASE i % 5 WHEN 0 THEN '' WHEN 1 THEN NULL WHEN 2 THEN format('%s', 11 + i % 8) ELSE format('%s,%s', 21 + i % 8, 31 + i % 8) END,
       pg_temp.draw('honorar', i, 150000),
       (ARRAY['G', 'L', 'F', 'F'])[1 + i % 4],
       pg_temp.moment('treatment', i, '2015-01-01', 3700)
FROM bad, generate_series(1, pg_temp.figure('rows.treatments')) AS i;

-- The first few steps are of orders that were deleted, the next lead to a status that nobody knows. The orders that are bad
-- themselves have none.
WITH bad AS (
    SELECT pg_temp.figure('blemishes.order_status_history.unknown_order') AS gone, pg_temp.figure('blemishes.order_status_history.unknown_code') AS code,
           pg_temp.figure('blemishes.orders.unknown_doctor') + pg_temp.figure('blemishes.orders.unknown_status') + pg_temp.figure('blemishes.orders.negative_total') AS orders,
           pg_temp.figure('rows.orders') AS n, pg_temp.figure('rows.profiles') - pg_temp.figure('blemishes.profiles.deleted') AS profiles
)
INSERT INTO order_status_history (order_id, von, nach, wer, wann)
SELECT CASE WHEN i <= gone THEN 9000000 + i ELSE 4001 + orders + i % (n - orders) END,
       (ARRAY[NULL, 0, 1, 2, 3])[1 + i % 5],
       CASE WHEN i > gone AND i <= gone + code THEN 77 ELSE (ARRAY[0, 1, 2, 3, 4])[1 + i % 5] END,
       CASE WHEN i % 10 = 9 THEN 70000 + i WHEN i % 7 <> 0 THEN 100003 + 3 * pg_temp.draw('step by', i, profiles) END,
       pg_temp.moment('step', i, '2014-01-01', 4200)
FROM bad, generate_series(1, pg_temp.figure('rows.order_status_history')) AS i;

-- Round after round over the doctors, each time another office.
WITH n AS (
    SELECT pg_temp.figure('rows.doctors') AS doctors, pg_temp.figure('rows.offices') AS offices
)
INSERT INTO doctor_offices (dr_id, office_id, anteil, since)
SELECT 101 + (i - 1) % doctors,
       1 + (pg_temp.draw('second office', (i - 1) % doctors, offices) + (i - 1) / doctors) % offices,
       pg_temp.pick('share', i, ARRAY['5', '20', '25', '40', '50'])::smallint,
       CASE WHEN i % 4 <> 0 THEN date '2005-01-01' + (i * 7 % 6000)::integer END
FROM n, generate_series(1, pg_temp.figure('rows.doctor_offices')) AS i;

-- Of jaws whose patients are there. The first few could not be measured, and words say so.
WITH bad AS (
    SELECT pg_temp.figure('blemishes.measurements.words') AS words, 2 * pg_temp.figure('rows.archived') AS archived,
           pg_temp.figure('rows.jaws') - pg_temp.figure('blemishes.jaws.deleted_patient') AS jaws
), numbered AS (
    SELECT i, i <= words AS in_words, 1 + pg_temp.draw('measured jaw', i, CASE WHEN i <= words THEN archived ELSE jaws END) AS jaw
    FROM bad, generate_series(1, pg_temp.figure('rows.measurements')) AS i
)
INSERT INTO measurements (patient_id, side, art, wert, einheit, anm, taken)
SELECT 5000000000 + 2 * ((jaw + 1) / 2),
       CASE WHEN jaw % 2 = 1 THEN 'U' ELSE 'L' END,
       (ARRAY['overjet', 'overbite', 'Zahnbogen', 'Engstand', 'Winkel'])[1 + i % 5],
       CASE WHEN in_words THEN 'nicht messbar' WHEN i % 2 = 0 THEN format('%s,%s', i % 40, i % 10) ELSE format('%s.%s0', i % 40, i % 10) END,
       CASE WHEN i % 5 = 4 THEN 'Grad' WHEN i % 5 = 3 THEN '%' WHEN i % 2 = 0 THEN 'mm' END,
       CASE WHEN i % 9 = 0 THEN 'li. "unscharf"; wiederholen' END,
       pg_temp.moment('measurement', i, '2015-01-01', 3700)
FROM numbered;

-- X-ray stations wrote the profile of the doctor; some orders were deleted, the results were not.
WITH n AS (
    SELECT pg_temp.figure('rows.patients') AS patients, pg_temp.figure('rows.doctors') AS doctors, pg_temp.figure('rows.orders') AS orders,
           pg_temp.figure('blemishes.orders.unknown_doctor') + pg_temp.figure('blemishes.orders.unknown_status') + pg_temp.figure('blemishes.orders.negative_total') AS bad
)
INSERT INTO diagnostics (patient_id, order_id, art, dr_id, befund, geraet, film_nr, raum, taken)
SELECT 5000000000 + 2 * (1 + pg_temp.draw('diagnostic patient', i, patients)),
       CASE WHEN i % 40 = 3 THEN 9500000 + i WHEN i % 3 = 0 THEN 4001 + bad + pg_temp.draw('diagnostic order', i, orders - bad) END,
       (ARRAY['RX', 'RX', 'CT', 'LAB', 'PHOT'])[1 + i % 5],
       CASE WHEN i % 5 < 2 THEN 100003 + 3 * pg_temp.draw('diagnostic doctor', i, doctors) ELSE 101 + pg_temp.draw('diagnostic doctor', i, doctors) END,
       format('{"kv": %s, "ma":  %s.0, "text": "Befund %s \u00e4 \"neu\"", "teeth": [%s], "text": null}', 60 + i % 10, i % 15, i, 11 + i % 8),
       CASE WHEN i % 4 <> 0 THEN pg_temp.pick('device', i, ARRAY['Orthophos SL', 'Vatech', 'Cobas b101']) END,
       CASE WHEN i % 3 = 0 THEN format('F%s', lpad((i % 1000000)::text, 6, '0')) END,
       CASE WHEN i % 6 <> 0 THEN 1 + i % 9 END,
       pg_temp.moment('diagnostic', i, '2013-01-01', 4400)
FROM n, generate_series(1, pg_temp.figure('rows.diagnostics')) AS i;

-- Four steps a plan, of plans whose projects are there. The first few name plans that were deleted.
WITH bad AS (
    SELECT pg_temp.figure('blemishes.plan_steps.deleted_plan') AS deleted, pg_temp.figure('blemishes.projects.deleted_patient') AS parked,
           pg_temp.figure('rows.projects') - pg_temp.figure('blemishes.projects.deleted_patient') AS plans
)
INSERT INTO plan_steps (plan_id, nr, titel, wochen, erledigt, due)
SELECT CASE WHEN i <= deleted THEN 700000 + i ELSE parked + 1 + (i - 1) / 4 % plans END,
       1 + (i - 1) % 4 + 4 * ((i - 1) / (4 * plans)),
       pg_temp.pick('plan step', i, ARRAY['Abdruck', 'Schiene 1–4 tragen', 'Kontrolle', 'Retainer kleben \ polieren']),
       CASE WHEN i % 6 <> 0 THEN (i % 50) / 2.0 END,
       CASE WHEN i % 3 = 0 THEN 'Y' ELSE 'N' END,
       CASE WHEN i % 5 <> 0 THEN date '2021-01-01' + (i * 11 % 2500)::integer END
FROM bad, generate_series(1, pg_temp.figure('rows.plan_steps')) AS i;

-- The last few were cancelled.
WITH bad AS (
    SELECT pg_temp.figure('rows.prescriptions') AS n, pg_temp.figure('blemishes.prescriptions.cancelled') AS cancelled,
           pg_temp.figure('rows.patients') AS patients, pg_temp.figure('rows.doctors') AS doctors
)
INSERT INTO prescriptions (rx_no, patient_id, dr_id, medikament, dosis, gebuehr, status, issued, valid_to)
SELECT format('RX/%s-%s', 2015 + i % 10, lpad(i::text, 6, '0')),
       5000000000 + 2 * (1 + CASE WHEN i > n - cancelled THEN i % pg_temp.figure('rows.archived') ELSE pg_temp.draw('prescription patient', i, patients) END),
       101 + pg_temp.draw('prescription doctor', i, doctors),
       pg_temp.pick('medicine', i, ARRAY['Amoxicillin 1000 mg', 'Ibuprofen 600', 'Chlorhexamed "forte"', 'Novalgin gtt.']),
       CASE WHEN i % 4 <> 0 THEN ARRAY['1', (i % 2)::text, pg_temp.pick('evening', i, ARRAY['1', '½', 'b. Bed., max. 2'])] END,
       CASE WHEN i % 3 <> 0 THEN (pg_temp.draw('prescription fee', i, 1500)) / 100.0 END,
       CASE WHEN i > n - cancelled THEN 'X' WHEN i % 3 = 0 THEN 'E' ELSE 'A' END,
       pg_temp.moment('prescription', i, '2015-01-01', 3700),
       CASE WHEN i % 5 <> 0 THEN date '2025-01-01' + (i % 400)::integer END
FROM bad, generate_series(1, n) AS i;
