-- What is known of patients and done for them. As everywhere, no ON DELETE action.
CREATE TYPE clinic.severity AS ENUM ('mild', 'moderate', 'severe', 'life_threatening');
CREATE TYPE clinic.treatment_status AS ENUM ('planned', 'running', 'finished');
CREATE TYPE clinic.diagnostic_kind AS ENUM ('xray', 'ct', 'laboratory', 'photograph');

CREATE TABLE clinic.patient_profiles (
    id                uuid PRIMARY KEY,
    patient_id        uuid NOT NULL UNIQUE REFERENCES clinic.patients,
    occupation        text,
    insurer           text,
    emergency_contact text CHECK (emergency_contact <> ''),
    emergency_phone   text CHECK (emergency_phone ~ '^\+[1-9][0-9]{6,14}$'),
    photo_consent     boolean,
    marketing_consent boolean NOT NULL,
    extras            jsonb,
    updated_at        timestamptz NOT NULL
);

CREATE TABLE clinic.medical_history (
    id                uuid PRIMARY KEY,
    patient_id        uuid REFERENCES clinic.patients,
    former_patient_id uuid REFERENCES clinic.patients,
    icd_code          text,
    diagnosis         text NOT NULL,
    since_year        smallint CHECK (since_year BETWEEN 1900 AND 2100),
    chronic           boolean NOT NULL,
    confidential      boolean NOT NULL,
    noted_at          timestamptz NOT NULL,
    CHECK (num_nonnulls(patient_id, former_patient_id) = 1)
);
CREATE INDEX medical_history_patient_id ON clinic.medical_history (patient_id);
CREATE INDEX medical_history_former_patient_id ON clinic.medical_history (former_patient_id);

CREATE TABLE clinic.allergies (
    id         uuid PRIMARY KEY,
    patient_id uuid NOT NULL REFERENCES clinic.patients,
    substance  text NOT NULL CHECK (substance = lower(substance)),
    noted_as   text NOT NULL,
    severity   clinic.severity,
    reaction   text,
    noted_on   date,
    UNIQUE (patient_id, substance)
);

CREATE TABLE clinic.treatments (
    id         uuid PRIMARY KEY,
    patient_id uuid NOT NULL REFERENCES clinic.patients,
    doctor_id  uuid REFERENCES clinic.doctors,
    project_id uuid REFERENCES clinic.projects,
    code       text NOT NULL,
    teeth      smallint[] NOT NULL,
    fee        numeric(14, 2) NOT NULL CHECK (fee >= 0),
    status     clinic.treatment_status NOT NULL,
    treated_at timestamptz NOT NULL
);
CREATE INDEX treatments_patient_id ON clinic.treatments (patient_id);
CREATE INDEX treatments_doctor_id ON clinic.treatments (doctor_id);
CREATE INDEX treatments_project_id ON clinic.treatments (project_id);

CREATE TABLE clinic.order_status_history (
    id          uuid PRIMARY KEY,
    order_id    uuid REFERENCES clinic.orders,
    from_status clinic.order_status,
    to_status   clinic.order_status NOT NULL,
    changed_by  uuid,
    changed_at  timestamptz NOT NULL
);
CREATE INDEX order_status_history_order_id ON clinic.order_status_history (order_id);

CREATE TABLE clinic.doctor_offices (
    id            uuid PRIMARY KEY,
    doctor_id     uuid NOT NULL REFERENCES clinic.doctors,
    office_id     uuid NOT NULL REFERENCES clinic.offices,
    share_of_week numeric(3, 2) NOT NULL CHECK (share_of_week BETWEEN 0 AND 1),
    since         date,
    UNIQUE (doctor_id, office_id)
);
CREATE INDEX doctor_offices_office_id ON clinic.doctor_offices (office_id);

CREATE TABLE clinic.measurements (
    id          uuid PRIMARY KEY,
    jaw_id      uuid NOT NULL REFERENCES clinic.jaws,
    kind        text NOT NULL,
    value       numeric(10, 3),
    unit        text NOT NULL CHECK (unit IN ('mm', 'deg', 'percent')),
    remark      text,
    measured_at timestamptz NOT NULL
);
CREATE INDEX measurements_jaw_id ON clinic.measurements (jaw_id);

CREATE TABLE clinic.diagnostics (
    id          uuid PRIMARY KEY,
    patient_id  uuid NOT NULL REFERENCES clinic.patients,
    order_id    uuid REFERENCES clinic.orders,
    doctor_id   uuid REFERENCES clinic.doctors,
    kind        clinic.diagnostic_kind NOT NULL,
    findings    jsonb NOT NULL CHECK (jsonb_typeof(findings) = 'object'),
    device      text NOT NULL,
    taken_at    timestamptz NOT NULL,
    legacy_meta jsonb
);
CREATE INDEX diagnostics_patient_id ON clinic.diagnostics (patient_id);
CREATE INDEX diagnostics_order_id ON clinic.diagnostics (order_id);
CREATE INDEX diagnostics_doctor_id ON clinic.diagnostics (doctor_id);

CREATE TABLE clinic.plan_steps (
    id       uuid PRIMARY KEY,
    plan_id  uuid REFERENCES clinic.treatment_plans,
    position smallint NOT NULL,
    title    text NOT NULL,
    duration interval CHECK (duration >= interval '0'),
    done     boolean NOT NULL,
    due_on   date,
    UNIQUE (plan_id, position)
);

CREATE TABLE clinic.prescriptions (
    id                  uuid PRIMARY KEY,
    prescription_number text NOT NULL UNIQUE,
    patient_id          uuid NOT NULL REFERENCES clinic.patients,
    doctor_id           uuid NOT NULL REFERENCES clinic.doctors,
    medicine            text NOT NULL,
    dosage              text[],
    fee                 numeric(14, 2),
    currency            char(3) NOT NULL,
    filled              boolean NOT NULL,
    issued_at           timestamptz NOT NULL,
    valid_until         date
);
CREATE INDEX prescriptions_patient_id ON clinic.prescriptions (patient_id);
CREATE INDEX prescriptions_doctor_id ON clinic.prescriptions (doctor_id);
