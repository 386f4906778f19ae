"""The records of one legacy row in Kafka, found by the key of one of them."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import Consumer, Message, TopicPartition

from producers.broker import broker_errors
from schemas.avro_read import EnvelopeReader, schema_id
from schemas.errors import NotReadyError
from schemas.event_id import lsn_text

PATIENCE_S = 120.0
_BATCH = 10_000
_BATCH_S = 0.2
_META = 7  # Columns before those of the legacy row.
Reader = Callable[[int], EnvelopeReader]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One record.

    Attributes:
        op: r snapshot, c insert, u update, d delete, t the tombstone after a delete.
        lsn: Commit LSN, or the consistent point of a snapshot row.
        ordinal: In its transaction; 0 in a snapshot.
        at: Of the commit, by the source's clock; None for a tombstone.
        unavailable: Columns that the server did not send.
        moved_to: The new key, of a delete that is half of a key change.
        row: The legacy row as the record has it.
    """

    topic: str
    partition: int
    offset: int
    op: str
    lsn: str | None = None
    ordinal: int | None = None
    at: str | None = None
    unavailable: list[str] | None = None
    moved_to: list[str] | None = None
    row: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """For `--output json`."""
        return asdict(self)


def events(
    consumer: Consumer, topic: str, partition: int, offset: int, reader: Reader
) -> list[Event]:
    """All records with the key of one, in order; reads the whole partition.

    Args:
        consumer: In no group.
        topic: Of the legacy table.
        partition: Of that record.
        offset: Of that record.
        reader: Gives the reader of a schema id.

    Raises:
        BrokerError: Kafka refuses.
        NotReadyError: Kafka did not send them in time.
    """
    place = TopicPartition(topic, partition)
    with broker_errors(topic=topic):
        first, end = consumer.get_watermark_offsets(place, timeout=PATIENCE_S)
    if not first <= offset < end:
        return []
    key = _read(consumer, place, offset, offset + 1)[0].key()
    messages = _read(consumer, place, first, end, key)
    return [_event(message, reader) for message in messages]


def _read(
    consumer: Consumer, place: TopicPartition, first: int, end: int, key: bytes | None = None
) -> list[Message]:
    """Messages from `first` up to `end`; of a key, if one is given."""
    found: list[Message] = []
    deadline, at = time.monotonic() + PATIENCE_S, first
    with broker_errors(topic=place.topic):
        consumer.assign([TopicPartition(place.topic, place.partition, first)])
        while at < end:
            if time.monotonic() > deadline:
                raise NotReadyError("Kafka does not send the records", topic=place.topic)
            for message in consumer.consume(_BATCH, timeout=_BATCH_S):
                offset = message.offset()
                if message.error() is None and offset is not None and offset < end:
                    at = offset + 1
                    if key is None or message.key() == key:
                        found.append(message)
                elif offset is not None:
                    at = max(at, offset)
    return found


def _event(message: Message, reader: Reader) -> Event:
    topic, partition = message.topic() or "", message.partition() or 0
    value, offset = message.value(), message.offset() or 0
    if value is None:
        return Event(topic=topic, partition=partition, offset=offset, op="t")
    record = reader(schema_id(value)).read([value])
    row = record.row(0, named=True)
    # frame_name gives a column that begins like ours an underscore more.
    legacy = {
        name.removesuffix("_") if name.startswith("__") else name: row[name]
        for name in record.columns[_META:]
    }
    return Event(
        topic=topic,
        partition=partition,
        offset=offset,
        op=row["__op"],
        lsn=lsn_text(row["__lsn"]),
        ordinal=row["__ordinal"],
        at=datetime.fromtimestamp(row["__source_ms"] / 1000, UTC).isoformat(
            timespec="milliseconds"
        ),
        unavailable=row["__unavailable"],
        moved_to=row["__moved_to"],
        row=legacy,
    )
