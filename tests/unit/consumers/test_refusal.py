"""What an error of the target means for the batch."""

import psycopg
import pytest
from psycopg import errors

from consumers.refusal import is_of_a_record, is_retried, reason_of
from consumers.waiting import Why
from schemas.errors import RecordError

RETRIED = {
    "40001": "serialization failure",
    "40P01": "deadlock",
    "53100": "disk full",
    "53300": "too many connections",
    "55P03": "lock not available",
    "57014": "statement timeout",
    "57P01": "admin shutdown",
    "25006": "read-only transaction",
    "25P03": "ended while idle in a transaction",
    "08006": "connection failure",
}
OF_A_RECORD = {
    "22001": "text too long",
    "22003": "out of range",
    "22P02": "not a value of the type",
    "23502": "NULL",
    "23503": "no parent",
    "23505": "not unique",
    "23514": "check",
    "23P01": "exclusion",
    "44000": "check option of a view",
    "54000": "index row too long",
    "P0001": "raised in a trigger",
}
TABLE = ("app", "orders")
HALTING = {
    "42501": "no right",
    "42P01": "no table",
    "42703": "no column",
    "42804": "types do not meet",
    "0A000": "not supported",
    "28P01": "wrong password",
    "XX000": "internal error",
}


def error(sqlstate: str) -> psycopg.Error:
    return errors.lookup(sqlstate)("text of the server")


@pytest.mark.parametrize("sqlstate", RETRIED, ids=RETRIED.get)
def test_case_083_what_says_nothing_of_the_rows_is_tried_again(sqlstate: str) -> None:
    assert is_retried(error(sqlstate))
    assert not is_of_a_record(error(sqlstate))


def test_case_090_a_lost_connection_is_tried_again() -> None:
    assert is_retried(psycopg.OperationalError("the connection is closed"))


@pytest.mark.parametrize("sqlstate", OF_A_RECORD, ids=OF_A_RECORD.get)
def test_case_087_what_a_row_has_done_is_set_aside(sqlstate: str) -> None:
    assert is_of_a_record(error(sqlstate))
    assert not is_retried(error(sqlstate))


@pytest.mark.parametrize("sqlstate", HALTING, ids=HALTING.get)
def test_case_092_what_no_row_can_mend_stops_the_entity(sqlstate: str) -> None:
    assert not is_retried(error(sqlstate))
    assert not is_of_a_record(error(sqlstate))


def test_a_single_row_waits_where_another_can_help_it() -> None:
    assert reason_of(error("23505"), TABLE).why is Why.UNIQUE
    assert reason_of(error("23514"), TABLE).why is Why.RULE


def test_the_reason_never_quotes_the_row() -> None:
    reason = reason_of(error("22P02"), TABLE)
    assert reason.sqlstate == "22P02"
    assert reason.error == "the target refused the row: InvalidTextRepresentation"


def test_the_reason_of_a_python_rule_names_its_column() -> None:
    error_of_a_rule = RecordError("the Python rule failed with KeyError", column="phone")
    reason = reason_of(error_of_a_rule, TABLE)
    assert (reason.why, reason.column) == (Why.RULE, "phone")
    assert reason.error == "the Python rule failed with KeyError"
