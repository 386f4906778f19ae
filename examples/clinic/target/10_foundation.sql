-- The foundation. No ON DELETE action anywhere: a parent goes only when its children are gone.

CREATE TABLE clinic.offices (
    id            uuid PRIMARY KEY,
    code          text UNIQUE,
    name          text NOT NULL,
    street        text,
    postal_code   text,
    town          text,
    country       text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    opening_hours jsonb,
    active        boolean NOT NULL,
    created_at    timestamptz NOT NULL
);

CREATE TABLE clinic.profiles (
    id             uuid PRIMARY KEY,
    kind           clinic.profile_kind NOT NULL,
    academic_title text,
    given_name     text NOT NULL,
    family_name    text NOT NULL,
    specialty      text CHECK (specialty IN ('general', 'orthodontics', 'surgery', 'implantology', 'paediatrics')),
    email          text,
    phone          text CHECK (phone ~ '^\+[1-9][0-9]{6,14}$'),
    language       text NOT NULL,
    status         text NOT NULL CHECK (status IN ('active', 'locked')),
    preferences    jsonb,
    about          text,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz
);

CREATE TABLE clinic.doctors (
    id               uuid PRIMARY KEY,
    profile_id       uuid NOT NULL UNIQUE REFERENCES clinic.profiles,
    office_id        uuid REFERENCES clinic.offices,
    licence_number   text NOT NULL UNIQUE,
    consultation_fee numeric(14, 2) NOT NULL CHECK (consultation_fee >= 0),
    practising_since date,
    created_at       timestamptz NOT NULL
);
CREATE INDEX doctors_office_id ON clinic.doctors (office_id);

CREATE TABLE clinic.patients (
    id               uuid PRIMARY KEY,
    profile_id       uuid REFERENCES clinic.profiles,
    office_id        uuid NOT NULL REFERENCES clinic.offices,
    given_name       text NOT NULL,
    family_name      text NOT NULL,
    birth_date       date,
    sex              text CHECK (sex IN ('male', 'female', 'diverse')),
    phone            text CHECK (phone ~ '^\+[1-9][0-9]{6,14}$'),
    insurance_number text,
    balance          numeric(14, 2) NOT NULL,
    currency         char(3) NOT NULL,
    medical_history  text,
    archived         boolean NOT NULL,
    created_at       timestamptz NOT NULL
);
CREATE INDEX patients_profile_id ON clinic.patients (profile_id);
CREATE INDEX patients_office_id ON clinic.patients (office_id);

CREATE TABLE clinic.products (
    id              uuid PRIMARY KEY,
    sku             text NOT NULL UNIQUE,
    name            text NOT NULL,
    price           numeric(14, 2) NOT NULL CHECK (price >= 0),
    currency        char(3) NOT NULL,
    vat_rate        numeric(5, 2) NOT NULL,
    attributes      jsonb,
    discontinued_on date
);

CREATE TABLE clinic.orders (
    id          uuid PRIMARY KEY,
    patient_id  uuid NOT NULL REFERENCES clinic.patients,
    doctor_id   uuid REFERENCES clinic.doctors,
    referrer_id uuid,
    product_id  uuid NOT NULL REFERENCES clinic.products,
    status      clinic.order_status NOT NULL,
    priority    smallint NOT NULL CHECK (priority BETWEEN 0 AND 9),
    total       numeric(14, 2) NOT NULL CHECK (total >= 0 OR status = 'cancelled'),
    notes       text,
    created_at  timestamptz NOT NULL,
    legacy_meta jsonb
);
CREATE INDEX orders_patient_id ON clinic.orders (patient_id);
CREATE INDEX orders_doctor_id ON clinic.orders (doctor_id);
CREATE INDEX orders_product_id ON clinic.orders (product_id);

CREATE TABLE clinic.jaws (
    id           uuid PRIMARY KEY,
    patient_id   uuid REFERENCES clinic.patients,
    side         text NOT NULL CHECK (side IN ('upper', 'lower')),
    scanned_on   date,
    teeth        smallint[] NOT NULL,
    measurements jsonb,
    updated_at   timestamptz NOT NULL,
    UNIQUE (patient_id, side)
);

CREATE TABLE clinic.projects (
    id             uuid PRIMARY KEY,
    patient_id     uuid REFERENCES clinic.patients,
    active_plan_id uuid,
    title          text NOT NULL CHECK (title <> ''),
    state          text NOT NULL CHECK (state IN ('open', 'running', 'on_hold', 'done')),
    budget         numeric(14, 2),
    started_at     timestamptz NOT NULL,
    due_on         date
);
CREATE INDEX projects_patient_id ON clinic.projects (patient_id);
CREATE INDEX projects_active_plan_id ON clinic.projects (active_plan_id);

CREATE TABLE clinic.treatment_plans (
    id         uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES clinic.projects DEFERRABLE INITIALLY DEFERRED,
    doctor_id  uuid REFERENCES clinic.doctors,
    revision   integer NOT NULL,
    cost       numeric(14, 2) NOT NULL,
    body       text NOT NULL,
    details    jsonb,
    created_at timestamptz NOT NULL
);
CREATE INDEX treatment_plans_project_id ON clinic.treatment_plans (project_id);
CREATE INDEX treatment_plans_doctor_id ON clinic.treatment_plans (doctor_id);
ALTER TABLE clinic.projects ADD FOREIGN KEY (active_plan_id) REFERENCES clinic.treatment_plans;
