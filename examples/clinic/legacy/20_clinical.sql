-- The clinical tables: German and English in one row, numbers in text, flags in bits, and references that nobody enforces.

CREATE TABLE patient_profiles (
    patient_id bigint PRIMARY KEY,              -- the patient's own id: one row a patient
    beruf      varchar(80),
    kasse      varchar(8),                      -- insurer; beside the four codes, whatever people typed
    notfall    varchar(120),                    -- whom to call, ' ' or '' if nobody was named
    notf_tel   varchar(40),
    foto_ok    char(1),                         -- Y, N; NULL: never asked
    werbung    smallint NOT NULL DEFAULT 0,     -- 1: may be sent advertisements
    extras     text,                            -- JSON
    changed    timestamp NOT NULL
);

CREATE TABLE medical_history (
    id      serial PRIMARY KEY,
    kind    char(1) NOT NULL,                   -- P: pat_nr is an id of patients; A: a pat_nr of patients_2012
    pat_nr  bigint NOT NULL,
    icd     varchar(8),
    diag    text NOT NULL,
    seit    smallint,                           -- a year
    flags   integer NOT NULL DEFAULT 0,         -- bits: 1 chronic, 2 confidential, 4 no longer used
    noted   timestamp NOT NULL
);
CREATE INDEX medical_history_pat_nr ON medical_history (pat_nr);

CREATE TABLE allergies (
    id         serial PRIMARY KEY,
    patient_id bigint NOT NULL,
    substance  varchar(80) NOT NULL,            -- as somebody typed it; twice, if two people did
    severety   smallint,                        -- 1 to 4
    reaction   text,
    noted      date
);
CREATE INDEX allergies_patient_id ON allergies (patient_id);

CREATE TABLE treatments (
    id         serial PRIMARY KEY,
    patient_id bigint NOT NULL,
    dr_id      integer NOT NULL,
    projekt_id integer,                         -- may have been deleted since
    code       varchar(10) NOT NULL,
    zaehne     varchar(120),                    -- '11,12'; '' for the whole mouth
    honorar    integer NOT NULL,                -- cents
    status     char(1) NOT NULL,                -- G geplant, L laufend, F fertig
    treated    timestamp NOT NULL
);
CREATE INDEX treatments_patient_id ON treatments (patient_id);

CREATE TABLE order_status_history (
    id       bigserial PRIMARY KEY,
    order_id integer NOT NULL,
    von      smallint,                          -- NULL: the first status
    nach     smallint NOT NULL,
    wer      bigint,                            -- a profile's id; the profile may be gone
    wann     timestamp NOT NULL
);
CREATE INDEX order_status_history_order_id ON order_status_history (order_id);

CREATE TABLE doctor_offices (
    dr_id     integer NOT NULL,
    office_id integer NOT NULL,
    anteil    smallint NOT NULL,                -- per cent of the week
    since     date,
    PRIMARY KEY (dr_id, office_id)
);

CREATE TABLE measurements (
    id         serial PRIMARY KEY,
    patient_id bigint NOT NULL,                 -- with side: the jaw
    side       char(1) NOT NULL,
    art        varchar(20) NOT NULL,
    wert       varchar(40) NOT NULL,            -- '12,5' of the one device, '12.50' of the other
    einheit    varchar(8),                      -- NULL: millimetres
    anm        varchar(200),
    taken      timestamp NOT NULL
);
CREATE INDEX measurements_jaw ON measurements (patient_id, side);

CREATE TABLE diagnostics (
    id         serial PRIMARY KEY,
    patient_id bigint NOT NULL,
    order_id   integer,                         -- may have been deleted since
    art        varchar(4) NOT NULL,             -- RX, CT, LAB, PHOT
    dr_id      integer NOT NULL,                -- of an X-ray (RX) not the doctor's id, but that of the profile: the station knows logins
    befund     text NOT NULL,                   -- JSON
    geraet     varchar(40),
    film_nr    char(10),
    raum       smallint,
    taken      timestamp NOT NULL
);
CREATE INDEX diagnostics_patient_id ON diagnostics (patient_id);

CREATE TABLE plan_steps (
    plan_id integer NOT NULL,
    nr      smallint NOT NULL,
    titel   varchar(120) NOT NULL,
    wochen  numeric(5, 1),
    erledigt char(1) NOT NULL DEFAULT 'N',
    due     date,
    PRIMARY KEY (plan_id, nr)
);

CREATE TABLE prescriptions (
    rx_no      varchar(20) PRIMARY KEY,
    patient_id bigint NOT NULL,
    dr_id      integer NOT NULL,
    medikament varchar(120) NOT NULL,
    dosis      text[],                          -- morning, noon, evening
    gebuehr    numeric(8, 2),
    status     char(1) NOT NULL DEFAULT 'A',    -- A active, E eingeloest (filled), X cancelled
    issued     timestamp NOT NULL,
    valid_to   date
);
CREATE INDEX prescriptions_patient_id ON prescriptions (patient_id);
