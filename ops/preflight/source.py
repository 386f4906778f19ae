"""Is the source server ready: reachable, logical, with a right, a slot and a sender to spare?"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

from psycopg.rows import class_row

from ops.databases import Connection
from ops.preflight.findings import Finding, Place, Side, error, in_pipeline, warning
from schemas import names
from schemas.migration import Migration

_SERVER_SQL = files("ops.preflight").joinpath("source_server.sql").read_bytes()

VERSION_MIN = 140_000
SENDERS_NEEDED = 2  # The tail, and the connection that exports the snapshot.
KEEP_MB_MIN = 10_240  # A snapshot of some hours beside a busy day writes about that much WAL.


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The columns of source_server.sql."""

    version: int
    wal_level: str
    is_standby: bool
    may_replicate: bool
    has_slot: bool
    is_captured: bool
    free_slots: int
    free_senders: int
    encoding: str
    has_publication: bool
    may_create: bool
    keep_mb: int | None
    has_idle_timeout: bool


def check(connection: Connection, migration: Migration) -> Iterator[Finding]:
    """What is wrong with the server or the role."""
    pipeline = migration.pipeline.pipeline
    parameters = {"slot": f"{names.slot(pipeline)}_", "publication": names.publication(pipeline)}
    with connection.cursor(row_factory=class_row(Server)) as cursor:
        server = cursor.execute(_SERVER_SQL, parameters).fetchone()
    if server is None:
        return
    place = in_pipeline(migration, "source.dsn")
    yield from _settings(server, place)
    yield from _rights(server, place)
    yield from _room(server, place)
    yield from _retention(server, place)


def _settings(server: Server, place: Place) -> Iterator[Finding]:
    if server.version < VERSION_MIN:
        what = f"the source is PostgreSQL {server.version // 10_000}"
        yield error(Side.SOURCE, "version", place, what, "Version 14 or newer is needed.")
    if server.is_standby:
        what = "the source is a standby: what it shows is ordered otherwise than its WAL"
        yield error(Side.SOURCE, "standby", place, what, "Name the primary.")
    if server.wal_level != "logical":
        what = f"the source has wal_level = {server.wal_level}"
        remedy = "ALTER SYSTEM SET wal_level = logical, then restart the source."
        yield error(Side.SOURCE, "wal-level", place, what, remedy)
    if server.encoding == "SQL_ASCII":
        what = "the source database has the encoding SQL_ASCII: nobody knows what its bytes mean"
        remedy = "Load a copy into a database with its true encoding, and migrate that."
        yield error(Side.SOURCE, "encoding", place, what, remedy)


def _rights(server: Server, place: Place) -> Iterator[Finding]:
    if not server.may_replicate:
        what = "the role has no replication right"
        remedy = "ALTER ROLE ... REPLICATION (on RDS: GRANT rds_replication TO ...)."
        yield error(Side.SOURCE, "replication-right", place, what, remedy)
    if not server.has_publication and not server.may_create:
        what = "the role may not create a publication in this database"
        remedy = (
            "GRANT CREATE ON DATABASE ... TO the role, or let the owner create the publication."
        )
        yield error(Side.SOURCE, "publication-right", place, what, remedy)


def _room(server: Server, place: Place) -> Iterator[Finding]:
    if not server.has_slot and server.free_slots < 1:
        what = "all replication slots of the source are taken"
        remedy = (
            "Drop one that nobody needs, or raise max_replication_slots and restart the source."
        )
        yield error(Side.SOURCE, "no-free-slot", place, what, remedy)
    if not server.is_captured and server.free_senders < SENDERS_NEEDED:
        what = f"the source has {server.free_senders} free WAL senders, {SENDERS_NEEDED} are needed"
        yield error(
            Side.SOURCE,
            "no-free-sender",
            place,
            what,
            "Raise max_wal_senders and restart the source.",
        )


def _retention(server: Server, place: Place) -> Iterator[Finding]:
    if server.keep_mb is not None and server.keep_mb < KEEP_MB_MIN:
        what = f"max_slot_wal_keep_size is {server.keep_mb} MB: a longer pause loses the slot"
        remedy = f"Raise it to {KEEP_MB_MIN} MB or more, as the disk allows."
        yield warning(Side.SOURCE, "slot-may-be-lost", place, what, remedy)
    if server.keep_mb is None:
        what = "max_slot_wal_keep_size is unlimited: while capture is down, WAL may fill the disk"
        remedy = (
            "Set it to what the disk can hold, and watch retained_wal_bytes in understudy status."
        )
        yield warning(Side.SOURCE, "wal-may-fill-disk", place, what, remedy)
    if server.has_idle_timeout:
        what = "idle_replication_slot_timeout is set: a longer pause loses the slot"
        yield warning(
            Side.SOURCE,
            "idle-slot-timeout",
            place,
            what,
            "Set it to 0 for the time of the migration.",
        )
