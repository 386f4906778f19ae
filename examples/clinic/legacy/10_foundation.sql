-- The foundation as sixteen years of releases left them: local times without a zone (Europe/Vienna),
-- status codes, money in cents here and in numeric there, misspelt names, and foreign keys only on the newest table.

CREATE TABLE offices (
    id      serial PRIMARY KEY,
    code    char(6) UNIQUE,                     -- NULL for the moment in which two offices exchange theirs
    name    varchar(120) NOT NULL,
    adress  varchar(200),
    zip     varchar(10),
    town    varchar(80),
    cntry   char(2),                            -- NULL: written before there were offices abroad
    opening json,
    active  char(1) NOT NULL DEFAULT 'Y',
    created timestamp NOT NULL
);

CREATE TABLE profiles (
    id      bigserial PRIMARY KEY,
    kind    char(1) NOT NULL,                   -- D doctor, P patient, S staff
    fname   varchar(80) NOT NULL,
    lname   varchar(80) NOT NULL,
    email   email_address,
    tel     varchar(40),
    lang    char(2) NOT NULL DEFAULT 'de',
    status  smallint NOT NULL DEFAULT 1,        -- 1 active, 2 locked, 9 deleted
    prefs   text,                               -- JSON
    about   text,
    created timestamp NOT NULL,
    changed timestamp
);
ALTER TABLE profiles REPLICA IDENTITY FULL;

CREATE TABLE doctors (
    id         serial PRIMARY KEY,
    profile_id bigint NOT NULL,
    office_id  integer,
    licence_no varchar(20) NOT NULL UNIQUE,
    titel      varchar(30),
    specialty  doctor_specialty NOT NULL,
    fee_cents  integer NOT NULL,
    since      date,
    created    timestamp NOT NULL
);

CREATE TABLE patients (
    id           bigserial PRIMARY KEY,
    profile_id   bigint,
    office_id    integer NOT NULL,
    fname        varchar(80) NOT NULL,
    lname        varchar(80) NOT NULL,
    birth        date,
    sex          char(1),                       -- m, w, d
    tel          varchar(40),
    insurence_no varchar(12),
    balance      numeric(12, 2) NOT NULL DEFAULT 0,
    history      text,                          -- up to some ten thousand characters, so kept out of line (TOAST)
    archived     char(1) NOT NULL DEFAULT 'N',
    created      timestamp NOT NULL
);

-- The patients of the program before, never brought into the new table.
CREATE TABLE patients_2012 (
    pat_nr    integer PRIMARY KEY,
    vorname   varchar(60),                      -- not required in those days, nor is the office
    nachname  varchar(60) NOT NULL,
    geb_dat   date,
    geschl    char(1),                          -- m, f, x
    ordin_nr  integer,
    vorwahl   varchar(8),                       -- area code, with the zero
    nummer    varchar(20),
    saldo     integer NOT NULL DEFAULT 0,       -- cents
    angelegt  timestamp NOT NULL
);

CREATE TABLE products (
    sku          varchar(24) PRIMARY KEY,
    name         varchar(120) NOT NULL,
    price_cents  integer NOT NULL,
    currency     char(3) NOT NULL DEFAULT 'EUR',
    vat_code     smallint NOT NULL,
    attrs        json,
    discontinued date
);

CREATE TABLE orders (
    id          serial PRIMARY KEY,
    rel         smallint NOT NULL,              -- release of the program that wrote the row; 1: imported from the one before
    patient_id  bigint NOT NULL,
    dr_id       integer,                        -- of the releases 2 to 4 not the doctor's id, but that of the profile
    referred_by integer,                        -- a doctor's id; many of them were deleted long ago
    sku         varchar(24) NOT NULL,
    status_code smallint NOT NULL,
    old_status  varchar(20),
    tray_code   char(8),
    total_cents integer NOT NULL,
    prio        smallint,                       -- before 2018: 1 the most urgent of 3; since then: 9 the most urgent of 9
    notes       text,
    created     timestamp NOT NULL
);
CREATE INDEX orders_patient_id ON orders (patient_id);
CREATE INDEX orders_sku ON orders (sku);

CREATE TABLE jaws (
    patient_id   bigint NOT NULL,
    side         char(1) NOT NULL,              -- U upper, L lower
    scan_date    date,
    teeth        smallint[] NOT NULL,
    measurements json,
    changed      timestamp NOT NULL,
    PRIMARY KEY (patient_id, side)
);

CREATE TABLE projects (
    id         serial PRIMARY KEY,
    patient_id bigint NOT NULL,
    plan_id    integer,                         -- the active treatment plan
    title      varchar(160) NOT NULL,
    state      smallint NOT NULL DEFAULT 0,
    budget     numeric(12, 2),
    started    timestamp NOT NULL,
    deadline   date
);
CREATE INDEX projects_patient_id ON projects (patient_id);

CREATE TABLE treatment_plans (
    id         serial PRIMARY KEY,
    projekt_id integer NOT NULL REFERENCES projects (id),
    dr_id      integer,
    ver        integer NOT NULL DEFAULT 1,
    cost       bigint NOT NULL,                 -- ver 1 and 2: whole euros; since ver 3: cents
    body       text NOT NULL,
    meta       text,                            -- JSON
    created    timestamp NOT NULL
);
ALTER TABLE treatment_plans REPLICA IDENTITY FULL;
CREATE INDEX treatment_plans_projekt_id ON treatment_plans (projekt_id);
