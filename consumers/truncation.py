"""TRUNCATE of a legacy table: a fence. What is mapped below it is deleted, events below it are stale."""

from dataclasses import replace

import psycopg

from consumers import checkpoint, clearing
from consumers.apply import Applier, Events
from schemas.event_id import ZERO, EventId

Connection = psycopg.Connection[tuple[object, ...]]

_LOCK = """
SELECT truncated_epoch, truncated_lsn, truncated_ordinal
FROM understudy.entities WHERE generation = understudy.generation(entity) AND entity = %s FOR UPDATE"""
_SET = """
UPDATE understudy.entities SET truncated_epoch = %s, truncated_lsn = %s, truncated_ordinal = %s
WHERE generation = understudy.generation(entity) AND entity = %s"""


def obey(connection: Connection, applier: Applier, event_id: EventId) -> None:
    """Delete what an entity has below a truncation; again and again is the same as once.

    Args:
        connection: Outside of a transaction.
        applier: Of the entity.
        event_id: Where the truncation stands in the history.
    """
    plan = applier.plan
    with connection.transaction(), connection.cursor() as cursor:
        known = cursor.execute(_LOCK, [plan.name]).fetchall()[0]
        if EventId(*(int(str(part)) for part in known)) >= event_id:
            return
        ground = replace(checkpoint.lock(cursor, [plan.name], None)[plan.name], truncated=ZERO)
        cursor.execute(_SET, [*event_id, plan.name])
        keys = clearing.keys_below(cursor, applier.plan, event_id)
        for first in range(0, len(keys), clearing.ROWS_MAX):
            deletes = clearing.deletes(applier, keys[first : first + clearing.ROWS_MAX], event_id)
            applier.settle(cursor, Events(rows=deletes), [], ground)
