"""The snapshot: the captured tables as they were at a slot's consistent point, in key ranges.

Readers import the snapshot that the slot has exported, each in a transaction that it keeps. A chunk
is recorded once Kafka has stored its rows; after an interruption the remaining ranges are read at
the consistent point of a new, temporary slot and carry that point, so each row says truly as of
when it is. Never label rows with the current WAL position: WAL order is not visibility order.
Source: PostgreSQL manual, "SET TRANSACTION" (SNAPSHOT) and "Snapshot Synchronization Functions".
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from psycopg import sql

from producers import catalog
from producers.chunks import KeyRange
from producers.copy_out import blocks, from_item
from producers.point import Created
from producers.positions import PositionWriter
from producers.settings import CaptureSettings
from producers.source import Connection, connect, fetch, source_errors
from producers.table_snapshot import TableSnapshot
from producers.topic_writer import TopicWriter
from schemas import failpoint, spans
from schemas.errors import SourceError, SourceLostError
from schemas.event_id import EventId
from schemas.positions import Chunk, Ends, SnapshotEnd
from schemas.table import Table

STOP_CHECK_S = 0.2


# A column or the table is no longer there.
_GONE = frozenset({"42703", "42P01"})


class SnapshotMovedError(SourceLostError):
    """A table was rewritten, truncated or changed, so that this snapshot would read it wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotParts:
    """What the readers work with.

    Attributes:
        epoch: Goes into each event id.
        enough: Set while there is WAL enough to go on.
        stop: Set when the capture stops.
    """

    settings: CaptureSettings
    writer: TopicWriter
    positions: PositionWriter
    epoch: int
    enough: threading.Event
    stop: threading.Event


