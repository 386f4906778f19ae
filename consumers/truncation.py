"""TRUNCATE of a legacy table: a fence. What is mapped below it is deleted, events below it are stale."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl
import psycopg

from consumers import checkpoint
from consumers.apply import Applier, Events
from consumers.conversion import literal
from consumers.numbered import execute
from schemas.event_id import ZERO, EventId

Connection = psycopg.Connection[tuple[object, ...]]
Cursor = psycopg.Cursor[tuple[object, ...]]
BATCH_ROWS = 20_000

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
        keys = _below(cursor, applier, event_id)
        for first in range(0, len(keys), BATCH_ROWS):
            deletes = _deletes(applier, keys[first : first + BATCH_ROWS], event_id)
            applier.settle(cursor, Events(rows=deletes), [], ground)


def _below(cursor: Cursor, applier: Applier, event_id: EventId) -> list[str]:
    """The keys of an entity that have something below an event id, in the target or waiting."""
    plan = applier.plan
    entity, source = literal(plan.name), f"source = {plan.source}"
    older = "(epoch, commit_lsn, ordinal) < ($1::int, $2::bigint, $3::bigint)"
    query = f"""
        SELECT legacy_key FROM {plan.mapping} WHERE generation = 1 AND {source} AND {older} AND state <> 'd'
        UNION
        SELECT legacy_key FROM understudy.waiting
        WHERE generation = understudy.generation(entity) AND entity = {entity} AND {source} AND {older}
        ORDER BY 1"""
    rows = execute(cursor, query, *event_id).fetchall()
    return [str(row[0]) for row in rows]


def _deletes(applier: Applier, keys: Sequence[str], event_id: EventId) -> pl.DataFrame:
    """Events that delete some keys."""
    nothing = applier.nothing()
    columns = {
        "__key": pl.Series(keys, dtype=pl.String),
        "__epoch": pl.repeat(event_id.epoch, len(keys), dtype=pl.Int32, eager=True),
        "__lsn": pl.repeat(event_id.lsn, len(keys), dtype=pl.Int64, eager=True),
        "__ordinal": pl.repeat(event_id.ordinal, len(keys), dtype=pl.Int64, eager=True),
        "__op": pl.repeat("d", len(keys), dtype=pl.String, eager=True),
    }
    return pl.concat([nothing, pl.DataFrame(columns)], how="diagonal")
