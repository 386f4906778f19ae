"""Reads the topics of the way back into a backlog; for one thread."""

import time
from collections.abc import Iterable, Mapping

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from consumers import decoding
from consumers.assembly import Schemas
from consumers.broker import broker_error, broker_errors, passes
from consumers.buffer import Load, Run
from consumers.points import Points, PointsReader
from consumers.reverse.apply import Batch
from consumers.reverse.backlog import Backlog, Place
from consumers.reverse.plan import TableBack
from consumers.reverse.settings import ReverseSettings
from schemas.errors import BrokerError, InvariantError
from schemas.table import Table

MESSAGES_MAX = 1_000
POLL_S = 0.05
# How often it is recorded that nothing has come.
IDLE_S = 0.5


class Reader:
    """Fills a backlog, and tells what of it can be applied."""

    def __init__(
        self,
        settings: ReverseSettings,
        tables: Iterable[TableBack],
        offsets: Mapping[Place, int],
        applied_lsn: int,
    ) -> None:
        """Begin at the checkpoint.

        Args:
            settings: Of the way back.
            tables: By their topics the rows are read.
            offsets: Where reading goes on, of all partitions.
            applied_lsn: Every commit up to here is applied.
        """
        self._tables = {table.topic: table for table in tables}
        self._schemas = Schemas(settings.registry)
        self._points = Points()
        self._backlog = Backlog(offsets, applied_lsn)
        self._told_at = 0.0
        self._follower = Consumer(settings.follower_options)
        topic = settings.positions_topic
        self._positions = PointsReader(self._follower, topic, self._points, self._schemas)
        self._consumer = Consumer(settings.consumer_options)
        with broker_errors():
            self._consumer.assign([TopicPartition(*at, offset) for at, offset in offsets.items()])

    def close(self) -> None:
        """Let go of Kafka."""
        self._consumer.close()
        self._follower.close()

    def read(self) -> None:
        """One turn: wait for records a little, and take in what has come.

        Raises:
            BrokerError: Kafka refuses, or records are missing.
        """
        self._positions.follow(0)
        with broker_errors():
            first = self._consumer.poll(POLL_S)
            messages = [] if first is None else [first, *self._consumer.consume(MESSAGES_MAX, 0)]
        by_topic: dict[str, list[Message]] = {}
        for message in messages:
            if _is_sound(message):
                by_topic.setdefault(message.topic() or "", []).append(message)
        for topic, records in by_topic.items():
            self._take(topic, records)

    def complete(self) -> int | None:
        """The LSN up to which everything is here, if that is worth a transaction; None: read on."""
        marker = self._points.newest
        is_idle = not self._backlog.rows and time.monotonic() - self._told_at < IDLE_S
        return None if marker is None or is_idle else self._backlog.complete(marker)

    def batch(self, lsn: int) -> Batch:
        """Everything up to an LSN that is complete, or before; it stays here until it is confirmed."""
        marker = self._points.newest
        if marker is None:
            raise InvariantError("a batch was asked for before there was a marker")
        truncations = {
            self._tables[topic].label: event
            for topic, event in self._points.truncations.items()
            if topic in self._tables
        }
        return self._backlog.batch(lsn, marker, truncations)

    def confirm(self, batch: Batch) -> None:
        """Let go of a batch that is applied."""
        self._backlog.confirm(batch)
        self._told_at = time.monotonic()

    def _take(self, topic: str, messages: list[Message]) -> None:
        runs = []
        for partition in {message.partition() or 0 for message in messages}:
            records = [message for message in messages if message.partition() == partition]
            run = _run(partition, records)
            if run.offsets[0] != self._backlog.read_to[topic, partition]:
                raise BrokerError(
                    "records are missing",
                    topic=topic,
                    partition=partition,
                    offset=self._backlog.read_to[topic, partition],
                )
            self._backlog.read_to[topic, partition] = run.next
            runs.append(run)
        load = Load(runs=tuple(runs), stretches=(), records=len(messages))
        if any(value is not None for run in runs for value in run.values):
            self._add(topic, load)

    def _add(self, topic: str, load: Load) -> None:
        rows = decoding.laid_over(
            decoding.read(load, self._schemas.reader), _published(self._tables[topic].target)
        )
        self._backlog.add(topic, rows)


def _published(table: Table) -> Table:
    columns = tuple(column for column in table.columns if not column.generated)
    return Table(schema=table.schema, name=table.name, columns=columns, key=table.key)


def _run(partition: int, messages: list[Message]) -> Run:
    values = [message.value() for message in messages]
    return Run(
        partition=partition,
        offsets=[message.offset() or 0 for message in messages],
        values=values,
        size=sum(map(len, filter(None, values))),
    )


def _is_sound(message: Message) -> bool:
    """Whether a message is a record.

    Raises:
        BrokerError: It is an error that does not pass.
    """
    error = message.error()
    if error is None:
        return True
    if error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001 - librdkafka's name
        raise BrokerError("records of the checkpoint are no longer there", topic=message.topic())
    if not passes(error):
        raise broker_error(error, topic=message.topic())
    return False
