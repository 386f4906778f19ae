"""A session on the target, opened when it is needed and again when it is lost."""

import traceback
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from consumers.apply import Applier
from schemas import session
from schemas.errors import TargetError, UnderstudyError
from schemas.session import redacted

Connection = psycopg.Connection[tuple[object, ...]]
# A lock that is not given in this time is asked for again later: who waits in a queue of locks makes others wait.
LOCK_TIMEOUT_S = 5
# What a stopped client holds is let go after this.
IDLE_IN_TRANSACTION_S = 15
CANCEL_TIMEOUT_S = 1.0
_LIMITS = {
    "lock_timeout": f"{LOCK_TIMEOUT_S}s",
    "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_S}s",
    # Compiling a statement takes longer than it saves in a batch.
    "jit": "off",
    # Everything is looked up by keys; of a table that is being filled the planner knows nothing, and may read it all.
    "enable_seqscan": "off",
    # A batch is staged, hashed and joined in memory: it is not larger than this.
    "temp_buffers": "64MB",
    "work_mem": "32MB",
    # After a rollback the target is closed to everybody else.
    "understudy.fence": "off",
}


class Session:
    """One connection to the target with the staging tables of those who use it; for one thread."""

    def __init__(self, dsn: str, application: str, **settings: str) -> None:
        """Open nothing yet.

        Args:
            dsn: In either of libpq's forms.
            application: Shown in pg_stat_activity.
            settings: Run-time settings beside those that every session has.
        """
        self._dsn = dsn
        self._application = application
        self._settings = settings
        self._connection: Connection | None = None
        self._prepared: dict[str, Applier] = {}

    @property
    def pid(self) -> int | None:
        """Process id of the server's side, while there is a connection."""
        open_ = self._connection is not None and not self._connection.closed
        return self._connection.info.backend_pid if self._connection and open_ else None

    def connection(self) -> Connection:
        """The connection, in autocommit mode.

        Raises:
            psycopg.OperationalError: The target cannot be reached.
        """
        if self._connection is None or self._connection.closed:
            self._prepared.clear()
            before = str(conninfo_to_dict(self._dsn).get("options") or "")
            self._connection = psycopg.connect(
                self._dsn,
                autocommit=True,
                **session.parameters(self._application, before, **_LIMITS, **self._settings),  # type: ignore[arg-type]
            )
        return self._connection

    def prepare(self, appliers: Iterable[Applier]) -> None:
        """Make the staging tables of some entities, where this connection does not have them, and tidy the others."""
        # First of all, for one that was lost has taken its staging tables along.
        connection = self.connection()
        for applier in appliers:
            if self._prepared.get(applier.plan.name) is not applier:
                with connection.transaction(), connection.cursor() as cursor:
                    applier.stage.prepare(cursor)
                self._prepared[applier.plan.name] = applier
            else:
                applier.stage.tidy(connection)

    def abandon(self) -> None:
        """From another thread: end what is being done; whoever waits for it gets an error."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.cancel_safe(timeout=CANCEL_TIMEOUT_S)

    def close(self) -> None:
        """Let go of the connection; the next use opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


# Classes of SQLSTATE whose messages speak of names, rights and limits, never of a row.
_TELLING = ("25", "28", "3D", "42", "53", "55", "57")


def sentence(error: BaseException) -> str:
    """An error in one line, without anything that may quote a row."""
    if isinstance(error, UnderstudyError):
        return str(error)
    state = getattr(error, "sqlstate", None)
    if isinstance(error, psycopg.OperationalError) and state is None:
        return redacted(" ".join(str(error).split()))
    if not isinstance(error, psycopg.Error) or state is None:
        return f"unexpected {type(error).__name__}{_place(error)}"
    text = error.diag.message_primary if state.startswith(_TELLING) else type(error).__name__
    place = error.diag.constraint_name or error.diag.table_name or ""
    return " ".join(f"{text} {place} (SQLSTATE {state})".split())


def _place(error: BaseException) -> str:
    """Where an error of ours arose: who reports it has nothing else."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def our_error(error: psycopg.Error) -> TargetError:
    """The same error in our tree."""
    return TargetError(sentence(error))
