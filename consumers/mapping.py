"""What the target knows of legacy keys: event id, state and image, in the entity's leaf of migration_mappings."""

from collections.abc import Sequence

import polars as pl
import psycopg

from consumers import images, join_sql
from consumers.numbered import array, execute
from consumers.plan import EntityPlan
from consumers.statement import childless
from schemas.event_id import EventId

Cursor = psycopg.Cursor[tuple[object, ...]]

_FETCHED = {
    "__key": pl.String(),
    "__epoch": pl.Int32(),
    "__lsn": pl.Int64(),
    "__ordinal": pl.Int64(),
    "__state": pl.String(),
    "__partition": pl.Int32(),
    "__offset": pl.Int64(),
    "__owed": pl.Boolean(),
    "__image": pl.String(),
}


def fetch(cursor: Cursor, plan: EntityPlan, keys: Sequence[str]) -> pl.DataFrame:
    """The mapping of some keys: `_FETCHED` but the image, `__op`, and the legacy columns of the image.

    `__op` is "d" where there is no row to stand on: it is deleted, or its image was not kept.
    """
    query = f"""
        SELECT legacy_key, epoch, commit_lsn, ordinal, CAST(state AS text), partition, "offset",
            owed IS NOT NULL, CAST(original AS text)
        FROM {plan.mapping} WHERE generation = 1 AND source = {plan.source} AND legacy_key = ANY($1)"""
    rows = execute(cursor, query, list(keys)).fetchall()
    frame = pl.DataFrame(rows, schema=_FETCHED, orient="row")
    gone = (pl.col("__state") == "d") | pl.col("__image").is_null()
    op = pl.when(gone).then(pl.lit("d")).otherwise(pl.lit("u")).alias("__op")
    image = images.decode(frame["__image"], plan.legacy.columns)
    return pl.concat([frame.with_columns(op).drop("__image"), image], how="horizontal")


def stale(cursor: Cursor, plan: EntityPlan, rows: pl.DataFrame) -> set[str]:
    """The keys of those rows that the fence would refuse."""
    known = {
        key: (EventId(*event_id), state == "p" or owed)
        for key, state, owed, *event_id in fetch(cursor, plan, rows["__key"].to_list())
        .select("__key", "__state", "__owed", "__epoch", "__lsn", "__ordinal")
        .iter_rows()
    }
    found = set()
    for key, *parts in rows.select("__key", "__epoch", "__lsn", "__ordinal").iter_rows():
        if key in known:
            event_id, returns = known[key]
            if EventId(*parts) < event_id or (EventId(*parts) == event_id and not returns):
                found.add(key)
    return found


def news(cursor: Cursor, plan: EntityPlan, rows: pl.DataFrame) -> list[str]:
    """The keys of those rows whose event the mapping does not have yet; of the others the fence would take none.

    It may be asked before the transaction: the event ids of a mapping only rise.
    """
    query = f"""
        SELECT e.key FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[]) AS e (key, epoch, lsn, ordinal)
        LEFT JOIN {plan.mapping} m ON m.generation = 1 AND m.source = {plan.source} AND m.legacy_key = e.key
        WHERE m.legacy_key IS NULL OR (m.epoch, m.commit_lsn, m.ordinal) < (e.epoch, e.lsn, e.ordinal)
            OR m.state = 'p' OR m.owed IS NOT NULL"""
    columns = rows.select("__key", "__epoch", "__lsn", "__ordinal").get_columns()
    return [str(key) for (key,) in execute(cursor, query, *map(array, columns)).fetchall()]


def withdraw(cursor: Cursor, plan: EntityPlan, keys: Sequence[str]) -> None:
    """Take older versions of rows that wait for an absent parent out of the target, unless children hold them."""
    if not keys:
        return
    taking = f"DELETE FROM {plan.table} t USING old"
    if plan.entity.joined:
        taking = f"UPDATE {plan.table} t SET {join_sql.emptied(plan)} FROM old"
    query = f"""
        WITH old AS (
            SELECT id, legacy_key FROM {plan.mapping}
            WHERE generation = 1 AND source = {plan.source} AND legacy_key = ANY($1) AND state = 'l'),
        gone AS (
            {taking} WHERE t.{plan.id} = old.id {childless(plan)}
            RETURNING old.legacy_key)
        UPDATE {plan.mapping} m SET state = 'p' FROM gone
        WHERE m.generation = 1 AND m.source = {plan.source} AND m.legacy_key = gone.legacy_key"""
    execute(cursor, query, list(keys))
    if plan.joined_by:
        ids = f"""
            SELECT id FROM {plan.mapping}
            WHERE generation = 1 AND source = {plan.source} AND legacy_key = ANY($1)"""
        execute(cursor, join_sql.part(plan, ids), list(keys))
