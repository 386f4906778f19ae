"""Trying again what waits: parked rows, references owed, deletes that children hold back, what older rules refused.

A wake-up that two transactions could not see of each other is caught here, so a sweep comes every few seconds.
"""

from collections.abc import Mapping
from itertools import chain, zip_longest
from typing import NamedTuple

import psycopg

from consumers import checkpoint, dependants, sweep_sql
from consumers.apply import Applier, Events, Ground
from consumers.numbered import execute
from consumers.plan import EntityPlan
from consumers.released import Waiter, released
from consumers.vain import Moved, Vain

Connection = psycopg.Connection[tuple[object, ...]]
Cursor = psycopg.Cursor[tuple[object, ...]]
# Rows that one transaction tries again: it holds the locks of all partitions of the entity.
WAKE_MAX = 20_000
# Rows that wait for others of their own table, looked through for rings in one transaction.
OWN_MAX = 200_000
# Rows for which one transaction looks for all that refers to them, one by one.
LET_GO_MAX = 1_000

_HAS_WORK = """
SELECT EXISTS (SELECT FROM understudy.waiting
        WHERE generation = understudy.generation(entity)
            AND entity = %(entity)s AND (reason NOT IN ('rule', 'base') OR waits_id IS NOT NULL))
    OR EXISTS (SELECT FROM understudy.waiting
        WHERE generation = understudy.generation(entity) AND entity = %(entity)s AND source = %(source)s
            AND reason IN ('rule', 'parent') AND spec_version < %(spec_version)s)
    OR EXISTS (SELECT FROM {mapping} WHERE owed IS NOT NULL)"""

# Other figures whenever a record, a truncation or the end of a resync was applied, or a row went in that had waited.
_MOVED = b"""
WITH relatives AS (
    SELECT entity, generation, truncated_lsn + resynced_lsn AS begun FROM understudy.entities
    WHERE generation = understudy.generation(entity) AND (%(all)s OR entity = ANY(%(entities)s)))
SELECT (SELECT coalesce(sum(begun), 0) FROM relatives)
    + (SELECT coalesce(sum(next_offset), 0) FROM understudy.checkpoints JOIN relatives USING (entity, generation)),
    (SELECT count(*) FROM understudy.waiting JOIN relatives USING (entity, generation))"""


class Swept(NamedTuple):
    """What a sweep has done.

    Attributes:
        tried: Rows.
        kept: Those of them that wait still.
    """

    tried: int
    kept: int


def may_have_work(connection: Connection, applier: Applier) -> bool:
    """Whether anything of an entity waits for something that may come, or is a dead letter by older rules."""
    plan = applier.plan
    entity = {"entity": plan.name, "source": str(plan.entity.source)}
    asked = entity | {"spec_version": plan.spec_version}
    query = _HAS_WORK.format(mapping=plan.mapping.replace("%", "%%"))
    return bool(connection.execute(query.encode(), asked).fetchall()[0][0])


def is_asked_for(connection: Connection, entity: str) -> bool:
    """Whether somebody wants dead letters of an entity tried again, because what they met was mended."""
    query = """
        SELECT EXISTS (SELECT FROM understudy.waiting
            WHERE generation = understudy.generation(entity)
                AND entity = %s AND reason = 'rule' AND spec_version = 0)"""
    return bool(connection.execute(query, [entity]).fetchall()[0][0])


