"""Where reading begins: the target's checkpoints, compared with what Kafka has.

A checkpoint that points to what is not there stops the worker: it is never reset.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import psycopg
import structlog
from confluent_kafka.admin import AdminClient

from consumers import broker, control
from consumers.broker import TopicState
from consumers.refusal import is_retried
from consumers.target import Connection, Session, our_error, sentence
from schemas.errors import BrokerError, BrokerLostError

log = structlog.get_logger(__name__)

Place = tuple[str, int]
Answer = TypeVar("Answer")

# Between two looks at what is not there yet.
WAIT_S = 1.0
TELL_EVERY = 10
_CHECKPOINTS = """
SELECT topic, partition, min(next_offset), max(next_offset), min(topic_id), max(topic_id), max(leader_epoch)
FROM understudy.checkpoints
WHERE generation = understudy.generation(entity) AND topic = ANY(%s) AND entity = ANY(%s) GROUP BY topic, partition"""

# An entity that is new to a topic begins at its beginning, and the others go back with it: what they have is skipped.
_LEVEL = """
UPDATE understudy.checkpoints c SET next_offset = low.next_offset, updated_at = now()
FROM (
    SELECT topic, partition, min(next_offset) AS next_offset FROM understudy.checkpoints
    WHERE generation = understudy.generation(entity) AND topic = ANY(%(topics)s) AND entity = ANY(%(entities)s)
    GROUP BY topic, partition) low
