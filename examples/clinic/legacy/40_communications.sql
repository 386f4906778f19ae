-- What people write to each other. The messages come from a program of their own that was merged in 2017.

CREATE TABLE threads (
    id         serial PRIMARY KEY,
    betreff    varchar(200),                    -- empty or NULL: none
    kind       smallint NOT NULL,               -- 1 direct, 2 group, 3 support
    patient_id bigint,                          -- whom it is about
    opened_by  bigint,                          -- a profile, also of staff who are gone
    tags       varchar(20)[],
    opened     timestamp NOT NULL,
    closed     timestamp
);
CREATE INDEX threads_patient_id ON threads (patient_id);

CREATE TABLE messages (
    id        bigserial PRIMARY KEY,
    thread_id integer NOT NULL,
    sender    bigint NOT NULL,
    body      text NOT NULL,                    -- up to some ten thousand characters
    sent      timestamp NOT NULL,
    gelesen   timestamp,                        -- read by all
    deleted   char(1) NOT NULL DEFAULT 'N'      -- Y: withdrawn by the sender, and shown to nobody
);
CREATE INDEX messages_thread_id ON messages (thread_id);
CREATE INDEX messages_sender ON messages (sender);

-- About an order or a project; an answer is about what the comment is about that it answers.
CREATE TABLE comments (
    id         serial PRIMARY KEY,
    reply_to   integer,                         -- another comment
    subj_type  char(1),                         -- O order, P project; NULL: an answer
    subj_id    integer,
    profile_id bigint,                          -- NULL: by a program before this one
    body       text NOT NULL,
    edits      smallint NOT NULL DEFAULT 0,
    posted     timestamp NOT NULL
);
CREATE INDEX comments_reply_to ON comments (reply_to);

CREATE TABLE notifications (
    id         bigserial PRIMARY KEY,
    profile_id bigint NOT NULL,
    kind       varchar(10) NOT NULL,            -- TERMIN, RECHNUNG, NACHRICHT; IMPORT: by the import of 2017, which ran at night
    payload    text,                            -- JSON
    sent       timestamp NOT NULL,
    seen       char(1) NOT NULL DEFAULT 'N'
);
ALTER TABLE notifications REPLICA IDENTITY FULL;
CREATE INDEX notifications_profile_id ON notifications (profile_id);

CREATE TABLE alerts (
    id        serial PRIMARY KEY,
    office_id integer,                          -- NULL: all offices
    level     char(1) NOT NULL,                 -- I, W, E
    text      varchar(400) NOT NULL,
    raised    timestamp NOT NULL,
    cleared   timestamp
);

CREATE TABLE feedback (
    id         serial PRIMARY KEY,
    profile_id bigint,                          -- NULL: anonymous
    code       smallint NOT NULL,               -- 1 praise, 2 complaint, 3 question, 4 other
    text       text,
    name       varchar(80),                     -- whom to answer, where the profile does not say it
    tel        varchar(40),
    answered   char(1) NOT NULL DEFAULT 'N',
    created    timestamp NOT NULL
);
CREATE INDEX feedback_profile_id ON feedback (profile_id);

CREATE TABLE reviews (
    id         serial PRIMARY KEY,
    dr_id      integer NOT NULL,
    patient_id bigint,
    note       varchar(12) NOT NULL,            -- a school mark, 1 the best of 5; the form of the first year took words, too
    comment    text,
    public     char(1) NOT NULL DEFAULT 'N',
    created    timestamp NOT NULL
);
CREATE INDEX reviews_patient_id ON reviews (patient_id);
