"""Faults to put into a perfect target, and what the checker must say of each."""

from dataclasses import dataclass
from typing import LiteralString


@dataclass(frozen=True, slots=True, kw_only=True)
class Corruption:
    """A wrong target, and what the checker must say of it.

    Attributes:
        name: What was done.
        statement: How.
        found: (kind, entity, column) of all problems that must be named.
        unaccounted: Rows that no column of the account holds any more.
    """

    name: str
    statement: LiteralString
    found: frozenset[tuple[str, str, str]]
    unaccounted: int = 0


def _case(
    name: str, statement: LiteralString, *found: tuple[str, str, str], unaccounted: int = 0
) -> Corruption:
    return Corruption(
        name=name, statement=statement, found=frozenset(found), unaccounted=unaccounted
    )


# The seed of each choice of a row is the letter hashed with its id.
ROWS = [
    _case(
        "one byte of a long text",
        "UPDATE clinic.treatment_plans SET body = overlay(body PLACING '~' FROM 3000 FOR 1)"
        " WHERE id = (SELECT id FROM clinic.treatment_plans WHERE length(body) > 4000"
        " ORDER BY md5('a' || id) LIMIT 1)",
        ("different", "treatment_plans", "body"),
    ),
    _case(
        "one blank at an end",
        "UPDATE clinic.patients SET given_name = given_name || ' '"
        " WHERE id = (SELECT id FROM clinic.patients WHERE NOT archived ORDER BY md5('b' || id) LIMIT 1)",
        ("different", "patients", "given_name"),
    ),
    _case(
        "an empty text for NULL",
        "UPDATE clinic.orders SET notes = ''"
        " WHERE id = (SELECT id FROM clinic.orders WHERE notes IS NULL LIMIT 1)",
        ("different", "orders", "notes"),
    ),
    _case(
        "one microsecond",
        "UPDATE clinic.profiles SET created_at = created_at + interval '1 microsecond'"
        " WHERE id = (SELECT id FROM clinic.profiles ORDER BY md5('c' || id) LIMIT 1)",
        ("different", "profiles", "created_at"),
    ),
    _case(
        "one cent",
        "UPDATE clinic.orders SET total = total + 0.01"
        " WHERE id = (SELECT id FROM clinic.orders ORDER BY md5('d' || id) LIMIT 1)",
        ("different", "orders", "total"),
        ("money", "orders", "total"),
    ),
    _case(
        "one cent moved from a row to another",
        "UPDATE clinic.patients SET balance = balance + CASE WHEN id = (SELECT max(id::text)::uuid"
        " FROM clinic.patients) THEN 0.01 ELSE -0.01 END WHERE id::text IN"
        " (SELECT max(id::text) FROM clinic.patients UNION SELECT min(id::text) FROM clinic.patients)",
        ("different", "patients", "balance"),
    ),
    _case(
        "one row missing",
        "DELETE FROM clinic.jaws"
        " WHERE id = (SELECT id FROM clinic.jaws ORDER BY md5('e' || id) LIMIT 1)",
        ("missing", "jaws", ""),
        ("mapping", "jaws", ""),
        unaccounted=1,
    ),
    _case(
        "one row of a union missing",
        "DELETE FROM clinic.patients WHERE id = (SELECT id FROM understudy.migration_mappings"
        " WHERE entity = 'patients_2012' ORDER BY md5('i' || id) LIMIT 1)",
        ("missing", "patients_2012", ""),
        ("mapping", "patients_2012", ""),
        ("money", "patients", "balance"),
        unaccounted=1,
    ),
    _case(
        "a joined column altered",
        "UPDATE clinic.profiles SET specialty = CASE specialty WHEN 'surgery' THEN 'general'"
        " ELSE 'surgery' END WHERE id = (SELECT id FROM clinic.profiles WHERE specialty IS NOT NULL"
        " ORDER BY md5('j' || id) LIMIT 1)",
        ("different", "profiles", "specialty"),
    ),
    _case(
        "a joined column in a row that nothing joins",
        "UPDATE clinic.profiles SET academic_title = 'Dr.' WHERE id = (SELECT id"
        " FROM clinic.profiles WHERE kind = 'staff' ORDER BY md5('k' || id) LIMIT 1)",
        ("different", "profiles", "academic_title"),
    ),
    _case(
        "one extra row",
        "INSERT INTO clinic.offices SELECT gen_random_uuid(), NULL, name, street, postal_code, town,"
        " country, opening_hours, active, created_at FROM clinic.offices LIMIT 1",
        ("extra", "offices", ""),
        ("mapping", "offices", ""),
    ),
    _case(
        "one reference swapped",
        "UPDATE clinic.orders AS o SET doctor_id = (SELECT d.id FROM clinic.doctors AS d"
        " WHERE d.id <> o.doctor_id LIMIT 1)"
        " WHERE id = (SELECT id FROM clinic.orders ORDER BY md5('f' || id) LIMIT 1)",
        ("different", "orders", "doctor_id"),
    ),
    _case(
        "one reference that is owed",
        "UPDATE clinic.projects SET active_plan_id = NULL WHERE id = (SELECT id"
        " FROM clinic.projects WHERE active_plan_id IS NOT NULL ORDER BY md5('g' || id) LIMIT 1)",
        ("different", "projects", "active_plan_id"),
    ),
    _case(
        "one orphan",
        "SET session_replication_role = replica;"
        " DELETE FROM clinic.products"
        " WHERE id = (SELECT product_id FROM clinic.orders ORDER BY md5('h' || id) LIMIT 1)",
        ("missing", "products", ""),
        ("mapping", "products", ""),
        ("money", "products", "price"),
        ("orphan", "orders", "orders_product_id_fkey"),
        unaccounted=1,
    ),
    _case(
        "a foreign key that was not checked",
        "ALTER TABLE clinic.orders DROP CONSTRAINT orders_patient_id_fkey;"
        " ALTER TABLE clinic.orders ADD CONSTRAINT orders_patient_id_fkey"
        " FOREIGN KEY (patient_id) REFERENCES clinic.patients NOT VALID",
        ("foreign key", "orders", "orders_patient_id_fkey"),
    ),
    _case(
        "a column that nobody compares",
        "ALTER TABLE clinic.offices ADD COLUMN fax text",
        ("unchecked", "offices", "fax"),
    ),
]

