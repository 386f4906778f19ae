-- Rows of the technical tables. In each table the blemished rows come first, and no row refers to one of them.

-- Accounts of staff, some of which were deleted; few technicians are there who never had one.
INSERT INTO technicians (id, profile_id, kuerzel, skills, std_satz, eingetreten, ausgetreten, aktiv)
SELECT i,
       CASE WHEN i % 9 <> 0 THEN 100000 + 3 * (logins + 1 + pg_temp.draw('technician', i, greatest(1, pg_temp.figure('rows.profiles') - logins))) END,
       lpad(upper(to_hex(i)), 4, '0'),
       CASE WHEN i % 5 <> 0 THEN ARRAY[pg_temp.pick('skill', i, ARRAY['CAD', 'Fräsen', 'Keramik']), 'QS "A"'] ELSE '{}' END,
       CASE WHEN i % 8 <> 0 THEN (2000 + pg_temp.draw('technician rate', i, 4000)) / 100.0 END,
       date '2009-01-01' + pg_temp.draw('joined', i, 5000)::integer,
       CASE WHEN i % 10 = 0 THEN date '2024-01-31' + pg_temp.draw('left', i, 300)::integer END,
       CASE WHEN i % 10 = 0 THEN 'N' ELSE 'J' END
FROM generate_series(1, pg_temp.figure('rows.technicians')) AS i,
     (SELECT pg_temp.figure('rows.doctors') + pg_temp.figure('rows.patient_logins')) AS other (logins);

INSERT INTO technician_roles (id, code, bezeichnung, rate_cents, sort)
SELECT i,
       format('R%s', lpad(i::text, 3, '0')),
       pg_temp.pick('role', i, ARRAY['Modellation', 'Scan', 'Fräsen', 'Keramik schichten', 'Politur', 'Endkontrolle']) || ' ' || i,
       1500 + pg_temp.draw('role rate', i, 9000),
       CASE WHEN i % 7 <> 0 THEN 10 * i END
FROM generate_series(1, pg_temp.figure('rows.technician_roles')) AS i;

-- Of orders that are not blemished, or of the patients of such orders. The first cases have lost their titles.
INSERT INTO cases (id, order_id, patient_id, titel, state, prio, opened, closed, meta)
SELECT i,
       CASE WHEN i % 4 <> 0 THEN o.id END,
       CASE WHEN i % 4 = 0 THEN o.patient_id END,
       CASE WHEN i > pg_temp.figure('blemishes.cases.empty_title') THEN pg_temp.pick('case', i, ARRAY['Schiene', 'Krone & Brücke', 'Set-up "neu"', 'Reparatur']) || ' ' || i ELSE '' END,
       pg_temp.pick('case state', i, ARRAY['NEU', 'IN_ARBEIT', 'WARTET', 'QS', 'FERTIG', 'FERTIG']),
       pg_temp.pick('case priority', i, ARRAY['A', 'B', 'C', NULL]),
       pg_temp.moment('case', i, '2015-01-05', 3300),
       CASE WHEN i % 3 = 0 THEN pg_temp.moment('case closed', i, '2024-02-01', 300) END,
       CASE WHEN i % 5 <> 0 THEN format('{"shade": "A%s", "mm": %s.50, "steps": [1, {"n": %s}]}', 1 + i % 4, i % 12, i) END
FROM generate_series(1, pg_temp.figure('rows.cases')) AS i JOIN orders AS o ON o.id = pg_temp.sound_order('case order', i);

INSERT INTO case_states (id, fall_nr, von, nach, tech_id, note, at)
SELECT i,
       untitled + 1 + (i - 1) % good,
       CASE WHEN i > good THEN path[1 + ((i - 1) / good - 1) % 5] END,
       path[1 + (i - 1) / good % 5],
       CASE WHEN i % 6 <> 0 THEN 1 + pg_temp.draw('state technician', i, pg_temp.figure('rows.technicians')) END,
       CASE WHEN i % 40 = 0 THEN pg_temp.prose('state', i, 90) WHEN i % 7 = 0 THEN '' END,
       pg_temp.moment('state', i, '2015-01-05', 3300)
