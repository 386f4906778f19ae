"""Reads the data topics, as a member of the group that all workers of the pipeline form.

Kafka says who reads which partition; where reading begins is said by the target's checkpoints, always.
"""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from operator import itemgetter

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from consumers.beginnings import Beginnings, Checkpoint, Place, gap_error
from consumers.broker import broker_error, broker_errors, passes
from consumers.buffer import Run
from consumers.schedule import Schedule
from consumers.unit import Unit
from schemas import failpoint
from schemas.errors import BrokerError

log = structlog.get_logger(__name__)

# Messages from one call: enough to make the call cheap, few enough that large rows stay bounded.
MESSAGES_MAX = 1_000
# Without messages, this long; rewinds and resumes wait for it.
POLL_S = 0.05
# A full buffer is waited for before its partitions are paused, for a pause throws away what was prefetched.
ROOM_WAIT_S = 0.5
# What is under way when partitions go elsewhere may take this long; then it is left to the fence.
REVOKE_WAIT_S = 4.0
# Times that a gap in the offsets is read again before it is believed.
GAPS_MAX = 2
# Offsets go to Kafka for lag tools only.
COMMIT_EVERY_S = 2.0


class TopicReader:
    """Fills the buffers of the units; all of it belongs to one thread."""

    def __init__(self, consumer: Consumer, schedule: Schedule, beginnings: Beginnings) -> None:
        """Join the group.

        Args:
            consumer: Not yet subscribed.
            schedule: Takes the records.
            beginnings: Tells where partitions are read from; waits while the target is away.
        """
        self._consumer = consumer
        self._schedule = schedule
        self._beginnings = beginnings
        self._paused: set[Unit] = set()
        self._gaps: Counter[tuple[str, int, int]] = Counter()
        self._told: dict[Place, int] = {}
        self._tell_at = 0.0
        self._leaving = False
        consumer.subscribe(
            sorted({unit.topic for unit in schedule.units}),
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )

    def read(self) -> None:
        """One turn: wait for records a little, hand them over, see to pauses and rewinds.

        Raises:
            BrokerError: Records are missing, or Kafka refuses us.
        """
        self._rewind()
        self._pause_and_resume()
        with broker_errors():
            first = self._consumer.poll(POLL_S)
            if first is not None:
                self._take([first, *self._consumer.consume(MESSAGES_MAX - 1, 0)])
        self._tell_offsets()

    def close(self) -> None:
        """Leave the group; nothing is waited for any more."""
        self._leaving = True
        with broker_errors():
            self._consumer.close()

    def _take(self, messages: Sequence[Message]) -> None:
        failpoint.reach("cons.polled")
        if any(map(Message.error, messages)):
            messages = self._sound(messages)
        places = zip(map(Message.topic, messages), map(Message.partition, messages), strict=True)
        for (topic, partition), group in groupby(zip(places, messages, strict=True), itemgetter(0)):
            self._hand_over(topic, partition, list(map(itemgetter(1), group)))

    def _hand_over(self, topic: str, partition: int, messages: list[Message]) -> None:
        values = list(map(Message.value, messages))
        run = Run(
            partition=partition,
            offsets=list(map(Message.offset, messages)),  # type: ignore[arg-type]  # None: an error's.
            values=values,
            size=sum(map(len, filter(None, values))),
            leader_epoch=messages[-1].leader_epoch(),
        )
        gap = self._schedule.add(topic, run)
        if gap is not None:
            self._mend(topic, partition, gap)

    def _mend(self, topic: str, partition: int, expected: int) -> None:
        """Read again from the checkpoint when records seem to be missing; if that does not help, they are.

        Raises:
            BrokerError: They are.
        """
        place = topic, partition, expected
        if self._gaps[place] >= GAPS_MAX:
            raise BrokerError(
                "records are missing", topic=topic, partition=partition, offset=expected
            )
        self._gaps[place] += 1
        self._schedule.rewind(self._schedule.unit(topic, partition))

    def _sound(self, messages: Iterable[Message]) -> list[Message]:
        """The messages that are records; errors that pass are logged.

        Raises:
            BrokerError: One that does not pass.
        """
        sound = []
        for message in messages:
            error = message.error()
            if error is None:
                sound.append(message)
            elif error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001 - librdkafka's name
                raise gap_error(message.topic() or "", message.partition() or 0, error.str())
            elif passes(error):
                log.warning("Kafka", topic=message.topic(), reason=error.str())
            else:
                raise broker_error(error, topic=message.topic())
        return sound

    def _on_assign(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if self._leaving:
            return  # A rebalance that was under way ends within close(); nobody would read them.
        places = [(p.topic, p.partition) for p in partitions]
        found = self._beginnings.verified(places)
        self._consumer.incremental_assign([_position(*item) for item in found.items()])
        for place, checkpoint in found.items():
            self._schedule.begin(*place, checkpoint.offset)
        # One that joins a paused unit is not paused by itself; one that was paused when it went comes back paused.
        self._set_paused(set(), self._units(places))
        self._pause_and_resume()
        if places:
            log.info("assigned", partitions=_listed(places))

    def _on_revoke(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._give_up(partitions, 0.0 if self._leaving else REVOKE_WAIT_S)

    def _on_lost(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._give_up(partitions, 0.0)

    def _give_up(self, partitions: list[TopicPartition], wait_s: float) -> None:
        places = [(p.topic, p.partition) for p in partitions]
        for place in places:
            self._schedule.end(*place)
        self._schedule.wait_until_still(self._units(places), wait_s)
        self._consumer.incremental_unassign(partitions)
        if places:
            log.info("revoked", partitions=_listed(places))

    def _rewind(self) -> None:
        """Begin again at the checkpoints with units that have lost their place."""
        for unit in self._schedule.to_rewind():
            # A seek is for partitions that flow.
            if unit not in self._paused:
                places = [(unit.topic, partition) for partition in unit.buffer.partitions]
                self._seek(unit, self._beginnings.read(places))

    def _seek(self, unit: Unit, checkpoints: Mapping[Place, Checkpoint]) -> None:
        try:
            for place, checkpoint in checkpoints.items():
                self._consumer.seek(_position(place, checkpoint))
        except KafkaException as error:
            if error.args[0].code() != KafkaError._STATE:  # noqa: SLF001 - librdkafka's name
                raise
            log.debug("not yet fetched, so not rewound", topic=unit.topic)
        else:
            offsets = {partition: at.offset for (_, partition), at in checkpoints.items()}
            self._schedule.begin_again(unit, offsets)

    def _pause_and_resume(self) -> None:
        flowing = [unit for unit in self._schedule.units if unit not in self._paused]
        full = [unit for unit in flowing if unit.open and self._schedule.is_full(unit)]
        if full and not self._schedule.wait_for_room(full, ROOM_WAIT_S):
            full = [unit for unit in full if self._schedule.is_full(unit)]
        else:
            full = []
        closed = [unit for unit in flowing if not unit.open]
        self._set_paused({*full, *closed}, {u for u in self._paused if self._may_flow(u)})

    def _may_flow(self, unit: Unit) -> bool:
        return unit.open and not self._schedule.is_full(unit, resuming=True)

    def _set_paused(self, pause: set[Unit], resume: set[Unit]) -> None:
        with broker_errors():
            if pause:
                self._consumer.pause(self._assigned(pause))
            if resume:
                self._consumer.resume(self._assigned(resume))
        self._paused = (self._paused | pause) - resume

    def _assigned(self, units: set[Unit]) -> list[TopicPartition]:
        assignment = self._consumer.assignment()
        return [p for p in assignment if self._schedule.unit(p.topic, p.partition) in units]

    def _units(self, places: Iterable[Place]) -> set[Unit]:
        return {self._schedule.unit(*place) for place in places}

    def _tell_offsets(self) -> None:
        if time.monotonic() < self._tell_at:
            return
        self._tell_at = time.monotonic() + COMMIT_EVERY_S
        units = self._schedule.units
        now = {(u.topic, p): offset for u in units for p, offset in list(u.committed.items())}
        news = {place: offset for place, offset in now.items() if self._told.get(place) != offset}
        if news:
            offsets = [TopicPartition(*place, offset) for place, offset in news.items()]
            with suppress(KafkaException):  # Between two assignments; told the next time.
                self._consumer.commit(offsets=offsets, asynchronous=True)
                self._told.update(news)


def _position(place: Place, checkpoint: Checkpoint) -> TopicPartition:
    if checkpoint.leader_epoch is None:
        return TopicPartition(*place, checkpoint.offset)
    return TopicPartition(*place, checkpoint.offset, leader_epoch=checkpoint.leader_epoch)


def _listed(places: Iterable[Place]) -> str:
    return ",".join(f"{topic}/{partition}" for topic, partition in sorted(places))
