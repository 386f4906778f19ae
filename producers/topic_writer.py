"""Writes records to topics and knows which of them Kafka has acknowledged.

Any thread may send. Records of one partition keep the order in which they were sent. We choose the
partition ourselves (murmur2, as Java's producer does), so that one delivery report per batch and
partition is enough: a report for each record would cost more than sending it.
Source: librdkafka CONFIGURATION.md and INTRODUCTION.md, "Idempotent Producer".
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer, murmur2

from producers.background import Background
from producers.broker import broker_error, broker_errors
from producers.deliveries import Deliveries, Place
from producers.topics import Topic
from schemas.errors import BrokerError, BrokerLostError, InvariantError, UnderstudyError
from schemas.positions import Ends

Pair = tuple[bytes, bytes | None]

_POLL_S = 0.1
# How long a full queue is left alone before the next attempt: a batch takes about that to leave.
_ROOM_WAIT_S = 0.01
_CLOSE_WAIT_S = 1.0
_TOO_LARGE = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE})


class TopicWriter:
    """One idempotent producer with bounded memory and a thread that takes its reports."""

    def __init__(
        self,
        make: Callable[[Callable[[KafkaError], None]], Producer],
        topics: Sequence[Topic],
        ends: Ends,
        stop: threading.Event,
    ) -> None:
        """Open a producer.

        Args:
            make: Builds it, given what to call on errors.
            topics: All that will be written.
            ends: Their end offsets now.
            stop: Once set, nobody waits for room any more.
        """
        self._topics = {topic.name: topic for topic in topics}
        self._locks = {topic.name: threading.Lock() for topic in topics}
        self._deliveries = Deliveries(ends)
        self._lock = threading.Lock()
        self._failure: UnderstudyError | None = None
        self._stop = stop
        self._given_up = threading.Event()
        self._closing = threading.Event()
        with broker_errors():
            self._producer = make(self._on_error)
        # What is called may send and wait for room, which only the reports make: two threads.
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._backgrounds = [
            Background("reports", self._take_reports),
            Background("calls", self._make_calls),
        ]

    def send(self, topic: str, pairs: Sequence[Pair]) -> None:
        """Hand records to Kafka's client; waits while its queue is full.

        Raises:
            BrokerError: A record is too large, or Kafka refused an earlier one.
            BrokerLostError: The client is of no use any more.
        """
        batches = self._partitioned(topic, pairs)
        with self._locks[topic]:
            for partition, batch in batches.items():
                place = (topic, partition)
                with self._lock:
                    number = self._deliveries.sent(place, len(batch))
                batch[-1]["callback"] = partial(self._on_report, place, number)
                self._queue(topic, partition, batch)

    def cut(self, reached: Callable[[Ends], None]) -> None:
        """Call `reached` with the end offsets of the data topics once all sent so far is stored.

        It is called from a thread of the writer's own, in the order of the cuts, and may send.
        """

        def of_data(ends: Ends) -> None:
            reached({name: at for name, at in ends.items() if not self._topics[name].compacted})

        with self._lock:
            for call in self._deliveries.cut(of_data):
                self._calls.put(call)

    def drain(self, wait_s: float) -> bool:
        """Wait until all that was sent is stored and all calls are made; whether that came true."""
        stored = threading.Event()
        self.cut(lambda _ends: stored.set())
        return stored.wait(wait_s)

    def check(self) -> None:
        """Raise what went wrong in the background, if something did."""
        if self._failure is not None:
            raise self._failure
        for background in self._backgrounds:
            background.check()

    def give_up(self) -> None:
        """Let nobody wait for room any more, because the attempt has failed."""
        self._given_up.set()

    def close(self) -> None:
        """Wait a moment for what is in flight, then let go of the rest; it comes again."""
        if self._failure is None:
            self._producer.flush(_CLOSE_WAIT_S)
        self._closing.set()
        self._calls.put(None)
        for background in self._backgrounds:
            background.join()
        self._producer.purge()
        # To the client a purge is a gap, and fatal; for us it is the end.
        with suppress(KafkaException):
            self._producer.close()

    def _partitioned(self, topic: str, pairs: Sequence[Pair]) -> dict[int, list[dict[str, Any]]]:
        count = self._topics[topic].partitions
        if count == 1:
            return {0: [{"key": key, "value": value} for key, value in pairs]} if pairs else {}
        batches: dict[int, list[dict[str, Any]]] = {}
        for key, value in pairs:
            record = {"key": key, "value": value}
            batches.setdefault(murmur2(key, count), []).append(record)
        return batches

    def _queue(self, topic: str, partition: int, batch: list[dict[str, Any]]) -> None:
        while True:
            self.check()
            with broker_errors(topic=topic):
                queued = self._producer.produce_batch(topic, batch, partition=partition)
            if queued == len(batch):
                return
            batch = self._left_over(topic, batch, queued)
            if self._given_up.wait(_ROOM_WAIT_S) or self._stop.is_set():
                raise BrokerLostError("stopped while Kafka takes nothing", topic=topic)

    def _left_over(
        self, topic: str, batch: list[dict[str, Any]], queued: int
    ) -> list[dict[str, Any]]:
        """The records to try again: from the first that found the queue full; it takes no later one."""
        errors = [record.pop("_error") for record in batch if "_error" in record]
        for error in errors:
            if error.code() != KafkaError._QUEUE_FULL:  # noqa: SLF001 - librdkafka's name
                raise self._refused(topic, error)
        if len(errors) != len(batch) - queued:
            raise InvariantError("records of a batch are unaccounted for", topic=topic)
        return batch[queued:]

    def _refused(self, topic: str, error: KafkaError) -> UnderstudyError:
        if error.code() not in _TOO_LARGE:
            return broker_error(error, topic=topic)
        described = self._topics[topic]
        return BrokerError(
            "a row is larger than message.max.bytes",
            table=described.table,
            key=",".join(described.key),
            topic=topic,
            remedy="Raise message.max.bytes in [kafka.options] and on the topic and the brokers.",
        )

    def _on_report(
        self, place: Place, number: int, error: KafkaError | None, message: Message
    ) -> None:
        if error is not None:
            self._fail(self._refused(place[0], error))
            return
        offset = message.offset()
        if offset is None:
            # The brokers had it already, and do not say where: begin again from what they hold.
            self._fail(BrokerLostError("a delivery report without an offset", topic=place[0]))
            return
        with self._lock:
            for call in self._deliveries.acknowledged(place, number, offset):
                self._calls.put(call)

    def _on_error(self, error: KafkaError) -> None:
        """Errors of the client as a whole; all but fatal ones it mends by itself."""
        if error.fatal():
            self._fail(broker_error(error))

    def _fail(self, error: UnderstudyError) -> None:
        self._failure = self._failure or error

    def _take_reports(self) -> None:
        while not self._closing.is_set():
            self._producer.poll(_POLL_S)

    def _make_calls(self) -> None:
        for call in iter(self._calls.get, None):
            call()
