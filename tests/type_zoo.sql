-- Types of a database of its own, for tests.type_zoo. None of them is there on the target.
CREATE TYPE public.mood AS ENUM ('sad', 'o''k', 'with space', '"quoted"');
CREATE TYPE public.pair AS (a integer, "b ""x""" text);
CREATE TYPE public.float_range AS RANGE (subtype = double precision);
CREATE DOMAIN public.cents AS bigint CHECK (value >= 0);
CREATE DOMAIN public.price AS numeric(12, 2);
CREATE DOMAIN public.big_price AS public.price CHECK (value > 1000);
CREATE DOMAIN public.scores AS integer[];
CREATE DOMAIN public.raw AS bytea;
