-- What people write to each other.

CREATE TYPE clinic.thread_kind AS ENUM ('direct', 'group', 'support');

CREATE TABLE clinic.threads (
    id         uuid PRIMARY KEY,
    subject    text CHECK (subject <> ''),
    kind       clinic.thread_kind NOT NULL,
    patient_id uuid REFERENCES clinic.patients,
    opened_by  uuid REFERENCES clinic.profiles,
    tags       text[] NOT NULL,
    opened_at  timestamptz NOT NULL,
    closed_at  timestamptz
);
CREATE INDEX threads_patient_id ON clinic.threads (patient_id);
CREATE INDEX threads_opened_by ON clinic.threads (opened_by);

CREATE TABLE clinic.messages (
    id        uuid PRIMARY KEY,
    thread_id uuid REFERENCES clinic.threads,
    sender_id uuid NOT NULL REFERENCES clinic.profiles,
    body      text NOT NULL,
    sent_at   timestamptz NOT NULL,
    read_at   timestamptz
);
CREATE INDEX messages_thread_id ON clinic.messages (thread_id);
CREATE INDEX messages_sender_id ON clinic.messages (sender_id);

CREATE TABLE clinic.comments (
    id         uuid PRIMARY KEY,
    reply_to   uuid REFERENCES clinic.comments,
    order_id   uuid REFERENCES clinic.orders,
    project_id uuid REFERENCES clinic.projects,
    author_id  uuid REFERENCES clinic.profiles,
    body       text NOT NULL,
    edited     boolean NOT NULL,
    posted_at  timestamptz NOT NULL,
    CHECK (num_nonnulls(order_id, project_id) <= 1)
);
CREATE INDEX comments_reply_to ON clinic.comments (reply_to);
CREATE INDEX comments_order_id ON clinic.comments (order_id);
CREATE INDEX comments_project_id ON clinic.comments (project_id);
CREATE INDEX comments_author_id ON clinic.comments (author_id);

CREATE TABLE clinic.notifications (
    id         uuid PRIMARY KEY,
    profile_id uuid NOT NULL REFERENCES clinic.profiles,
    kind       text NOT NULL CHECK (kind IN ('appointment', 'invoice', 'message', 'imported')),
    payload    jsonb,
    sent_at    timestamptz NOT NULL,
    seen       boolean NOT NULL
);
CREATE INDEX notifications_profile_id ON clinic.notifications (profile_id);

CREATE TABLE clinic.alerts (
    id         uuid PRIMARY KEY,
    office_id  uuid REFERENCES clinic.offices,
    severity   text NOT NULL CHECK (severity IN ('info', 'warning', 'error')),
    message    text NOT NULL CHECK (message <> ''),
    raised_at  timestamptz NOT NULL,
    cleared_at timestamptz,
    CHECK (cleared_at >= raised_at)
);
CREATE INDEX alerts_office_id ON clinic.alerts (office_id);

CREATE TABLE clinic.feedback (
    id         uuid PRIMARY KEY,
    profile_id uuid REFERENCES clinic.profiles,
    topic      text NOT NULL CHECK (topic IN ('praise', 'complaint', 'question', 'other')),
    body       text NOT NULL,
    contact    jsonb NOT NULL,
    phone      text CHECK (phone ~ '^\+[1-9][0-9]{6,14}$'),
    answered   boolean NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX feedback_profile_id ON clinic.feedback (profile_id);

CREATE TABLE clinic.reviews (
    id         uuid PRIMARY KEY,
    doctor_id  uuid NOT NULL REFERENCES clinic.doctors,
    patient_id uuid REFERENCES clinic.patients,
    stars      smallint CHECK (stars BETWEEN 1 AND 5),
    body       text,
    published  boolean NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX reviews_doctor_id ON clinic.reviews (doctor_id);
CREATE INDEX reviews_patient_id ON clinic.reviews (patient_id);
