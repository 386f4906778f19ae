"""The offset in each partition before which all records are older than a point of the source."""

import time
from collections.abc import Callable, Mapping

from confluent_kafka import Consumer, Message, TopicPartition

from ops.proof.hold import Place
from producers.broker import broker_errors
from schemas.avro_read import EnvelopeReader, schema_id
from schemas.errors import NotReadyError

PATIENCE_S = 30.0
_BATCH = 5_000
_BATCH_S = 0.2
Reader = Callable[[int], EnvelopeReader]


def cut(
    consumer: Consumer, stretches: Mapping[Place, tuple[int, int]], lsn: int, reader: Reader
) -> dict[Place, int]:
    """Find where each partition is to be cut.

    Args:
        consumer: In no group.
        stretches: First offset to look at, and the one to end at, by partition.
        lsn: Records of commits at or behind it are cut off.
        reader: Gives the reader of a schema id.

    Returns:
        The offset of the first record that is cut off, by partition; where there is none, the end.

    Raises:
        NotReadyError: Kafka did not send them in time.
    """
    found = {place: end for place, (_, end) in stretches.items()}
    unread = {place: first for place, (first, end) in stretches.items() if first < end}
    with broker_errors():
        consumer.assign([TopicPartition(*place, first) for place, first in unread.items()])
        deadline = time.monotonic() + PATIENCE_S
        while unread:
            if time.monotonic() > deadline:
                raise NotReadyError("Kafka does not send the newest records", partitions=unread)
            for message in consumer.consume(_BATCH, timeout=_BATCH_S):
                _look(message, unread, found, lsn, reader)
            unread = {place: at for place, at in unread.items() if at < found[place]}
    return found


def _look(
    message: Message, unread: dict[Place, int], found: dict[Place, int], lsn: int, reader: Reader
) -> None:
    place, offset = (message.topic() or "", message.partition() or 0), message.offset()
    if message.error() is not None or offset is None or place not in unread:
        return
    unread[place] = offset + 1
    value = message.value()
    if value is None or offset >= found[place]:
        return
    if reader(schema_id(value)).read([value])["__lsn"][0] >= lsn:
        found[place] = offset
