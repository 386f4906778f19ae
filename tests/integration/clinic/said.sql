-- What is whose, said in other words than the policies; of the person of the setting clinic.profile_id. And four persons,
-- of each role one with something to see in every domain.
CREATE SCHEMA said;
CREATE FUNCTION said.me() RETURNS uuid LANGUAGE sql STABLE RETURN current_setting('clinic.profile_id')::uuid;
CREATE VIEW said.patient AS SELECT id FROM clinic.patients WHERE profile_id = said.me();
CREATE VIEW said.doctor AS SELECT id FROM clinic.doctors WHERE profile_id = said.me();
CREATE VIEW said.technician AS SELECT id FROM clinic.technicians WHERE profile_id = said.me();
CREATE VIEW said.office AS SELECT office_id AS id FROM clinic.office_staff WHERE profile_id = said.me();
CREATE VIEW said.patients_of_doctor AS
    SELECT p.id FROM clinic.patients AS p, clinic.doctors AS d
    WHERE d.profile_id = said.me()
        AND (p.office_id = d.office_id
            OR EXISTS (SELECT FROM clinic.doctor_offices AS o WHERE (o.doctor_id, o.office_id) = (d.id, p.office_id)));
CREATE VIEW said.patients_of_office AS SELECT id FROM clinic.patients WHERE office_id IN (TABLE said.office);
CREATE VIEW said.cases_of_technician AS
    SELECT c.id FROM clinic.cases AS c LEFT JOIN clinic.tasks AS t ON t.case_id = c.id GROUP BY c.id
    HAVING bool_or(t.technician_id IN (TABLE said.technician)) OR count(t.technician_id) = 0;
-- Somebody else's.
CREATE VIEW said.others AS
SELECT (SELECT id FROM clinic.profiles WHERE kind = 'doctor' AND id <> said.me() LIMIT 1) AS profile,
    (SELECT id FROM clinic.doctors WHERE profile_id <> said.me() LIMIT 1) AS doctor,
    (SELECT id FROM clinic.technicians WHERE id NOT IN (TABLE said.technician) LIMIT 1) AS technician,
    (SELECT id FROM clinic.offices WHERE id NOT IN (TABLE said.office) AND id NOT IN (
        SELECT office_id FROM clinic.patients WHERE id IN (TABLE said.patients_of_doctor)) LIMIT 1) AS office;

CREATE TABLE said.people (role text PRIMARY KEY, profile_id uuid NOT NULL);
INSERT INTO said.people
(SELECT 'patient', profile_id FROM clinic.patients AS p
 WHERE EXISTS (SELECT FROM clinic.profiles AS f WHERE f.id = p.profile_id AND f.status = 'active')
 ORDER BY (SELECT count(*) FROM clinic.orders AS o WHERE o.patient_id = p.id)
     * (SELECT count(*) FROM clinic.projects AS o WHERE o.patient_id = p.id) DESC, p.id LIMIT 1)
UNION ALL
(SELECT 'doctor', profile_id FROM clinic.doctors AS d
 WHERE office_id IS NOT NULL AND EXISTS (SELECT FROM clinic.profiles AS f WHERE f.id = d.profile_id AND f.status = 'active')
 ORDER BY (SELECT count(*) FROM clinic.doctor_offices AS o WHERE o.doctor_id = d.id), d.id LIMIT 1)
UNION ALL
SELECT (ARRAY['staff', 'technician'])[n], id
FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM clinic.profiles WHERE kind = 'staff' AND status = 'active') AS staff
WHERE n <= 2;

-- Who is employed, who writes to whom and who owes what is said here, whatever the legacy rows say.
UPDATE clinic.office_staff SET profile_id = p.profile_id, left_on = NULL FROM said.people AS p
WHERE p.role = 'staff' AND id = (SELECT min(id::text)::uuid FROM clinic.office_staff);
UPDATE clinic.technicians SET profile_id = p.profile_id, active = true FROM said.people AS p
WHERE p.role = 'technician' AND id = (SELECT min(id::text)::uuid FROM clinic.technicians);
UPDATE clinic.tasks SET technician_id = (SELECT max(id::text)::uuid FROM clinic.technicians)
WHERE case_id IN (SELECT id FROM clinic.cases WHERE priority = 'low');
UPDATE clinic.threads SET opened_by = p.profile_id FROM said.people AS p
WHERE p.role = 'patient' AND id = (SELECT thread_id FROM clinic.messages WHERE thread_id IS NOT NULL LIMIT 1);
UPDATE clinic.invoices SET patient_id = one.id FROM clinic.patients AS one JOIN said.people AS p USING (profile_id)
WHERE p.role = 'patient' AND invoices.id = (SELECT invoice_id FROM clinic.invoice_items LIMIT 1);
