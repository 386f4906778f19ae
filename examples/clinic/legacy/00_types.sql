-- Types of the legacy database.
CREATE TYPE doctor_specialty AS ENUM ('GP', 'ORTHO', 'SURG', 'IMPL', 'PAED');
CREATE DOMAIN email_address AS varchar(200) CHECK (VALUE LIKE '%_@_%');
