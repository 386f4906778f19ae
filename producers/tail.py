"""The tail: messages of the stream to records in Kafka, transaction after transaction.

Rows are collected per relation, across transactions, and sent as soon as the stream has nothing
more to read: a single row goes at once, and a flood goes in large batches. A transaction is never
collected: pgoutput sends it after its commit, with its commit LSN first, so its rows can go while
it still arrives.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from producers import marker, pgoutput
from producers.acknowledge import Acknowledger
from producers.pgoutput import UNCHANGED, Row, Transaction
from producers.positions import PositionWriter
from producers.relations import Relations
from producers.reread import Rereader
from producers.resync import Resyncer
from producers.row_batch import CREATED, DELETED, UPDATED, RowBatch
from producers.source import Connection
from producers.stream import Arrived, Stream
from producers.topic_writer import TopicWriter
from schemas import failpoint, spans
from schemas.errors import FolderChangedError, InvariantError
from schemas.positions import Ends, Marker, Truncate

# So much is sent in one go, of all relations together; with what is left of one reading of the stream.
BATCH_ROWS = 10_000
BATCH_BYTES = 4_000_000
# How long the rest of a transaction that has begun to arrive is waited for.
REST_WAIT_S = 0.004
QUIET_WAIT_S = 0.2

# The first message of a transaction that a reverse stream has applied; it must not go round.
APPLIED = b"applied"


@dataclass(frozen=True, slots=True, kw_only=True)
class TailParts:
    """What the tail works with.

    Attributes:
        pipeline: Who may be asked for something.
        began_lsn: Where the source was when this process began; what was asked before is no news to it.
        epoch: Goes into each event id.
    """

    stream: Stream
    connection: Connection
    relations: Relations
    writer: TopicWriter
    positions: PositionWriter
    acknowledger: Acknowledger
    rereader: Rereader
    resyncer: Resyncer
    pipeline: str
    began_lsn: int
    epoch: int


class Tail:
    """Takes the messages of one stream, in order."""

    def __init__(self, parts: TailParts) -> None:
        """Begin between two transactions."""
        self._parts = parts
        self._batches: dict[int, RowBatch] = {}
        self._began_ns = 0
        self._rows = 0
        self._bytes = 0
        self._transaction: Transaction | None = None
        self._ordinal = 0
        self._skipped = False
        self._end_lsn = 0
        self._sent_lsn = 0
        self._marker: str | None = None
        self.changes = 0

    def step(self) -> None:
        """Read what is there, send what is due, acknowledge what is stored.

        Raises:
            SourceLostError: The stream broke.
            BrokerError: Kafka refused a record.
        """
        pending = bool(self._batches)
        arrived = self._parts.stream.read(REST_WAIT_S if pending else QUIET_WAIT_S)
        for head, run in groupby(arrived.messages, pgoutput.head):
            if pgoutput.brings_new_rows(head):
                self._take_new(head, list(run))
            else:
                for message in run:
                    self._take(message)
        if self._transaction is None or not arrived.messages:
            self.flush()
        self._acknowledge(arrived)

    def flush(self) -> None:
        """Send the rows that were collected, and owe the transactions that ended."""
        if self._batches:
            self._send()
        if self._batches and self._transaction is not None:
            failpoint.reach("tail.mid_tx")
        self._batches.clear()
        self._rows = self._bytes = 0
        if self._end_lsn > self._sent_lsn:
            self._sent_lsn = self._end_lsn
            self._parts.acknowledger.sent(self._end_lsn)
            failpoint.reach("tail.produced_not_acked")

    def _send(self) -> None:
        with spans.span("read", began_ns=self._began_ns, rows=self._rows) as read:
            pass
        for batch in self._batches.values():
            topic = batch.shape.topic
            with spans.span("encode", read, topic=topic):
                pairs = batch.encode(self._parts.epoch)
            with spans.span("produce", read, topic=topic, rows=len(pairs)):
                self._parts.writer.send(topic, pairs)

    def _acknowledge(self, arrived: Arrived) -> None:
        between = self._transaction is None and not self._batches
        if arrived.idle_lsn is not None and between:
            self._parts.acknowledger.idle(arrived.idle_lsn)
        self._parts.acknowledger.record(self._parts.stream, now=arrived.reply_wanted)

    def _take(self, data: bytes) -> None:
        kind = data[0]
        if kind in _OLD_ROWS:
            self._take_old(kind, data)
        elif kind == pgoutput.BEGIN:
            failpoint.reach("tail.begin")
            self._transaction = pgoutput.begin(data)
            self._ordinal, self._skipped = 0, False
        elif kind == pgoutput.COMMIT:
            self._commit(pgoutput.commit_end(data))
        elif kind == pgoutput.RELATION:
            self._announce(pgoutput.relation(data))
        elif kind == pgoutput.TRUNCATE:
            self._truncate(pgoutput.truncated(data))
        elif kind == pgoutput.MESSAGE:
            self._note(pgoutput.message(data))
        elif kind not in _IGNORED:
            raise InvariantError("the stream holds an unknown message", kind=chr(kind))

    def _take_new(self, head: bytes, run: Sequence[bytes]) -> None:
        """Take Inserts, or Updates that show no old row: nearly all of a tail, so many at once."""
        if batch := self._batch(head):
            op = CREATED if head[0] == pgoutput.INSERT else UPDATED
            self._add(batch, op, pgoutput.new_rows(run))
            self._count(len(run), sum(map(len, run)))

    def _take_old(self, kind: int, data: bytes) -> None:
        """Take a Delete, or an Update that shows the old row."""
        if batch := self._batch(data):
            if kind == pgoutput.DELETE:
                self._add(batch, DELETED, [pgoutput.deleted(data)])
            else:
                self._update(batch, data)
            self._count(1, len(data))

    def _count(self, rows: int, size: int) -> None:
        self._rows += rows
        self._bytes += size
        if self._rows >= BATCH_ROWS or self._bytes >= BATCH_BYTES:
            self.flush()

    def _batch(self, data: bytes) -> RowBatch | None:
        """Where the rows of a message go; None if they are not to be captured."""
        if self._skipped:
            return None
        oid = pgoutput.relation_oid(data)
        return self._batches.get(oid) or self._begin(oid)

    def _begin(self, oid: int) -> RowBatch | None:
        """A batch for rows of a relation; None if it is not captured."""
        shape = self._parts.relations.shape(oid)
        if shape is None:
            return None
        if not self._batches:
            self._began_ns = time.time_ns()
        return self._batches.setdefault(oid, RowBatch(shape))

    def _update(self, batch: RowBatch, data: bytes) -> None:
        old, row, whole = pgoutput.updated(data)
        if whole:
            row = [was if now is UNCHANGED else now for was, now in zip(old, row, strict=True)]
        for place in batch.shape.key_places:
            if row[place] is UNCHANGED:
                row[place] = old[place]
        if all(row[place] == old[place] for place in batch.shape.key_places):
            self._add(batch, UPDATED, [row])
            return
        self._add(batch, DELETED, [old])
        batch.moves(row)
        if self._add(batch, CREATED, [row]):
            if self._end_lsn > self._sent_lsn:
                self.flush()  # Debts are opened in the order of the stream.
            self._parts.rereader.want(batch.shape, row, self._open.lsn)

    def _add(self, batch: RowBatch, op: bytes, rows: Sequence[Row]) -> bool:
        first = self._ordinal + 1
        self._ordinal += len(rows)
        self.changes += len(rows)
        return batch.add(op, rows, self._open, first)

    @property
    def _open(self) -> Transaction:
        if self._transaction is None:
            raise InvariantError("a row arrived outside a transaction")
        return self._transaction

    def _commit(self, end_lsn: int) -> None:
        transaction, self._end_lsn = self._open, end_lsn
        self._transaction = None
        if self._marker is not None:
            name, self._marker = self._marker, None
            self.flush()
            self._mark(name, transaction)

    def _mark(self, name: str, transaction: Transaction) -> None:
        """Publish a marker once all records before it are stored."""

        def publish(ends: Ends) -> None:
            record = Marker(
                id=name,
                epoch=self._parts.epoch,
                lsn=transaction.lsn,
                source_ms=transaction.ts_ms,
                ends=ends,
            )
            self._parts.positions.send(record)

        def draw() -> None:
            self._parts.writer.cut(publish)

        if name == marker.HEARTBEAT:
            draw()
        else:
            self._parts.rereader.afterwards(draw)

    def _announce(self, relation: pgoutput.Relation) -> None:
        if self._parts.relations.changes(relation):
            self.flush()
            self._parts.relations.announce(relation, self._parts.connection)

    def _truncate(self, oids: tuple[int, ...]) -> None:
        for oid in oids:
            shape = self._parts.relations.shape(oid)
            if shape is None or self._skipped:
                continue
            self._ordinal += 1
            record = Truncate(
                table=shape.table.label,
                topic=shape.topic,
                epoch=self._parts.epoch,
                lsn=self._open.lsn,
                ordinal=self._ordinal,
            )
            self._parts.positions.send(record)

    def _note(self, message: pgoutput.Message) -> None:
        if message.prefix != marker.PREFIX or not message.transactional:
            return
        if message.content == APPLIED:
            self._skipped = self._skipped or self._ordinal == 0
            return
        note = marker.read(message.content)
        self._marker = note.marker or self._marker
        parts, lsn = self._parts, self._open.lsn
        if note.pipeline != parts.pipeline:
            return
        if note.resync is not None:
            parts.resyncer.ask(note.resync, parts.epoch, lsn, parts.connection)
        if note.restart is not None and lsn > parts.began_lsn:
            raise FolderChangedError(note.restart)


_OLD_ROWS = frozenset({pgoutput.UPDATE, pgoutput.DELETE})
_IGNORED = frozenset({pgoutput.TYPE, pgoutput.ORIGIN})
