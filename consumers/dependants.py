"""Rows that refer to what leaves the target: they go without their reference, or wait for it and leave as well.

What refers to a row that leaves is asked the same in turn, down to the last: a foreign key knows no half-way.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import psycopg

from consumers import join_sql
from consumers.conversion import ident
from consumers.judge import orphan
from consumers.numbered import execute
from consumers.plan import Child, EntityPlan, Reference
from schemas.rules import Missing

Cursor = psycopg.Cursor[tuple[object, ...]]
Plans = Mapping[str, EntityPlan]
# By entity, column and UUID.
Found = dict[tuple[str, str, str], "Dependant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependant:
    """A row and the row that it refers to, by their UUIDs."""

    plan: EntityPlan
    reference: Reference
    id: str
    parent: str

    @property
    def leaves(self) -> bool:
        """Whether it waits for its parent; else it goes without."""
        return self.reference.missing is not Missing.NULL or self.reference.lookup is not None


def family(plans: Plans, plan: EntityPlan) -> list[str]:
    """The entities whose rows may have to leave with those of one, and that one, in the order of locks."""
    found = [plan.name]
    for name in found:
        children = {child.entity for child in plans[name].children if child.entity in plans}
        found += [child for child in children if child and child not in found]
    return sorted(found)


def run_again(cursor: Cursor, plans: Plans, plan: EntityPlan, parents: Iterable[str]) -> None:
    """Run what refers to some rows again by its `missing`, as if they were gone.

    A row that something beyond our reach refers to stays, and with it all that it refers to.

    Args:
        cursor: Inside the transaction, after the locks of the family.
        plans: Of all entities.
        plan: Of the rows that are to leave.
        parents: Their UUIDs.
    """
    found = {key: d for parent in parents for key, d in _below(cursor, plans, plan, parent).items()}
    leaving = [dependant for dependant in found.values() if dependant.leaves]
    for some in _by_reference([d for d in found.values() if not d.leaves]):
        _go_without(cursor, some)
    _take_out(cursor, leaving)
    for some in _by_reference(leaving):
        _wait(cursor, some)


def _below(cursor: Cursor, plans: Plans, plan: EntityPlan, parent: str) -> Found:
    """All that has to change if a row leaves; nothing, if some of it cannot."""
    found: Found = {}
    frontier = [(plan, [parent])]
    while frontier:
        above, ids = frontier.pop()
        for child in above.children:
            rows = _referring(cursor, plans, above, child, ids)
            if rows is None:
                return {}
            fresh = {key: rows[key] for key in rows.keys() - found.keys()}
            found |= fresh
            leaving = [dependant.id for dependant in fresh.values() if dependant.leaves]
            if leaving:
                frontier.append((plans[child.entity or ""], leaving))
    return found


def _referring(
    cursor: Cursor, plans: Plans, above: EntityPlan, child: Child, ids: Sequence[str]
) -> Found | None:
    """The rows of one column that refer to some rows; None if they cannot do without."""
    plan = plans.get(child.entity or "")
    own_id = f"c.{plan.id}" if plan else "NULL"
    referred = ident(child.parent_column or above.entity.id_column)
    query = f"""
        SELECT CAST({own_id} AS text), CAST(t.{above.id} AS text)
        FROM {above.table} t JOIN {ident(*child.place)} c ON c.{ident(child.column)} = t.{referred}
        WHERE t.{above.id} = ANY($1::uuid[]){_is_its_own(plan)}"""
    rows = execute(cursor, query, list(ids)).fetchall()
    reference = _reference(plan, child.column) if plan else None
    if plan is None or reference is None:
        return None if rows else {}
    return {
        (plan.name, child.column, str(row_id)): Dependant(
            plan=plan, reference=reference, id=str(row_id), parent=str(parent)
        )
        for row_id, parent in rows
    }


def _is_its_own(plan: EntityPlan | None) -> str:
    """The condition, to be added to others, that a row (alias c) of a shared table is one of the entity."""
    if plan is None or not plan.is_shared:
        return ""
    return f" AND EXISTS (SELECT FROM {plan.mapping} m WHERE m.id = c.{plan.id})"


def _reference(plan: EntityPlan, column: str) -> Reference | None:
    """The reference of a column, if rows can go without it or can be brought back from their originals."""
    for reference in plan.references:
        waits = reference.missing in (Missing.PARK, Missing.DEAD_LETTER) and plan.entity.originals
        if reference.column == column and (waits or reference.missing is Missing.NULL):
            return reference
    return None


def _by_reference(dependants: Sequence[Dependant]) -> list[list[Dependant]]:
    groups: dict[tuple[str, str], list[Dependant]] = {}
    for dependant in dependants:
        key = dependant.plan.name, dependant.reference.column
        groups.setdefault(key, []).append(dependant)
    return list(groups.values())


def _go_without(cursor: Cursor, dependants: Sequence[Dependant]) -> None:
    plan, column = dependants[0].plan, ident(dependants[0].reference.column)
    ids = [dependant.id for dependant in dependants]
    parents = [dependant.parent for dependant in dependants]
    unset = f"UPDATE {plan.table} SET {column} = NULL WHERE {plan.id} = ANY($1::uuid[])"
    owing = f"""
        UPDATE {plan.mapping} m SET owed = array_append(m.owed, d.parent)
        FROM unnest($1::uuid[], $2::uuid[]) AS d (id, parent) WHERE m.id = d.id"""
    execute(cursor, unset, ids)
    execute(cursor, owing, ids, parents)


def _take_out(cursor: Cursor, dependants: Sequence[Dependant]) -> None:
    """Delete rows of any tables in one statement: so none of them holds another."""
    tables = {dependant.plan.name: dependant.plan for dependant in dependants}
    if not tables:
        return
    parts = [
        f"gone_{n} AS (DELETE FROM {plan.table} WHERE {plan.id} = ANY(${n}::uuid[]))"
        for n, plan in enumerate(tables.values(), start=1)
    ]
    ids = [[d.id for d in dependants if d.plan.name == name] for name in tables]
    execute(cursor, f"WITH {', '.join(parts)} SELECT", *ids)
    for plan, gone in zip(tables.values(), ids, strict=True):
        if plan.joined_by:
            execute(cursor, join_sql.part(plan, "SELECT unnest($1::uuid[])"), gone)


def _wait(cursor: Cursor, dependants: Sequence[Dependant]) -> None:
    """Set rows aside that have left; what waits for their keys already is newer."""
    plan, reference = dependants[0].plan, dependants[0].reference
    reason = orphan(reference, None, absent=True)
    execute(
        cursor,
        f"""
        WITH old AS (
            UPDATE {plan.mapping} m SET state = 'p'
            FROM unnest($1::uuid[], $2::uuid[]) AS d (id, parent) WHERE m.id = d.id AND m.state = 'l'
            RETURNING m.*, d.parent)
        INSERT INTO understudy.waiting (generation, entity, source, legacy_key, id, epoch, commit_lsn, ordinal,
            deleted, image, partition, "offset", reason, waits_for, waits_id, error, column_name, spec_version)
        SELECT understudy.generation(entity), entity, source, legacy_key, id, epoch, commit_lsn, ordinal,
            false, original, partition, "offset", $3, $4, parent, $5, $6, $7::int FROM old
        ON CONFLICT DO NOTHING""",
        [dependant.id for dependant in dependants],
        [None if reference.lookup else dependant.parent for dependant in dependants],
        reason and reason.why.value,
        reference.parent.entity,
        reason and reason.error,
        reference.column,
        plan.spec_version,
    )
