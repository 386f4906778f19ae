"""Trying again what waits: parked rows, references owed, and deletes that children hold back.

A wake-up that two transactions could not see of each other is caught here, so a sweep comes every few seconds.
"""

from collections.abc import Iterator, Mapping

import psycopg

from consumers import checkpoint, dependants
from consumers.apply import Applier, Ground
from consumers.conversion import ident, literal
from consumers.plan import EntityPlan

Connection = psycopg.Connection[tuple[object, ...]]
Cursor = psycopg.Cursor[tuple[object, ...]]
# Rows that one transaction tries again: it holds the locks of all partitions of the entity.
WAKE_MAX = 20_000
# Rows for which one transaction looks for all that refers to them, one by one.
LET_GO_MAX = 1_000

_HAS_WORK = """
SELECT EXISTS (SELECT FROM understudy.waiting WHERE generation = 1 AND entity = %s AND (reason NOT IN ('rule', 'base') OR waits_id IS NOT NULL))"""


def may_have_work(connection: Connection, applier: Applier) -> bool:
    """Whether anything of an entity waits for something that may come."""
    owes = f"SELECT EXISTS (SELECT FROM {applier.plan.mapping} WHERE owed IS NOT NULL)"
    waits = connection.execute(_HAS_WORK, [applier.plan.name]).fetchall()[0][0]
    return bool(waits or connection.execute(owes).fetchall()[0][0])


def sweep(connection: Connection, applier: Applier, appliers: Mapping[str, Applier]) -> int:
    """Try again what waits for one entity.

    Args:
        connection: Outside of a transaction.
        applier: Of the entity.
        appliers: Of all entities, for the children that hold back a delete.

    Returns:
        How many rows were tried.
    """
    tried = 0
    with connection.transaction(), connection.cursor() as cursor:
        ground = checkpoint.lock(cursor, [applier.plan.name], None)[applier.plan.name]
        keys = [*_ready(cursor, applier.plan, ground), *_owed(cursor, applier.plan)][:WAKE_MAX]
        _wake(cursor, applier, keys, ground)
        tried += len(keys)
    return tried + _let_go(connection, applier, appliers)


def _wake(cursor: Cursor, applier: Applier, keys: list[str], ground: Ground) -> None:
    if keys:
        applier.settle(cursor, applier.nothing(), keys, ground)


def _ready(cursor: Cursor, plan: EntityPlan, ground: Ground) -> Iterator[str]:
    """Keys whose parent has come or is known to be absent, and those that only trying can tell."""
    cases = [
        f"(w.waits_for = {literal(p)} AND EXISTS (SELECT FROM {ident(*place)} p WHERE p.{ident(column)} = w.waits_id))"
        for p, place, column in _parents(plan)
    ]
    passed = [
        f"(w.reason = 'watermark' AND w.waits_for = {literal(p)} AND w.commit_lsn <= {ground.watermarks.get(p, 0)})"
        for p, _, _ in _parents(plan)
    ]
    tries = ["w.reason IN ('children', 'unique')", "(w.reason = 'parent' AND w.waits_id IS NULL)"]
    if plan.refers_to_itself:
        tries.append("w.legacy_key IN (SELECT legacy_key FROM ring)")
    query = f"""{_ring(plan) if plan.refers_to_itself else ""}
        SELECT w.legacy_key FROM understudy.waiting w
        WHERE w.generation = 1 AND w.entity = {literal(plan.name)} AND ({" OR ".join([*cases, *passed, *tries])})
        ORDER BY w.tried_at, w.legacy_key LIMIT {WAKE_MAX}"""
    return (str(row[0]) for row in cursor.execute(query).fetchall())


def _ring(plan: EntityPlan) -> str:
    """The keys that wait for each other in a ring: each has its parent, once they go in together."""
    return f"""
        WITH RECURSIVE absent AS (
            SELECT legacy_key, id, waits_id FROM understudy.waiting
            WHERE generation = 1 AND entity = {literal(plan.name)} AND NOT deleted AND waits_for = entity),
        above (legacy_key, id, waits_id) AS (
            SELECT * FROM absent
            UNION SELECT b.legacy_key, b.id, a.waits_id FROM above b JOIN absent a ON a.id = b.waits_id),
        ring AS (SELECT legacy_key FROM above WHERE waits_id = id)"""


def _parents(plan: EntityPlan) -> set[tuple[str, tuple[str, str], str]]:
    return {(r.parent.entity, r.parent.place, r.parent.id_column) for r in plan.references}


def _owed(cursor: Cursor, plan: EntityPlan) -> Iterator[str]:
    """Keys with a reference written as NULL whose parent has come."""
    cases = [
        f"EXISTS (SELECT FROM {ident(*place)} p WHERE p.{ident(column)} = ANY(m.owed))"
        for _, place, column in _parents(plan)
    ]
    if not cases:
        return iter(())
    query = f"SELECT m.legacy_key FROM {plan.mapping} m WHERE m.owed IS NOT NULL AND ({' OR '.join(cases)}) ORDER BY 1 LIMIT {WAKE_MAX}"
    return (str(row[0]) for row in cursor.execute(query).fetchall())


def _let_go(connection: Connection, applier: Applier, appliers: Mapping[str, Applier]) -> int:
    """Rows that children hold in the target though everything before is applied: the children are run again."""
    plan, plans = applier.plan, {name: other.plan for name, other in appliers.items()}
    if not plan.children:
        return 0
    with connection.transaction(), connection.cursor() as cursor:
        if not _held(cursor, plan):
            return 0
        ground = checkpoint.lock(cursor, dependants.family(plans, plan), None)[plan.name]
        held = _held(cursor, plan)
        dependants.run_again(cursor, plans, plan, held.values())
        _wake(cursor, applier, list(held), ground)
    return len(held)


def _held(cursor: Cursor, plan: EntityPlan) -> dict[str, str]:
    """Keys and UUIDs of rows that should be gone but that children refer to, once those are past it."""
    children = [child.entity for child in plan.children if child.entity]
    passed = "SELECT min(watermark) FROM understudy.checkpoints WHERE generation = 1 AND entity = ANY(%s)"
    query = f"""
        SELECT w.legacy_key, CAST(w.id AS text) FROM understudy.waiting w
        WHERE w.generation = 1 AND w.entity = %s AND (w.reason = 'children' OR (w.reason = 'parent'
            AND EXISTS (SELECT FROM {plan.table} t WHERE t.{plan.id} = w.id)))
            AND w.commit_lsn <= ({passed})
        ORDER BY w.tried_at, w.legacy_key LIMIT {LET_GO_MAX}"""
    rows = cursor.execute(query, [plan.name, children]).fetchall()
    return {str(key): str(row_id) for key, row_id in rows}
