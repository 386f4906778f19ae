"""What of a stage cannot go in.

That are rows that break a rule, whose parent is missing, whose children remain, or whose unique value is taken. Judged
against the target as it will be after the batch, until nothing more is found: a row that is set aside may be the
parent, or the releaser of a unique value, of another.
"""

from collections.abc import Mapping

import psycopg

from consumers import join_sql, judge_sql, statement, unique_sql
from consumers.conversion import ident
from consumers.numbered import execute
from consumers.plan import EntityPlan, Reference
from consumers.refusal import violated
from consumers.waiting import Reason, Why
from schemas.rules import Missing, Timezone

Cursor = psycopg.Cursor[tuple[object, ...]]


def judge(
    cursor: Cursor, plan: EntityPlan, watermarks: Mapping[str, int], *, deletes: bool
) -> dict[str, Reason]:
    """Set aside what cannot go in.

    Args:
        cursor: Inside the transaction, the stage filled.
        plan: Of the entity.
        watermarks: Commit LSN of the last applied marker, by entity; read before this.
        deletes: Whether the stage holds deletes.

    Returns:
        The rows that wait, by legacy key; they are no longer in the stage.
    """
    aside, excluded = by_rules(cursor, plan)
    deletes = deletes or excluded > 0
    aside |= violating(cursor, plan)
    stubs = any(reference.missing is Missing.STUB for reference in plan.references)
    if plan.rows_compete or stubs:
        cursor.execute(statement.drop_stale(plan))
    for query in judge_sql.locks(plan):
        cursor.execute(query)
    again = True
    while again:
        found = _orphans(cursor, plan, watermarks)
        _take_out(cursor, plan, found)
        late = (_held(cursor, plan) if deletes else {}) | _clashes(cursor, plan)
        _take_out(cursor, plan, late)
        aside |= found | late
        again = bool(found or late) and plan.rows_compete
    return aside


def by_rules(cursor: Cursor, plan: EntityPlan) -> tuple[dict[str, Reason], int]:
    """Judge a stage by the entity file alone: take out what its rules refuse, mark what it excludes.

    Returns:
        The rows that are refused, by legacy key; and how many are excluded.
    """
    refused = _broken(cursor, plan, judge_sql.disappointments(plan))
    excluding = judge_sql.exclude(plan)
    excluded = cursor.execute(excluding).rowcount if excluding else 0
    return refused | _broken(cursor, plan, judge_sql.misfits(plan)), excluded


def violating(cursor: Cursor, plan: EntityPlan) -> dict[str, Reason]:
    """Take out of a stage what a CHECK or NOT NULL of the target refuses; by legacy key."""
    query = judge_sql.violations(plan)
    rows = cursor.execute(query).fetchall() if query else []
    found = {str(key): violated(plan.target.checks[int(str(number))]) for key, number in rows}
    _take_out(cursor, plan, found)
    return found


def _take_out(cursor: Cursor, plan: EntityPlan, keys: Mapping[str, Reason]) -> None:
    if keys:
        execute(cursor, f'DELETE FROM {plan.stage} WHERE "__key" = ANY($1)', list(keys))


def _broken(cursor: Cursor, plan: EntityPlan, query: str | None) -> dict[str, Reason]:
    rows = cursor.execute(query).fetchall() if query else []
    found = {str(key): _reason(plan, str(rule)) for key, rule in rows}
    _take_out(cursor, plan, found)
    return found


def _reason(plan: EntityPlan, fault: str) -> Reason:
    """The reason of a row that breaks a rule of the entity file, named as the file spells it; never with the value."""
    word, _, name = fault.partition(".")
    rule = plan.entity.columns.get(name)
    zone = rule.timezone if isinstance(rule, Timezone) else ""
    sentences = {
        "expect": f"breaks the rule {fault}",
        "columns": f"the value is not one of the target column {name}",
        "values": "the code is not in values",
        "gap": f"the local time does not exist in {zone} (gap)",
        "overlap": f"the local time exists twice in {zone} (overlap)",
        "join": "it does not say which row it joins (NULL)",
    }
    return Reason(why=Why.RULE, error=sentences[word], column=name)


