"""The SQL of an entity's apply transaction, from its plan. Pure; every name is quoted by `conversion.ident`."""

from collections.abc import Sequence

from consumers.catalog import UniqueKey
from consumers.conversion import ident, literal
from consumers.plan import Child, EntityPlan, Reference

# Columns of every staging table, before the derived and the legacy ones.
META: dict[str, str] = {
    "__key": 'text COLLATE "C"',
    "__id": "uuid",
    "__state": '"char"',
    "__epoch": "int",
    "__lsn": "bigint",
    "__ordinal": "bigint",
    "__partition": "int",
    "__offset": "bigint",
    "__owed": "uuid[]",
    "__original": "json",
    "__fault": "text",
}
# Rows of the stage that are to stand in the target.
_LIVE = """s."__state" = 'l'"""


def stage_columns(plan: EntityPlan) -> dict[str, str]:
    """The columns of the staging table with their types, in COPY's order."""
    derived = {derived.name: derived.type for derived in plan.derived}
    return META | derived | {column.name: column.base for column in plan.staged}


def create_stage(plan: EntityPlan) -> str:
    """The staging table and, where rows are judged after the fence, the table of winners."""
    columns = ", ".join(f"{ident(name)} {kind}" for name, kind in stage_columns(plan).items())
    looked_up = plan.refers_to_itself or plan.has_secondary
    index = f'; CREATE INDEX ON {plan.stage} ("__id")' if looked_up else ""
    return (
        f"DROP TABLE IF EXISTS {plan.stage}, {winners(plan)};"
        f"CREATE TEMPORARY TABLE {_unqualified(plan.stage)} ({columns}) ON COMMIT DELETE ROWS;"
        f'CREATE TEMPORARY TABLE {_unqualified(winners(plan))} ("__key" text COLLATE "C", "__state" "char") ON COMMIT DELETE ROWS{index}'
    )


def winners(plan: EntityPlan) -> str:
    """Name of the temporary table of the rows that passed the fence, quoted."""
    return ident("pg_temp", f"winners_{plan.name}"[:63])


def _unqualified(name: str) -> str:
    return name.partition(".")[2]


def fence(plan: EntityPlan) -> str:
    """Fence and map in one statement: the rows of the stage that are newer than what is known are returned."""
    source = literal(str(plan.entity.source))
    return f"""
    INSERT INTO {plan.mapping} AS m
        (generation, entity, source, legacy_key, id, state, owed, epoch, commit_lsn, ordinal, spec_version, partition, "offset", original)
    SELECT 1, {literal(plan.name)}, {source}, "__key", "__id", "__state", "__owed", "__epoch", "__lsn", "__ordinal", 1,
        "__partition", "__offset", "__original"
    FROM {plan.stage}
    ORDER BY "__key"
    ON CONFLICT (legacy_key, source, generation) DO UPDATE SET
        id = excluded.id, state = excluded.state, owed = excluded.owed, epoch = excluded.epoch, commit_lsn = excluded.commit_lsn,
        ordinal = excluded.ordinal, spec_version = excluded.spec_version, partition = excluded.partition,
        "offset" = excluded."offset", original = coalesce(excluded.original, m.original)
    WHERE (m.epoch, m.commit_lsn, m.ordinal) < (excluded.epoch, excluded.commit_lsn, excluded.ordinal)
        OR ((m.epoch, m.commit_lsn, m.ordinal) = (excluded.epoch, excluded.commit_lsn, excluded.ordinal) AND (m.state = 'p' OR m.owed IS NOT NULL))
    RETURNING legacy_key, state"""


