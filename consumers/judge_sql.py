"""The SQL that asks of a stage what cannot go in, from an entity's plan. Pure; judge.py puts the questions."""

from collections.abc import Sequence

from consumers.conversion import ident, literal
from consumers.plan import Child, EntityPlan, Lookup, Reference
from consumers.statement import LIVE, referring, shaped
from schemas.rules import Missing


def reference_keys(plan: EntityPlan, expression: str) -> str:
    """The legacy key that a reference by SQL means, for each row of the stage that has one."""
    return f"""
    SELECT "__key", ref FROM (
        SELECT s."__key", CAST((\n{expression}\n) AS text) AS ref FROM {plan.stage} s WHERE s."__state" = 'l') AS found
    WHERE ref IS NOT NULL"""


def set_references(plan: EntityPlan, staged: str) -> str:
    """Put UUIDs into a derived column (parameters: $1 text[] of keys, $2 text[] of UUIDs)."""
    return f"""
    UPDATE {plan.stage} s SET {ident(staged)} = CAST(f.id AS uuid)
    FROM unnest($1::text[], $2::text[]) AS f (key, id) WHERE s."__key" = f.key"""


def look_up(plan: EntityPlan, reference: Reference, lookup: Lookup) -> str:
    """Put the UUIDs of parents that are known by an alternative key into a derived column."""
    parent, id_column = ident(*reference.parent.place), ident("p", reference.parent.id_column)
    found = f"SELECT {id_column} FROM {parent} p WHERE {ident('p', lookup.by)} = {lookup.value}"
    return f"""
    UPDATE {plan.stage} s SET {ident(reference.staged)} = ({found}), "__repaired" = true
    WHERE s."__state" = 'l' AND {lookup.concerned}"""


def disappointments(plan: EntityPlan) -> str | None:
    """Keys of the stage that break [expect], with the name of what they break."""
    expect = plan.entity.expect.items()
    return _broken(plan, [(f"expect.{name}", f"(\n{rule}\n) IS FALSE") for name, rule in expect])


def misfits(plan: EntityPlan) -> str | None:
    """Keys of the stage with a value that its rule or its target column refuses, with `<word>.<column>`."""
    return _broken(plan, plan.faults)


def violations(plan: EntityPlan) -> str | None:
    """Keys of the stage that a CHECK or NOT NULL of the target refuses, with the number of the first that does.

    The target would say so itself, but of one row at a time. A row whose parent was looked up and not found is not
    asked yet: it waits, and what stands in the column then is another matter.
    """
    written = {written.column for written in plan.written}
    cases = [
        f"WHEN ({check.expression}) IS FALSE THEN {number}"
        for number, check in enumerate(plan.target.checks)
        if written.issuperset(check.columns)
    ]
    if not cases:
        return None
    return f"""
    SELECT "__key", number FROM (
        SELECT v."__key", CASE {" ".join(cases)} END AS number FROM {shaped(plan, _known(plan))} v) AS judged
    WHERE number IS NOT NULL"""


def _known(plan: EntityPlan) -> str:
    """Rows that are to stand in the target, without those whose parent was looked up and not found."""
    unknown = [
        f"NOT (s.{ident(reference.staged)} IS NULL AND {reference.lookup.concerned})"
        for reference in plan.references
        if reference.lookup
    ]
    return " AND ".join([LIVE, *unknown])


def _broken(plan: EntityPlan, conditions: Sequence[tuple[str, str]]) -> str | None:
    if not conditions:
        return None
    cases = " ".join(f"WHEN {condition} THEN {literal(name)}" for name, condition in conditions)
    return f"""
    SELECT "__key", fault FROM (
        SELECT s."__key", CASE {cases} END AS fault FROM {plan.stage} s WHERE "__state" = 'l') AS judged
    WHERE fault IS NOT NULL"""


def exclude(plan: EntityPlan) -> str | None:
    """Mark the rows that `where` does not take."""
    if plan.entity.where is None:
        return None
    return f"""
    UPDATE {plan.stage} s SET "__state" = 'x'
    WHERE "__state" = 'l' AND (\n{plan.entity.where}\n) IS NOT TRUE"""


