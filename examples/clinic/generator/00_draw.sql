-- Draws for the generator: pure functions of (seed, tag, row number), so that a data set can be made again row by row.
-- The settings clinic.seed and clinic.rows.*, clinic.blemishes.*, clinic.cents.* belong to the transaction; the functions go with the session.

-- A figure of figures.toml, scaled: figure('rows.orders'), figure('blemishes.orders.unknown_status').
CREATE FUNCTION pg_temp.figure(name text) RETURNS bigint LANGUAGE sql STABLE
RETURN current_setting('clinic.' || name)::bigint;

-- A number from 0 to below - 1.
CREATE FUNCTION pg_temp.draw(tag text, i bigint, below bigint) RETURNS bigint LANGUAGE sql STABLE
RETURN abs(hashint8extended(i, hashtextextended(tag, current_setting('clinic.seed')::bigint)) % below);

CREATE FUNCTION pg_temp.pick(tag text, i bigint, choices text[]) RETURNS text LANGUAGE sql STABLE
RETURN choices[1 + pg_temp.draw(tag, i, array_length(choices, 1))];

-- A local time between 07:00 and 19:00, where no change of the clocks can make it doubtful.
CREATE FUNCTION pg_temp.moment(tag text, i bigint, since date, days bigint) RETURNS timestamp LANGUAGE sql STABLE
RETURN since + pg_temp.draw(tag || '/day', i, days)::integer + interval '7 hours'
    + pg_temp.draw(tag || '/us', i, 43200000000) * interval '1 microsecond';

CREATE FUNCTION pg_temp.given_name(i bigint) RETURNS text LANGUAGE sql STABLE
RETURN pg_temp.pick('given', i, ARRAY['Anna', 'Björn', 'Clara', 'Đorđe', 'Eva', 'Ferenc', 'Grete', 'Hüseyin', 'Ilse', 'Jiří',
    'Käthe', 'Ludwig', 'Mária', 'Niklas', 'Özlem', 'Paul', 'Rosa', 'Siân', 'Theo', 'Zoë']);

CREATE FUNCTION pg_temp.family_name(i bigint) RETURNS text LANGUAGE sql STABLE
RETURN pg_temp.pick('family', i, ARRAY['Aigner', 'Brückner', 'Czerny', 'D''Angelo', 'Eßl', 'Fuchs', 'Gruber', 'Horváth', 'Ivić', 'Jäger',
    'Kovač', 'Lehner', 'Müller', 'Nagy', 'O''Brien', 'Pichler', 'von der Ried', 'Šimek', 'Übelhör', 'Wolf-Steiner']);

-- Clinical prose of the given number of sentences; the codes in it keep it from compressing away.
CREATE FUNCTION pg_temp.prose(tag text, i bigint, sentences bigint) RETURNS text LANGUAGE sql STABLE
RETURN (
    SELECT string_agg(
        pg_temp.pick(tag, i * 1000 + n, ARRAY['Kontrolle o. B.', 'Abdruck "neu" bestellt;', 'Schiene\getragen,', 'Befund 50 %'])
            || ' ' || md5(format('%s/%s/%s/%s', current_setting('clinic.seed'), tag, i, n)), E'.\n' ORDER BY n)
    FROM generate_series(1, sentences) AS n
);

-- The id of an order that is not blemished, and so is in the target.
CREATE FUNCTION pg_temp.sound_order(tag text, i bigint) RETURNS bigint LANGUAGE sql STABLE
RETURN (
    SELECT 4001 + bad + pg_temp.draw(tag, i, pg_temp.figure('rows.orders') - bad)
    FROM (SELECT pg_temp.figure('blemishes.orders.unknown_doctor') + pg_temp.figure('blemishes.orders.unknown_status')
                 + pg_temp.figure('blemishes.orders.negative_total')) AS blemished (bad)
);
