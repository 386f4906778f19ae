"""Who sees and writes what in the new clinic, tried in each role."""

from collections.abc import Iterator
from typing import LiteralString

import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from ops.stack.state import Endpoints
from tests.fix_postgres import new_database
from tests.integration.checker.ideal import migrate
from tests.integration.clinic.people import ROLES, Clinic, cast

SCALE = 0.01
TABLES = sql.SQL("SELECT tablename FROM pg_tables WHERE schemaname = 'clinic' ORDER BY 1")
FOR_THE_SERVICE_ALONE = {"app_log", "system_config"}
# Role, table, and which rows of it the role sees, by said.sql.
SEES: tuple[tuple[str, str, LiteralString], ...] = (
    ("patient", "profiles", "id = said.me()"),
    ("patient", "patients", "profile_id = said.me()"),
    ("patient", "orders", "patient_id IN (TABLE said.patient)"),
    (
        "patient",
        "plan_steps",
        """plan_id IN (
            SELECT t.id FROM clinic.treatment_plans AS t JOIN clinic.projects AS p ON p.id = t.project_id
            WHERE p.patient_id IN (TABLE said.patient))""",
    ),
    (
        "patient",
        "invoice_items",
        "invoice_id IN (SELECT id FROM clinic.invoices WHERE patient_id IN (TABLE said.patient))",
    ),
    (
        "patient",
        "messages",
        """thread_id IN (SELECT id FROM clinic.threads WHERE opened_by = said.me()
            UNION SELECT thread_id FROM clinic.messages WHERE sender_id = said.me())""",
    ),
    ("patient", "reviews", "published OR patient_id IN (TABLE said.patient)"),
    ("doctor", "patients", "id IN (TABLE said.patients_of_doctor)"),
    ("doctor", "orders", "doctor_id IN (TABLE said.doctor)"),
    (
        "doctor",
        "medical_history",
        "coalesce(patient_id, former_patient_id) IN (TABLE said.patients_of_doctor)",
    ),
    (
        "doctor",
        "measurements",
        "jaw_id IN (SELECT id FROM clinic.jaws WHERE patient_id IN (TABLE said.patients_of_doctor))",
    ),
    ("doctor", "documents", "patient_id IN (TABLE said.patients_of_doctor)"),
    ("staff", "patients", "office_id IN (TABLE said.office)"),
    (
        "staff",
        "medical_history",
        """NOT confidential
            AND coalesce(patient_id, former_patient_id) IN (TABLE said.patients_of_office)""",
    ),
    ("staff", "payments", "office_id IN (TABLE said.office)"),
    (
        "staff",
        "stock_movements",
        "item_id IN (SELECT id FROM clinic.stock_items WHERE office_id IN (TABLE said.office))",
    ),
    ("staff", "alerts", "office_id IN (TABLE said.office)"),
    ("technician", "tasks", "coalesce(technician_id IN (TABLE said.technician), true)"),
    ("technician", "cases", "id IN (TABLE said.cases_of_technician)"),
    ("technician", "case_states", "case_id IN (TABLE said.cases_of_technician)"),
    (
        "technician",
        "orders",
        "id IN (SELECT order_id FROM clinic.cases WHERE id IN (TABLE said.cases_of_technician))",
    ),
    (
        "technician",
        "files",
        """id IN (SELECT file_id FROM clinic.attachments
            WHERE case_id IN (TABLE said.cases_of_technician))""",
    ),
)
MESSAGE: LiteralString = """
    INSERT INTO clinic.messages (id, thread_id, sender_id, body, sent_at)
    SELECT gen_random_uuid(), id, {}, 'x', now() FROM clinic.threads LIMIT 1"""
PAYMENT: LiteralString = """
    INSERT INTO clinic.payments (id, office_id, amount, currency, method, paid_at)
    SELECT gen_random_uuid(), {}, 1, 'EUR', 'cash', now() FROM clinic.office_staff LIMIT 1"""
