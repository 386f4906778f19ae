"""The records of one legacy row in Kafka, found by the key of one of them."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import Consumer, Message, TopicPartition

from ops.proof import records
from ops.proof.records import Reader
from producers.broker import broker_errors
from schemas.avro_read import schema_id
from schemas.event_id import lsn_text

_META = 7  # Columns before those of the legacy row.


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
        first, end = consumer.get_watermark_offsets(place, timeout=records.PATIENCE_S)
    if not first <= offset < end:
        return []
    here = (topic, partition)
    key = next(records.read(consumer, {here: (offset, offset + 1)})).key()
    messages = [m for m in records.read(consumer, {here: (first, end)}) if m.key() == key]
    return [_event(message, reader) for message in messages]


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