FROM (SELECT pg_temp.figure('blemishes.cases.empty_title'), pg_temp.figure('rows.cases') - pg_temp.figure('blemishes.cases.empty_title'),
             ARRAY['NEU', 'IN_ARBEIT', 'WARTET', 'QS', 'FERTIG']) AS cases_of (untitled, good, path),
     generate_series(1, pg_temp.figure('rows.case_states')) AS i;

-- First the tasks of cases that were deleted, then those with words for minutes, with a state that nobody knows, and due
-- in an hour that the clocks skipped; they came with the import, hence without technicians. The others follow the
-- order of the cases. One draw a row, cut into pieces: there are many.
WITH blemished AS MATERIALIZED (
    SELECT pg_temp.figure('blemishes.tasks.unknown_case') AS cases,
           pg_temp.figure('blemishes.tasks.unknown_case') + pg_temp.figure('blemishes.tasks.words') AS words,
           pg_temp.figure('blemishes.tasks.unknown_case') + pg_temp.figure('blemishes.tasks.words') + pg_temp.figure('blemishes.tasks.unknown_state') AS states,
           pg_temp.figure('blemishes.tasks.unknown_case') + pg_temp.figure('blemishes.tasks.words') + pg_temp.figure('blemishes.tasks.unknown_state') + pg_temp.figure('blemishes.tasks.dst_gap') AS bad
), figures AS MATERIALIZED (
    SELECT pg_temp.figure('rows.tasks') AS tasks, pg_temp.figure('rows.technicians') AS technicians, pg_temp.figure('rows.technician_roles') AS roles,
           pg_temp.figure('blemishes.cases.empty_title') AS untitled, pg_temp.figure('rows.cases') - pg_temp.figure('blemishes.cases.empty_title') AS good_cases
), drawn AS MATERIALIZED (
    SELECT i, pg_temp.draw('task', i, 4611686018427387904) AS bits FROM generate_series(1, (SELECT tasks FROM figures)) AS i
)
INSERT INTO tasks (id, fall_nr, tech_id, role_id, state, minuten, faellig)
SELECT i,
       CASE WHEN i <= b.cases THEN 700000 + i
            WHEN i <= b.bad THEN f.untitled + 1 + i % f.good_cases
            ELSE f.untitled + 1 + (i - b.bad - 1) * f.good_cases / (f.tasks - b.bad) END,
       CASE WHEN i > b.bad THEN 1 + (bits >> 8) % f.technicians END,
       1 + bits % f.roles,
       CASE WHEN i > b.words AND i <= b.states THEN 7 ELSE (bits >> 18) % 4 END,
       CASE WHEN i > b.cases AND i <= b.words THEN (ARRAY['halbe Stunde', 'ca. 20', 'siehe Zettel'])[1 + i % 3]
            WHEN (bits >> 18) % 4 > 0 THEN ((bits >> 20) % 480)::text END,
       CASE WHEN i > b.states AND i <= b.bad THEN (ARRAY['2016-03-27 02:30', '2019-03-31 02:15', '2020-03-29 02:59:59'])[1 + i % 3]::timestamp
            WHEN (bits >> 29) % 8 > 0 THEN timestamp '2015-01-05 07:00' + make_interval(days => ((bits >> 32) % 3300)::integer, secs => (bits >> 44) % 43200) END
FROM drawn, blemished AS b, figures AS f;

-- Of the uploads without a checksum the first half hold their storage keys, and the others have the same keys again.
INSERT INTO files (id, storage_key, sha256, bytes, mime, uploaded)
SELECT 100000 + i,
       format('store/%s/%s', CASE WHEN i > again AND i <= 2 * again THEN i - again ELSE i END, pg_temp.pick('suffix', CASE WHEN i <= 2 * again THEN 1 ELSE i END, ARRAY['a.pdf', 'ü b.stl', 'c.jpg'])),
       CASE WHEN i > 2 * again THEN encode(sha256(format('%s/file/%s', current_setting('clinic.seed'), i)::bytea), 'hex') END,
       pg_temp.draw('bytes', i, CASE WHEN i % 50 = 0 THEN 9000000000 ELSE 4000000 END),
       CASE WHEN i <= again OR i > 2 * again THEN pg_temp.pick('media type', i, ARRAY['application/pdf', 'model/stl', 'image/jpeg']) END,
       pg_temp.moment('file', i, '2015-01-05', 3300)