RECORDS = [
    _case(
        "one mapping missing",
        "DELETE FROM understudy.migration_mappings WHERE entity = 'orders' AND legacy_key ="
        " (SELECT max(legacy_key) FROM understudy.migration_mappings WHERE entity = 'orders')",
        ("mapping", "orders", ""),
    ),
    _case(
        "two mappings with each other's id",
        "UPDATE understudy.migration_mappings AS m SET id = o.id"
        " FROM understudy.migration_mappings AS o WHERE m.entity = 'offices' AND o.entity = 'offices'"
        " AND (m.legacy_key, o.legacy_key) IN (('1', '2'), ('2', '1'))",
        ("mapping", "offices", ""),
    ),
    _case(
        "one mapping twice",
        "INSERT INTO understudy.migration_mappings SELECT * FROM understudy.migration_mappings"
        " WHERE entity = 'offices' LIMIT 1",
        ("mapping", "offices", ""),
    ),
    _case(
        "a row of a union mapped under the other's name",
        "UPDATE understudy.migration_mappings SET entity = 'patients', source = 'public.patients'"
        " WHERE entity = 'patients_2012' AND legacy_key = '3'",
        ("mapping", "patients", ""),
        ("mapping", "patients_2012", ""),
    ),
    _case(
        "a joined row without its mapping",
        "DELETE FROM understudy.migration_mappings WHERE entity = 'doctor_titles'"
        " AND legacy_key = '101'",
        ("mapping", "doctor_titles", ""),
        unaccounted=1,
    ),
    _case(
        "a joined row mapped to another row",
        "UPDATE understudy.migration_mappings SET id = (SELECT max(id::text)::uuid"
        " FROM clinic.profiles WHERE kind = 'staff')"
        " WHERE entity = 'doctor_titles' AND legacy_key = '101'",
        ("mapping", "doctor_titles", ""),
        unaccounted=1,
    ),
    _case(
        "a joined row parked that need not be",
        "INSERT INTO understudy.waiting (entity, source, legacy_key, epoch, commit_lsn, ordinal,"
        " deleted, reason) VALUES ('doctor_titles', 'public.doctors', '101', 1, 1, 0, false, 'parent')",
        ("parked", "doctor_titles", ""),
    ),
    _case(
        "a live mapping of a row that is gone",
        "INSERT INTO understudy.migration_mappings (generation, entity, source, legacy_key, id, state,"
        " epoch, commit_lsn, ordinal, spec_version)"
        " VALUES (1, 'orders', 'public.orders', '1', gen_random_uuid(), 'l', 1, 1, 1, 1)",
        ("mapping", "orders", ""),
    ),
    _case(
        "a parked row forgotten",
        "DELETE FROM understudy.waiting WHERE (entity, legacy_key) = (SELECT entity, legacy_key"
        " FROM understudy.parked WHERE entity = 'jaws' LIMIT 1)",
        ("parked", "jaws", ""),
        unaccounted=1,
    ),
    _case(
        "a row parked that need not be",
        "INSERT INTO understudy.waiting (entity, source, legacy_key, epoch, commit_lsn, ordinal,"
        " deleted, reason) VALUES ('offices', 'public.offices', '1', 1, 1, 0, false, 'unique')",
        ("parked", "offices", ""),
    ),
    _case(
        "a dead letter forgotten",
        "DELETE FROM understudy.waiting WHERE (entity, legacy_key) ="
        " (SELECT entity, legacy_key FROM understudy.dead_letters LIMIT 1)",
        ("dead letter", "orders", ""),
        unaccounted=1,
    ),
    _case(
        "a row parked that is a dead letter",
        "UPDATE understudy.waiting SET reason = 'parent' WHERE (entity, legacy_key) ="
        " (SELECT entity, legacy_key FROM understudy.dead_letters LIMIT 1)",
        ("dead letter", "orders", ""),
        ("parked", "orders", ""),
    ),
    _case(
        "an excluded row not recorded",
        "DELETE FROM understudy.migration_mappings WHERE entity = 'profiles' AND state = 'x'"
        " AND legacy_key = (SELECT max(legacy_key) FROM understudy.migration_mappings"
        " WHERE entity = 'profiles' AND state = 'x')",
        ("excluded", "profiles", ""),
        unaccounted=1,
    ),
]
