"""Deleting what an entity has from before some event id."""

from collections.abc import Sequence

import polars as pl
import psycopg

from consumers.apply import Applier
from consumers.conversion import literal
from consumers.numbered import execute
from consumers.plan import EntityPlan
from schemas.event_id import EventId

Cursor = psycopg.Cursor[tuple[object, ...]]
# Of one batch.
ROWS_MAX = 20_000


def keys_below(cursor: Cursor, plan: EntityPlan, event_id: EventId) -> list[str]:
    """The keys of an entity that have something below an event id, in the target or waiting."""
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


def keys_waiting_from(cursor: Cursor, plan: EntityPlan, event_id: EventId) -> set[str]:
    """The keys of an entity of which something waits that is not below an event id."""
    query = f"""
        SELECT legacy_key FROM understudy.waiting
        WHERE generation = understudy.generation(entity) AND entity = {literal(plan.name)} AND source = {plan.source}
            AND (epoch, commit_lsn, ordinal) >= ($1::int, $2::bigint, $3::bigint)"""
    return {str(row[0]) for row in execute(cursor, query, *event_id).fetchall()}


def deletes(applier: Applier, keys: Sequence[str], event_id: EventId) -> pl.DataFrame:
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