def sweep(
    connection: Connection,
    applier: Applier,
    appliers: Mapping[str, Applier],
    vain: Vain | None = None,
) -> Swept:
    """Try again what waits for one entity.

    Args:
        connection: Outside of a transaction.
        applier: Of the entity.
        appliers: Of all entities, for the children that hold back a delete.
        vain: What was tried in vain before, and is left out; None: everything is tried.
    """
    name, vain = applier.plan.name, vain or Vain()
    with connection.transaction(), connection.cursor() as cursor:
        ground = checkpoint.lock(cursor, [name], None)[name]
        moved = _moved(cursor, applier.plan)
        keys = _worth_a_try(cursor, applier.plan, ground)
        if not vain.is_worth_it(name, "waiting", keys, moved):
            keys = []
        kept = _wake(cursor, applier, keys, ground)
    if keys:
        vain.remember(name, "waiting", keys, moved)
    let_go = _let_go(connection, applier, appliers, vain, moved)
    if let_go.kept < let_go.tried:
        vain.forget()  # What has left the target may have been in the way; no figure tells of that.
    return Swept(tried=len(keys) + let_go.tried, kept=kept + let_go.kept)


def _moved(cursor: Cursor, plan: EntityPlan) -> Moved:
    """Of all entities that rows of this one could wait for; in a table with several that may be any."""
    parents = {reference.parent.entity for reference in plan.references}
    relatives = parents | {child.entity for child in plan.children} | {plan.name}
    asked = {
        "all": bool(plan.is_shared or plan.entity.joined or plan.joined_by),
        "entities": [name for name in relatives if name],
    }
    ((applied, waiting),) = cursor.execute(_MOVED, asked).fetchall()
    return Moved(applied=int(str(applied)), waiting=int(str(waiting)))


def _wake(cursor: Cursor, applier: Applier, keys: list[str], ground: Ground) -> int:
    """Try rows.

    Returns:
        How many of them wait still.
    """
    if not keys:
        return 0
    kept = applier.settle(cursor, Events(rows=applier.nothing()), keys, ground)
    return len(kept.intersection(keys))


def _worth_a_try(cursor: Cursor, plan: EntityPlan, ground: Ground) -> list[str]:
    """Keys; of each kind some, however many there are of another, and of their own table parents before children."""
    kinds = [_keys(cursor, sweep_sql.ready(plan, ground.watermarks, WAKE_MAX))]
    if plan.refers_to_itself:
        rows = cursor.execute(sweep_sql.own(plan, OWN_MAX)).fetchall()
        waiters = (
            Waiter(key=str(key), id=str(id_), waits_id=str(waits_id), is_ready=bool(come))
            for key, id_, waits_id, come in rows
        )
        kinds.append(released(waiters))
    if plan.references:
        kinds.append(_keys(cursor, sweep_sql.owed(plan, WAKE_MAX)))
    in_turn = chain.from_iterable(zip_longest(*kinds))
    return list(dict.fromkeys(key for key in in_turn if key is not None))[:WAKE_MAX]


def _keys(cursor: Cursor, query: str) -> list[str]:
    return [str(row[0]) for row in cursor.execute(query).fetchall()]


def _let_go(
    connection: Connection,
    applier: Applier,
    appliers: Mapping[str, Applier],
    vain: Vain,
    moved: Moved,
) -> Swept:
    """Rows that children hold in the target though everything before is applied: the children are run again."""
    plan, plans = applier.plan, {name: other.plan for name, other in appliers.items()}
    if not plan.children:
        return Swept(tried=0, kept=0)
    with connection.transaction(), connection.cursor() as cursor:
        if not vain.is_worth_it(plan.name, "held", _held(cursor, plan), moved):
            return Swept(tried=0, kept=0)
        ground = checkpoint.lock(cursor, dependants.family(plans, plan), None)[plan.name]
        held = _held(cursor, plan)
        dependants.run_again(cursor, plans, plan, held.values())
        kept = _wake(cursor, applier, list(held), ground)
    vain.remember(plan.name, "held", held, moved)
    return Swept(tried=len(held), kept=kept)


def _held(cursor: Cursor, plan: EntityPlan) -> dict[str, str]:
    """Legacy keys and UUIDs of rows that should be gone but that children refer to."""
    children = [child.entity for child in plan.children if child.entity]
    rows = execute(cursor, sweep_sql.held(plan, LET_GO_MAX), children).fetchall()
    return {str(key): str(row_id) for key, row_id in rows}
