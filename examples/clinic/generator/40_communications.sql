-- Rows of communications. In each table the blemished rows come first, and no row refers to one of them.

-- The profile of a doctor, or of a patient with a login; never of staff, whose accounts come and go.
CREATE FUNCTION pg_temp.some_login(tag text, i bigint) RETURNS bigint LANGUAGE sql STABLE
RETURN 100003 + 3 * pg_temp.draw(tag, i, least(
    pg_temp.figure('rows.doctors') + pg_temp.figure('rows.patient_logins'),
    pg_temp.figure('rows.profiles') - pg_temp.figure('blemishes.profiles.deleted')));

INSERT INTO threads (id, betreff, kind, patient_id, opened_by, tags, opened, closed)
SELECT i,
       pg_temp.pick('thread', i, ARRAY['Termin', 'Rechnung "Mai"', E'Frage\tzur Schiene', '', NULL]),
       1 + pg_temp.draw('thread kind', i, 3),
       CASE WHEN i % 3 <> 0 THEN 5000000002 + 2 * pg_temp.draw('thread patient', i, pg_temp.figure('rows.patients')) END,
       CASE WHEN i % 20 <> 0 THEN 100003 + 3 * pg_temp.draw('opened by', i, pg_temp.figure('rows.profiles')) END,
       CASE i % 4 WHEN 0 THEN ARRAY['wichtig', 'a "b", c'] WHEN 1 THEN '{}' WHEN 2 THEN ARRAY[pg_temp.pick('tag', i, ARRAY['Labor', 'Kassa'])] END,
       pg_temp.moment('thread', i, '2013-02-01', 4200),
       CASE WHEN i % 5 = 0 THEN pg_temp.moment('thread closed', i, '2024-09-01', 200) END
FROM generate_series(1, pg_temp.figure('rows.threads')) AS i;

-- First those that were withdrawn, then those of threads that were deleted.
INSERT INTO messages (id, thread_id, sender, body, sent, gelesen, deleted)
SELECT 7000000000 + i,
       CASE WHEN i > withdrawn AND i <= withdrawn + lost THEN 900000 + i ELSE 1 + pg_temp.draw('message', i, pg_temp.figure('rows.threads')) END,
       pg_temp.some_login('sender', i),
       pg_temp.prose('message', i, CASE WHEN i % 30 = 0 THEN 60 + pg_temp.draw('message length', i, 120) ELSE 1 + i % 4 END),
       pg_temp.moment('sent', i, '2013-02-01', 4200),
       CASE WHEN i % 3 <> 0 THEN pg_temp.moment('read', i, '2024-09-01', 200) END,
       CASE WHEN i <= withdrawn THEN 'Y' ELSE 'N' END
FROM (SELECT pg_temp.figure('blemishes.messages.deleted'), pg_temp.figure('blemishes.messages.unknown_thread')) AS blemished (withdrawn, lost),
     generate_series(1, pg_temp.figure('rows.messages')) AS i;

-- Three of four answer an earlier comment, which may be an answer itself; the first answer comments that were deleted.
INSERT INTO comments (id, reply_to, subj_type, subj_id, profile_id, body, edits, posted)
SELECT i,
       CASE WHEN i <= lost THEN 800000 + i WHEN is_answer THEN lost + 1 + pg_temp.draw('answered', i, i - lost - 1) END,
       CASE WHEN is_answer THEN NULL WHEN i % 3 = 0 THEN 'P' ELSE 'O' END,
       CASE WHEN is_answer THEN NULL
            WHEN i % 3 = 0 THEN parked + 1 + pg_temp.draw('project', i, pg_temp.figure('rows.projects') - parked)
            ELSE pg_temp.sound_order('commented order', i) END,
       CASE WHEN i > lost THEN 100003 + 3 * pg_temp.draw('comment author', i, pg_temp.figure('rows.profiles')) END,
       CASE WHEN i % 60 = 0 THEN pg_temp.prose('comment', i, 90) ELSE pg_temp.prose('comment', i, 1) END,
       pg_temp.draw('edits', i, 3),
       pg_temp.moment('comment', i, '2014-03-01', 3800)
