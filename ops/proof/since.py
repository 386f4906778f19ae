"""The rows that have changed since a verification, or a time: what the topics have had since."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, Message, TopicPartition

from ops.proof import records
from ops.proof.hold import Place
from ops.proof.records import Reader
from ops.proof.verified import Since
from producers.broker import broker_errors
from schemas.avro_read import schema_id
from schemas.migration import Migration

# As in verified.py.
if TYPE_CHECKING:
    from consumers.stage import Stage

_CHUNK = 10_000


def time(
    migration: Migration, consumer: Consumer, entities: Sequence[str], at: datetime
) -> dict[str, Since]:
    """Where the changes of entities begin after a time, by the times of Kafka's records.

    Args:
        migration: What runs.
        consumer: In no group; it is closed.
        entities: Names.
        at: With a time zone.
    """
    found = {}
    with closing(consumer), broker_errors():
        for name in entities:
            topic = migration.topic(migration.entities[name])
            known = consumer.list_topics(topic, timeout=records.PATIENCE_S).topics[topic].partitions
            asked = [TopicPartition(topic, part, int(at.timestamp() * 1000)) for part in known]
            places = consumer.offsets_for_times(asked, timeout=records.PATIENCE_S)
            found[name] = Since(offsets={(p.topic, p.partition): _first(p) for p in places})
    return found


def _first(place: TopicPartition) -> int:
    """No record is as young: the changes begin beyond the end."""
    return place.offset if place.offset >= 0 else sys.maxsize


def changed_keys(
    consumer: Consumer,
    stages: Mapping[str, Sequence["Stage"]],
    stretches: Mapping[Place, tuple[int, int]],
    reader: Reader,
) -> dict[str, set[str]]:
    """The legacy keys of all records of some stretches.

    Args:
        consumer: In no group; it is closed.
        stages: Of the entities that read each topic.
        stretches: Of the partitions: first offset, and the one to end before.
        reader: Gives the reader of a schema id.

    Returns:
        By entity; a row whose key has changed is there with both.
    """
    keys: dict[str, set[str]] = {s.plan.name: set() for of in stages.values() for s in of}
    with closing(consumer):
        for topic, values in _by_schema(records.read(consumer, stretches)):
            frame = reader(schema_id(values[0])).read(values)
            for stage in stages[topic]:
                keys[stage.plan.name].update(stage.keys(frame).drop_nulls().to_list())
    return keys


def _by_schema(messages: Iterator[Message]) -> Iterator[tuple[str, list[bytes]]]:
    """Topic, and values of one schema id, a chunk at a time; tombstones are left out."""
    found: dict[tuple[str, int], list[bytes]] = {}
    for message in messages:
        value = message.value()
        if value is None:
            continue
        place = (message.topic() or "", schema_id(value))
        values = found.setdefault(place, [])
        values.append(value)
        if len(values) == _CHUNK:
            yield place[0], found.pop(place)
    yield from ((topic, values) for (topic, _), values in found.items())
