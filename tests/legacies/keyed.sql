-- Composite keys and partitions: a brewery's ledger.
CREATE SCHEMA ledger;
CREATE TYPE public.grade AS ENUM ('a', 'b');
CREATE DOMAIN public.litres AS numeric(9, 2) CHECK (VALUE >= 0);
CREATE TABLE sites (country char(2), site_no integer, name text NOT NULL, PRIMARY KEY (country, site_no));
CREATE TABLE tanks (
    country char(2) NOT NULL, site_no integer NOT NULL, tank_no smallint, volume public.litres NOT NULL, grade public.grade,
    PRIMARY KEY (country, site_no, tank_no), FOREIGN KEY (country, site_no) REFERENCES sites
);
CREATE TABLE batches (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code varchar(12) NOT NULL UNIQUE,
    country char(2), site_no integer, tank_no smallint, parent_id bigint REFERENCES batches, brewed timestamp NOT NULL,
    year integer GENERATED ALWAYS AS (EXTRACT(year FROM brewed)) STORED,
    FOREIGN KEY (country, site_no, tank_no) REFERENCES tanks
);
CREATE TABLE ledger.readings (
    batch_id bigint NOT NULL REFERENCES batches, taken timestamptz NOT NULL, degrees numeric(5, 2), note text,
    PRIMARY KEY (batch_id, taken)
) PARTITION BY RANGE (taken);
CREATE TABLE ledger.readings_old PARTITION OF ledger.readings FOR VALUES FROM (MINVALUE) TO ('2024-01-01 00:00+00');
CREATE TABLE ledger.readings_new PARTITION OF ledger.readings FOR VALUES FROM ('2024-01-01 00:00+00') TO (MAXVALUE);
CREATE TABLE ledger.labels (
    label_no integer PRIMARY KEY, batch_code varchar(12) NOT NULL REFERENCES batches (code), printed date
);
INSERT INTO sites SELECT c, n, c || n FROM unnest(ARRAY['AT', 'DE']) c, generate_series(1, 3) n;
INSERT INTO tanks SELECT country, site_no, n, 10.5 * n, 'a' FROM sites, generate_series(1, 4) n;
INSERT INTO batches (code, country, site_no, tank_no, parent_id, brewed)
    SELECT 'B' || n, CASE WHEN n % 5 > 0 THEN 'AT' END, 1 + n % 3, 1 + n % 4, nullif(n / 10, 0), timestamp '2023-12-30 08:00' + n * interval '1 hour'
    FROM generate_series(1, 60) n;
INSERT INTO ledger.readings SELECT id, brewed AT TIME ZONE 'UTC' + n * interval '1 day', n, repeat('x', n) FROM batches, generate_series(0, 3) n;
INSERT INTO ledger.labels SELECT n, 'B' || 1 + n % 60, '2024-02-02' FROM generate_series(1, 40) n;