FROM (SELECT pg_temp.figure('blemishes.comments.unknown_parent')) AS comments (lost),
     (SELECT pg_temp.figure('blemishes.projects.deleted_patient')) AS projects (parked),
     generate_series(1, pg_temp.figure('rows.comments')) AS i,
     LATERAL (SELECT i <= lost OR (i > lost + 1 AND i % 4 <> 0)) AS kind (is_answer);

-- The import ran in an hour that the clocks skipped.
INSERT INTO notifications (id, profile_id, kind, payload, sent, seen)
SELECT i,
       pg_temp.some_login('notified', i),
       CASE WHEN i <= skipped THEN 'IMPORT' ELSE pg_temp.pick('notification', i, ARRAY['TERMIN', 'RECHNUNG', 'NACHRICHT']) END,
       CASE WHEN i % 4 <> 0 THEN format('{"ref": %s, "ref": %s, "text": "\u00fc \"%s\""}', i, i % 7, i % 3) END,
       CASE WHEN i <= skipped THEN timestamp '2017-03-26 02:00' + pg_temp.draw('import', i, 3600) * interval '1 second' ELSE pg_temp.moment('notification', i, '2017-04-01', 2800) END,
       CASE WHEN i % 3 = 0 THEN 'N' ELSE 'Y' END
FROM (SELECT pg_temp.figure('blemishes.notifications.dst_gap')) AS blemished (skipped), generate_series(1, pg_temp.figure('rows.notifications')) AS i;

INSERT INTO alerts (id, office_id, level, text, raised, cleared)
SELECT i,
       CASE WHEN i % 10 <> 0 THEN 1 + pg_temp.draw('alert office', i, pg_temp.figure('rows.offices')) END,
       pg_temp.pick('alert level', i, ARRAY['I', 'W', 'E']),
       CASE WHEN i <= pg_temp.figure('blemishes.alerts.blank_text') THEN '' ELSE pg_temp.pick('alert', i, ARRAY['Lift defekt', 'Server "Labor" neu', E'Urlaub\nbis Montag']) || ' ' || i END,
       pg_temp.moment('alert', i, '2018-01-08', 2200),
       CASE WHEN i % 4 <> 0 THEN pg_temp.moment('alert cleared', i, '2024-09-01', 200) END
FROM generate_series(1, pg_temp.figure('rows.alerts')) AS i;

INSERT INTO feedback (id, profile_id, code, text, name, tel, answered, created)
SELECT i,
       CASE WHEN i % 3 <> 0 THEN pg_temp.some_login('feedback', i) END,
       CASE WHEN i <= pg_temp.figure('blemishes.feedback.unknown_code') THEN 8 ELSE 1 + pg_temp.draw('feedback code', i, 4) END,
       CASE WHEN i % 6 <> 0 THEN pg_temp.prose('feedback', i, 1 + i % 5) END,
       CASE WHEN i % 3 = 0 THEN pg_temp.family_name(i * 17) END,
       CASE WHEN i % 3 = 0 THEN format(pg_temp.pick('feedback phone format', i, ARRAY['0664/%s', '+43 664 %s', '(01) %s', '-', NULL]), 1000000 + pg_temp.draw('feedback phone', i, 9000000)) END,
       CASE WHEN i % 4 = 0 THEN 'Y' ELSE 'N' END,
       pg_temp.moment('feedback', i, '2018-01-08', 2200)
FROM generate_series(1, pg_temp.figure('rows.feedback')) AS i;

INSERT INTO reviews (id, dr_id, patient_id, note, comment, public, created)
SELECT i,
       101 + pg_temp.draw('reviewed', i, pg_temp.figure('rows.doctors')),
       CASE WHEN i % 5 <> 0 THEN 5000000002 + 2 * pg_temp.draw('reviewer', i, pg_temp.figure('rows.patients')) END,
       CASE WHEN i <= pg_temp.figure('blemishes.reviews.words') THEN pg_temp.pick('words', i, ARRAY['sehr gut', 'gut', 'na ja']) ELSE (1 + pg_temp.draw('mark', i, 5))::text END,
       CASE WHEN i % 3 <> 0 THEN pg_temp.prose('review', i, 1 + i % 3) END,
       CASE WHEN i % 2 = 0 THEN 'Y' ELSE 'N' END,
       pg_temp.moment('review', i, '2018-01-08', 2200)
FROM generate_series(1, pg_temp.figure('rows.reviews')) AS i;
