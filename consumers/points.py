"""What the positions topic tells the consumers: markers, ends of snapshots, truncations and schemas."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

import structlog
from confluent_kafka import Consumer, TopicPartition

from consumers.assembly import Schemas
from consumers.broker import broker_error, passes
from schemas import positions
from schemas.event_id import EventId
from schemas.positions import Marker, Record, SchemaText, SnapshotEnd, Truncate

log = structlog.get_logger(__name__)

# Markers that are remembered for partitions that have not reached them; beyond, every other one is forgotten.
MARKERS_MAX = 256
_MESSAGES_MAX = 1_000


class Reached(NamedTuple):
    """The last marker whose end offset a partition has reached."""

    partition: int
    end: int
    lsn: int
    source_ms: int


class Points:
    """The newest of each kind. One thread adds to it; any thread may ask."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.snapshots: dict[str, SnapshotEnd] = {}
        self.truncations: dict[str, EventId] = {}
        self._markers: tuple[Marker, ...] = ()

    def fold(self, record: Record) -> None:
        """Take one more record, in any order: the highest (epoch, LSN) wins."""
        match record:
            case SnapshotEnd():
                known = self.snapshots.get(record.topic)
                if known is None or (known.epoch, known.lsn) <= (record.epoch, record.lsn):
                    self.snapshots[record.topic] = record
            case Truncate():
                known_id = self.truncations.get(record.topic, record.event_id)
                self.truncations[record.topic] = max(known_id, record.event_id)
            case Marker():
                self._add(record)
            case _:
                pass  # What the producer keeps for itself.

    @property
    def newest(self) -> Marker | None:
        """The last marker; None before the first."""
        return self._markers[-1] if self._markers else None

    def _add(self, marker: Marker) -> None:
        last = self._markers[-1] if self._markers else None
        if last is not None and (marker.epoch, marker.lsn) <= (last.epoch, last.lsn):
            return
        kept = self._markers[::2] if len(self._markers) >= MARKERS_MAX else self._markers
        self._markers = (*kept, marker)

    def reached(
        self, topic: str, offsets: Iterable[tuple[int, int]], obeyed: EventId
    ) -> list[Reached]:
        """The last marker that each of some partitions has reached.

        Args:
            topic: Of the partitions.
            offsets: Partition and checkpoint.
            obeyed: The last truncation that is obeyed; a marker above one that is not does not count.
        """
        markers = self._markers
        truncation = self.truncations.get(topic)
        if truncation is not None and truncation > obeyed:
            markers = tuple(m for m in markers if (m.epoch, m.lsn) < truncation[:2])
        found = []
        for partition, offset in offsets:
            at = bisect_right(markers, offset, key=lambda m: _end(m, topic, partition))
            if at:
                marker = markers[at - 1]
                end = _end(marker, topic, partition)
                found.append(Reached(partition, end, marker.lsn, marker.source_ms))
        return found


def _end(marker: Marker, topic: str, partition: int) -> int:
    """A marker older than the capture of a topic does not name it: no record of it lies below that marker."""
    return marker.ends.get(topic, {}).get(partition, 0)


class PointsReader:
    """Follows the positions topic from its beginning; for one thread."""

    def __init__(self, consumer: Consumer, topic: str, points: Points, schemas: Schemas) -> None:
        """Read with a client that is in no group."""
        self._consumer = consumer
        self._points = points
        self._schemas = schemas
        consumer.assign([TopicPartition(topic, 0, 0)])

    def follow(self, timeout_s: float) -> None:
        """Take in what is new, waiting for it so long at most.

        Raises:
            BrokerError: Kafka refuses.
            InvariantError: A record cannot be read.
        """
        first = self._consumer.poll(timeout_s)
        messages = [] if first is None else [first, *self._consumer.consume(_MESSAGES_MAX, 0)]
        for message in messages:
            error = message.error()
            if error is None:
                self._tell(message.key(), message.value())
            elif not passes(error):
                raise broker_error(error, topic=message.topic())

    def _tell(self, key: bytes | None, value: bytes | None) -> None:
        if key is None or value is None:
            return
        record = positions.decode(key, value)
        if isinstance(record, SchemaText):
            self._schemas.tell(record)
        else:
            self._points.fold(record)

    def close(self) -> None:
        """Let go of the client."""
        self._consumer.close()
