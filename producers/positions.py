"""The producer's side of the positions topic: what is already known, and writing what is new."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from producers.broker import LOGGER, REQUEST_TIMEOUT_S, broker_error, broker_errors
from producers.settings import CaptureSettings
from producers.topic_writer import TopicWriter
from schemas import positions
from schemas.errors import BrokerLostError
from schemas.positions import Chunk, Intent, Position, Record, Resync, SchemaText, SnapshotEnd


@dataclass(slots=True)
class Known:
    """What the positions topic says; of each kind the record with the highest (epoch, LSN)."""

    intent: Intent | None = None
    position: Position | None = None
    chunks: dict[str, dict[int, Chunk]] = field(default_factory=dict)
    snapshots: dict[str, SnapshotEnd] = field(default_factory=dict)
    resyncs: dict[str, Resync] = field(default_factory=dict)
    schema_ids: dict[tuple[str, str], int] = field(default_factory=dict)

    def fold(self, record: Record) -> None:
        """Take one more record, in the order of the topic."""
        match record:
            case Intent():
                self.intent = record
            case Position():
                newer = self.position is None or _order(record) >= _order(self.position)
                self.position = record if newer else self.position
            case Chunk():
                self.chunks.setdefault(record.table, {})[record.number] = record
            case SnapshotEnd():
                self.snapshots[record.table] = record
            case Resync():
                self.resyncs[record.table] = record
            case SchemaText():
                self.schema_ids[record.subject, record.text] = record.id
            case _:
                pass  # Markers and truncations are for the consumers.

    def has_begun(self, table: str) -> bool:
        """Whether something of a table's snapshot is stored."""
        return table in self.chunks or table in self.snapshots


def _order(position: Position) -> tuple[int, int]:
    return position.epoch, position.lsn


def read(settings: CaptureSettings, end: int) -> Known:
    """Read the whole positions topic, up to the offset `end`.

    Raises:
        BrokerError: It cannot be read.
    """
    known = Known()
    if end == 0:
        return known
    consumer = Consumer(_options(settings), logger=LOGGER)
    try:
        topic = settings.positions_topic
        with broker_errors(topic=topic):
            consumer.assign([TopicPartition(topic, 0, 0)])
            while _position(consumer, topic) < end:
                # Not consume(): that waits the whole timeout for a batch that is not full.
                message = consumer.poll(REQUEST_TIMEOUT_S)
                if message is None:
                    raise BrokerLostError("the positions topic does not answer", topic=topic)
                _take(known, message)
    finally:
        consumer.close()
    return known


def _options(settings: CaptureSettings) -> dict[str, Any]:
    return {
        "bootstrap.servers": settings.bootstrap,
        "client.id": settings.client,
        "group.id": settings.client,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",  # Compaction may have removed offset 0.
        "enable.partition.eof": False,
        **settings.kafka_options,
    }


def _position(consumer: Consumer, topic: str) -> int:
    (place,) = consumer.position([TopicPartition(topic, 0)])
    return place.offset


def _take(known: Known, message: Any) -> None:
    if message.error() is not None:
        raise broker_error(message.error(), topic=message.topic())
    if message.value() is not None:
        known.fold(positions.decode(message.key() or b"", message.value()))


class PositionWriter:
    """Writes records of the positions topic."""

    def __init__(self, writer: TopicWriter, topic: str) -> None:
        """Write through the producer of the data, so that one order holds for both."""
        self._writer = writer
        self._topic = topic

    def send(self, record: Record, stored: Callable[[], None] | None = None) -> None:
        """Write a record; `stored` is called once it and all before it are acknowledged."""
        self._writer.send(self._topic, [positions.encode(record)])
        if stored is not None:
            self._writer.cut(lambda _ends: stored())
