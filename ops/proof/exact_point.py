"""An exact point: the source as of one LSN, and the target with exactly the commits before it, while both go on.

All workers are held first; then a temporary slot gives the point C and a snapshot of the source; then every partition
goes on to the first record of a commit at or behind C, and no further; then a snapshot of the target is taken, and all
go on. What is compared afterwards holds nobody up. The hold comes before the slot: commits behind C are in the WAL
before its creation returns, and would be applied.
Source: PostgreSQL manual, "Snapshot Synchronization Functions"; logical decoding starts at the consistent point.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, Protocol, TypeVar

import psycopg
from psycopg import sql
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from consumers.assembly import Schemas
from ops import databases, wiring
from ops.controls import require_control
from ops.databases import Connection
from ops.proof.cut import cut
from ops.proof.hold import Hold, Place
from ops.stack.state import Endpoints
from ops.waiting import wait_until
from ops.watch.broker import PositionsReader
from producers.point import ExportedPoint, Waiting
from schemas import names
from schemas.errors import NotReadyError
from schemas.migration import Migration
from schemas.positions import Marker
from schemas.table import Table

APPLICATION = "exact point"
Answer = TypeVar("Answer")
POLL_S = 0.1
# Who truncates a legacy table, or alters it, has it to himself until his transaction ends.
LOCK_WAIT = "60s"
# A sweep brings within it what could go.
SWEEP_S = 8.0
_UNREADY = """
    SELECT entity, phase, held_at IS NOT NULL, stopped_reason FROM understudy.entities
    WHERE generation = understudy.generation(entity)
        AND entity = ANY (%s) AND (phase <> 'tail' OR held_at IS NOT NULL OR stopped_at IS NOT NULL)
    ORDER BY entity"""
_KNOWN = """
    SELECT count(*) FROM understudy.entities
    WHERE generation = understudy.generation(entity) AND entity = ANY (%s)"""
_WRITTEN = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
_WATERMARK = """
    SELECT min(watermark) FROM understudy.checkpoints
    WHERE generation = understudy.generation(entity) AND entity = ANY (%s)"""
# The catalog as the snapshot has it, beside where the table is now. A table that is not partitioned has no tree.
_MOVED = """
    SELECT c.oid::regclass::text FROM unnest(%s::oid[]) AS t (oid)
    CROSS JOIN LATERAL (SELECT t.oid UNION SELECT relid FROM pg_partition_tree(t.oid)) AS part (oid)
    JOIN pg_catalog.pg_class c ON c.oid = part.oid
    WHERE c.relfilenode <> pg_relation_filenode(c.oid)"""
Access = Literal["READ ONLY", "READ WRITE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactPoint:
    """Both sides as of one LSN; each connection is in a transaction that sees nothing else.

    Attributes:
        lsn: The source's.
        at: When, by the source's clock.
        held_s: How long the workers were held, in seconds.
        offsets: Where each partition was cut: the offset of the first record that does not belong to it.
    """

    lsn: int
    at: datetime
    held_s: float
    offsets: Mapping[Place, int]
    source: Connection
    target: Connection


class Say(Protocol):
    """Tells the person who waits what is going on."""

    def __call__(self, text: str, /) -> None:
        """Say it."""


@contextmanager
def exact_point(
    migration: Migration, at: Endpoints, entities: Sequence[str], say: Say, *, timeout_s: float
) -> Iterator[ExactPoint]:
    """Take an exact point of a running pipeline.

    Args:
        migration: What runs.
        at: Where the servers are.
        entities: Whose rows are looked at; the others go on undisturbed.
        say: Told what is waited for.
        timeout_s: How long each step may take: being caught up, the slot, going on to the point.

    Raises:
        NotReadyError: The pipeline does not run, is in its backfill, or does not get there in time.
        ConflictError: Somebody else looks at an exact point; or open transactions keep the slot waiting.
    """
    with ExitStack() as open_:
        control = open_.enter_context(databases.target(at.target_dsn, APPLICATION))
        monitor = open_.enter_context(databases.source(at.source_dsn, APPLICATION))
        taking = _Taking(migration, at, entities, _Sessions(control, monitor), timeout_s)
        taking.require_tail()
        say("waiting until everything written so far is applied")
        taking.await_caught_up()
        source = open_.enter_context(databases.source(at.source_dsn, APPLICATION))
        target = open_.enter_context(databases.target(at.target_dsn, APPLICATION))
        yield taking.take(source, target, say)


# Whole tables are hashed by their UUIDs: in memory, and each session on one core, for the server has other work to do.
_WHOLE_TABLES = (
    "SET statement_timeout = 0; SET work_mem = '64MB'; SET max_parallel_workers_per_gather = 0"
)


def begin(connection: Connection, snapshot: str = "", access: Access = "READ ONLY") -> None:
    """Begin a transaction that sees one point, for as long as it takes; of a snapshot that another has exported."""
    connection.execute(_WHOLE_TABLES)
    connection.execute(sql.SQL("SET lock_timeout = {}").format(sql.Literal(LOCK_WAIT)))
    connection.execute(sql.SQL("BEGIN ISOLATION LEVEL REPEATABLE READ {}").format(sql.SQL(access)))
    if snapshot:
        named = sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot))
        connection.execute(named)
    connection.execute("SELECT 1")


def require_unmoved(source: Connection, tables: Sequence[Table]) -> None:
    """See to it that a session in the source's snapshot has seen tables as they were: TRUNCATE empties them for it too.

    Source: PostgreSQL manual, "Caveats" of concurrency control (TRUNCATE and ALTER TABLE are not MVCC-safe).

    Raises:
        NotReadyError: One was truncated, or rewritten, since.
    """
    moved = source.execute(_MOVED, [[table.oid for table in tables]]).fetchall()
    if moved:
        raise NotReadyError(
            "a legacy table was truncated or rewritten while it was looked at",
            table=moved[0][0],
            remedy="Try again.",
        )


class _Sessions(NamedTuple):
    control: Connection
    monitor: Connection


class _Taking:
    def __init__(
        self,
        migration: Migration,
        at: Endpoints,
        entities: Sequence[str],
        sessions: _Sessions,
        timeout_s: float,
    ) -> None:
        self._migration = migration
        self._at = at
        self._control, self._monitor = sessions
        self._timeout_s = timeout_s
        self._entities = list(entities)

    def require_tail(self) -> None:
        require_control(self._control)
        unready = self._control.execute(_UNREADY, [self._entities]).fetchall()
        known = self._control.execute(_KNOWN, [self._entities]).fetchall()[0][0]
        if known != len(self._entities):
            raise NotReadyError("not all entities are known to a worker", remedy="understudy run")
        for entity, phase, paused, stopped in unready:
            if stopped or paused:
                what = f"is stopped: {stopped}" if stopped else "is paused"
                raise NotReadyError(f"{entity} {what}", remedy="understudy resume")
            if phase == "switched":
                raise NotReadyError(f"{entity} is switched to the target", entity=entity)
            raise NotReadyError(
                f"the snapshot of {entity} is not applied yet",
                remedy="Wait for it: understudy status --watch.",
            )

    def await_caught_up(self) -> None:
        written = self._monitor.execute(_WRITTEN).fetchall()[0][0]
        query = _WATERMARK

        def is_there() -> bool:
            row = self._control.execute(query, [self._entities]).fetchall()[0][0]
            return int(str(row or 0)) >= int(str(written))

        self._wait(is_there, "everything written so far to be applied")

    def take(self, source: Connection, target: Connection, say: Say) -> ExactPoint:
        hold, began = Hold(self._control, self._entities), time.monotonic()
        try:
            say("holding the workers, and taking a snapshot of the source")
            first = self._patiently(hold.here)
            lsn, at = self._import_point(source)
            offsets = self._cuts(first, lsn)
            self._patiently(lambda: hold.at(offsets))
            say("going on to the point")
            self._wait(lambda: not self._patiently(hold.behind), "the workers to reach the point")
            self._sweep(hold)
            begin(target)
            hold.require(target)
        finally:
            self._patiently(hold.release)
        held_s = time.monotonic() - began
        return ExactPoint(
            lsn=lsn, at=at, held_s=held_s, offsets=offsets, source=source, target=target
        )

    def _import_point(self, source: Connection) -> tuple[int, datetime]:
        """Put a session into the snapshot of a slot's consistent point; the slot is gone afterwards."""
        waiting = Waiting(monitor=self._monitor, stop=threading.Event())
        name = f"{names.slot(self._migration.pipeline.pipeline)}_exact"
        point = ExportedPoint(self._at.source_dsn, name, waiting, temporary=True)
        try:
            begin(source, point.created.snapshot)
            at = source.execute("SELECT clock_timestamp()").fetchall()[0][0]
        finally:
            point.close()
        if not isinstance(at, datetime):
            raise TypeError(at)
        return point.created.consistent_point, at

    def _cuts(self, first: dict[Place, int], lsn: int) -> dict[Place, int]:
        marker = self._marker(lsn)
        stretches = {
            (topic, partition): (offset, max(offset, marker.ends.get(topic, {}).get(partition, 0)))
            for (topic, partition), offset in first.items()
        }
        schemas = Schemas(wiring.registry(self._migration, self._at))
        consumer = wiring.reader(self._migration, self._at)
        try:
            return cut(consumer, stretches, lsn, schemas.reader)
        finally:
            consumer.close()

    def _marker(self, lsn: int) -> Marker:
        """The newest heartbeat, once it is behind an LSN: what was committed before is in Kafka below its ends."""
        client = wiring.reader(self._migration, self._at)
        reader = PositionsReader(client, self._migration.pipeline.pipeline)
        try:
            found: list[Marker] = []

            def has_come() -> bool:
                heartbeat = reader.refresh().heartbeat
                if heartbeat is not None and heartbeat.lsn >= lsn:
                    found.append(heartbeat)
                return bool(found)

            self._wait(has_come, "the capture to publish a marker")
            return found[0]
        finally:
            reader.close()

    def _sweep(self, hold: Hold) -> None:
        """Give rows that wait for what is there by now the moment that they need."""
        deadline = time.monotonic() + SWEEP_S
        while hold.could_go() and time.monotonic() < deadline:
            time.sleep(POLL_S)

    def _patiently(self, do: Callable[[], Answer]) -> Answer:
        """Do a statement again while a worker has its lock: one that obeys a TRUNCATE may have it for long."""
        locked = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
        again = Retrying(
            retry=retry_if_exception_type(locked),
            stop=stop_after_delay(self._timeout_s),
            wait=wait_fixed(POLL_S),
            reraise=True,
        )
        return again(do)

    def _wait(self, is_so: Callable[[], bool], what: str) -> None:
        def late() -> NotReadyError:
            return NotReadyError(
                f"waited {self._timeout_s:g} s for {what}",
                remedy="See understudy status: capture and workers must run.",
            )

        wait_until(is_so, time.monotonic() + self._timeout_s, late, POLL_S)