def _orphans(cursor: Cursor, plan: EntityPlan, watermarks: Mapping[str, int]) -> dict[str, Reason]:
    aside: dict[str, Reason] = {}
    for reference in plan.references:
        unset: list[str] = []
        stubs: set[str] = set()
        for key, parent_id, lsn in cursor.execute(judge_sql.orphans(plan, reference)).fetchall():
            reason = orphan(
                reference,
                None if parent_id is None else str(parent_id),
                absent=watermarks.get(reference.parent.entity, 0) >= int(str(lsn)),
            )
            if reason:
                aside[str(key)] = reason
            elif reference.missing is Missing.STUB:
                stubs.add(str(parent_id))
            else:
                unset.append(str(key))
        _go_without(cursor, plan, reference, unset)
        _add_stubs(cursor, reference, stubs)
    return aside


def orphan(reference: Reference, parent_id: str | None, *, absent: bool) -> Reason | None:
    """Why a row waits whose parent is not in the target; None if it goes in all the same.

    Args:
        reference: The column that refers to the parent.
        parent_id: UUID of the parent; None if it is known by another key.
        absent: Whether the parent is known to be absent; else it may come.
    """
    parent = reference.parent.entity
    if not absent:
        return Reason(why=Why.WATERMARK, waits_for=parent, waits_id=parent_id)
    if reference.missing is Missing.PARK or parent_id is None:
        return Reason(why=Why.PARENT, waits_for=parent, waits_id=parent_id)
    if reference.missing is Missing.DEAD_LETTER:
        return Reason(
            why=Why.RULE,
            waits_for=parent,
            waits_id=parent_id,
            error=f"the row of {parent} that it refers to does not exist",
            column=reference.column,
        )
    return None


def _go_without(cursor: Cursor, plan: EntityPlan, reference: Reference, keys: list[str]) -> None:
    if keys:
        staged = ident(reference.staged)
        owing = f'"__owed" = array_append("__owed", {staged}), {staged} = NULL'
        execute(cursor, f'UPDATE {plan.stage} SET {owing} WHERE "__key" = ANY($1)', keys)


def _add_stubs(cursor: Cursor, reference: Reference, ids: set[str]) -> None:
    if ids:
        table, column = ident(*reference.parent.place), ident(reference.parent.id_column)
        stubs = f"INSERT INTO {table} ({column}) SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING"
        execute(cursor, stubs, sorted(ids))


def _held(cursor: Cursor, plan: EntityPlan) -> dict[str, Reason]:
    found: dict[str, Reason] = {}
    for child in plan.children:
        for (key,) in cursor.execute(judge_sql.held_deletes(plan, child)).fetchall():
            waits_for = child.entity or ".".join(child.place)
            found.setdefault(str(key), Reason(why=Why.CHILDREN, waits_for=waits_for))
    return found


def _clashes(cursor: Cursor, plan: EntityPlan) -> dict[str, Reason]:
    found: dict[str, Reason] = {}
    for key in plan.uniques:
        for legacy_key, holder in cursor.execute(unique_sql.clashes(plan, key)).fetchall():
            reason = Reason(
                why=Why.UNIQUE,
                waits_for=key.name,
                waits_id=None if holder is None else str(holder),
                constraint=key.name,
            )
            found.setdefault(str(legacy_key), reason)
    if plan.entity.joined:
        for legacy_key, row_id in cursor.execute(join_sql.taken(plan)).fetchall():
            reason = Reason(why=Why.UNIQUE, waits_for=plan.entity.joined, waits_id=str(row_id))
            found.setdefault(str(legacy_key), reason)
    return found
