"""Where reading begins: the target's checkpoints, compared with what Kafka has.

A checkpoint that points to what is not there stops the worker: it is never reset.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import psycopg
import structlog
from confluent_kafka.admin import AdminClient

from consumers import broker, control
from consumers.refusal import is_retried
from consumers.broker import TopicState
from consumers.target import Connection, Session, our_error, sentence
from schemas.errors import BrokerError, BrokerLostError, TargetError

log = structlog.get_logger(__name__)

Place = tuple[str, int]
Answer = TypeVar("Answer")

# Between two looks at what is not there yet.
WAIT_S = 1.0
TELL_EVERY = 10
_CHECKPOINTS = """
SELECT topic, partition, min(next_offset), max(next_offset), min(topic_id), max(topic_id)
FROM understudy.checkpoints WHERE generation = 1 AND topic = ANY(%s) AND entity = ANY(%s) GROUP BY topic, partition"""


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

    def offsets(self, places: Sequence[Place]) -> dict[Place, int]:
        """The checkpoints of some partitions; none if we are stopped first."""
        return {place: offset for place, (offset, _) in self._read(places).items()}

    def verified(self, places: Sequence[Place]) -> dict[Place, int]:
        """The same, compared with Kafka.

        Raises:
            BrokerError: The topic is another one by now, or does not hold the record at the checkpoint.
        """
        topics = sorted({topic for topic, _ in places})
        states = self._patiently(lambda: broker.describe(self._admin, topics)) if topics else {}
        read = self._read(places)
        for place, (offset, topic_id) in read.items():
            _compare(place, offset, topic_id, (states or {}).get(place[0]))
        return {place: offset for place, (offset, _) in read.items()}

    def _read(self, places: Sequence[Place]) -> dict[Place, tuple[int, str]]:
        topics = sorted({topic for topic, _ in places})
        entities = [entity for topic in topics for entity in self._topics[topic]]
        rows = self._patiently(
            lambda: self._session.connection().execute(_CHECKPOINTS, [topics, entities]).fetchall()
        )
        found = {}
        for topic, partition, first, last, *ids in rows or ():
            if first != last or len(set(ids)) > 1:
                raise TargetError(
                    "the checkpoints of entities that share a topic differ",
                    topic=topic,
                    partition=partition,
                    remedy="Drop the pipeline and run it again, or give the new entity a topic of its own.",
                )
            found[str(topic), int(str(partition))] = int(str(first)), str(ids[0])
        return {place: found[place] for place in places} if rows is not None else {}

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


def _compare(place: Place, offset: int, topic_id: str, state: TopicState | None) -> None:
    topic, partition = place
    if state is None:
        raise BrokerError("the topic does not exist any more", topic=topic)
    if topic_id and topic_id != state.id:
        raise BrokerError(
            "the topic was deleted and created anew since the checkpoint was written",
            remedy="Drop the pipeline and run it again.",
            topic=topic,
            partition=partition,
            checkpoint=offset,
        )
    if not state.starts[partition] <= offset <= state.ends[partition]:
        held = f"it holds the offsets from {state.starts[partition]} up to {state.ends[partition]}"
        raise gap_error(topic, partition, f"{held}, the checkpoint is {offset}")


def gap_error(topic: str, partition: int, detail: str) -> BrokerError:
    """What a checkpoint points to is not in the topic."""
    return BrokerError(
        f"the topic does not hold what the checkpoint points to: {detail}",
        remedy="Restore the topic, or drop the pipeline and run it again.",
        topic=topic,
        partition=partition,
    )
