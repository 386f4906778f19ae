"""Sessions of the commands with the source and the target, their errors as ours."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import conninfo_to_dict

from schemas import session
from schemas.errors import ConflictError, SourceError, TargetError

Connection = psycopg.Connection[tuple[object, ...]]
STATEMENT_TIMEOUT_MS = 30_000
LOCK_TIMEOUT_MS = 20_000  # A batch that is being applied ends within it.


Failure = type[SourceError] | type[TargetError]


@contextmanager
def source(dsn: str, application: str, given: str | None = None) -> Iterator[Connection]:
    """A session with the legacy database, autocommit.

    Raises:
        SourceError: It cannot be reached, or refuses.
    """
    with connect(dsn, application, SourceError, given) as connection, errors_of(SourceError):
        yield connection


@contextmanager
def target(dsn: str, application: str, given: str | None = None) -> Iterator[Connection]:
    """A session with the new database, autocommit.

    Raises:
        TargetError: It cannot be reached, or refuses.
    """
    with connect(dsn, application, TargetError, given) as connection, errors_of(TargetError):
        yield connection


def connect(dsn: str, application: str, failure: Failure, given: str | None = None) -> Connection:
    """A session with the side whose failure this is; the caller closes it.

    Args:
        dsn: Of the database.
        application: Shown in pg_stat_activity.
        failure: Of the side.
        given: Where the DSN was given; default: in the folder, or in the environment.

    Raises:
        SourceError, TargetError: It cannot be reached, or refuses.
    """
    side = _side(failure)
    try:
        settings = session.parameters(
            application,
            str(conninfo_to_dict(dsn).get("options") or ""),
            statement_timeout=str(STATEMENT_TIMEOUT_MS),
            lock_timeout=str(LOCK_TIMEOUT_MS),
        )
        return psycopg.connect(dsn, autocommit=True, **settings)  # type: ignore[arg-type]
    except psycopg.Error as error:
        default = f"dsn in [{side}] of understudy.toml, or UNDERSTUDY_{side.upper()}__DSN"
        remedy = f"Check {given or default}."
        # What libpq has against a DSN that it cannot read quotes from it; nor is it known what of it is a password.
        if isinstance(error, psycopg.ProgrammingError):
            raise failure("the dsn cannot be read", remedy=remedy) from error
        raise failure(first_line(error), remedy=remedy, server=session.redacted(dsn)) from error


@contextmanager
def errors_of(failure: Failure) -> Iterator[None]:
    """The errors of a session as ours."""
    try:
        yield
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
        remedy = "Try again; pg_stat_activity shows who holds the lock."
        raise ConflictError(
            f"another session of the {_side(failure)} holds a lock", remedy=remedy
        ) from error
    except psycopg.Error as error:
        raise failure(first_line(error), sqlstate=error.sqlstate) from error


def _side(failure: Failure) -> str:
    return "source" if failure is SourceError else "target"


def first_line(error: psycopg.Error) -> str:
    """What the server or libpq says, without the DETAIL that shows row values."""
    message = error.diag.message_primary or str(error).strip() or type(error).__name__
    return message.splitlines()[0]