def unwritten(plan: EntityPlan) -> str:
    """Keys of the stage that the mapping has taken over and that the target does not have, or has still."""
    only = " AND m.state = 'l'" if plan.entity.joined else ""
    known, new = "m.epoch, m.commit_lsn, m.ordinal", 's."__epoch", s."__lsn", s."__ordinal"'
    return f"""
    SELECT s."__key" FROM {plan.stage} s JOIN {plan.mapping} m ON m.legacy_key = s."__key"
    WHERE m.source = {plan.source} AND m.generation = 1 AND ({known}) = ({new}) AND m.state = s."__state"
        AND (m.state = 'l') = (NOT EXISTS (SELECT FROM {plan.table} t WHERE t.{plan.id} = s."__id")){only}"""


def locks(plan: EntityPlan) -> list[str]:
    """What keeps a child and the delete of its parent apart where no foreign key does.

    Either of the two waits for the other to commit, and is judged by what it finds then.
    """
    checked = {column for key in plan.target.references for column in key.columns}
    parents = [reference for reference in plan.references if reference.column not in checked]
    queries = [_lock_parents(plan, reference) for reference in parents]
    held = {(key.table, column) for key in plan.target.referenced_by for column in key.columns}
    if any((child.place, child.column) not in held for child in plan.children):
        queries.append(f"""
            SELECT FROM {plan.stage} s JOIN {plan.table} t ON t.{plan.id} = s."__id"
            WHERE s."__state" <> 'l' ORDER BY t.{plan.id} FOR UPDATE OF t""")
    return queries


def _lock_parents(plan: EntityPlan, reference: Reference) -> str:
    parent, id_column = ident(*reference.parent.place), ident("p", reference.parent.id_column)
    return f"""
    SELECT FROM {plan.stage} s JOIN {parent} p ON {id_column} = s.{ident(reference.staged)}
    WHERE s."__state" = 'l' ORDER BY {id_column} FOR KEY SHARE OF p"""


def orphans(plan: EntityPlan, reference: Reference) -> str:
    """Keys of the stage whose parent is neither in the target nor, for the entity's own rows, in the stage."""
    staged = f"s.{ident(reference.staged)}"
    parent, id_column = ident(*reference.parent.place), ident(reference.parent.id_column)
    columns = f'SELECT s."__key", s."__id", {staged} AS "__parent", s."__lsn"'
    named = f"{staged} IS NOT NULL"
    if reference.lookup:
        named = f"({named} OR {reference.lookup.concerned})"
    missing = f"""s."__state" = 'l' AND {named}
        AND (SELECT true FROM {parent} p WHERE p.{id_column} = {staged}) IS NULL"""
    if reference.parent.entity != plan.name:
        return _orphaned(f"{columns} FROM {plan.stage} s WHERE {missing}")
    own = f"""SELECT FROM {plan.stage} b WHERE b."__id" = {staged} AND b."__state" = 'l'"""
    first = f"{columns} FROM {plan.stage} s WHERE {missing} AND NOT EXISTS ({own})"
    if reference.missing not in (Missing.PARK, Missing.DEAD_LETTER):
        return _orphaned(first)
    # What refers to a row that waits, waits as well: in one go, for a chain may be as long as the batch.
    below = f'{columns} FROM orphans o JOIN {plan.stage} s ON {staged} = o."__id" WHERE {missing}'
    return _orphaned(f"{first} UNION {below}")


def _orphaned(rows: str) -> str:
    return f"""
    WITH RECURSIVE orphans AS ({rows})
    SELECT "__key", CAST("__parent" AS text), "__lsn" FROM orphans"""


def held_deletes(plan: EntityPlan, child: Child) -> str:
    """Keys of deletes that children hold back. A child that the stage itself takes away does not count."""
    held = [referring(plan, child)]
    if child.entity == plan.name:
        own = next((r.staged for r in plan.references if r.column == child.column), None)
        leaving = "" if own else """AND b."__state" <> 'l'"""
        held[0] += (
            f' AND NOT EXISTS (SELECT FROM {plan.stage} b WHERE b."__id" = c.{plan.id} {leaving})'
        )
        if own:
            coming = f"""b."__state" = 'l' AND b.{ident(own)} = s."__id\""""
            held.append(f"SELECT FROM {plan.stage} b WHERE {coming}")
    return f"""
    SELECT s."__key" FROM {plan.stage} s
    WHERE s."__state" <> 'l' AND (
        SELECT true FROM {plan.table} t
        WHERE t.{plan.id} = s."__id" AND EXISTS ({" UNION ALL ".join(held)}))"""
