"""Connections to the source, and its errors as ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from schemas import session
from schemas.errors import ConflictError, SourceError, SourceLostError, UnderstudyError

Connection = psycopg.Connection[tuple[object, ...]]

# Settings that the legacy database may have and that would end a long snapshot.
_PATIENT = {"statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}
_TRANSACTION_TIMEOUT_SINCE = 170_000
# Server is starting or stopping, or somebody ended our session: worth another attempt.
_PASSING = ("08", "57P", "57014")

_REMEDIES = {
    "42501": "Grant SELECT on the tables and REPLICATION, and BYPASSRLS where policies exist.",
    "42P01": "Correct the entity files.",
    "53400": "Raise max_replication_slots, or drop a slot that nobody uses.",
    "53300": "Raise max_connections or max_wal_senders.",
    "55000": "Set wal_level = logical and restart the source.",
}
_IN_USE = "55006"
# What a server says that starts, stops, recovers or is full.
_PASSING_TEXTS = ("the database system is", "too many", "remaining connection slots", "terminating")
_REFUSED = "Check user, password and database of the source DSN, and pg_hba.conf."
_REFUSALS = {
    "WAL sender": "ALTER ROLE ... REPLICATION; on a managed server, grant its replication role.",
    "max_wal_senders": "Raise max_wal_senders.",
    "no pg_hba.conf entry": "Allow this host, user and database (and replication) in pg_hba.conf.",
}
# Messages of these classes may hold values of rows.
_TELLING = ("22", "23", "P0")


@contextmanager
def source_errors(**context: Any) -> Iterator[None]:
    """Turn psycopg's errors into ours; messages of the server may hold values and are left out.

    Raises:
        SourceLostError: The connection is gone; try again.
        SourceError: Anything else that the source refused.
        ConflictError: Something else holds what this needs.
    """
    try:
        yield
    except psycopg.Error as error:
        raise _ours(error, context) from error


def _ours(error: psycopg.Error, context: dict[str, Any]) -> UnderstudyError:
    state = error.sqlstate
    if state is None:
        return _without_state(error, context)
    if state.startswith(_PASSING):
        return SourceLostError("the server ended the session", sqlstate=state, **context)
    detail = "" if state.startswith(_TELLING) else error.diag.message_primary or _first_line(error)
    kind_of = ConflictError if state == _IN_USE else SourceError
    return kind_of(detail, remedy=_REMEDIES.get(state), sqlstate=state, **context)


def _without_state(error: psycopg.Error, context: dict[str, Any]) -> SourceError:
    """A failed connection attempt has no SQLSTATE, only the text of the server's FATAL."""
    detail = _first_line(error)
    refused = "FATAL:" in detail and not any(text in detail for text in _PASSING_TEXTS)
    if refused:
        remedy = next((r for text, r in _REFUSALS.items() if text in detail), _REFUSED)
        return SourceError(detail, remedy=remedy, **context)
    kind = SourceLostError if isinstance(error, psycopg.OperationalError) else SourceError
    return kind(detail, remedy="Check that the source runs and can be reached.", **context)


def _first_line(error: psycopg.Error) -> str:
    return session.redacted(str(error).partition("\n")[0])


def connect(dsn: str, application: str, **settings: str) -> Connection:
    """Open a session with everything pinned, in autocommit.

    Args:
        dsn: The source.
        application: Shown in pg_stat_activity.
        settings: Further run-time settings.
    """
    connection = _open(dsn, application, settings)
    if connection.info.server_version >= _TRANSACTION_TIMEOUT_SINCE:
        with source_errors():
            connection.execute("SET transaction_timeout = 0")
    return connection


def connect_replication(dsn: str, application: str, **settings: str) -> Connection:
    """Open a walsender of the source's database: simple query protocol, no parameters."""
    return _open(dsn, application, settings, replication="database")


def _open(dsn: str, application: str, settings: dict[str, str], **extra: str) -> Connection:
    parameters: dict[str, Any] = {
        **session.parameters(application, **_PATIENT, **settings),
        **extra,
    }
    with source_errors(source=session.redacted(dsn)):
        return psycopg.connect(dsn, autocommit=True, prepare_threshold=None, **parameters)


def fetch(
    connection: Connection, query: str | sql.Composed, **parameters: object
) -> list[tuple[object, ...]]:
    """All rows of a query."""
    with source_errors():
        return connection.execute(query, parameters or None).fetchall()


def current_lsn(connection: Connection) -> int:
    """Where the source is now: what is written from now on is beyond it."""
    ((lsn,),) = fetch(
        connection, "SELECT pg_catalog.pg_current_wal_insert_lsn() - '0/0'::pg_catalog.pg_lsn"
    )
    return int(str(lsn))
