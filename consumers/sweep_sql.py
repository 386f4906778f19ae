"""The SQL that finds what can be tried again, from an entity's plan. Pure."""

from collections.abc import Mapping

from consumers.conversion import ident, literal
from consumers.plan import EntityPlan


def ready(plan: EntityPlan, watermarks: Mapping[str, int], limit: int) -> str:
    """Keys whose parent has come or is known to be absent, and those that only trying can tell.

    Among these are the dead letters of older rules, and what lacks a parent by them: what fails again is saved with the
    present version.
    """
    conditions = [
        "w.reason IN ('children', 'unique')",
        "(w.reason = 'parent' AND w.waits_id IS NULL)",
        f"(w.reason IN ('rule', 'parent') AND w.source = {plan.source} AND w.spec_version < {plan.spec_version})",
    ]
    for entity, place, id_column in _parents(plan):
        come = _exists(place, id_column, "w.waits_id")
        passed = f"w.reason = 'watermark' AND w.commit_lsn <= {watermarks.get(entity, 0)}"
        conditions.append(f"(w.waits_for = {literal(entity)} AND ({come} OR ({passed})))")
    return f"""
    SELECT w.legacy_key FROM understudy.waiting w
    WHERE w.generation = understudy.generation(w.entity)
        AND w.entity = {literal(plan.name)} AND ({" OR ".join(conditions)})
    ORDER BY w.tried_at, w.legacy_key LIMIT {limit}"""


def own(plan: EntityPlan, limit: int) -> str:
    """Rows that wait for another of their own table: legacy key, UUID, UUID of that one, whether it has come."""
    come = _exists(plan.target.place, plan.entity.id_column, "w.waits_id")
    return f"""
    SELECT w.legacy_key, CAST(w.id AS text), CAST(w.waits_id AS text), coalesce({come}, false)
    FROM understudy.waiting w
    WHERE w.generation = understudy.generation(w.entity) AND w.entity = {literal(plan.name)} AND w.waits_for = w.entity
        AND w.waits_id IS NOT NULL AND NOT w.deleted
    ORDER BY w.tried_at, w.legacy_key LIMIT {limit}"""


def owed(plan: EntityPlan, limit: int) -> str:
    """Keys with a reference written as NULL whose parent has come."""
    come = [
        f"EXISTS (SELECT FROM {ident(*place)} p WHERE p.{ident(id_column)} = ANY(m.owed))"
        for _, place, id_column in _parents(plan)
    ]
    return f"""
    SELECT m.legacy_key FROM {plan.mapping} m
    WHERE m.owed IS NOT NULL AND m.original IS NOT NULL AND ({" OR ".join(come)})
    ORDER BY m.legacy_key LIMIT {limit}"""


def held(plan: EntityPlan, limit: int) -> str:
    """Keys and UUIDs of rows that should be gone but that children refer to, once those are past it.

    Parameter $1: text[] of the entities of the children.
    """
    return f"""
    SELECT w.legacy_key, CAST(w.id AS text) FROM understudy.waiting w
    WHERE w.generation = understudy.generation(w.entity) AND w.entity = {literal(plan.name)}
        AND (w.reason = 'children'
            OR ((w.reason = 'parent' OR (w.reason = 'rule' AND w.waits_id IS NOT NULL))
                AND {_exists(plan.target.place, plan.entity.id_column, "w.id")}))
        AND w.commit_lsn <= (
            SELECT min(watermark) FROM understudy.checkpoints
            WHERE generation = understudy.generation(entity) AND entity = ANY($1))
    ORDER BY w.tried_at, w.legacy_key LIMIT {limit}"""


def _exists(place: tuple[str, str], id_column: str, value: str) -> str:
    """True or NULL; never by a hash of the whole table, as EXISTS may be."""
    return f"(SELECT true FROM {ident(*place)} p WHERE p.{ident(id_column)} = {value})"


def _parents(plan: EntityPlan) -> list[tuple[str, tuple[str, str], str]]:
    return sorted({(r.parent.entity, r.parent.place, r.parent.id_column) for r in plan.references})
