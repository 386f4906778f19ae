"""The SQL of an entity that adds columns to the rows of another, from its plan. Pure.

Its mapping says which row of the target each of its own is in. It never inserts or deletes one: where its row goes, or
is of another row now, the columns go back to their defaults.
"""

from collections.abc import Sequence

from consumers.conversion import ident, literal
from consumers.plan import EntityPlan

# Waits for the row that it joins, as for any parent.
_PARENT = "parent"


def emptied(plan: EntityPlan) -> str:
    """The columns of the entity, back at their defaults, as an UPDATE sets them."""
    return ", ".join(f"{ident(w.column)} = DEFAULT" for w in plan.written if w.updatable)


def leave(plan: EntityPlan) -> str:
    """Empty the columns in the rows that those of the stage were in, and are in no longer."""
    return f"""
    UPDATE {plan.table} t SET {emptied(plan)} FROM {plan.stage} s JOIN {plan.mapping} m ON {_known(plan)}
    WHERE t.{plan.id} = m.id AND m.state = 'l' AND (s."__state" <> 'l' OR m.id <> s."__id")"""


def taken(plan: EntityPlan) -> str:
    """Keys of the stage whose row another one is in already, with the UUID of that row."""
    goes = f"""
        SELECT FROM {plan.stage} b
        WHERE b."__key" = m.legacy_key AND (b."__state" <> 'l' OR b."__id" <> m.id)"""
    return f"""
    SELECT s."__key", CAST(s."__id" AS text) FROM {plan.stage} s
    WHERE s."__state" = 'l' AND (
        EXISTS (
            SELECT FROM {plan.mapping} m
            WHERE m.id = s."__id" AND m.state = 'l' AND m.legacy_key <> s."__key" AND NOT EXISTS ({goes}))
        OR EXISTS (
            SELECT FROM {plan.stage} b
            WHERE b."__id" = s."__id" AND b."__state" = 'l' AND b."__key" < s."__key"))"""


def part(plan: EntityPlan, ids: str) -> str:
    """Let what has joined rows of an entity wait for them, where they have left the target.

    Args:
        plan: Of the entity that is joined.
        ids: A query for UUIDs.
    """
    return f"""
    WITH parted AS (
        UPDATE {ident(plan.entity.mapping_schema, "migration_mappings")} m SET state = 'p'
        WHERE m.generation = 1 AND m.entity IN ({_list(plan.joined_by)}) AND m.state = 'l' AND m.id IN ({ids})
            AND (SELECT true FROM {plan.table} t WHERE t.{plan.id} = m.id) IS NULL
        RETURNING m.*)
    INSERT INTO understudy.waiting (generation, entity, source, legacy_key, id, epoch, commit_lsn, ordinal,
        deleted, image, partition, "offset", reason, waits_for, waits_id, spec_version)
    SELECT understudy.generation(entity), entity, source, legacy_key, id, epoch, commit_lsn, ordinal,
        false, original, partition, "offset", {literal(_PARENT)}, {literal(plan.name)}, id, spec_version
    FROM parted ON CONFLICT DO NOTHING"""


def _known(plan: EntityPlan) -> str:
    return f"""m.legacy_key = s."__key" AND m.source = {plan.source} AND m.generation = 1"""


def _list(names: Sequence[str]) -> str:
    return ", ".join(literal(name) for name in names)
