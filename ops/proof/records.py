"""The records of some stretches of partitions, each read once and in order."""

import time
from collections.abc import Callable, Iterator, Mapping

from confluent_kafka import Consumer, Message, TopicPartition

from ops.proof.hold import Place
from producers.broker import broker_errors
from schemas.avro_read import EnvelopeReader
from schemas.errors import NotReadyError

# Kafka answers within it, however long all of it takes.
PATIENCE_S = 30.0
_BATCH = 5_000
_BATCH_S = 0.2
Reader = Callable[[int], EnvelopeReader]


def read(consumer: Consumer, stretches: Mapping[Place, tuple[int, int]]) -> Iterator[Message]:
    """Read stretches.

    Args:
        consumer: In no group.
        stretches: First offset, and the one to end before, by partition.

    Yields:
        Records and tombstones.

    Raises:
        BrokerError: Kafka refuses.
        NotReadyError: Kafka sends nothing more.
    """
    unread = {place: first for place, (first, end) in stretches.items() if first < end}
    with broker_errors():
        consumer.assign([TopicPartition(*place, first) for place, first in unread.items()])
        deadline = time.monotonic() + PATIENCE_S
        while unread:
            # It waits the whole time for a batch that is not full.
            left = sum(stretches[place][1] - at for place, at in unread.items())
            messages = consumer.consume(min(_BATCH, left), timeout=_BATCH_S)
            if messages:
                deadline = time.monotonic() + PATIENCE_S
            elif time.monotonic() > deadline:
                raise NotReadyError("Kafka does not send the records", partitions=unread)
            for message in messages:
                place, offset = (message.topic() or "", message.partition() or 0), message.offset()
                if offset is None or place not in unread:
                    continue
                if message.error() is None and offset < stretches[place][1]:
                    yield message
                unread[place] = offset + 1
                if unread[place] >= stretches[place][1]:
                    del unread[place]
