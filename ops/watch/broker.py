"""What Kafka says: the positions of the capture, where topics end, and who consumes them."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from tenacity import retry, retry_if_exception, stop_after_delay, wait_fixed

from producers import topics
from producers.broker import broker_errors
from schemas import names, positions
from schemas.errors import BrokerError
from schemas.positions import Chunk, Marker, Position, SnapshotEnd

REQUEST_TIMEOUT_S = 10.0
BATCH = 10_000
_LOADING = ("COORDINATOR_LOAD_IN_PROGRESS", "COORDINATOR_NOT_AVAILABLE", "NOT_COORDINATOR")
BATCH_S = 0.1  # librdkafka waits this long for a batch to be full, even at the end of the topic.


@dataclass(slots=True, kw_only=True)
class Progress:
    """What the positions topic says of the capture.

    Attributes:
        lsn: All of the source up to here is in Kafka; None: not begun.
        rows: Rows of the snapshot in Kafka, by table and chunk.
        ended: Tables whose snapshot is in Kafka whole, with the rows of each.
        heartbeat: The newest one.
    """

    lsn: int | None = None
    rows: dict[str, dict[int, int]] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)
    heartbeat: Marker | None = None

    def take(self, record: positions.Record) -> None:
        """Take one more record, in the order of the topic."""
        match record:
            case Position():
                self.lsn = max(self.lsn or 0, record.lsn)
            case Chunk():
                self.rows.setdefault(record.table, {})[record.number] = record.rows
            case SnapshotEnd():
                self.ended[record.table] = record.rows
            case Marker(id="heartbeat"):
                if self.heartbeat is None or self.heartbeat.lsn < record.lsn:
                    self.heartbeat = record
            case _:
                pass

    def rows_of(self, table: str) -> int:
        """Rows of a table's snapshot that are in Kafka."""
        return self.ended.get(table, sum(self.rows.get(table, {}).values()))


class PositionsReader:
    """Follows the positions topic of a pipeline; read what is new with each call."""

    def __init__(self, consumer: Consumer, pipeline: str) -> None:
        """Read with this client, which is closed with us."""
        self._consumer = consumer
        self._topic = names.positions_topic(pipeline)
        self._is_assigned = False
        self.progress = Progress()

    def refresh(self) -> Progress:
        """Take what was written since the last call.

        Raises:
            BrokerError: Kafka cannot be asked.
        """
        with broker_errors(topic=self._topic):
            place = TopicPartition(self._topic, 0, OFFSET_BEGINNING)
            _, end = self._consumer.get_watermark_offsets(place, timeout=REQUEST_TIMEOUT_S)
            if not self._is_assigned:
                self._consumer.assign([place])
                self._is_assigned = True
            deadline = time.monotonic() + REQUEST_TIMEOUT_S
            while (left := end - max(0, self._next())) > 0 and time.monotonic() < deadline:
                # No more than there are: it would wait for the rest of a batch.
                for message in self._consumer.consume(min(BATCH, left), timeout=BATCH_S):
                    self._take(message)
        return self.progress

    def close(self) -> None:
        """Let go of Kafka."""
        self._consumer.close()

    def _next(self) -> int:
        (place,) = self._consumer.position([TopicPartition(self._topic, 0)])
        return int(place.offset)

    def _take(self, message: Any) -> None:
        if message.error() is not None:
            raise KafkaException(message.error())
        if message.value() is not None:
            self.progress.take(positions.decode(message.key() or b"", message.value()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The workers of a pipeline and the partitions that they share; clients are the names of their processes."""

    members: int
    clients: frozenset[str]
    owned: frozenset[tuple[str, int]]


def _is_loading(error: BaseException) -> bool:
    return isinstance(error, BrokerError) and error.context.get("code") in _LOADING


# Brokers that have just started load their groups, the first question makes the topic of all groups.
@retry(
    retry=retry_if_exception(_is_loading),
    stop=stop_after_delay(REQUEST_TIMEOUT_S),
    wait=wait_fixed(0.1),
    reraise=True,
)
def group(admin: AdminClient, name: str) -> Group:
    """Who consumes as a group."""
    with broker_errors(group=name):
        # A description that waits for a broker ends the process when that comes back (librdkafka, issue 4605: the
        # assertion eonce->refcnt > 0). This one only fails while no broker answers.
        admin.list_topics(timeout=REQUEST_TIMEOUT_S)
        future = admin.describe_consumer_groups([name], request_timeout=REQUEST_TIMEOUT_S)[name]
        members = future.result().members
    owned = {
        (p.topic, p.partition)
        for m in members
        if m.assignment
        for p in m.assignment.topic_partitions
    }
    clients = frozenset(member.client_id for member in members)
    return Group(members=len(members), clients=clients, owned=frozenset(owned))


def ends(admin: AdminClient, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """The offset after the last record of each of these partitions."""
    request = {TopicPartition(topic, partition): OffsetSpec.latest() for topic, partition in places}
    if not request:
        return {}
    found = {}
    for place, future in admin.list_offsets(request, request_timeout=REQUEST_TIMEOUT_S).items():
        with broker_errors(topic=place.topic, partition=place.partition):
            found[place.topic, place.partition] = future.result().offset
    return found


def partitions(admin: AdminClient, names_: Iterable[str]) -> dict[str, list[tuple[str, int]]]:
    """The partitions of those topics that exist."""
    found = topics.describe(admin, names_)
    return {name: [(name, n) for n in range(topic.partitions)] for name, topic in found.items()}


def exists(admin: AdminClient, pipeline: str) -> bool:
    """Whether the capture has ever begun."""
    return bool(topics.describe(admin, [names.positions_topic(pipeline)]))