WHERE c.generation = understudy.generation(c.entity) AND c.entity = ANY(%(entities)s)
    AND c.topic = low.topic AND c.partition = low.partition AND c.next_offset > low.next_offset"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Where a partition is read from.

    Attributes:
        offset: Of the next record.
        topic_id: Kafka's id of the topic when the checkpoint was made.
        leader_epoch: Of the last record applied; Kafka compares it, and notices a log that was cut off.
    """

    offset: int
    topic_id: str
    leader_epoch: int | None


class Beginnings:
    """Reads and compares checkpoints; for one thread."""

    def __init__(
        self,
        topics: Mapping[str, Sequence[str]],
        session: Session,
        admin: AdminClient,
        stop: threading.Event,
    ) -> None:
        """Look at the checkpoints of these topics.

        Args:
            topics: The names of the entities by topic.
            session: On the target.
            admin: For what Kafka has.
            stop: Ends every waiting.
        """
        self._topics = topics
        self._session = session
        self._admin = admin
        self._stop = stop

    def await_topics(self, others: Sequence[str]) -> dict[str, TopicState]:
        """Wait until all topics exist, and make checkpoints where there are none.

        Args:
            others: Topics without checkpoints that have to exist as well.

        Returns:
            The data topics; none if we are stopped first.
        """
        names = [*self._topics, *others]
        looks = 0
        while True:
            found = self._patiently(lambda: broker.describe(self._admin, names)) or {}
            missing = sorted(set(names) - found.keys())
            if not missing:
                break
            if looks % TELL_EVERY == 0:
                log.info(
                    "waiting for topics, which the capture creates",
                    first=missing[0],
                    missing=len(missing),
                )
            looks += 1
            if self._stop.wait(WAIT_S):
                return {}
        states = {topic: found[topic] for topic in self._topics}
        self._patiently(lambda: self._register(self._session.connection(), states))
        return states

    def _register(self, connection: Connection, states: Mapping[str, TopicState]) -> None:
        for topic, state in states.items():
            control.register_partitions(
                connection, self._topics[topic], topic, state.id, len(state.ends)
            )

    def read(self, places: Sequence[Place]) -> dict[Place, Checkpoint]:
        """The checkpoints of some partitions; none if we are stopped first.

        Raises:
            BrokerError: A partition has no checkpoint, or entities that share a topic know it by different ids.
        """
        topics = sorted({topic for topic, _ in places})
        entities = [entity for topic in topics for entity in self._topics[topic]]
        rows = self._patiently(lambda: self._level(topics, entities))
        if rows is None:
            return {}
        found = dict(_checkpoint(*row) for row in rows)
        return {place: _known(place, found) for place in places}

    def _level(self, topics: list[str], entities: list[str]) -> list[tuple[object, ...]]:
        """The checkpoints, those of entities that share a topic at the same place."""
        connection = self._session.connection()
        rows = connection.execute(_CHECKPOINTS, [topics, entities]).fetchall()
        if all(first == last for _, _, first, last, *_ in rows):
            return rows
        moved = connection.execute(_LEVEL, {"topics": topics, "entities": entities}).rowcount
        log.info("read again beside an entity that is behind", topics=topics, checkpoints=moved)
        return connection.execute(_CHECKPOINTS, [topics, entities]).fetchall()

    def verified(self, places: Sequence[Place]) -> dict[Place, Checkpoint]:
        """The same, compared with Kafka.

        Raises:
            BrokerError: The topic is another one by now, or does not hold the record at the checkpoint.
        """
        topics = sorted({topic for topic, _ in places})
        states = self._patiently(lambda: broker.describe(self._admin, topics)) if topics else {}
        found = self.read(places)
        for place, checkpoint in found.items():
            _compare(place, checkpoint, (states or {}).get(place[0]))
        return found

    def _patiently(self, ask: Callable[[], Answer]) -> Answer | None:
        """Ask until there is an answer; None if we are stopped first."""
        while True:
            try:
                return ask()
            except BrokerLostError as error:
                log.warning("waiting for Kafka", reason=sentence(error))
            except psycopg.Error as error:
                if not is_retried(error):
                    raise our_error(error) from error
                log.warning("waiting for the target", reason=sentence(error))
            if self._stop.wait(WAIT_S):
                return None


def _checkpoint(
    topic: object, partition: object, offset: object, _last: object, *rest: object
) -> tuple[Place, Checkpoint]:
    topic_id, other_id, leader_epoch = rest
    if topic_id != other_id:
        raise BrokerError(
            "the topic was created anew between the checkpoints of entities that share it",
            topic=str(topic),
            partition=partition,
            remedy="Drop the pipeline and run it again.",
        )
    checkpoint = Checkpoint(
        offset=int(str(offset)),
        topic_id=str(topic_id),
        leader_epoch=None if leader_epoch is None else int(str(leader_epoch)),
    )
    return (str(topic), int(str(partition))), checkpoint


def _known(place: Place, found: Mapping[Place, Checkpoint]) -> Checkpoint:
    if place not in found:
        raise BrokerError(
            "the topic has got more partitions, so keys are in other partitions than before",
            remedy="Drop the pipeline and run it again.",
            topic=place[0],
            partition=place[1],
        )
    return found[place]


def _compare(place: Place, checkpoint: Checkpoint, state: TopicState | None) -> None:
    topic, partition = place
    if state is None:
        raise BrokerError("the topic does not exist any more", topic=topic)
    if checkpoint.topic_id and checkpoint.topic_id != state.id:
        raise BrokerError(
            "the topic was deleted and created anew since the checkpoint was written",
            remedy="Drop the pipeline and run it again.",
            topic=topic,
            partition=partition,
            checkpoint=checkpoint.offset,
        )
    first, end = state.starts[partition], state.ends[partition]
    if not first <= checkpoint.offset <= end:
        held = (
            f"it holds the offsets from {first} up to {end}, the checkpoint is {checkpoint.offset}"
        )
        raise gap_error(topic, partition, held)


def gap_error(topic: str, partition: int, detail: str) -> BrokerError:
    """What a checkpoint points to is not in the topic."""
    return BrokerError(
        f"the topic does not hold what the checkpoint points to: {detail}",
        remedy="Restore the topic, or drop the pipeline and run it again.",
        topic=topic,
        partition=partition,
    )