def merge(plan: EntityPlan, *, deletes: bool) -> str:
    """Fence, map, delete and upsert in one statement, where the table has no other unique key than its UUID."""
    gone = f', gone AS (DELETE FROM {plan.table} t USING {plan.stage} s JOIN fresh f ON f.legacy_key = s."__key" WHERE f.state <> \'l\' AND t.{plan.id} = s."__id")'
    return f"""
    WITH fresh AS ({fence(plan)}){gone if deletes else ""}
    INSERT INTO {plan.table} ({_columns(plan)}) OVERRIDING SYSTEM VALUE
    SELECT {_values(plan)}
    FROM {plan.stage} s WHERE s."__key" IN (SELECT f.legacy_key FROM fresh f WHERE f.state = 'l')
    {_on_conflict(plan)}"""


def _columns(plan: EntityPlan) -> str:
    return ", ".join(ident(written.column) for written in plan.written)


def _values(plan: EntityPlan) -> str:
    return ", ".join(written.value for written in plan.written)


def _on_conflict(plan: EntityPlan) -> str:
    changes = ", ".join(
        f"{ident(w.column)} = excluded.{ident(w.column)}" for w in plan.written if w.updatable
    )
    return f"ON CONFLICT ({plan.id}) DO " + (f"UPDATE SET {changes}" if changes else "NOTHING")


def win(plan: EntityPlan) -> str:
    """Fence and map, and keep the winners for the statements that follow."""
    return f"WITH fresh AS ({fence(plan)}) INSERT INTO {winners(plan)} SELECT legacy_key, state FROM fresh"


def delete_winners(plan: EntityPlan) -> str:
    """Delete what the winners delete."""
    return f"""
    DELETE FROM {plan.table} t USING {plan.stage} s JOIN {winners(plan)} f ON f."__key" = s."__key"
    WHERE f."__state" <> 'l' AND t.{plan.id} = s."__id\""""


def _shaped(plan: EntityPlan, condition: str) -> str:
    """The target's columns of those rows of the stage that meet a condition, as a subquery.

    The rules see the legacy row alone in there: beside a table of the target, an unqualified column could be its own.
    """
    values = ", ".join(f"{written.value} AS {ident(written.column)}" for written in plan.written)
    return f'(SELECT s."__key" AS "__key", s."__id" AS "__id", {values} FROM {plan.stage} s WHERE {condition})'


def _won(plan: EntityPlan) -> str:
    return f's."__key" IN (SELECT f."__key" FROM {winners(plan)} f WHERE f."__state" = \'l\')'


def update_winners(plan: EntityPlan) -> str:
    """Update the winners that the target has. An upsert would lock out the rows that refer to them."""
    changes = ", ".join(
        f"{ident(written.column)} = v.{ident(written.column)}"
        for written in plan.written
        if written.updatable
    )
    return f"""
    UPDATE {plan.table} t SET {changes or f"{plan.id} = t.{plan.id}"}
    FROM {_shaped(plan, _won(plan))} v
    WHERE t.{plan.id} = v."__id\""""


def insert_winners(plan: EntityPlan) -> str:
    """Insert the winners that the target does not have."""
    columns = ", ".join(f"v.{ident(written.column)}" for written in plan.written)
    return f"""
    INSERT INTO {plan.table} ({_columns(plan)}) OVERRIDING SYSTEM VALUE
    SELECT {columns} FROM {_shaped(plan, _won(plan))} v
    WHERE (SELECT true FROM {plan.table} t WHERE t.{plan.id} = v."__id") IS NULL
    ORDER BY v."__key\""""


def drop_stale(plan: EntityPlan) -> str:
    """Take out of the stage what the fence would refuse, before rows of the stage are judged against each other."""
    return f"""
    DELETE FROM {plan.stage} s USING {plan.mapping} m
    WHERE m.legacy_key = s."__key" AND m.source = {literal(str(plan.entity.source))} AND m.generation = 1
        AND ((m.epoch, m.commit_lsn, m.ordinal) > (s."__epoch", s."__lsn", s."__ordinal")
            OR ((m.epoch, m.commit_lsn, m.ordinal) = (s."__epoch", s."__lsn", s."__ordinal") AND m.state <> 'p' AND m.owed IS NULL))"""


