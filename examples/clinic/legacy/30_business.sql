-- The business side: half of it was written by a German firm, half by the one that bought it. No foreign keys but on the
-- newest column (payments.teil_von); money in cents, in numeric and in text; flags 'Y'/'N' here, 'J'/'N' there.

CREATE TABLE office_hours (
    office_id integer NOT NULL,
    wochentag smallint NOT NULL,                -- 1 Monday ... 7 Sunday
    nr        smallint NOT NULL,                -- 1 morning, 2 afternoon, and so on
    von       char(5) NOT NULL,                 -- '08:30'
    bis       char(5) NOT NULL,
    by_appt   char(1) NOT NULL DEFAULT 'N',     -- Y/N
    PRIMARY KEY (office_id, wochentag, nr)
);

CREATE TABLE office_rooms (
    kennung      varchar(20) PRIMARY KEY,       -- painted on the door, and painted over
    office_id    integer NOT NULL,
    bezeichnung  varchar(80),
    art          char(1) NOT NULL,              -- B treatment, R x-ray, L laboratory, W waiting
    plaetze      smallint,                      -- NULL: one
    austattung   text[],
    gesperrt_bis date,
    changed      timestamp NOT NULL
);

CREATE TABLE office_staff (
    id         serial PRIMARY KEY,
    profile_id bigint NOT NULL,                 -- staff delete their accounts, and return
    office_id  integer NOT NULL,
    funktion   smallint NOT NULL,               -- 1 reception, 2 assistance, 3 hygiene, 4 management, 0 nobody asked
    stunden    numeric(4, 1),                   -- a week
    seit       date NOT NULL,
    bis        date,
    rechte     text                             -- JSON
);

CREATE TABLE product_categories (
    id    serial PRIMARY KEY,
    ober  integer,                              -- the category above
    name  varchar(80) NOT NULL,
    pos   integer NOT NULL,
    aktiv char(1) NOT NULL DEFAULT 'J'          -- J/N
);

CREATE TABLE product_prices (
    sku     varchar(24) NOT NULL,
    gilt_ab date NOT NULL,
    stand   char(1) NOT NULL,                   -- A replaced, G in force, E draft: never came into force
    preis   numeric(10, 2) NOT NULL,
    waehrg  char(3),                            -- NULL: EUR
    staffel text,                               -- JSON: from how many on which price
    PRIMARY KEY (sku, gilt_ab)
);

CREATE TABLE stock_items (
    id        serial PRIMARY KEY,
    office_id integer NOT NULL,
    sku       varchar(24) NOT NULL,
    kategorie integer,
    raum      varchar(20),                      -- kennung of a room; some were torn down
    lagernd   integer NOT NULL,
    minimum   smallint NOT NULL DEFAULT 0,
    ek_cents  bigint NOT NULL,                  -- purchase price
    ablauf    date,
    tags      text[],
    changed   timestamp NOT NULL
);
CREATE INDEX stock_items_sku ON stock_items (sku);

CREATE TABLE stock_movements (
    id      bigserial PRIMARY KEY,
    artikel integer NOT NULL,                   -- a stock item's id
    art     char(1) NOT NULL,                   -- Z in, A out, R returned, I inventory: the difference
    menge   smallint NOT NULL,                  -- never negative but for I
    gebucht timestamp NOT NULL,
    wer     varchar(40),                        -- a name, as typed
    bem     text
);
CREATE INDEX stock_movements_artikel ON stock_movements (artikel);

CREATE TABLE discounts (
    id       serial PRIMARY KEY,
    code     varchar(20) NOT NULL UNIQUE,       -- unique, but to the letter
    text     varchar(120),
    prozent  smallint,                          -- either this
    betrag   integer,                           -- or this, in cents
    von      date,
    bis      date,                              -- the last day
    aktiv    char(1) NOT NULL DEFAULT 'J'
);

CREATE TABLE offers (
    id          serial PRIMARY KEY,
    patient_id  bigint NOT NULL,
    office_id   integer NOT NULL,
    plan_nr     integer,                        -- treatment plan; may be gone
    rabatt_id   integer,
    status      char(2) NOT NULL,               -- of open, an accepted, ab refused, vf lapsed
    summe       numeric(12, 2) NOT NULL,
    gueltig_bis date,
    konditionen json,
    erstellt    timestamp NOT NULL
);
CREATE INDEX offers_patient_id ON offers (patient_id);

CREATE TABLE offer_items (
    angebot integer NOT NULL,
    pos     smallint NOT NULL,
    sku     varchar(24),                        -- NULL: free text only
    text    varchar(160) NOT NULL,
    menge   numeric(8, 2) NOT NULL,
    einzel  integer NOT NULL,                   -- cents
    PRIMARY KEY (angebot, pos)
);

CREATE TABLE invoices (
    id          serial PRIMARY KEY,
    rechnung_nr varchar(20) NOT NULL UNIQUE,
    patient_id  bigint NOT NULL,
    office_id   integer NOT NULL,
    order_no    integer,                        -- the order that is billed
    stand       smallint NOT NULL,              -- 0 draft, 1 sent, 2 paid, 3 reminded, 9 written off
    netto       bigint NOT NULL,                -- cents
    mwst        bigint NOT NULL,                -- cents
    currency    char(3) NOT NULL DEFAULT 'EUR',
    adresse     text,                           -- JSON: as it was printed
    ausgestellt timestamp NOT NULL,
    faellig     date
);
CREATE INDEX invoices_patient_id ON invoices (patient_id);

CREATE TABLE invoice_items (
    rechnung integer NOT NULL,
    pos      smallint NOT NULL,
    sku      varchar(24),
    leistung varchar(160),                      -- NULL: what the product is called
    anzahl   numeric(8, 2) NOT NULL,
    preis    numeric(10, 2) NOT NULL,           -- of one
    nachlass smallint,                          -- percent; NULL: none
    PRIMARY KEY (rechnung, pos)
);

-- What was paid. Three programs wrote it, each into a column of its own; one of the three is filled.
CREATE TABLE payments (
    id           serial PRIMARY KEY,
    office_id    integer NOT NULL,
    rechnung     integer,                       -- NULL: paid at the desk, no invoice; an invoice may be gone
    currency     char(3) NOT NULL,
    amount_txt   varchar(20),                   -- up to 2014: '12,50', '1.234,50', '1234,50'
    amount       numeric(10, 2),                -- 2015 to 2018
    amount_cents integer,                       -- since 2019
    art          char(1) NOT NULL,              -- B cash, K card, U transfer, L direct debit
    paid         timestamp NOT NULL,
    reference    varchar(60),
    teil_von     integer REFERENCES payments (id)  -- the payment that it was split from
);
CREATE INDEX payments_teil_von ON payments (teil_von);

CREATE TABLE ledger_entries (
    id        bigserial PRIMARY KEY,
    office_id integer NOT NULL,
    konto     char(4) NOT NULL,                 -- with leading zeros
    zahlung   integer,                          -- payment
    sh        char(1) NOT NULL,                 -- S debit, H credit
    betrag    varchar(16) NOT NULL,             -- '1234.50', with blanks at times
    text      varchar(200),
    storno    char(1),                          -- J, or NULL
    gebucht   timestamp NOT NULL
);
ALTER TABLE ledger_entries REPLICA IDENTITY FULL;
