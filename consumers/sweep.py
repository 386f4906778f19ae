"""Trying again what waits: parked rows, references owed, and deletes that children hold back.

A wake-up that two transactions could not see of each other is caught here, so a sweep comes every few seconds.
"""

from collections.abc import Iterator, Mapping

import psycopg

from consumers import checkpoint
from consumers.apply import Applier, Ground
from consumers.conversion import ident, literal
from consumers.plan import Child, EntityPlan, Reference
from schemas.rules import Missing

Connection = psycopg.Connection[tuple[object, ...]]
Cursor = psycopg.Cursor[tuple[object, ...]]
# Rows that one transaction tries again: it holds the locks of all partitions of the entity.
WAKE_MAX = 20_000

_HAS_WORK = """
SELECT EXISTS (SELECT FROM understudy.waiting WHERE generation = 1 AND entity = %s AND (reason NOT IN ('rule', 'base') OR waits_id IS NOT NULL))"""
_HELD = """
SELECT legacy_key, CAST(id AS text), commit_lsn FROM understudy.waiting
WHERE generation = 1 AND entity = %s AND reason = 'children' AND commit_lsn <= %s ORDER BY tried_at, legacy_key LIMIT %s"""


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
    for child in applier.plan.children:
        if child.entity in appliers:
            tried += _let_go(connection, applier, appliers[child.entity], child)
    return tried


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
    query = f"""
        SELECT w.legacy_key FROM understudy.waiting w
        WHERE w.generation = 1 AND w.entity = {literal(plan.name)} AND ({" OR ".join([*cases, *passed, *tries])})
        ORDER BY w.tried_at, w.legacy_key LIMIT {WAKE_MAX}"""
    return (str(row[0]) for row in cursor.execute(query).fetchall())


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


def _let_go(connection: Connection, applier: Applier, child: Applier, column: Child) -> int:
    """Deletes that children hold back though everything before them is applied: the children are run again by their `missing`."""
    reference = next((r for r in child.plan.references if r.column == column.column), None)
    if reference is None or reference.missing is Missing.STUB:
        return 0
    plan, names = applier.plan, sorted({applier.plan.name, child.plan.name})
    with connection.transaction(), connection.cursor() as cursor:
        grounds = checkpoint.lock(cursor, names, None)
        ground = grounds[plan.name]
        held = cursor.execute(
            _HELD, [plan.name, ground.watermarks.get(child.plan.name, 0), WAKE_MAX]
        ).fetchall()
        if not held:
            return 0
        _run_again(cursor, child.plan, reference, [str(row[1]) for row in held])
        applier.settle(cursor, applier.nothing(), [str(row[0]) for row in held], ground)
    return len(held)


def _run_again(cursor: Cursor, plan: EntityPlan, reference: Reference, parents: list[str]) -> None:
    """Children of absent parents go without their reference, or wait."""
    column = ident(reference.column)
    if reference.missing is Missing.NULL:
        cursor.execute(
            f"""
            WITH owing AS (UPDATE {plan.table} t SET {column} = NULL FROM (SELECT {plan.id} AS id, {column} AS parent FROM {plan.table} WHERE {column} = ANY(%s::uuid[])) AS old
                WHERE t.{plan.id} = old.id RETURNING old.id, old.parent)
            UPDATE {plan.mapping} m SET owed = array_append(m.owed, owing.parent) FROM owing, {plan.mapping} k
            WHERE k.id = owing.id AND m.legacy_key = k.legacy_key AND m.source = k.source AND m.generation = k.generation""",
            [parents],
        )
        return
    why, error = (
        ("parent", None)
        if reference.missing is Missing.PARK
        else ("rule", f"the row of {reference.parent.entity} that it refers to does not exist")
    )
    held = " ".join(
        f"AND NOT EXISTS (SELECT FROM {ident(*c.place)} c WHERE c.{ident(c.column)} = t.{plan.id})"
        for c in plan.children
    )
    cursor.execute(
        f"""
        WITH old AS (
            SELECT m.*, t.{column} AS parent FROM {plan.table} t JOIN {plan.mapping} m ON m.id = t.{plan.id}
            WHERE t.{column} = ANY(%s::uuid[]) AND m.state = 'l' AND m.original IS NOT NULL {held}),
        gone AS (DELETE FROM {plan.table} t USING old WHERE t.{plan.id} = old.id),
        marked AS (
            UPDATE {plan.mapping} m SET state = 'p' FROM old
            WHERE m.legacy_key = old.legacy_key AND m.source = old.source AND m.generation = old.generation)
        INSERT INTO understudy.waiting (entity, source, legacy_key, id, epoch, commit_lsn, ordinal, deleted, image, partition, "offset",
            reason, waits_for, waits_id, error, column_name)
        SELECT entity, source, legacy_key, id, epoch, commit_lsn, ordinal, false, original, partition, "offset", %s, %s, parent, %s, %s FROM old
        ON CONFLICT DO NOTHING""",
        [parents, why, reference.parent.entity, error, reference.column],
    )
