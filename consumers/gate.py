"""Which entities may be applied: holds, stops, and parents before children while the snapshot is applied."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from consumers.conversion import ident
from consumers.plan import mapping_of
from consumers.target import Connection
from schemas.entity import Entity
from schemas.event_id import ZERO, EventId
from schemas.migration import Migration
from schemas.positions import SnapshotEnd
from schemas.rules import Missing

log = structlog.get_logger(__name__)

_STATES = """
SELECT entity, phase, held_at IS NOT NULL, stopped_at IS NOT NULL, reload_at, resynced_epoch, resynced_lsn,
    truncated_epoch, truncated_lsn, truncated_ordinal
FROM understudy.entities WHERE generation = understudy.generation(entity)"""
_HOLDS = """
SELECT topic, partition, min(held_offset) FROM understudy.checkpoints
WHERE generation = understudy.generation(entity) AND held_until > now() GROUP BY topic, partition"""
_END_BACKFILL = """
UPDATE understudy.entities SET phase = 'tail'
WHERE generation = understudy.generation(entity) AND entity = %(entity)s AND phase = 'backfill' AND NOT EXISTS (
    SELECT FROM unnest(%(partitions)s::int[], %(ends)s::bigint[]) AS snapshot (partition, end_offset)
    LEFT JOIN understudy.checkpoints c
        ON c.generation = understudy.generation(c.entity)
            AND c.entity = %(entity)s AND c.topic = %(topic)s AND c.partition = snapshot.partition
    WHERE c.next_offset IS NULL OR c.next_offset < snapshot.end_offset)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One entity as the control table has it.

    Attributes:
        reload_at: Who began before this is to begin again, with the rules as they are now.
        resynced: What was known from before this and was not read again then, is deleted.
    """

    phase: str
    held: bool
    stopped: bool
    truncated: EventId
    reload_at: datetime | None = None
    resynced: EventId = ZERO


def states(connection: Connection) -> dict[str, State]:
    """All entities."""
    found = {}
    for entity, phase, held, stopped, reload_at, *numbers in connection.execute(_STATES).fetchall():
        epoch, lsn, *truncated = (int(str(number)) for number in numbers)
        found[str(entity)] = State(
            phase=str(phase),
            held=bool(held),
            stopped=bool(stopped),
            truncated=EventId(*truncated),
            resynced=EventId(epoch, lsn, 0),
            reload_at=reload_at if isinstance(reload_at, datetime) else None,
        )
    return found


def holds(connection: Connection) -> dict[str, dict[int, int]]:
    """The offsets at which partitions are held, by topic: an exact point that somebody looks at."""
    found: dict[str, dict[int, int]] = {}
    for topic, partition, offset in connection.execute(_HOLDS).fetchall():
        found.setdefault(str(topic), {})[int(str(partition))] = int(str(offset))
    return found


def waits(migration: Migration) -> dict[str, frozenset[str]]:
    """The entities that those of a topic wait for while the snapshot is applied, by topic.

    Entities that share a topic go together, and so do those that wait for each other: a ring waits for what lies
    outside of it. References with missing = "keep" wait for nobody.
    """
    topic_of = {name: topic for topic, names in migration.topics.items() for name in names}
    edges = {
        topic: {topic_of[parent] for name in names for parent in _parents(migration, name)}
        for topic, names in migration.topics.items()
    }
    reach = _closure(edges)
    found = {}
    for topic in edges:
        ring = {topic} | {other for other in reach[topic] if topic in reach[other]}
        outside = {parent for member in ring for parent in edges[member]} - ring
        found[topic] = frozenset(name for other in outside for name in migration.topics[other])
    return found


def _parents(migration: Migration, name: str) -> set[str]:
    refs = migration.entities[name].refs.values()
    return {rule.ref for rule in refs if rule.missing is not Missing.KEEP}


def _closure(edges: Mapping[str, set[str]]) -> dict[str, set[str]]:
    reach = {topic: set(others) for topic, others in edges.items()}
    for middle in edges:
        for topic in edges:
            if middle in reach[topic]:
                reach[topic] |= reach[middle]
    return reach


def is_open(entities: Sequence[str], parents: frozenset[str], known: Mapping[str, State]) -> bool:
    """Whether batches of these entities may be applied now."""
    ours = [known[name] for name in entities if name in known]
    if len(ours) < len(entities):
        return False
    if any(state.held or state.stopped or state.phase == "switched" for state in ours):
        return False
    if all(state.phase != "backfill" for state in ours):
        return True
    return all(name in known and known[name].phase != "backfill" for name in parents)


def end_backfill(connection: Connection, entity: str, snapshot: SnapshotEnd) -> bool:
    """Move an entity to the tail if all its checkpoints have reached the end of its snapshot.

    Returns:
        Whether it was moved here and now; whoever did it sees to the statistics.
    """
    ends = snapshot.ends.get(snapshot.topic, {})
    moved = connection.execute(
        _END_BACKFILL,
        {
            "entity": entity,
            "topic": snapshot.topic,
            "partitions": list(ends.keys()),
            "ends": list(ends.values()),
        },
    ).rowcount
    return moved > 0


def analyze(connection: Connection, entity: Entity) -> None:
    """Gather statistics of a table that was just filled, and of its mapping."""
    tables = entity.target.place, mapping_of(entity)
    connection.execute(f"ANALYZE {', '.join(ident(*table) for table in tables)}".encode())
    log.info("the snapshot is applied", entity=entity.name)