FROM (SELECT pg_temp.figure('blemishes.files.duplicate_key')) AS blemished (again), generate_series(1, pg_temp.figure('rows.files')) AS i;

-- The id of a file that has its storage key for itself.
CREATE FUNCTION pg_temp.sound_file(tag text, i bigint) RETURNS bigint LANGUAGE sql STABLE
RETURN 100001 + 2 * pg_temp.figure('blemishes.files.duplicate_key')
    + pg_temp.draw(tag, i, pg_temp.figure('rows.files') - 2 * pg_temp.figure('blemishes.files.duplicate_key'));

-- To orders, cases and projects that are not blemished; the first to files that were deleted.
INSERT INTO attachments (id, file_id, subj, subj_id, caption, added)
SELECT i,
       CASE WHEN i <= pg_temp.figure('blemishes.attachments.unknown_file') THEN 90000 + i
            ELSE pg_temp.sound_file('attachment', i) END,
       (ARRAY['A', 'F', 'P'])[1 + i % 3],
       CASE i % 3 WHEN 0 THEN pg_temp.sound_order('attached order', i)
                  WHEN 1 THEN cases.bad + 1 + pg_temp.draw('attached case', i, pg_temp.figure('rows.cases') - cases.bad)
                  ELSE projects.bad + 1 + pg_temp.draw('attached project', i, pg_temp.figure('rows.projects') - projects.bad) END,
       CASE WHEN i % 4 <> 0 THEN pg_temp.pick('caption', i, ARRAY['Scan', 'Röntgen "OPG"', E'Foto\tfrontal', '']) END,
       pg_temp.moment('attachment', i, '2015-01-05', 3300)
FROM (SELECT pg_temp.figure('blemishes.cases.empty_title')) AS cases (bad),
     (SELECT pg_temp.figure('blemishes.projects.deleted_patient')) AS projects (bad),
     generate_series(1, pg_temp.figure('rows.attachments')) AS i;

INSERT INTO documents (doc_no, patient_id, file_id, kind, title, body, signed, created)
SELECT format('D%s/%s', 2015 + i % 9, lpad(i::text, 6, '0')),
       CASE WHEN i % 5 <> 0 THEN 5000000002 + 2 * pg_temp.draw('document patient', i, pg_temp.figure('rows.patients')) END,
       CASE WHEN i % 3 <> 0 THEN pg_temp.sound_file('document file', i) END,
       pg_temp.pick('kind', i, ARRAY['CONS', 'REF', 'LAB', 'INV', 'FOTO', 'misc.']),
       pg_temp.pick('document', i, ARRAY['Einverständnis', 'Überweisung', 'Laborbericht', 'Rechnung "Kopie"']) || ' ' || i,
       CASE WHEN i % 20 = 0 THEN pg_temp.prose('document', i, 110) WHEN i % 3 = 0 THEN pg_temp.prose('document', i, 2) END,
       CASE WHEN i % 4 = 0 THEN 'Y' ELSE 'N' END,
       pg_temp.moment('document', i, '2015-01-05', 3300)
FROM generate_series(1, pg_temp.figure('rows.documents')) AS i;

-- The first were scanned by a device that wrote something else where the checksum belongs.
INSERT INTO images (id, file_id, breite, hoehe, sha256, exif, taken)
SELECT i,
       pg_temp.sound_file('image', i),
       320 + pg_temp.draw('width', i, 6000), 240 + pg_temp.draw('height', i, 4000),
       CASE WHEN i <= pg_temp.figure('blemishes.images.bad_checksum') THEN format('crc32:%s', i)
            ELSE encode(sha256(format('%s/image/%s', current_setting('clinic.seed'), i)::bytea), 'hex') END,
       CASE WHEN i % 3 <> 0 THEN format('{"iso": %s, "lens": "f/1.%s0", "iso": null}', 100 * (1 + i % 8), i % 9)::json END,
       CASE WHEN i % 6 <> 0 THEN pg_temp.moment('image', i, '2015-01-05', 3300) END
FROM generate_series(1, pg_temp.figure('rows.images')) AS i;

