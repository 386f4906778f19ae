-- The new schema, its service role and its types.
CREATE SCHEMA clinic;
COMMENT ON SCHEMA clinic IS 'Clinical practice management';

-- A role belongs to the whole server: another database of it may have made it already, or be about to.
DO $$
BEGIN
    CREATE ROLE clinic_service NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$;
GRANT USAGE ON SCHEMA clinic TO clinic_service;

CREATE TYPE clinic.profile_kind AS ENUM ('doctor', 'patient', 'staff');
CREATE TYPE clinic.order_status AS ENUM ('draft', 'submitted', 'in_production', 'shipped', 'delivered', 'cancelled');
