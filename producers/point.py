"""A consistent point: what a slot gives when it is created, the source exactly as of one LSN.

Creating a slot waits for every transaction that writes, so somebody watches meanwhile: to name who
is in the way, and to end the wait when the capture stops.
Source: PostgreSQL manual, "CREATE_REPLICATION_SLOT" and "Snapshot Synchronization Functions".
"""

import threading
from dataclasses import dataclass
from types import TracebackType
from typing import LiteralString

import psycopg
from psycopg import sql

from producers.background import Background
from producers.source import Connection, connect_replication, fetch, source_errors
from schemas.errors import ConflictError, SourceError
from schemas.event_id import lsn_value

# For each transaction in the way; longer than this, somebody should be told.
CREATE_WAIT = "30s"
_CHECK_S = 0.2
_CANCEL_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A new slot: its consistent point, and the name of its exported snapshot."""

    name: str
    consistent_point: int
    snapshot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Who waits for a slot: `monitor` is a session to look around with, `stop` ends the wait."""

    monitor: Connection
    stop: threading.Event


class ExportedPoint:
    """A slot that was just created, with the snapshot of exactly its consistent point."""

    def __init__(self, dsn: str, name: str, waiting: Waiting, *, temporary: bool) -> None:
        """Create the slot; the snapshot can be imported until `close`.

        Args:
            dsn: The source.
            name: Of the slot.
            waiting: Who waits for it.
            temporary: Whether it ends with `close`.

        Raises:
            ConflictError: Transactions that write kept it waiting for too long.
        """
        self._connection = walsender(dsn)
        options: LiteralString = "TEMPORARY LOGICAL" if temporary else "LOGICAL"
        try:
            self.created = create(
                self._connection, name, waiting, f"{options} pgoutput EXPORT_SNAPSHOT"
            )
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Let go of the snapshot, so that it holds back neither vacuum nor WAL."""
        self._connection.close()


def walsender(dsn: str) -> Connection:
    """A session that can create a slot, and does not wait for ever."""
    return connect_replication(dsn, "snapshot point", lock_timeout=CREATE_WAIT)


def create(connection: Connection, name: str, waiting: Waiting, options: LiteralString) -> Created:
    """Create a slot on a walsender.

    Args:
        connection: A `walsender`.
        name: Of the slot.
        waiting: Who waits for it.
        options: What follows the name.

    Raises:
        ConflictError: Transactions that write kept it waiting for too long.
    """
    command = sql.SQL("CREATE_REPLICATION_SLOT {} {}").format(
        sql.Identifier(name), sql.SQL(options)
    )
    watch = _Watch(connection, waiting)
    try:
        with watch, source_errors(slot=name):
            row = connection.execute(command).fetchone()
    except SourceError as error:
        if isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
            raise watch.conflict(name) from error
        raise
    if row is None:
        raise SourceError("CREATE_REPLICATION_SLOT returned nothing", slot=name)
    return Created(name=name, consistent_point=lsn_value(str(row[1])), snapshot=str(row[2] or ""))


class _Watch:
    """Looks after a session that waits."""

    def __init__(self, connection: Connection, waiting: Waiting) -> None:
        self._connection = connection
        self._waiting = waiting
        self._done = threading.Event()
        self._blockers: object = []

    def __enter__(self) -> None:
        self._background = Background("slot watch", self._run)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._background.join()

    def conflict(self, slot: str) -> ConflictError:
        """Who kept the slot from being created."""
        return ConflictError(
            "open transactions keep the slot from being created",
            slot=slot,
            waited=CREATE_WAIT,
            pids=self._blockers,
            remedy="Wait for these sessions to commit, or end them, and try again.",
        )

    def _run(self) -> None:
        pid = self._connection.info.backend_pid
        while not self._done.wait(_CHECK_S):
            rows = fetch(self._waiting.monitor, "SELECT pg_blocking_pids(%(pid)s)", pid=pid)
            self._blockers = rows[0][0] or self._blockers
            if self._waiting.stop.is_set():
                with source_errors():
                    self._connection.cancel_safe(timeout=_CANCEL_S)
