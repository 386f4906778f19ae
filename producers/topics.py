"""The topics of a pipeline: created explicitly, and checked where they exist.

Source: Apache Kafka documentation, "Topic Configs".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from confluent_kafka import KafkaError, TopicCollection, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    ConfigResource,
    NewTopic,
    OffsetSpec,
)
from tenacity import retry, retry_if_exception, stop_after_delay, wait_fixed

from producers.broker import REQUEST_TIMEOUT_S, broker_error, broker_errors
from schemas.errors import BrokerError
from schemas.positions import Ends

# Rows up to which a table gets that many partitions.
_PARTITIONS_BY_ROWS = ((50_000, 1), (500_000, 2), (5_000_000, 4))
PARTITIONS_MAX = 8

# librdkafka measures a record before it is packed into a batch, which has a header of its own.
BATCH_OVERHEAD_BYTES = 1_000_000
_DATA = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "message.timestamp.type": "LogAppendTime",
}
_POSITIONS = {"cleanup.policy": "compact"}
# What would lose history, or the order of markers, if it were different.
_CHECKED = ("cleanup.policy", "retention.ms", "retention.bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic.

    Attributes:
        name: As Kafka knows it.
        partitions: How many, for the life of the topic.
        table: The legacy table, or what else it holds; for messages.
        key: Columns of the table's key.
        compacted: Whether only the last record of each key is kept.
        record_bytes_max: The largest record that the producer may send.
    """

    name: str
    partitions: int
    table: str = ""
    key: tuple[str, ...] = ()
    compacted: bool = False
    record_bytes_max: int

    @property
    def config(self) -> dict[str, str]:
        """The settings that it is created with."""
        batch_bytes = self.record_bytes_max + BATCH_OVERHEAD_BYTES
        return {
            **(_POSITIONS if self.compacted else _DATA),
            "max.message.bytes": str(batch_bytes),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Existing:
    """A topic as Kafka describes it."""

    id: str
    partitions: int


def _not_yet_known(error: BaseException) -> bool:
    return isinstance(error, BrokerError) and error.context.get("code") in _NOT_YET


# The brokers learn of a new topic one after the other.
_SETTLE_WAIT_S = 8.0
_NOT_YET = {
    "_NOENT",
    "FENCED_LEADER_EPOCH",
    "LEADER_NOT_AVAILABLE",
    "NOT_LEADER_FOR_PARTITION",
    "OFFSET_NOT_AVAILABLE",
    "UNKNOWN_LEADER_EPOCH",
    "UNKNOWN_TOPIC_ID",
    "UNKNOWN_TOPIC_OR_PART",
}
_until_brokers_agree = retry(
    retry=retry_if_exception(_not_yet_known),
    stop=stop_after_delay(_SETTLE_WAIT_S),
    wait=wait_fixed(0.1),
    reraise=True,
)


def partitions_for(rows: int) -> int:
    """How many partitions a table of that many rows gets."""
    return next((count for limit, count in _PARTITIONS_BY_ROWS if rows < limit), PARTITIONS_MAX)


def describe(admin: AdminClient, names: Iterable[str]) -> dict[str, Existing]:
    """The topics of these names that exist."""
    futures = admin.describe_topics(TopicCollection(list(names)), request_timeout=REQUEST_TIMEOUT_S)
    found = {}
    for name, future in futures.items():
        try:
            with broker_errors(topic=name):
                described = future.result()
        except BrokerError as error:
            if error.context.get("code") == "UNKNOWN_TOPIC_OR_PART":
                continue
            raise
        found[name] = Existing(id=str(described.topic_id), partitions=len(described.partitions))
    return found


def create(admin: AdminClient, topics: Iterable[Topic], replication: int) -> None:
    """Create topics; one that somebody else has just created is fine.

    Raises:
        BrokerError: Kafka refuses.
    """
    wanted = [
        NewTopic(topic.name, topic.partitions, replication, config=topic.config) for topic in topics
    ]
    if not wanted:
        return
    futures = admin.create_topics(
        wanted, operation_timeout=REQUEST_TIMEOUT_S, request_timeout=REQUEST_TIMEOUT_S
    )
    for name, future in futures.items():
        try:
            with broker_errors(topic=name):
                future.result()
        except BrokerError as error:
            if error.context.get("code") != "TOPIC_ALREADY_EXISTS":
                raise


@_until_brokers_agree
def check(admin: AdminClient, topics: Iterable[Topic]) -> None:
    """Refuse topics whose settings would lose history.

    Raises:
        BrokerError: A topic is compacted, or forgets, where it must not.
    """
    wanted = {topic.name: topic for topic in topics}
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in wanted]
    futures = admin.describe_configs(resources, request_timeout=REQUEST_TIMEOUT_S)
    for resource, future in futures.items():
        with broker_errors(topic=resource.name):
            entries = future.result()
        _check_settings(wanted[resource.name], {key: entries[key].value for key in entries})


def _check_settings(topic: Topic, found: Mapping[str, str | None]) -> None:
    for key in _CHECKED:
        expected = topic.config.get(key)
        if expected is not None and found[key] != expected:
            raise BrokerError(
                f"a topic has {key} = {found[key]}, not {expected}",
                topic=topic.name,
                remedy="Correct the setting, or drop the pipeline and run it again.",
            )
    allowed = int(found["max.message.bytes"] or 0)
    if allowed < topic.record_bytes_max:
        raise BrokerError(
            f"a topic takes {allowed} bytes, and rows may have {topic.record_bytes_max}",
            topic=topic.name,
            remedy="Raise max.message.bytes of the topic, or lower it in [kafka.options].",
        )


@_until_brokers_agree
def end_offsets(admin: AdminClient, topics: Iterable[Topic]) -> Ends:
    """The offset after the last record of each partition."""
    # The client remembers that a topic was unknown, until it asks for all of them.
    with broker_errors():
        admin.list_topics(timeout=REQUEST_TIMEOUT_S)
    request = {
        TopicPartition(topic.name, partition): OffsetSpec.latest()
        for topic in topics
        for partition in range(topic.partitions)
    }
    ends: Ends = {}
    futures = admin.list_offsets(request, request_timeout=REQUEST_TIMEOUT_S)
    for place, future in futures.items():
        with broker_errors(topic=place.topic, partition=place.partition):
            ends.setdefault(place.topic, {})[place.partition] = future.result().offset
    return ends


def delete(admin: AdminClient, names: Iterable[str]) -> None:
    """Delete topics; one that is not there is fine."""
    listed = list(names)
    if not listed:
        return
    futures = admin.delete_topics(
        listed, operation_timeout=REQUEST_TIMEOUT_S, request_timeout=REQUEST_TIMEOUT_S
    )
    for name, future in futures.items():
        error = future.exception()
        reason = error.args[0] if error is not None else None
        if isinstance(reason, KafkaError) and reason.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            continue
        if error is not None:
            raise broker_error(reason, topic=name) from error
