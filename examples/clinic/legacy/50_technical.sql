-- The laboratory's side: cases, their tasks, files and what the program keeps about itself. Half of it came with a
-- workflow system that was bought in 2015, so German and English names stand side by side.

CREATE TABLE technicians (
    id           serial PRIMARY KEY,
    profile_id   bigint,                        -- of staff who may have deleted the account; NULL: never had one
    kuerzel      char(4) NOT NULL UNIQUE,       -- initials on the work slip
    skills       varchar(20)[] NOT NULL DEFAULT '{}',
    std_satz     numeric(8, 2),                 -- euros an hour
    eingetreten  date NOT NULL,
    ausgetreten  date,
    aktiv        char(1) NOT NULL DEFAULT 'J'   -- J, N
);

-- What a technician does in a case: not a person, but a kind of work with its price.
CREATE TABLE technician_roles (
    id          smallserial PRIMARY KEY,
    code        varchar(10) NOT NULL UNIQUE,
    bezeichnung varchar(80) NOT NULL,
    rate_cents  integer NOT NULL,
    sort        smallint
);

CREATE TABLE cases (
    id         serial PRIMARY KEY,
    order_id   integer,                         -- the order that opened the case, or
    patient_id bigint,                          -- the patient, where there is none; never both
    titel      varchar(160) NOT NULL,
    state      varchar(12) NOT NULL DEFAULT 'NEU',
    prio       char(1),                         -- A, B, C
    opened     timestamp NOT NULL,
    closed     timestamp,
    meta       text                             -- JSON
);
CREATE INDEX cases_order_id ON cases (order_id);
CREATE INDEX cases_patient_id ON cases (patient_id);

-- Every change of cases.state; the first has no state before.
CREATE TABLE case_states (
    id      bigserial PRIMARY KEY,
    fall_nr integer NOT NULL,
    von     varchar(12),
    nach    varchar(12) NOT NULL,
    tech_id integer,                            -- NULL: the program itself
    note    text,
    at      timestamp NOT NULL
);
CREATE INDEX case_states_fall_nr ON case_states (fall_nr);

-- By far the largest table.
CREATE TABLE tasks (
    id      serial PRIMARY KEY,
    fall_nr integer NOT NULL,
    tech_id smallint,                           -- NULL: imported in 2015, when nobody wrote it down
    role_id smallint NOT NULL,
    state   smallint NOT NULL DEFAULT 0,
    minuten varchar(20),                        -- a number, but the form took whatever was typed
    faellig timestamp
);
CREATE INDEX tasks_fall_nr ON tasks (fall_nr);

CREATE TABLE files (
    id          bigserial PRIMARY KEY,
    storage_key varchar(200) NOT NULL,          -- was to be unique, and is but for some uploads of the first week
    sha256      char(64),                       -- NULL: uploaded before there were checksums
    bytes       bigint NOT NULL,
    mime        varchar(80),                    -- NULL: the upload broke off before its type was told, and was done again
    uploaded    timestamp NOT NULL
);

CREATE TABLE attachments (
    id      serial PRIMARY KEY,
    file_id bigint NOT NULL,
    subj    char(1) NOT NULL,                   -- what subj_id is: A an order (Auftrag), F a case (Fall), P a project
    subj_id integer NOT NULL,
    caption varchar(200),
    added   timestamp NOT NULL
);
CREATE INDEX attachments_file_id ON attachments (file_id);

CREATE TABLE documents (
    doc_no     varchar(20) PRIMARY KEY,
    patient_id bigint,
    file_id    bigint,
    kind       varchar(8) NOT NULL,             -- CONS consent, REF referral, LAB, INV; later ones as they came
    title      varchar(160) NOT NULL,
    body       text,                            -- what could be read from the scan
    signed     char(1) NOT NULL DEFAULT 'N',
    created    timestamp NOT NULL
);
CREATE INDEX documents_patient_id ON documents (patient_id);
CREATE INDEX documents_file_id ON documents (file_id);

CREATE TABLE images (
    id      serial PRIMARY KEY,
    file_id bigint NOT NULL,
    breite  integer NOT NULL,
    hoehe   integer NOT NULL,
    sha256  varchar(70) NOT NULL,               -- of the pixels, not of the file
    exif    json,
    taken   timestamp
);
CREATE INDEX images_file_id ON images (file_id);

-- Settings of offices. The release of 2019 stopped reading some of them and did not remove them.
CREATE TABLE settings (
    id        serial PRIMARY KEY,
    office_id integer NOT NULL,
    name      varchar(60) NOT NULL,
    typ       char(1) NOT NULL,                 -- Z number (Zahl), B boolean (ja, nein), T text
    wert      text,
    obsolet   char(1) NOT NULL DEFAULT 'N',
    changed   timestamp NOT NULL
);

CREATE TABLE system_config (
    name       varchar(60) PRIMARY KEY,
    value      text NOT NULL,                   -- JSON
    changed    timestamp NOT NULL,
    changed_by bigint                           -- a profile, also one that was deleted since
);

CREATE TABLE app_log (
    id         bigserial PRIMARY KEY,
    level      varchar(5) NOT NULL,
    logger     varchar(60) NOT NULL,
    message    text NOT NULL,
    profile_id bigint,                          -- who was logged in; a log keeps the number of who is gone
    context    text,                            -- JSON
    at         timestamp(3) NOT NULL
);

CREATE TABLE roles (
    id     serial PRIMARY KEY,
    name   varchar(40) NOT NULL UNIQUE,
    beschr varchar(200)
);

CREATE TABLE permissions (
    role_id integer NOT NULL REFERENCES roles (id),
    name    varchar(60) NOT NULL,               -- area.verb
    granted char(1) NOT NULL DEFAULT 'Y',
    since   date,
    PRIMARY KEY (role_id, name)
);
