-- Who the person is and what is theirs, for the policies of row level security (90_row_security.sql).
--
-- The application sets clinic.profile_id at the beginning of each transaction, after it has found out who asks. So the
-- roles protect persons from each other within the application, not from somebody who may send SQL of their own.

-- A role belongs to the whole server: another database of it may have made it already, or be about to.
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['clinic_patient', 'clinic_doctor', 'clinic_staff', 'clinic_technician'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
        EXECUTE format('GRANT USAGE ON SCHEMA clinic TO %I', role_name);
    END LOOP;
END
$$;

-- The functions look past row level security (SECURITY DEFINER), so that no policy has to ask itself.

CREATE FUNCTION clinic.me() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
RETURN (SELECT id FROM clinic.profiles WHERE status = 'active' AND id = nullif(current_setting('clinic.profile_id', true), '')::uuid);
COMMENT ON FUNCTION clinic.me IS 'The profile of who asks; NULL where nobody is named, or the account is locked';

CREATE FUNCTION clinic.own_doctors() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
BEGIN ATOMIC
    SELECT id FROM clinic.doctors WHERE profile_id = (SELECT clinic.me());
END;
COMMENT ON FUNCTION clinic.own_doctors IS 'The doctor who asks';

CREATE FUNCTION clinic.doctors_offices() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
BEGIN ATOMIC
    SELECT office_id FROM clinic.doctors WHERE profile_id = (SELECT clinic.me()) AND office_id IS NOT NULL
    UNION
    SELECT office_id FROM clinic.doctor_offices WHERE doctor_id IN (SELECT clinic.own_doctors());
END;
COMMENT ON FUNCTION clinic.doctors_offices IS 'Where the doctor who asks works';

CREATE FUNCTION clinic.staff_offices() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
BEGIN ATOMIC
    SELECT office_id FROM clinic.office_staff WHERE profile_id = (SELECT clinic.me()) AND (left_on IS NULL OR left_on > current_date);
END;
COMMENT ON FUNCTION clinic.staff_offices IS 'Where who asks is employed';

CREATE FUNCTION clinic.own_technicians() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
BEGIN ATOMIC
    SELECT id FROM clinic.technicians WHERE profile_id = (SELECT clinic.me()) AND active;
END;
COMMENT ON FUNCTION clinic.own_technicians IS 'The technician who asks';

CREATE FUNCTION clinic.technicians_cases() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
BEGIN ATOMIC
    SELECT case_id FROM clinic.tasks WHERE technician_id IN (SELECT clinic.own_technicians()) AND case_id IS NOT NULL
    UNION ALL
    SELECT c.id FROM clinic.cases AS c
    WHERE EXISTS (SELECT FROM clinic.own_technicians())
        AND NOT EXISTS (SELECT FROM clinic.tasks AS t WHERE t.case_id = c.id AND t.technician_id IS NOT NULL);
END;
COMMENT ON FUNCTION clinic.technicians_cases IS 'Cases with a task of the technician who asks, and those that nobody has a task of';

CREATE FUNCTION clinic.own_threads() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
BEGIN ATOMIC
    SELECT id FROM clinic.threads WHERE opened_by = (SELECT clinic.me())
    UNION
    SELECT thread_id FROM clinic.messages WHERE sender_id = (SELECT clinic.me()) AND thread_id IS NOT NULL;
END;
COMMENT ON FUNCTION clinic.own_threads IS 'Threads that who asks has opened, or written in';

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA clinic FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA clinic TO clinic_patient, clinic_doctor, clinic_staff, clinic_technician;
