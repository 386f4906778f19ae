"""Markers of the cutover: written into the source's WAL, found again in the positions topic; what came between two."""

import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import islice

from confluent_kafka import Consumer

from consumers.assembly import Schemas
from ops import databases, wiring
from ops.databases import Connection
from ops.proof import records
from ops.proof.hold import Place
from ops.stack.state import Endpoints
from ops.watch.broker import PositionsReader, Progress
from producers import marker
from schemas import positions
from schemas.avro_read import schema_id
from schemas.errors import NotReadyError
from schemas.event_id import lsn_text
from schemas.migration import Migration
from schemas.positions import Marker, Truncate

LEAKS_MAX = 100  # One is proof enough, some more show what it is.
HEARTBEAT_S = 0.1


@dataclass(slots=True, kw_only=True)
class Marks(Progress):
    """What the positions topic says of named markers and truncations."""

    markers: dict[str, Marker] = field(default_factory=dict)
    truncates: dict[str, Truncate] = field(default_factory=dict)

    def take(self, record: positions.Record) -> None:
        """Take one more record, in the order of the topic."""
        match record:
            case Marker() if record.id != marker.HEARTBEAT:
                self.markers[record.id] = record
            case Truncate():
                self.truncates[record.table] = record
            case _:
                pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """A change of a captured table that was committed where nobody could write.

    Attributes:
        lsn: Of its commit.
        op: c insert, u update, d delete, truncate.
    """

    table: str
    lsn: str
    op: str

    def as_json(self) -> dict[str, str]:
        """As evidence."""
        return asdict(self)


@contextmanager
def quick_heartbeats(source_dsn: str) -> Iterator[None]:
    """Have heartbeats written in short intervals: what waits for the next one does not wait for long."""
    over = threading.Event()

    def beat() -> None:
        with databases.source(source_dsn, "cutover heartbeat") as connection:
            while not over.wait(HEARTBEAT_S):
                marker.emit(connection, marker.HEARTBEAT)

    with ThreadPoolExecutor(max_workers=1) as pool:
        beating = pool.submit(beat)
        try:
            yield
        finally:
            over.set()
    beating.result()


class Markers:
    """Writes markers and waits for them."""

    def __init__(self, migration: Migration, at: Endpoints) -> None:
        """Read the positions topic from its beginning, now, so that a marker is found at once later on."""
        self._migration = migration
        self._at = at
        self._marks = Marks()
        client = wiring.reader(migration, at)
        self._reader = PositionsReader(client, migration.pipeline.pipeline)
        self._reader.progress = self._marks
        self._reader.refresh()

    def close(self) -> None:
        """Let go of Kafka."""
        self._reader.close()

    def place(self, source: Connection, name: str, deadline: float) -> Marker:
        """Write a marker and wait until all before it is in Kafka.

        Args:
            source: In autocommit.
            name: What it stands for; it is made unique.
            deadline: By `time.monotonic`.

        Raises:
            NotReadyError: The capture does not publish it in time.
        """
        unique = f"{name}-{secrets.token_hex(4)}"
        marker.emit(source, unique)
        while unique not in self._marks.markers:
            if time.monotonic() > deadline:
                raise NotReadyError(
                    "the capture does not publish a marker",
                    remedy="See understudy status: the capture must run.",
                )
            self._reader.refresh()
        return self._marks.markers[unique]

    def between(self, first: Marker, second: Marker) -> list[Leak]:
        """Changes that were committed after one marker and published before another.

        A capture that was restarted may have published older changes again: these are none.
        """
        self._reader.refresh()
        found = [
            Leak(table=truncate.table, lsn=lsn_text(truncate.lsn), op="truncate")
            for truncate in self._marks.truncates.values()
            if truncate.lsn > first.lsn
        ]
        moved = _moved(first, second)
        if moved:
            consumer = wiring.reader(self._migration, self._at)
            try:
                found += islice(self._read(consumer, moved, first.lsn), LEAKS_MAX)
            finally:
                consumer.close()
        return found

    def _read(
        self, consumer: Consumer, moved: dict[Place, tuple[int, int]], after: int
    ) -> Iterator[Leak]:
        """The first changes of some stretches that were committed after an LSN."""
        schemas = Schemas(wiring.registry(self._migration, self._at))
        for message in records.read(consumer, moved):
            value = message.value()
            if value is None:
                continue
            reader = schemas.reader(schema_id(value))
            record = reader.read([value])
            if record["__lsn"][0] > after:
                lsn, op = lsn_text(record["__lsn"][0]), str(record["__op"][0])
                yield Leak(table=reader.table.label, lsn=lsn, op=op)


def _moved(first: Marker, second: Marker) -> dict[Place, tuple[int, int]]:
    """The partitions that have grown, with where they ended at both markers."""
    return {
        (topic, partition): (first.ends.get(topic, {}).get(partition, 0), end)
        for topic, ends in second.ends.items()
        for partition, end in ends.items()
        if end > first.ends.get(topic, {}).get(partition, 0)
    }
