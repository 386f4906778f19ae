"""Clients of Kafka for workers, its topics as they are, and its errors as ours."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from consumers.settings import WorkerSettings
from schemas import session
from schemas.errors import PASSING_KAFKA_ERRORS, BrokerError, BrokerLostError

# Calls that ask the brokers something; a broker that restarts is back within this.
REQUEST_TIMEOUT_S = 30.0
# Fetches are measured compressed, and JSON may take thirty times that in memory.
_BOUNDED = {
    "queued.max.messages.kbytes": 16_384,
    "fetch.max.bytes": 1_048_576,
    "max.partition.fetch.bytes": 262_144,
}
_LIBRARY_LOG = logging.getLogger("consumers.kafka")


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicState:
    """A topic as Kafka describes it.

    Attributes:
        id: Another one if the topic was deleted and created anew.
        starts, ends: First offset that is kept, and offset after the last record, by partition.
    """

    id: str
    starts: Mapping[int, int]
    ends: Mapping[int, int]


@contextmanager
def broker_errors(**context: Any) -> Iterator[None]:
    """Turn confluent_kafka's errors into ours.

    Raises:
        BrokerLostError: It may pass.
        BrokerError: Anything else that Kafka refused.
    """
    try:
        yield
    except KafkaException as error:
        raise broker_error(error.args[0], **context) from error


def broker_error(error: object, **context: Any) -> BrokerError:
    """Our error for one of librdkafka's."""
    if not isinstance(error, KafkaError):
        return BrokerError(str(error), **context)
    if passes(error):
        return BrokerLostError(error.str(), code=error.name(), **context)
    return BrokerError(error.str(), code=error.name(), **context)


def passes(error: KafkaError) -> bool:
    """Whether the client mends it by itself."""
    return not error.fatal() and (error.retriable() or error.name() in PASSING_KAFKA_ERRORS)


def admin(settings: WorkerSettings) -> AdminClient:
    """A client for topics and offsets."""
    options = {"bootstrap.servers": settings.bootstrap, "client.id": settings.client}
    return AdminClient({**options, **settings.kafka_options}, logger=_LIBRARY_LOG)


def group_consumer(settings: WorkerSettings) -> Consumer:
    """The client that shares the data topics with the other workers."""
    options = session.consumer_options(settings.bootstrap, settings.group, settings.client)
    return Consumer({**options, **_BOUNDED, **settings.kafka_options}, logger=_LIBRARY_LOG)


def follower(settings: WorkerSettings) -> Consumer:
    """A client that reads the whole positions topic for itself; its group is a formality."""
    options = session.consumer_options(settings.bootstrap, settings.client, settings.client)
    # Compaction may have removed the first offsets; what is left is all there is to know.
    own = {"auto.offset.reset": "earliest", "queued.max.messages.kbytes": 4_096}
    return Consumer({**options, **own, **settings.kafka_options}, logger=_LIBRARY_LOG)


def describe(client: AdminClient, topics: Iterable[str]) -> dict[str, TopicState]:
    """The topics of these names that exist.

    Raises:
        BrokerError: Kafka does not answer, or refuses.
    """
    described = {}
    futures = client.describe_topics(
        TopicCollection(list(topics)), request_timeout=REQUEST_TIMEOUT_S
    )
    for name, future in futures.items():
        try:
            with broker_errors(topic=name):
                described[name] = future.result()
        except BrokerError as error:
            if error.context.get("code") != "UNKNOWN_TOPIC_OR_PART":
                raise
    places = [(name, p.id) for name, topic in described.items() for p in topic.partitions]
    starts = _offsets(client, places, OffsetSpec.earliest())
    ends = _offsets(client, places, OffsetSpec.latest())
    return {
        name: TopicState(id=str(topic.topic_id), starts=starts[name], ends=ends[name])
        for name, topic in described.items()
    }


def _offsets(
    client: AdminClient, places: Iterable[tuple[str, int]], spec: OffsetSpec
) -> dict[str, dict[int, int]]:
    request = {TopicPartition(*place): spec for place in places}
    found: dict[str, dict[int, int]] = {}
    if not request:
        return found
    futures = client.list_offsets(request, request_timeout=REQUEST_TIMEOUT_S)
    for place, future in futures.items():
        with broker_errors(topic=place.topic, partition=place.partition):
            found.setdefault(place.topic, {})[place.partition] = future.result().offset
    return found
