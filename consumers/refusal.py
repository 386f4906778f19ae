"""What an error of the target means: try the batch again, set the record aside, or stop.

Source: PostgreSQL manual, appendix "PostgreSQL Error Codes".
"""

import psycopg
from psycopg.errors import CheckViolation, NotNullViolation

from consumers.catalog import Check
from consumers.waiting import Reason, Why
from schemas.errors import RecordError

# Nothing is wrong with the rows: serialization failure, deadlock, insufficient resources, lock not available, operator
# intervention, read-only transaction, connection exceptions, sessions that the server ended for their silence.
RETRIED = ("40001", "40P01", "53", "55P03", "57", "25006", "08", "25P03", "25P04")
# More than one row for a value, data exception, integrity constraint, check option, program limit, RAISE in a trigger.
OF_A_RECORD = ("21", "22", "23", "44", "54", "P0")
FOREIGN_KEYS = ("23503", "23001")
_UNIQUE = "23505"


def is_retried(error: Exception) -> bool:
    """Whether an error says nothing about the rows, so that the whole batch is tried again."""
    state: str | None = getattr(error, "sqlstate", None)
    if state is None:
        return isinstance(error, psycopg.OperationalError)
    return state.startswith(RETRIED)


def is_of_a_record(error: psycopg.Error | RecordError) -> bool:
    """Whether an error speaks of a record, so that the others of the batch can go on."""
    return isinstance(error, RecordError) or (error.sqlstate or "").startswith(OF_A_RECORD)


def reason_of(error: psycopg.Error | RecordError, table: tuple[str, str]) -> Reason:
    """Why a single record could not go in. PostgreSQL's own text is left out: it quotes values.

    Args:
        error: Of the record.
        table: Schema and name of the target table.
    """
    if isinstance(error, RecordError):
        column = error.context.get("column")
        return Reason(why=Why.RULE, error=error.detail, column=str(column) if column else None)
    # A foreign key names the table that refers.
    referring = (error.diag.schema_name, error.diag.table_name)
    holds = error.sqlstate in FOREIGN_KEYS and referring != table
    why = {**dict.fromkeys(FOREIGN_KEYS, Why.PARENT), _UNIQUE: Why.UNIQUE}
    return Reason(
        why=Why.CHILDREN if holds else why.get(error.sqlstate or "", Why.RULE),
        waits_for=".".join(map(str, referring)) if holds else error.diag.constraint_name,
        sqlstate=error.sqlstate,
        error=_refused(type(error)),
        constraint=error.diag.constraint_name,
        column=error.diag.column_name,
    )


def violated(check: Check) -> Reason:
    """What the target would say of a row that violates a CHECK or NOT NULL."""
    error = CheckViolation if check.name else NotNullViolation
    return Reason(
        why=Why.RULE,
        sqlstate=error.sqlstate,
        error=_refused(error),
        constraint=check.name,
        column=None if check.name else check.columns[0],
    )


def _refused(error: type[psycopg.Error]) -> str:
    return f"the target refused the row: {error.__name__}"
