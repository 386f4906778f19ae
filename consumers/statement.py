"""The SQL that stages rows, fences them, and writes the winners, from an entity's plan.

Pure; every name is quoted by `conversion.ident`. The statements that judge a stage are in judge_sql.py, those about
unique values in unique_sql.py.
"""

from consumers.conversion import bounded, ident, literal
from consumers.plan import Child, EntityPlan

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
    "__moved_to": "text",
    "__repaired": "boolean",
    "__original": "json",
    "__fault": "text",
}
# Rows of the stage that are to stand in the target.
LIVE = """s."__state" = 'l'"""


def stage_columns(plan: EntityPlan) -> dict[str, str]:
    """The columns of the staging table with their types, in COPY's order."""
    derived = {derived.name: derived.type for derived in plan.derived}
    return META | derived | {column.name: column.base for column in plan.staged}


def create_stage(plan: EntityPlan) -> str:
    """The staging table, and the table of the rows that passed the fence.

    They keep their rows: who fills them empties them first. With ON COMMIT DELETE ROWS every COMMIT would empty the
    staging tables of all entities, and their TOAST tables and indexes with them: 80 ms with 55 entities.
    """
    stage, won = plan.stage, winners(plan)
    columns = ", ".join(f"{ident(name)} {kind}" for name, kind in stage_columns(plan).items())
    own = [r.staged for r in plan.references if r.parent.entity == plan.name]
    looked_up = ["__id", *own] if own or plan.has_secondary or plan.entity.joined else []
    indexes = " ".join(f"CREATE INDEX ON {stage} ({ident(name)});" for name in looked_up)
    return f"""
    DROP TABLE IF EXISTS {stage}, {won};
    CREATE TEMPORARY TABLE {_unqualified(stage)} ({columns}); {indexes}
    CREATE TEMPORARY TABLE {_unqualified(won)} ("__key" text COLLATE "C", "__state" "char")"""


def winners(plan: EntityPlan) -> str:
    """Name of the temporary table of the rows that passed the fence, quoted."""
    return ident("pg_temp", bounded(f"winners_{plan.name}"))


def _unqualified(name: str) -> str:
    return name.partition(".")[2]


def fence(plan: EntityPlan) -> str:
    """Fence and map in one statement: the rows of the stage that are newer than what is known are returned.

    A delete leaves the last image behind, and the UUID: of a row that joins another it does not tell whose it was.
    """
    event_id = "{0}.epoch, {0}.commit_lsn, {0}.ordinal"
    known, new = event_id.format("m"), event_id.format("excluded")
    return f"""
    INSERT INTO {plan.mapping} AS m (
        generation, entity, source, legacy_key, id, state, owed, epoch, commit_lsn, ordinal, spec_version,
        partition, "offset", moved_to, repaired, original)
    SELECT
        1, {literal(plan.name)}, {plan.source}, "__key", "__id", "__state", "__owed", "__epoch", "__lsn", "__ordinal",
        {plan.spec_version}, "__partition", "__offset", "__moved_to", "__repaired", "__original"
    FROM {plan.stage}
    ON CONFLICT (legacy_key, source, generation) DO UPDATE SET
        id = CASE excluded.state WHEN 'd' THEN m.id ELSE excluded.id END, state = excluded.state,
        owed = excluded.owed, epoch = excluded.epoch, commit_lsn = excluded.commit_lsn,
        ordinal = excluded.ordinal, spec_version = excluded.spec_version,
        partition = excluded.partition, "offset" = excluded."offset", moved_to = excluded.moved_to,
        repaired = excluded.repaired,
        original = CASE excluded.state WHEN 'd' THEN m.original ELSE excluded.original END
    WHERE ({known}) < ({new}) OR (({known}) = ({new}) AND {_RETURNS})
    RETURNING legacy_key, state"""


# At an equal event id a row that was taken out comes back, and one that owes a reference is written again.
_RETURNS = "(m.state = 'p' OR m.owed IS NOT NULL)"