def reference_keys(plan: EntityPlan, expression: str) -> str:
    """The legacy key that a reference by SQL means, for each row of the stage that has one."""
    return f"""
    SELECT "__key", ref FROM (SELECT s."__key", CAST((\n{expression}\n) AS text) AS ref FROM {plan.stage} s WHERE s."__state" = 'l') AS found
    WHERE ref IS NOT NULL"""


def set_references(plan: EntityPlan, staged: str) -> str:
    """Put UUIDs into a derived column (parameters: text[] of keys, text[] of UUIDs)."""
    return f"""
    UPDATE {plan.stage} s SET {ident(staged)} = CAST(f.id AS uuid)
    FROM unnest(%s::text[], %s::text[]) AS f (key, id) WHERE s."__key" = f.key"""


def disappointments(plan: EntityPlan) -> str | None:
    """Keys of the stage that break [expect], with the name of what they break."""
    expect = plan.entity.expect.items()
    return _broken(plan, [(f"expect.{name}", f"(\n{rule}\n) IS FALSE") for name, rule in expect])


def misfits(plan: EntityPlan) -> str | None:
    """Keys of the stage with a value that its rule or its target column refuses, with the name of the column."""
    return _broken(plan, [(f"columns.{column}", fault) for column, fault in plan.faults])


def _broken(plan: EntityPlan, conditions: Sequence[tuple[str, str]]) -> str | None:
    if not conditions:
        return None
    cases = " ".join(f"WHEN {condition} THEN {literal(name)}" for name, condition in conditions)
    return f"""
    SELECT "__key", fault FROM (SELECT s."__key", CASE {cases} END AS fault FROM {plan.stage} s WHERE "__state" = 'l') AS judged
    WHERE fault IS NOT NULL"""


def exclude(plan: EntityPlan) -> str | None:
    """Mark the rows that `where` does not take."""
    if plan.entity.where is None:
        return None
    return f"UPDATE {plan.stage} s SET \"__state\" = 'x' WHERE \"__state\" = 'l' AND (\n{plan.entity.where}\n) IS NOT TRUE"


def orphans(plan: EntityPlan, reference: Reference) -> str:
    """Keys of the stage whose parent is neither in the target nor, for the entity's own rows, in the stage.

    The parent is looked up by a scalar subquery, so that no plan ever hashes the whole parent table.
    """
    staged = f"s.{ident(reference.staged)}"
    parent, id_column = ident(*reference.parent.place), ident(reference.parent.id_column)
    own = ""
    if reference.parent.entity == plan.name:
        own = f'AND NOT EXISTS (SELECT FROM {plan.stage} b WHERE b."__id" = {staged} AND b."__state" = \'l\')'
    return f"""
    SELECT s."__key", CAST({staged} AS text), s."__lsn" FROM {plan.stage} s
    WHERE s."__state" = 'l' AND {staged} IS NOT NULL AND (SELECT true FROM {parent} p WHERE p.{id_column} = {staged}) IS NULL {own}"""


def held_deletes(plan: EntityPlan, child: Child) -> str:
    """Keys of deletes that children hold back. A child that the stage itself takes away does not count."""
    table, column = ident(*child.place), ident(child.column)
    held = f'SELECT FROM {table} c WHERE c.{column} = s."__id"'
    if child.entity == plan.name:
        own = next(ident("b", r.staged) for r in plan.references if r.column == child.column)
        held = (
            f'{held} AND NOT EXISTS (SELECT FROM {plan.stage} b WHERE b."__id" = c.{plan.id})'
            f' UNION ALL SELECT FROM {plan.stage} b WHERE b."__state" = \'l\' AND {own} = s."__id"'
        )
    return f"""
    SELECT s."__key" FROM {plan.stage} s
    WHERE s."__state" <> 'l' AND (SELECT true FROM {plan.table} t WHERE t.{plan.id} = s."__id") AND EXISTS ({held})"""


