-- Laboratory work, files, and what the program keeps about itself.

CREATE TYPE clinic.case_state AS ENUM ('new', 'in_progress', 'waiting', 'quality_control', 'done');
CREATE TYPE clinic.task_state AS ENUM ('open', 'started', 'done', 'dropped');
CREATE TYPE clinic.log_level AS ENUM ('debug', 'info', 'warning', 'error');

CREATE TABLE clinic.technicians (
    id          uuid PRIMARY KEY,
    profile_id  uuid REFERENCES clinic.profiles,
    initials    text NOT NULL UNIQUE,
    skills      text[] NOT NULL,
    hourly_rate numeric(14, 2) CHECK (hourly_rate >= 0),
    joined_on   date NOT NULL,
    left_on     date,
    active      boolean NOT NULL,
    CHECK (left_on >= joined_on)
);
CREATE INDEX technicians_profile_id ON clinic.technicians (profile_id);

CREATE TABLE clinic.technician_roles (
    id          uuid PRIMARY KEY,
    code        text NOT NULL UNIQUE,
    name        text NOT NULL,
    hourly_rate numeric(14, 2) NOT NULL CHECK (hourly_rate >= 0),
    position    smallint NOT NULL
);

CREATE TABLE clinic.cases (
    id         uuid PRIMARY KEY,
    order_id   uuid REFERENCES clinic.orders,
    patient_id uuid REFERENCES clinic.patients,
    title      text NOT NULL CHECK (title <> ''),
    state      clinic.case_state NOT NULL,
    priority   text NOT NULL CHECK (priority IN ('high', 'normal', 'low')),
    opened_at  timestamptz NOT NULL,
    closed_at  timestamptz,
    details    jsonb,
    CHECK (num_nonnulls(order_id, patient_id) = 1)
);
CREATE INDEX cases_order_id ON clinic.cases (order_id);
CREATE INDEX cases_patient_id ON clinic.cases (patient_id);

CREATE TABLE clinic.case_states (
    id            uuid PRIMARY KEY,
    case_id       uuid NOT NULL REFERENCES clinic.cases,
    from_state    clinic.case_state,
    to_state      clinic.case_state NOT NULL,
    technician_id uuid REFERENCES clinic.technicians,
    note          text,
    changed_at    timestamptz NOT NULL
);
CREATE INDEX case_states_case_id ON clinic.case_states (case_id);
CREATE INDEX case_states_technician_id ON clinic.case_states (technician_id);

-- Nearly eight hundred thousand rows: no column and no index that is not needed.
CREATE TABLE clinic.tasks (
    id            uuid PRIMARY KEY,
    case_id       uuid REFERENCES clinic.cases,
    technician_id uuid REFERENCES clinic.technicians,
    role_id       uuid NOT NULL REFERENCES clinic.technician_roles,
    due_at        timestamptz,
    minutes       integer CHECK (minutes >= 0),
    state         clinic.task_state NOT NULL
);
CREATE INDEX tasks_case_id ON clinic.tasks (case_id);
CREATE INDEX tasks_technician_id ON clinic.tasks (technician_id);
CREATE INDEX tasks_role_id ON clinic.tasks (role_id);

CREATE TABLE clinic.files (
    id          uuid PRIMARY KEY,
    storage_key text NOT NULL UNIQUE,
    sha256      bytea CHECK (octet_length(sha256) = 32),
    octets      bigint NOT NULL CHECK (octets >= 0),
    media_type  text NOT NULL,
    uploaded_at timestamptz NOT NULL
);

CREATE TABLE clinic.attachments (
    id         uuid PRIMARY KEY,
    file_id    uuid REFERENCES clinic.files,
    order_id   uuid REFERENCES clinic.orders,
    case_id    uuid REFERENCES clinic.cases,
    project_id uuid REFERENCES clinic.projects,
    caption    text,
    added_at   timestamptz NOT NULL,
    CHECK (num_nonnulls(order_id, case_id, project_id) <= 1)
);
CREATE INDEX attachments_file_id ON clinic.attachments (file_id);
CREATE INDEX attachments_order_id ON clinic.attachments (order_id);
CREATE INDEX attachments_case_id ON clinic.attachments (case_id);
CREATE INDEX attachments_project_id ON clinic.attachments (project_id);

CREATE TABLE clinic.documents (
    id         uuid PRIMARY KEY,
    number     text NOT NULL UNIQUE,
    patient_id uuid REFERENCES clinic.patients,
    file_id    uuid REFERENCES clinic.files,
    kind       text NOT NULL,
    title      text NOT NULL CHECK (title <> ''),
    body       text,
    signed     boolean NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX documents_patient_id ON clinic.documents (patient_id);
CREATE INDEX documents_file_id ON clinic.documents (file_id);

CREATE TABLE clinic.images (
    id       uuid PRIMARY KEY,
    file_id  uuid NOT NULL REFERENCES clinic.files,
    width    integer NOT NULL CHECK (width > 0),
    height   integer NOT NULL CHECK (height > 0),
    sha256   bytea CHECK (octet_length(sha256) = 32),
    metadata jsonb,
    taken_at timestamptz
);
CREATE INDEX images_file_id ON clinic.images (file_id);

CREATE TABLE clinic.settings (
    id         uuid PRIMARY KEY,
    office_id  uuid NOT NULL REFERENCES clinic.offices,
    name       text NOT NULL,
    value      jsonb,
    updated_at timestamptz NOT NULL,
    UNIQUE (office_id, name)
);

CREATE TABLE clinic.system_config (
    id         uuid PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    value      jsonb NOT NULL,
    updated_at timestamptz NOT NULL,
    updated_by uuid
);

CREATE TABLE clinic.app_log (
    id         uuid PRIMARY KEY,
    level      clinic.log_level NOT NULL,
    logger     text NOT NULL,
    message    text NOT NULL,
    profile_id uuid,
    context    jsonb,
    logged_at  timestamptz NOT NULL
);
CREATE INDEX app_log_logged_at ON clinic.app_log (logged_at);

CREATE TABLE clinic.roles (
    id          uuid PRIMARY KEY,
    name        text NOT NULL UNIQUE,
    description text
);

CREATE TABLE clinic.permissions (
    id         uuid PRIMARY KEY,
    role_id    uuid NOT NULL REFERENCES clinic.roles,
    name       text NOT NULL CHECK (name ~ '^[a-z_]+\.[a-z_0-9]+$'),
    granted    boolean NOT NULL,
    granted_on date,
    UNIQUE (role_id, name)
);
