"""The SQL about unique values of the target: who clashes, and who lets go first. Pure.

Only for unique keys all of whose columns the rules write; what other keys refuse is found out by trying.
"""

from consumers.catalog import UniqueKey
from consumers.conversion import ident
from consumers.plan import EntityPlan
from consumers.statement import LIVE, shaped

# A foreign key with another action acts on children of a row that is only deleted to come back.
_NO_ACTION = "a"


def clashes(plan: EntityPlan, key: UniqueKey) -> str:
    """Keys whose unique value another row holds after the batch, with the UUID of a holder in the target.

    Held by a row of the target that the stage does not touch, or by an older row of the stage.
    """
    names = [ident(column) for column in key.columns]
    known = " AND ".join(f"w.{name} IS NOT NULL" for name in names)
    value = ", ".join(f"w.{name}" for name in names)
    holder = _holder(plan, key, "w")
    if not key.nulls_distinct:
        # Only an equation is looked up in the index; rows with a NULL are few, since two of them clash.
        holder = f"CASE WHEN {known} THEN {holder} ELSE {_holder(plan, key, 'w', 'IS NOT DISTINCT FROM')} END"
        known = "true"
    return f"""
    WITH w AS MATERIALIZED (
        SELECT v.*, s."__epoch", s."__lsn", s."__ordinal"
        FROM {shaped(plan, LIVE)} v JOIN {plan.stage} s ON s."__key" = v."__key"),
    judged AS (
        SELECT w."__key", {holder} AS holder,
            row_number() OVER (
                PARTITION BY {value} ORDER BY w."__epoch", w."__lsn", w."__ordinal", w."__key") AS place
        FROM w WHERE {known})
    SELECT j."__key", CAST(j.holder AS text) FROM judged j
    WHERE j.place > 1
        OR (j.holder IS NOT NULL AND NOT EXISTS (SELECT FROM {plan.stage} b WHERE b."__id" = j.holder))"""


def _holder(plan: EntityPlan, key: UniqueKey, row: str, equal: str = "=") -> str:
    """The UUID of another row of the target that has the unique value of a row."""
    columns = (ident(column) for column in key.columns)
    same = " AND ".join(f"o.{column} {equal} {row}.{column}" for column in columns)
    other = f'o.{plan.id} <> {row}."__id"'
    return f"(SELECT o.{plan.id} FROM {plan.table} o WHERE {same} AND {other} LIMIT 1)"


def takeovers(plan: EntityPlan, key: UniqueKey) -> str:
    """UUIDs of target rows whose unique value another row of the stage takes, so that it must be released first.

    Only rows that the stage writes anew: one that came in from another partition since the stage was judged keeps what
    it has, and the statement that would take it fails.
    """
    return f"""
    SELECT DISTINCT CAST(holder AS text)
    FROM (SELECT {_holder(plan, key, "v")} AS holder FROM {shaped(plan, LIVE)} v) AS found
    WHERE EXISTS (SELECT FROM {plan.stage} b WHERE b."__id" = holder)"""


def release(plan: EntityPlan, key: UniqueKey) -> str | None:
    """Take a unique value away from the rows of `takeovers` (parameter $1: uuid[]).

    Where a column may be NULL, it is for a moment. Else the rows are deleted and inserted again with their new values
    in one statement: a foreign key without an action looks at the end of the statement, and finds them.

    Returns:
        None where the constraint waits by itself, or where nothing can be done: then the rows are parked.
    """
    columns = [plan.target.table.column(name) for name in key.columns]
    nullable = next((column for column in columns if column and not column.not_null), None)
    if key.deferrable:
        return None
    if nullable and key.nulls_distinct:
        return f"UPDATE {plan.table} SET {ident(nullable.name)} = NULL WHERE {plan.id} = ANY($1::uuid[])"
    if any(foreign.on_delete != _NO_ACTION for foreign in plan.target.referenced_by):
        return None
    return _replace(plan)


def _replace(plan: EntityPlan) -> str:
    written = {written.column for written in plan.written}
    kept = [column.name for column in plan.target.table.columns if not column.generated]
    values = ", ".join(f"{'v' if name in written else 'old'}.{ident(name)}" for name in kept)
    return f"""
    WITH old AS (DELETE FROM {plan.table} WHERE {plan.id} = ANY($1::uuid[]) RETURNING *),
    done AS (SELECT count(*) AS n FROM old)
    INSERT INTO {plan.table} ({", ".join(ident(name) for name in kept)}) OVERRIDING SYSTEM VALUE
    SELECT {values} FROM done, old JOIN {shaped(plan, LIVE)} v ON v."__id" = old.{plan.id} WHERE done.n >= 0"""