def _judged_columns(plan: EntityPlan, key: UniqueKey) -> list[str]:
    """The columns of a unique key that rules write; one that no rule writes keeps what it has and is not judged."""
    written = {written.column for written in plan.written}
    return [ident(column) for column in key.columns if column in written]


def clashes(plan: EntityPlan, key: UniqueKey) -> str:
    """Keys whose unique value another row holds after the batch, with the UUID of a holder in the target.

    Held by a row of the target that the stage does not touch, or by an older row of the stage.
    """
    names = _judged_columns(plan, key)
    equal = "=" if key.nulls_distinct else "IS NOT DISTINCT FROM"
    same = " AND ".join(f"o.{name} {equal} w.{name}" for name in names)
    known = (
        " AND ".join(f"w.{name} IS NOT NULL" for name in names) if key.nulls_distinct else "true"
    )
    return f"""
    WITH w AS MATERIALIZED (
        SELECT v.*, s."__epoch", s."__lsn", s."__ordinal"
        FROM {_shaped(plan, _LIVE)} v JOIN {plan.stage} s ON s."__key" = v."__key"),
    judged AS (
        SELECT w."__key", (SELECT o.{plan.id} FROM {plan.table} o WHERE {same} AND o.{plan.id} <> w."__id" LIMIT 1) AS holder,
            row_number() OVER (PARTITION BY {", ".join(f"w.{name}" for name in names)} ORDER BY w."__epoch", w."__lsn", w."__ordinal", w."__key") AS place
        FROM w WHERE {known})
    SELECT j."__key", CAST(j.holder AS text) FROM judged j
    WHERE j.place > 1 OR (j.holder IS NOT NULL AND NOT EXISTS (SELECT FROM {plan.stage} b WHERE b."__id" = j.holder))"""


def takeovers(plan: EntityPlan, key: UniqueKey) -> str:
    """UUIDs of target rows whose unique value another row of the stage takes, so that it must be released first."""
    same = " AND ".join(f"o.{name} = v.{name}" for name in _judged_columns(plan, key))
    return f"""
    SELECT DISTINCT CAST(holder AS text) FROM (
        SELECT (SELECT o.{plan.id} FROM {plan.table} o WHERE {same} AND o.{plan.id} <> v."__id" LIMIT 1) AS holder
        FROM {_shaped(plan, _LIVE)} v) AS found
    WHERE holder IS NOT NULL"""


def release(plan: EntityPlan, key: UniqueKey) -> str | None:
    """Take a unique value away from the rows of `takeovers` (parameter %s: uuid[]); None: the constraint waits by itself.

    Where a column may be NULL, it is for a moment. Else the rows are deleted and inserted again with their new values in one
    statement: a foreign key without an action looks at the end of the statement, and finds them.
    """
    columns = [plan.target.table.column(name) for name in key.columns]
    nullable = next((column for column in columns if column and not column.not_null), None)
    if key.deferrable:
        return None
    if nullable and key.nulls_distinct:
        return f"UPDATE {plan.table} SET {ident(nullable.name)} = NULL WHERE {plan.id} = ANY(%s)"
    shaped = _shaped(plan, _LIVE).replace("%", "%%")
    written = {written.column for written in plan.written}
    kept = [column.name for column in plan.target.table.columns if not column.generated]
    values = ", ".join(f"{'v' if name in written else 'old'}.{ident(name)}" for name in kept)
    return f"""
    WITH old AS (DELETE FROM {plan.table} WHERE {plan.id} = ANY(%s) RETURNING *),
    done AS (SELECT count(*) AS n FROM old)
    INSERT INTO {plan.table} ({", ".join(ident(name) for name in kept)}) OVERRIDING SYSTEM VALUE
    SELECT {values} FROM done, old JOIN {shaped} v ON v."__id" = old.{plan.id} WHERE done.n >= 0"""
