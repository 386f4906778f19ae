"""The end of a resync: what the target has of keys that the legacy table no longer holds is deleted.

A row that is still there was read at a point of the resync, or has changed since: its event id is not below the
earliest of these points. So what is below it, in the mapping or waiting, is gone at the source. It is deleted at that
event id, like any row, so children hold it back and an older event that is still to come does not bring it back.
"""

import psycopg
from psycopg.types.json import Jsonb

from consumers import checkpoint, clearing
from consumers.apply import Applier, Events
from schemas.event_id import EventId
from schemas.positions import SnapshotEnd

Connection = psycopg.Connection[tuple[object, ...]]
Cursor = psycopg.Cursor[tuple[object, ...]]

# Past the last row of the resync, and past the last change that it may have overtaken: a key that moved says so.
_IS_APPLIED = """
SELECT NOT EXISTS (
    SELECT FROM unnest(%(partitions)s::int[], %(ends)s::bigint[]) AS read (partition, end_offset)
    LEFT JOIN understudy.checkpoints c
        ON c.generation = understudy.generation(c.entity)
            AND c.entity = %(entity)s AND c.topic = %(topic)s AND c.partition = read.partition
    WHERE c.next_offset IS NULL OR c.next_offset < read.end_offset OR c.watermark < %(lsn)s)"""
_LOCK = """
SELECT resynced_epoch, resynced_lsn
FROM understudy.entities WHERE generation = understudy.generation(entity) AND entity = %s FOR UPDATE"""
_SET = """
UPDATE understudy.entities SET resynced_epoch = %s, resynced_lsn = %s
WHERE generation = understudy.generation(entity) AND entity = %s"""
_AUDIT = (
    "INSERT INTO understudy.audit_log (action, subject, detail) VALUES ('resync ended', %s, %s)"
)


def is_applied(connection: Connection, entity: str, end: SnapshotEnd) -> bool:
    """Whether all rows of a resync are applied to an entity, and all that they may have overtaken."""
    ends = end.ends.get(end.topic, {})
    asked = {
        "entity": entity,
        "topic": end.topic,
        "lsn": end.lsn,
        "partitions": list(ends.keys()),
        "ends": list(ends.values()),
    }
    return connection.execute(_IS_APPLIED, asked).fetchall() == [(True,)]


def delete_unseen(connection: Connection, applier: Applier, seen_from: EventId) -> None:
    """Delete what an entity has below a resync; again and again is the same as once.

    Args:
        connection: Outside of a transaction.
        applier: Of the entity.
        seen_from: No key that is still there has an event id below this.
    """
    plan = applier.plan
    with connection.transaction(), connection.cursor() as cursor:
        known = cursor.execute(_LOCK, [plan.name]).fetchall()[0]
        if EventId(*(int(str(part)) for part in (*known, 0))) >= seen_from:
            return
        ground = checkpoint.lock(cursor, [plan.name], None)[plan.name]
        # What waits from then on is as new as the delete or newer, and would only be tried in vain.
        waiting = clearing.keys_waiting_from(cursor, plan, seen_from)
        keys = [k for k in clearing.keys_below(cursor, plan, seen_from) if k not in waiting]
        for first in range(0, len(keys), clearing.ROWS_MAX):
            part = clearing.deletes(applier, keys[first : first + clearing.ROWS_MAX], seen_from)
            applier.settle(cursor, Events(rows=part), [], ground)
        cursor.execute(_SET, [seen_from.epoch, seen_from.lsn, plan.name])
        cursor.execute(_AUDIT, [plan.name, Jsonb({"gone": len(keys)})])
