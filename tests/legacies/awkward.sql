-- Awkward names: upper case, spaces, reserved words, unicode, dots, quotes, 63 bytes.
CREATE SCHEMA "Odd Schema";
CREATE TABLE "User" ("ID" integer PRIMARY KEY, "E-Mail" text UNIQUE, "select" text, "Group" varchar(20), "100%" numeric(5, 2));
CREATE TABLE "order" (
    "Order No." bigint PRIMARY KEY, "user" integer NOT NULL REFERENCES "User", "from" date, "to" date, "Größe" text,
    "größe" integer, CHECK ("from" <= "to")
);
CREATE TABLE "Odd Schema"."Order.Items ""new""" (
    "order" bigint REFERENCES "order", "Straße № 1" text NOT NULL, PRIMARY KEY ("order", "Straße № 1")
);
CREATE TABLE "заказы" ("номер" integer PRIMARY KEY, "клиент" integer REFERENCES "User", "$sum" money, "back\slash" text);
CREATE TABLE a_table_whose_name_is_as_long_as_postgresql_lets_a_name_be_made (
    a_column_whose_name_is_as_long_as_postgresql_lets_a_name_be_yes integer PRIMARY KEY,
    a_column_whose_name_is_as_long_as_postgresql_lets_a_name_be_not text,
    "id" text, "table" text, "A" text, "a" text
);
CREATE TABLE "--" ("line
break" integer PRIMARY KEY, "]" text, "%s" text, "'quoted'" text, "tab	tab" text);
INSERT INTO "User" SELECT n, 'u' || n || '@example.com', 'x', 'g', 99.5 FROM generate_series(1, 20) n;
INSERT INTO "order" SELECT n, 1 + n % 20, '2024-01-01', '2024-01-02', 'ß', n FROM generate_series(1, 50) n;
INSERT INTO "Odd Schema"."Order.Items ""new""" SELECT n, 'Gasse ' || n FROM generate_series(1, 50) n;
INSERT INTO "заказы" SELECT n, 1 + n % 20, n, 'a\b' FROM generate_series(1, 10) n;
INSERT INTO a_table_whose_name_is_as_long_as_postgresql_lets_a_name_be_made SELECT n, 'x', 'i' || n, 't', 'A', 'a' FROM generate_series(1, 5) n;
INSERT INTO "--" SELECT n, ']', '%s', '''', E'\t' FROM generate_series(1, 5) n;
