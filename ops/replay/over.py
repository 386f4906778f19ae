"""Replaying topics over the live target: checkpoints go back, and the workers begin again there.

What the target has already is stale and skipped; what it lost goes in. The identity of rows does not change.
"""

import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import Literal

from confluent_kafka import TopicPartition

from ops import controls, databases, wiring
from ops.controls import audit, require_control
from ops.databases import Connection
from ops.proof import records, since
from ops.proof.hold import Place
from ops.stack.state import Endpoints
from producers.broker import broker_errors
from schemas.errors import NotReadyError
from schemas.migration import Migration

Start = Literal["beginning"] | datetime | int
APPLICATION = "replay"
# In the order in which an apply locks them.
_LOCKED = """
    SELECT c.topic, c.partition, c.next_offset, e.phase FROM understudy.checkpoints c
    JOIN understudy.entities e ON e.generation = c.generation AND e.entity = c.entity
    WHERE c.generation = understudy.generation(c.entity)
        AND c.entity = ANY (%s) ORDER BY c.entity, c.topic, c.partition FOR UPDATE OF c"""
_BACK = """
    UPDATE understudy.checkpoints SET next_offset = %s, updated_at = now()
    WHERE generation = understudy.generation(entity)
        AND entity = ANY (%s) AND topic = %s AND partition = %s AND next_offset > %s"""


def replay(
    migration: Migration, at: Endpoints, entities: Sequence[str], start: Start
) -> dict[Place, int]:
    """Have entities read their topics again.

    Args:
        migration: A pipeline that runs, or will.
        at: Where its servers are.
        entities: Names, with those that read the same topics.
        start: The beginning of the topics, a time of Kafka's records, or an offset of each partition.

    Returns:
        How many records are read again, by topic and partition.

    Raises:
        NotReadyError: No worker has ever run; or an entity is in its snapshot, or switched to the target.
    """
    wanted = _offsets(migration, at, entities, start)
    with databases.target(at.target_dsn, APPLICATION) as target:
        require_control(target)
        with target.transaction():
            again = _move_back(target, list(entities), wanted)
            said = {f"{topic}/{partition}": count for (topic, partition), count in again.items()}
            for entity in entities:
                audit(target, "replay", entity, {"records": said})
            controls.reload(target, entities)
    return again


def _move_back(
    target: Connection, entities: list[str], wanted: Mapping[Place, int]
) -> dict[Place, int]:
    again: dict[Place, int] = {}
    for topic, partition, offset, phase in target.execute(_LOCKED, [entities]).fetchall():
        if phase != "tail":
            raise NotReadyError(
                f"an entity of {topic} is in the phase {phase}", remedy="understudy status"
            )
        place = (str(topic), int(str(partition)))
        again[place] = max(0, int(str(offset)) - wanted.get(place, sys.maxsize))
    for place, count in again.items():
        if count:
            target.execute(_BACK, [wanted[place], entities, *place, wanted[place]])
    return again


def _offsets(
    migration: Migration, at: Endpoints, entities: Sequence[str], start: Start
) -> dict[Place, int]:
    """Where each partition begins; never before what Kafka still has."""
    if isinstance(start, datetime):
        known = since.time(migration, wiring.reader(migration, at), entities, start).values()
        return {place: offset for of in known for place, offset in of.offsets.items()}
    topics = {migration.topic(migration.entities[name]) for name in entities}
    found = {}
    with closing(wiring.reader(migration, at)) as consumer, broker_errors():
        for topic in sorted(topics):
            listed = consumer.list_topics(topic, timeout=records.PATIENCE_S).topics[topic]
            for partition in listed.partitions:
                place = TopicPartition(topic, partition)
                first, _ = consumer.get_watermark_offsets(place, timeout=records.PATIENCE_S)
                found[topic, partition] = first if start == "beginning" else max(first, start)
    return found