def drop_stale(plan: EntityPlan) -> str:
    """Take out of the stage what the fence would refuse, before rows of the stage are judged against each other."""
    known, new = "m.epoch, m.commit_lsn, m.ordinal", 's."__epoch", s."__lsn", s."__ordinal"'
    return f"""
    DELETE FROM {plan.stage} s USING {plan.mapping} m
    WHERE m.legacy_key = s."__key" AND m.source = {plan.source} AND m.generation = 1
        AND (({known}) > ({new}) OR (({known}) = ({new}) AND NOT {_RETURNS}))"""


def merge(plan: EntityPlan, *, deletes: bool) -> str:
    """Fence, map, delete and upsert in one statement, where the table has no other unique key than its UUID."""
    gone = f""",
    gone AS (
        DELETE FROM {plan.table} t USING {plan.stage} s JOIN fresh f ON f.legacy_key = s."__key"
        WHERE f.state <> 'l' AND t.{plan.id} = s."__id")"""
    return f"""
    WITH fresh AS ({fence(plan)}){gone if deletes else ""}
    INSERT INTO {plan.table} ({_columns(plan)}) OVERRIDING SYSTEM VALUE
    SELECT {_values(plan)}
    FROM {plan.stage} s
    WHERE s."__key" IN (SELECT f.legacy_key FROM fresh f WHERE f.state = 'l')
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
    return f"""
    WITH fresh AS ({fence(plan)})
    INSERT INTO {winners(plan)} SELECT legacy_key, state FROM fresh"""


def gone(plan: EntityPlan) -> str:
    """A query for the UUIDs of the rows of the stage that are not to stand in the target."""
    return f"""SELECT s."__id" FROM {plan.stage} s WHERE s."__state" <> 'l'"""


def delete_winners(plan: EntityPlan) -> str:
    """Delete what the winners delete."""
    return f"""
    DELETE FROM {plan.table} t USING {plan.stage} s JOIN {winners(plan)} f ON f."__key" = s."__key"
    WHERE f."__state" <> 'l' AND t.{plan.id} = s."__id\""""


def shaped(plan: EntityPlan, condition: str) -> str:
    """The target's columns of those rows of the stage that meet a condition, as a subquery.

    The rules see the legacy row alone in there: beside a table of the target, an unqualified column could be its own.
    """
    values = ", ".join(f"{written.value} AS {ident(written.column)}" for written in plan.written)
    return f"""(
        SELECT s."__key" AS "__key", s."__id" AS "__id", {values}
        FROM {plan.stage} s WHERE {condition})"""


def _won(plan: EntityPlan) -> str:
    live = f"""SELECT f."__key" FROM {winners(plan)} f WHERE f."__state" = 'l'"""
    return f's."__key" IN ({live})'


def update_winners(plan: EntityPlan) -> str:
    """Update the winners that the target has. An upsert would lock out the rows that refer to them."""
    changes = ", ".join(
        f"{ident(written.column)} = v.{ident(written.column)}"
        for written in plan.written
        if written.updatable
    )
    return f"""
    UPDATE {plan.table} t SET {changes or f"{plan.id} = t.{plan.id}"}
    FROM {shaped(plan, _won(plan))} v
    WHERE t.{plan.id} = v."__id\""""


def insert_winners(plan: EntityPlan) -> str:
    """Insert the winners that the target does not have."""
    columns = ", ".join(f"v.{ident(written.column)}" for written in plan.written)
    return f"""
    INSERT INTO {plan.table} ({_columns(plan)}) OVERRIDING SYSTEM VALUE
    SELECT {columns} FROM {shaped(plan, _won(plan))} v
    WHERE (SELECT true FROM {plan.table} t WHERE t.{plan.id} = v."__id") IS NULL
    ORDER BY v."__key\""""


def childless(plan: EntityPlan) -> str:
    """The condition, to be added to others, that nothing refers to a row of the target (alias t)."""
    return " ".join(f"AND NOT EXISTS ({referring(plan, child)})" for child in plan.children)


def referring(plan: EntityPlan, child: Child) -> str:
    """The rows (alias c) of one column that refer to a row of the target (alias t)."""
    referred = f"t.{ident(child.parent_column or plan.entity.id_column)}"
    return f"SELECT FROM {ident(*child.place)} c WHERE c.{ident(child.column)} = {referred}"