class Pass:
    """One go at what remains, at one consistent point."""

    def __init__(
        self,
        parts: SnapshotParts,
        point: Created,
        tables: Iterable[TableSnapshot],
        storage: dict[int, str],
    ) -> None:
        """Read at `point`.

        Args:
            parts: What to work with.
            point: Whose snapshot is exported, until `run` has imported it.
            tables: What is to be copied.
            storage: `catalog.storage_of` all tables, taken before `point` was created.
        """
        self._parts = parts
        self._point = point
        self._storage = storage
        self._work = deque((table, item) for table in tables for item in table.ranges())
        self._lock = threading.Lock()

    def run(self, imported: Callable[[], None]) -> None:
        """Read everything that remains.

        Args:
            imported: Called once all readers have imported the snapshot; it is then theirs.

        Raises:
            SourceLostError: A reader lost its connection, or the snapshot is gone or outdated; what
                was not recorded has to be read at a new point.
        """
        failpoint.reach("snap.before_import")
        with ExitStack() as stack:
            readers = [
                stack.enter_context(self._reader())
                for _ in range(min(self._parts.settings.snapshot_readers, len(self._work)))
            ]
            imported()
            with ThreadPoolExecutor(len(readers) or 1, "snapshot") as pool:
                for done in [pool.submit(self._read, reader) for reader in readers]:
                    done.result()

    def _reader(self) -> Connection:
        connection = connect(self._parts.settings.source_dsn, "snapshot reader")
        try:
            with source_errors():
                connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            with source_errors():
                snapshot = sql.Literal(self._point.snapshot)
                connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(snapshot))
        except BaseException:
            connection.close()
            raise
        return connection

    def _read(self, reader: Connection) -> None:
        """Take ranges until none is left; when one fails, no other is begun."""
        try:
            while not self._parts.stop.is_set():
                # Rolled back, so that no lock on a table outlives the reading of a chunk.
                with source_errors(), reader.transaction(force_rollback=True):
                    with self._lock:
                        if not self._work:
                            return
                        table, chunk = self._next(reader)
                    self._copy(reader, table, chunk)
        except BaseException as error:
            with self._lock:
                self._work.clear()
            if isinstance(error, SourceError) and error.context.get("sqlstate") in _GONE:
                raise SnapshotMovedError(table=error.context.get("table")) from error
            raise

    def _next(self, reader: Connection) -> tuple[TableSnapshot, KeyRange]:
        """The next chunk; of a range with an open end, as much as a chunk should hold."""
        table, item = self._work.popleft()
        if item.whole:
            return table, item
        upper = self._bound(reader, table.shape.table, item.lower)
        if upper is not None:
            rest = KeyRange(number=item.number + 1, lower=upper, upper=None, whole=False)
            self._work.appendleft((table, rest))
        return table, KeyRange(number=item.number, lower=item.lower, upper=upper, whole=True)

    def _bound(self, reader: Connection, table: Table, lower: str | None) -> str | None:
        """The key that lies chunk_rows rows above `lower`, by the server's own order."""
        if not _ordered_by_catalog(table):
            return None
        key = sql.Identifier(table.key[0])
        # Qualified, for the bare name would be that of the output column, and order texts.
        query = sql.SQL(
            "SELECT {}::text FROM {} AS r WHERE {} ORDER BY r.{} OFFSET {} LIMIT 1"
        ).format(
            key,
            from_item(table),
            _above(table, lower, ">"),
            key,
            sql.Literal(self._parts.settings.chunk_rows),
        )
        rows = fetch(reader, query)
        return str(rows[0][0]) if rows else None

    def _copy(self, reader: Connection, snapshot: TableSnapshot, item: KeyRange) -> None:
        table = snapshot.shape.table
        condition = _above(table, item.lower, ">=")
        if item.upper is not None:
            condition = sql.SQL("{} AND {}").format(condition, _compared(table, "<", item.upper))
        at = EventId(self._parts.epoch, self._point.consistent_point, 0)
        rows = 0
        topic = snapshot.shape.topic
        for columns, read in spans.each("read", blocks(reader, table, condition), topic=topic):
            self._make_way()
            failpoint.reach("snap.chunk_read")
            with spans.span("encode", read, topic=topic):
                pairs = snapshot.shape.encoder.snapshot(columns, at, int(time.time() * 1000))
            with spans.span("produce", read, topic=topic, rows=len(pairs)):
                self._parts.writer.send(topic, pairs)
            rows += len(pairs)
            snapshot.count(len(pairs))
        self._check_storage(reader, table)
        self._sent(snapshot, item, rows)

    def _make_way(self) -> None:
        while not self._parts.enough.wait(STOP_CHECK_S) and not self._parts.stop.is_set():
            continue
        if self._parts.stop.is_set():
            raise SourceLostError("the capture stops")

    def _check_storage(self, reader: Connection, table: Table) -> None:
        """The reader holds a lock by now, so what is there stays until the chunk is done."""
        if catalog.storage_of(reader, [table])[table.oid] != self._storage[table.oid]:
            raise SnapshotMovedError(table=table.label)

    def _sent(self, snapshot: TableSnapshot, item: KeyRange, rows: int) -> None:
        chunk = Chunk(
            table=snapshot.shape.table.label,
            number=item.number,
            lower=item.lower,
            upper=item.upper,
            rows=rows,
            lsn=self._point.consistent_point,
        )
        failpoint.reach("snap.chunk_produced_not_flushed")
        self._parts.writer.cut(lambda ends: self._stored(snapshot, chunk, ends))

    def _stored(self, snapshot: TableSnapshot, chunk: Chunk, ends: Ends) -> None:
        failpoint.reach("snap.chunk_acked_not_recorded")
        self._parts.positions.send(chunk)
        snapshot.stored(chunk)
        end_if_complete(self._parts, snapshot, ends)


def end_if_complete(parts: SnapshotParts, snapshot: TableSnapshot, ends: Ends) -> None:
    """Record the end of a table's snapshot, if all of it is stored.

    Args:
        parts: To write with.
        snapshot: The table.
        ends: End offsets; all rows of the snapshot lie below.
    """
    if not snapshot.complete():
        return
    failpoint.reach("snap.done_not_marked")
    topic = snapshot.shape.topic
    parts.positions.send(
        SnapshotEnd(
            table=snapshot.shape.table.label,
            topic=topic,
            epoch=parts.epoch,
            lsn=snapshot.lsn,
            rows=snapshot.rows,
            ends={topic: ends[topic]},
            since=snapshot.since,
        )
    )


def _ordered_by_catalog(table: Table) -> bool:
    """Whether `>=` means the order of ORDER BY.

    With an empty search_path the operators of an extension's type are not found, and its values
    would be compared as text: such a table is read as one chunk.
    """
    column = table.column(table.key[0])
    return column is not None and (column.base != "text" or column.type == "text")


def _above(table: Table, lower: str | None, comparison: str) -> sql.Composable:
    return sql.SQL("true") if lower is None else _compared(table, comparison, lower)


def _compared(table: Table, comparison: str, bound: str) -> sql.Composed:
    """The first key column against a bound; the literal takes the column's type."""
    return sql.SQL("{} {} {}").format(
        sql.Identifier(table.key[0]), sql.SQL(comparison), sql.Literal(bound)
    )
