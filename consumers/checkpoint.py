"""The transaction that every write goes through: two locks first, the checkpoint last.

Locks: the rows of the entities (shared: who changes phase, hold or truncation waits for us) and the checkpoints of the
partitions concerned (for update, in order: one writer per partition). The checkpoint moves from the expected offset to
the next; if it stands elsewhere, somebody else owns the partition now and nothing is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import psycopg

from consumers.apply import Ground
from schemas.errors import NotReadyError, OwnershipLostError, RulesChangedError
from schemas.event_id import EventId

Cursor = psycopg.Cursor[tuple[object, ...]]

# A setting of a worker's sessions: when it read its rules, by the target's clock.
SINCE = "understudy.since"
_ENTITIES = """
SELECT entity, phase, held_at IS NOT NULL, stopped_reason,
    coalesce(reload_at > nullif(current_setting('understudy.since', true), '')::timestamptz, false),
    truncated_epoch, truncated_lsn, truncated_ordinal
FROM understudy.entities
WHERE generation = understudy.generation(entity) AND entity = ANY(%s) ORDER BY entity FOR SHARE"""
_PARTITIONS = files("consumers").joinpath("partitions.sql").read_bytes()
_WATERMARKS = """
SELECT entity, min(watermark) FROM understudy.checkpoints
WHERE generation = understudy.generation(entity) GROUP BY entity"""
_ADVANCE = """
UPDATE understudy.checkpoints SET next_offset = %s, leader_epoch = %s, pid = pg_backend_pid(), updated_at = now()
WHERE generation = understudy.generation(entity)
    AND entity = ANY(%s) AND topic = %s AND partition = %s AND next_offset = %s"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A stretch of one partition: the records from `first` up to, not including, `next`.

    Attributes:
        leader_epoch: Kafka's, of the last record.
    """

    topic: str
    partition: int
    first: int
    next: int
    leader_epoch: int | None = None


def lock(
    cursor: Cursor, entities: Sequence[str], stretches: Sequence[Stretch] | None
) -> dict[str, Ground]:
    """Take both locks and read what the transaction stands on.

    Args:
        cursor: At the beginning of a transaction.
        entities: The entities that will be written.
        stretches: The partitions concerned; None: all of these entities.

    Returns:
        What each entity's rows stand on.

    Raises:
        NotReadyError: An entity is held, stopped, or switched to the target; or a stretch goes beyond an offset at
            which somebody holds its partition.
        RulesChangedError: Whoever applies is to begin again: the rows are no longer those that it knows.
        OwnershipLostError: A checkpoint is not where a stretch begins.
    """
    grounds = cursor.execute(_ENTITIES, [list(entities)]).fetchall()
    if len(grounds) < len(entities):
        raise NotReadyError("an entity is not known here any more", entities=",".join(entities))
    for entity, phase, held, stopped, changed, *_ in grounds:
        _refuse(str(entity), str(phase), held=bool(held), stopped=stopped)
        if changed:
            raise RulesChangedError(entity=str(entity))
    concerned = {
        "entities": list(entities),
        "topics": None if stretches is None else [stretch.topic for stretch in stretches],
        "partitions": None if stretches is None else [stretch.partition for stretch in stretches],
    }
    rows = cursor.execute(_PARTITIONS, concerned).fetchall()
    _expect(rows, entities, stretches or ())
    watermarks = {
        str(entity): int(str(lsn)) for entity, lsn in cursor.execute(_WATERMARKS).fetchall()
    }
    return {
        str(entity): Ground(
            truncated=EventId(int(str(epoch)), int(str(lsn)), int(str(ordinal))),
            watermarks=watermarks,
        )
        for entity, _, _, _, _, epoch, lsn, ordinal in grounds
    }


def _refuse(entity: str, phase: str, *, held: bool, stopped: object) -> None:
    if phase == "switched":
        raise NotReadyError(
            "the entity is switched to the target",
            entity=entity,
            remedy="Nothing: the target is written by its applications now.",
        )
    if held:
        raise NotReadyError("the entity is paused", entity=entity, remedy="understudy resume")
    if stopped:
        raise NotReadyError(
            f"the entity is stopped: {stopped}",
            entity=entity,
            remedy="Mend the cause, then understudy resume.",
        )


def _expect(
    rows: Sequence[tuple[object, ...]], entities: Sequence[str], stretches: Sequence[Stretch]
) -> None:
    at = {(entity, topic, partition): offsets for entity, topic, partition, *offsets in rows}
    for entity in entities:
        for stretch in stretches:
            place = entity, stretch.topic, stretch.partition
            offset, held = at.get(place, (None, None))
            if offset != stretch.first:
                raise OwnershipLostError(
                    entity=entity,
                    topic=stretch.topic,
                    partition=stretch.partition,
                    checkpoint=offset,
                    expected=stretch.first,
                )
            if held is not None and stretch.next > int(str(held)):
                raise NotReadyError(
                    "the partition is held at an exact point",
                    topic=stretch.topic,
                    partition=stretch.partition,
                    held_at=held,
                    remedy="Nothing: it goes on when whoever looks at it has seen it.",
                )


def advance(cursor: Cursor, entities: Sequence[str], stretches: Sequence[Stretch]) -> None:
    """Move the checkpoints past what this transaction has applied.

    Raises:
        OwnershipLostError: A checkpoint was moved by another.
    """
    for stretch in stretches:
        moved = cursor.execute(
            _ADVANCE,
            [
                stretch.next,
                stretch.leader_epoch,
                list(entities),
                stretch.topic,
                stretch.partition,
                stretch.first,
            ],
        ).rowcount
        if moved != len(entities):
            raise OwnershipLostError(
                topic=stretch.topic, partition=stretch.partition, expected=stretch.first
            )