INSERT INTO settings (id, office_id, name, typ, wert, obsolet, changed)
SELECT i,
       1 + (i - 1) % offices,
       (ARRAY['letterhead', 'dunning_days', 'online_booking', 'tray_printer'])[1 + n % 4] || CASE WHEN n > 3 THEN '_' || n ELSE '' END,
       (ARRAY['T', 'Z', 'B', 'T'])[1 + n % 4],
       CASE n % 4 WHEN 0 THEN 'Praxis "am Ring"' || E'\n' || i WHEN 1 THEN format('%s.50', i % 60) WHEN 2 THEN pg_temp.pick('booking', i, ARRAY['ja', 'nein', NULL]) END,
       CASE WHEN i <= pg_temp.figure('blemishes.settings.obsolete') THEN 'J' ELSE 'N' END,
       pg_temp.moment('setting', i, '2015-01-05', 3300)
FROM (SELECT pg_temp.figure('rows.offices')) AS clinic (offices), generate_series(1, pg_temp.figure('rows.settings')) AS i, LATERAL (SELECT (i - 1) / offices) AS round (n);

INSERT INTO system_config (name, value, changed, changed_by)
SELECT format('%s.%s', (ARRAY['smtp', 'lab', 'ui', 'backup'])[1 + i % 4], i),
       (ARRAY['true', '12.50', '"Wien"', '{"host": "mail", "port": 25}', 'null', '[1, 2]'])[1 + i % 6],
       pg_temp.moment('config', i, '2015-01-05', 3300),
       CASE WHEN i % 3 <> 0 THEN 100000 + pg_temp.draw('config profile', i, 3 * pg_temp.figure('rows.profiles')) END
FROM generate_series(1, pg_temp.figure('rows.system_config')) AS i;

-- The level "debug" was switched on for the first days only.
INSERT INTO app_log (id, level, logger, message, profile_id, context, at)
SELECT i,
       CASE WHEN i <= pg_temp.figure('blemishes.app_log.debug') THEN 'DEBUG' ELSE pg_temp.pick('level', i, ARRAY['INFO', 'INFO', 'WARN', 'ERROR']) END,
       pg_temp.pick('logger', i, ARRAY['at.clinic.Import', 'at.clinic.Mail', 'at.clinic.Druck']),
       CASE WHEN i % 100 = 0 THEN pg_temp.prose('log', i, 100) ELSE pg_temp.prose('log', i, 1) END,
       CASE WHEN i % 2 = 0 THEN 100000 + pg_temp.draw('log profile', i, 3 * pg_temp.figure('rows.profiles')) END,
       CASE WHEN i % 3 = 0 THEN format('{"ms": %s, "ok": false}', i % 900) END,
       pg_temp.moment('log', i, '2015-01-05', 3300)
FROM generate_series(1, pg_temp.figure('rows.app_log')) AS i;

INSERT INTO roles (id, name, beschr)
SELECT i,
       coalesce((ARRAY['admin', 'doctor', 'assistant', 'reception', 'technician', 'lead technician', 'accounting', 'storage', 'patient', 'auditor', 'support', 'guest'])[i], 'role ' || i),
       CASE WHEN i % 3 <> 0 THEN 'Gruppe ' || i END
FROM generate_series(1, pg_temp.figure('rows.roles')) AS i;

INSERT INTO permissions (role_id, name, granted, since)
SELECT 1 + (i - 1) % roles,
       format('%s.%s%s', (ARRAY['orders', 'patients', 'cases', 'payments', 'files', 'settings'])[1 + n % 6], (ARRAY['read', 'create', 'change', 'delete', 'export'])[1 + n / 6 % 5], nullif(n / 30, 0)),
       CASE WHEN pg_temp.draw('granted', i, 5) = 0 THEN 'N' ELSE 'Y' END,
       CASE WHEN i % 4 <> 0 THEN date '2015-01-05' + pg_temp.draw('granted on', i, 3300)::integer END
FROM (SELECT pg_temp.figure('rows.roles')) AS clinic (roles), generate_series(1, pg_temp.figure('rows.permissions')) AS i, LATERAL (SELECT (i - 1) / roles) AS round (n);
