-- Nothing is said of what refers to what: a library of 1998, without a foreign key, one table without any key.
CREATE TABLE tblmember (memberid serial PRIMARY KEY, fullname varchar(60), joined timestamp, active char(1));
CREATE TABLE authors (id integer PRIMARY KEY, name text NOT NULL, mentor_author_id integer);
CREATE TABLE books (isbn varchar(13) PRIMARY KEY, title text NOT NULL, author_id integer, shelf_id integer);
CREATE TABLE copies (isbn varchar(13) NOT NULL, copy_no smallint NOT NULL, bought date, PRIMARY KEY (isbn, copy_no));
CREATE TABLE loans (
    loan_no bigint PRIMARY KEY, memberid integer NOT NULL, isbn varchar(13), copy_no smallint, fee numeric(8, 2), back timestamp
);
CREATE TABLE fines (id integer PRIMARY KEY, loan_no numeric(12), member_id integer, amount numeric(8, 2));
CREATE TABLE visits (memberid integer, day date NOT NULL, remark text);
INSERT INTO tblmember (fullname, joined, active) SELECT 'Ada ' || n, '1998-03-29 02:30', 'J' FROM generate_series(1, 30) n;
INSERT INTO authors SELECT n, 'Author ' || n, nullif(n / 4, 0) FROM generate_series(1, 12) n;
INSERT INTO books SELECT 'X' || n, 'Title ' || n, 1 + n % 12, n FROM generate_series(1, 40) n;
INSERT INTO copies SELECT isbn, n, '2001-01-01' FROM books, generate_series(1, 2) n;
INSERT INTO loans SELECT n, 1 + n % 30, 'X' || 1 + n % 40, 1 + n % 2, 0.5, NULL FROM generate_series(1, 80) n;
-- Every fourth fine is of a loan that is gone.
INSERT INTO fines SELECT n, CASE WHEN n % 4 = 0 THEN 9000 + n ELSE n END, 1 + n % 30, 1.25 FROM generate_series(1, 40) n;
INSERT INTO visits SELECT 1 + n % 30, date '2020-01-01' + n, NULL FROM generate_series(1, 25) n;