# With what is somebody else's as parameters.
REFUSED: tuple[tuple[str, LiteralString], ...] = (
    ("patient", "UPDATE clinic.patients SET balance = 0"),
    ("patient", "DELETE FROM clinic.orders"),
    ("patient", "SELECT FROM clinic.tasks"),
    ("patient", MESSAGE.format("%(profile)s")),
    ("doctor", "UPDATE clinic.orders SET doctor_id = %(doctor)s"),
    ("doctor", "UPDATE clinic.patients SET office_id = %(office)s"),
    ("doctor", "UPDATE clinic.invoices SET net = 0"),
    ("doctor", "SELECT FROM clinic.app_log"),
    ("staff", PAYMENT.format("%(office)s")),
    ("staff", "UPDATE clinic.payments SET amount = 0"),
    ("staff", "INSERT INTO clinic.prescriptions (id) VALUES (gen_random_uuid())"),
    ("staff", "SELECT FROM clinic.system_config"),
    ("technician", "UPDATE clinic.tasks SET technician_id = %(technician)s"),
    ("technician", "UPDATE clinic.tasks SET role_id = role_id"),
    ("technician", "SELECT FROM clinic.patients"),
)
# Role, statement, and the rows that it touches; it names none.
TOUCHES: tuple[tuple[str, LiteralString, LiteralString], ...] = (
    ("patient", "UPDATE clinic.patients SET phone = NULL", "TABLE said.patient"),
    ("patient", MESSAGE.format("%(me)s"), "SELECT 1"),
    (
        "doctor",
        "UPDATE clinic.patients SET medical_history = 'x'",
        "TABLE said.patients_of_doctor",
    ),
    (
        "doctor",
        "UPDATE clinic.orders SET priority = 9",
        "SELECT FROM clinic.orders WHERE doctor_id IN (TABLE said.doctor)",
    ),
    ("staff", PAYMENT.format("office_id"), "SELECT 1"),
    (
        "staff",
        "UPDATE clinic.invoices SET status = 'sent'",
        "SELECT FROM clinic.invoices WHERE office_id IN (TABLE said.office)",
    ),
    (
        "technician",
        "UPDATE clinic.tasks SET state = 'started', technician_id = (SELECT id FROM clinic.technicians)",
        "SELECT FROM clinic.tasks WHERE coalesce(technician_id IN (TABLE said.technician), true)",
    ),
)


@pytest.fixture(scope="module")
def clinic(stack: Endpoints) -> Iterator[Clinic]:
    """A small target with rows, and the persons who ask."""
    for source in new_database(stack.source_dsn):
        for target in new_database(stack.target_dsn):
            migrate(source, target, scale=SCALE)
            yield cast(target)


def test_every_table_has_row_security_and_policies(clinic: Clinic) -> None:
    tables = _tables(clinic)
    secured = "SELECT relname FROM pg_class WHERE relnamespace = 'clinic'::regnamespace AND relrowsecurity"
    assert _names(clinic, secured) == tables
    policies: LiteralString = (
        "SELECT tablename FROM pg_policies WHERE schemaname = 'clinic' AND policyname {} 'service'"
    )
    assert _names(clinic, policies.format("=")) == tables
    assert tables - _names(clinic, policies.format("<>")) == FOR_THE_SERVICE_ALONE


@pytest.mark.parametrize("role", ROLES)
def test_who_is_not_named_or_locked_out_sees_nothing(clinic: Clinic, role: str) -> None:
    nobody = [_seen(clinic, None, role, table) for table in _tables(clinic)]
    assert set(nobody) == {0, None}
    me = clinic.people[role]
    with clinic.locked_out(me):
        assert [_seen(clinic, me, role, table) for table in _tables(clinic)] == nobody


@pytest.mark.parametrize(("role", "table", "condition"), SEES, ids=lambda value: value[:18])
def test_a_person_sees_what_is_theirs_and_no_more(
    clinic: Clinic, role: str, table: str, condition: LiteralString
) -> None:
    ids = sql.SQL("SELECT id FROM clinic.{}").format(sql.Identifier(table))
    theirs = set(clinic.owner(ids + sql.SQL(" WHERE ") + sql.SQL(condition), role))
    assert set(clinic.asks(role, ids)) == theirs
    assert set() < theirs < set(clinic.owner(ids))


@pytest.mark.parametrize(("role", "statement"), REFUSED)
def test_what_a_person_may_not_do_is_refused(
    clinic: Clinic, role: str, statement: LiteralString
) -> None:
    names = ("profile", "doctor", "technician", "office")
    (others,) = clinic.owner(
        sql.SQL("SELECT profile, doctor, technician, office FROM said.others"), role
    )
    with pytest.raises(InsufficientPrivilege):
        clinic.asks(role, sql.SQL(statement), **dict(zip(names, others, strict=True)))


@pytest.mark.parametrize(("role", "statement", "theirs"), TOUCHES)
def test_what_a_person_may_do_touches_only_what_is_theirs(
    clinic: Clinic, role: str, statement: LiteralString, theirs: LiteralString
) -> None:
    rows = clinic.owner(sql.SQL(theirs), role)
    assert clinic.asks(role, sql.SQL(statement)).rowcount == len(rows) > 0


def test_the_service_sees_and_writes_everything(clinic: Clinic) -> None:
    for table in _tables(clinic):
        query = sql.SQL("SELECT count(*) FROM clinic.{}").format(sql.Identifier(table))
        assert clinic.asks("service", query).fetchall() == clinic.owner(query)
    assert clinic.asks("service", sql.SQL("DELETE FROM clinic.notifications")).rowcount > 0


def _names(clinic: Clinic, query: LiteralString) -> set[str]:
    return {name for (name,) in clinic.owner(sql.SQL(query))}


def _tables(clinic: Clinic) -> set[str]:
    return {name for (name,) in clinic.owner(TABLES)}


def _seen(clinic: Clinic, me: str | None, role: str, table: str) -> int | None:
    """How many rows of a table somebody sees; None: may not ask."""
    query = sql.SQL("SELECT count(*) FROM clinic.{}").format(sql.Identifier(table))
    try:
        return int(clinic.asks_as(me, role, query).fetchall()[0][0])
    except InsufficientPrivilege:
        return None
