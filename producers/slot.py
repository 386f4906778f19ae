"""Replication slots: the pipeline's own, and temporary ones that give an exact point.

A slot is named after the pipeline and a random suffix, which the `intent` record holds before the
slot is created: so a slot of ours is told from one that somebody made under the same name.
Source: PostgreSQL manual, "CREATE_REPLICATION_SLOT" and "pg_replication_slots".
"""

import re
import secrets
from dataclasses import dataclass
from importlib.resources import files
from typing import LiteralString

import psycopg
from psycopg import sql

from producers.source import Connection, connect_replication, fetch, source_errors
from schemas import names
from schemas.errors import ConflictError, SourceError
from schemas.event_id import lsn_value

_SLOTS_SQL = files("producers").joinpath("slots.sql").read_text()
_BLOCKERS_SQL = files("producers").joinpath("slot_blockers.sql").read_text()

# Creating a slot waits for transactions that write; longer than this, somebody should be told.
CREATE_WAIT = "30s"
_SUFFIX_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One replication slot as the server shows it; LSNs 0 where it shows none.

    Attributes:
        wal_status: reserved, extended, unreserved or lost.
        safe_wal_bytes: WAL that may still be written before the slot is in danger; None: no limit.
        retained_bytes: WAL that the slot holds back.
    """

    name: str
    active_pid: int | None
    confirmed_lsn: int
    wal_status: str
    safe_wal_bytes: int | None
    retained_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A new slot: its consistent point, and the name of its exported snapshot."""

    name: str
    consistent_point: int
    snapshot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """Which server this is, and on which timeline."""

    identifier: str
    timeline: int


def new_suffix() -> str:
    """A suffix that nobody else has."""
    return secrets.token_hex(_SUFFIX_BYTES)


def name_of(pipeline: str, suffix: str) -> str:
    """The name of the pipeline's slot with that suffix."""
    return f"{names.slot(pipeline)}_{suffix}"


def slots_of(connection: Connection, pipeline: str) -> dict[str, Slot]:
    """All lasting slots that carry the pipeline's name, by suffix."""
    pattern = re.compile(re.escape(names.slot(pipeline)) + r"_([0-9a-f]{8})")
    found = {}
    for row in fetch(connection, _SLOTS_SQL, prefix=names.slot(pipeline)):
        slot = _slot(row)
        match = pattern.fullmatch(slot.name)
        if match:
            found[match[1]] = slot
    return found


def _slot(row: tuple[object, ...]) -> Slot:
    name, active_pid, confirmed, status, safe, retained = row
    return Slot(
        name=str(name),
        active_pid=None if active_pid is None else int(str(active_pid)),
        confirmed_lsn=lsn_value(str(confirmed)) if confirmed else 0,
        wal_status=str(status or "lost"),
        safe_wal_bytes=None if safe is None else int(str(safe)),
        retained_bytes=int(str(retained or 0)),
    )


def identify(connection: Connection) -> System:
    """Ask a walsender which server it is."""
    with source_errors():
        row = connection.execute("IDENTIFY_SYSTEM").fetchone()
    if row is None:
        raise SourceError("IDENTIFY_SYSTEM returned nothing")
    return System(identifier=str(row[0]), timeline=int(str(row[1])))


class ExportedPoint:
    """A slot that was just created, with the snapshot of exactly its consistent point."""

    def __init__(self, dsn: str, monitor: Connection, name: str, *, temporary: bool) -> None:
        """Create the slot; the snapshot can be imported until `close`.

        Args:
            dsn: The source.
            monitor: Another session, to find out who is in the way.
            name: Of the slot.
            temporary: Whether it ends with `close`.

        Raises:
            ConflictError: Transactions that write kept it waiting for too long.
        """
        self._connection = connect_replication(dsn, "snapshot point", lock_timeout=CREATE_WAIT)
        persistence: LiteralString = "TEMPORARY" if temporary else ""
        try:
            self.created = create(self._connection, monitor, name, persistence, "EXPORT_SNAPSHOT")
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Let go of the snapshot, so that it holds back neither vacuum nor WAL."""
        self._connection.close()


def create(
    connection: Connection,
    monitor: Connection,
    name: str,
    persistence: LiteralString,
    snapshot: LiteralString,
) -> Created:
    """Create a slot on a walsender.

    Raises:
        ConflictError: Transactions that write kept it waiting for too long.
    """
    command = sql.SQL("CREATE_REPLICATION_SLOT {} {} LOGICAL pgoutput {}").format(
        sql.Identifier(name), sql.SQL(persistence), sql.SQL(snapshot)
    )
    try:
        with source_errors(slot=name):
            row = connection.execute(command).fetchone()
    except SourceError as error:
        if isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
            raise _blocked(monitor, name) from error
        raise
    if row is None:
        raise SourceError("CREATE_REPLICATION_SLOT returned nothing", slot=name)
    return Created(name=name, consistent_point=lsn_value(str(row[1])), snapshot=str(row[2] or ""))


def _blocked(monitor: Connection, name: str) -> ConflictError:
    rows = fetch(monitor, _BLOCKERS_SQL)
    pids = ", ".join(f"{pid} (open for {seconds} s)" for pid, seconds in rows)
    return ConflictError(
        "open transactions keep the slot from being created",
        slot=name,
        waited=CREATE_WAIT,
        pids=pids or "gone by now",
        remedy="Wait for these sessions to commit, or end them, and try again.",
    )


def drop(connection: Connection, name: str) -> None:
    """Drop a slot; one that is not there is fine."""
    query = (
        "SELECT pg_catalog.pg_drop_replication_slot(slot_name)"
        " FROM pg_catalog.pg_replication_slots WHERE slot_name = %(name)s"
    )
    with source_errors(slot=name):
        connection.execute(query, {"name": name})
