"""Trying again what waits: parked rows, references owed, deletes that children hold back, what older rules refused.

A wake-up that two transactions could not see of each other is caught here, so a sweep comes every few seconds.
"""

from collections.abc import Mapping

import psycopg

from consumers import checkpoint, dependants, sweep_sql
from consumers.apply import Applier, Events, Ground
from consumers.numbered import execute
from consumers.plan import EntityPlan
from consumers.released import Waiter, released
from consumers.vain import Vain

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

# Another figure whenever a record, a truncation or the end of a resync was applied.
_APPLIED = b"""
WITH relatives AS (
    SELECT entity, generation, truncated_lsn + resynced_lsn AS begun FROM understudy.entities
    WHERE generation = understudy.generation(entity) AND (%(all)s OR entity = ANY(%(entities)s)))
SELECT (SELECT coalesce(sum(begun), 0) FROM relatives)
    + (SELECT coalesce(sum(next_offset), 0) FROM understudy.checkpoints JOIN relatives USING (entity, generation))"""


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
) -> int:
    """Try again what waits for one entity.

    Args:
        connection: Outside of a transaction.
        applier: Of the entity.
        appliers: Of all entities, for the children that hold back a delete.
        vain: What was tried in vain before, and is left out; None: everything is tried.

    Returns:
        How many rows were tried.
    """
    tried, vain = 0, vain or Vain()
    with connection.transaction(), connection.cursor() as cursor:
        ground = checkpoint.lock(cursor, [applier.plan.name], None)[applier.plan.name]
        applied = _applied(cursor, applier.plan)
        keys = _worth_a_try(cursor, applier.plan, ground)
        if vain.is_worth_it(applier.plan.name, "waiting", keys, applied):
            _wake(cursor, applier, keys, ground)
            tried += len(keys)
    return tried + _let_go(connection, applier, appliers, vain, applied)


def _applied(cursor: Cursor, plan: EntityPlan) -> int:
    """How far all entities are that rows of this one could wait for; of a table with several any may have been."""
    parents = {reference.parent.entity for reference in plan.references}
    relatives = parents | {child.entity for child in plan.children} | {plan.name}
    asked = {
        "all": bool(plan.is_shared or plan.entity.joined or plan.joined_by),
        "entities": [name for name in relatives if name],
    }
    return int(str(cursor.execute(_APPLIED, asked).fetchall()[0][0]))


def _wake(cursor: Cursor, applier: Applier, keys: list[str], ground: Ground) -> None:
    if keys:
        applier.settle(cursor, Events(rows=applier.nothing()), keys, ground)


def _worth_a_try(cursor: Cursor, plan: EntityPlan, ground: Ground) -> list[str]:
    """Keys, parents before their children."""
    keys = _keys(cursor, sweep_sql.ready(plan, ground.watermarks, WAKE_MAX))
    if plan.refers_to_itself:
        rows = cursor.execute(sweep_sql.own(plan, OWN_MAX)).fetchall()
        keys += released(
            Waiter(key=str(key), id=str(id_), waits_id=str(waits_id), is_ready=bool(come))
            for key, id_, waits_id, come in rows
        )
    if plan.references:
        keys += _keys(cursor, sweep_sql.owed(plan, WAKE_MAX))
    return list(dict.fromkeys(keys))[:WAKE_MAX]


def _keys(cursor: Cursor, query: str) -> list[str]:
    return [str(row[0]) for row in cursor.execute(query).fetchall()]


def _let_go(
    connection: Connection,
    applier: Applier,
    appliers: Mapping[str, Applier],
    vain: Vain,
    applied: int,
) -> int:
    """Rows that children hold in the target though everything before is applied: the children are run again."""
    plan, plans = applier.plan, {name: other.plan for name, other in appliers.items()}
    if not plan.children:
        return 0
    with connection.transaction(), connection.cursor() as cursor:
        if not vain.is_worth_it(plan.name, "held", _held(cursor, plan), applied):
            return 0
        ground = checkpoint.lock(cursor, dependants.family(plans, plan), None)[plan.name]
        held = _held(cursor, plan)
        dependants.run_again(cursor, plans, plan, held.values())
        _wake(cursor, applier, list(held), ground)
    return len(held)


def _held(cursor: Cursor, plan: EntityPlan) -> dict[str, str]:
    """Legacy keys and UUIDs of rows that should be gone but that children refer to."""
    children = [child.entity for child in plan.children if child.entity]
    rows = execute(cursor, sweep_sql.held(plan, LET_GO_MAX), children).fetchall()
    return {str(key): str(row_id) for key, row_id in rows}
